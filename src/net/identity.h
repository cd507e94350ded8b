// This node's TLS identity: one P-256 key and a certificate that it signed itself.
//
// Peers do not ask an authority who a node is: they compare the SHA-256 of the key's SubjectPublicKeyInfo, its pin,
// with the one they were told. The pin survives a new certificate, so certificates are renewed without asking anybody.
#pragma once
#include <span>
#include <string>

#include "base/fs.h"
#include "base/seams.h"

struct x509_st;

namespace hz::net {

// Two PEM files.
struct Identity {
  fs::path certificate;
  fs::path key;  // mode 0600
};

// The identity in `folder` (cert.pem, key.pem), made when it is missing; a certificate that ends within 30 days is
// renewed with the same key. `names` are host names and addresses, localhost is always among them. Errors:
// net.tls_files, base.write.
Result<Identity> ensure_identity(const fs::path& folder, std::span<const std::string> names, Clock& clock);

// SHA-256 of the SubjectPublicKeyInfo of the certificate. Errors: net.tls_files.
Result<Digest> pin_of(const Identity& identity);
// "sha256//<base64>", the form that `curl --pinnedpubkey` takes.
std::string pin_text(const Digest& pin);
// Errors: base.text_form.
Result<Digest> parse_pin(std::string_view text);

// SHA-256 of the SubjectPublicKeyInfo of an open certificate.
Digest spki_digest(const x509_st* certificate);

}  // namespace hz::net
