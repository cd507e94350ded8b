// This node's TLS identity, and what both ends of a connection insist on.
//
// A node has one P-256 key and a certificate it signed itself. Peers do not ask an authority who it is: they compare
// the SHA-256 of the key's SubjectPublicKeyInfo, its pin, with the one they were told. The pin survives a new
// certificate, so certificates are renewed without asking anybody. TLS 1.2 and 1.3 only, forward-secret AEAD ciphers,
// ALPN http/1.1.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/fs.h"
#include "base/seams.h"

struct ssl_ctx_st;

namespace hz::net {

// Two PEM files.
struct Identity {
  fs::path certificate;
  fs::path key;  // mode 0600
};

// The identity in `folder` (cert.pem, key.pem), made when it is missing; a certificate that ends within 30 days is
// renewed with the same key. `names` are host names and addresses, localhost is always among them.
// Errors: net.tls_files, base.write.
Result<Identity> ensure_identity(const fs::path& folder, std::span<const std::string> names, Clock& clock);

// SHA-256 of the SubjectPublicKeyInfo of the certificate. Errors: net.tls_files.
Result<Digest> pin_of(const Identity& identity);
// "sha256//<base64>", the form that `curl --pinnedpubkey` takes.
std::string pin_text(const Digest& pin);
// Errors: base.text_form.
Result<Digest> parse_pin(std::string_view text);

using TlsContext = std::shared_ptr<ssl_ctx_st>;
// Errors: net.tls_files.
Result<TlsContext> server_context(const Identity& identity);
// With a pin, exactly that key is accepted, whatever the certificate says about names and dates. Without one, the
// system's authorities, or those in `ca_file`, decide. Errors: net.tls.
Result<TlsContext> client_context(const std::optional<Digest>& pin, const fs::path& ca_file);

// A server's context that follows its files: a changed certificate is used from the next connection on. Files that
// cannot be used leave the old ones in force. For one thread.
class FollowedIdentity {
 public:
  // Errors: net.tls_files.
  static Result<FollowedIdentity> open(Identity identity);
  TlsContext current();
  int reloads() const { return reloads_; }

 private:
  FollowedIdentity(Identity identity, TlsContext context, std::string stamp)
      : identity_(std::move(identity)), context_(std::move(context)), stamp_(std::move(stamp)) {}
  Identity identity_;
  TlsContext context_;
  std::string stamp_;  // what stat said of both files
  int reloads_ = 0;
};

}  // namespace hz::net
