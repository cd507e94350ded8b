// What both ends of a TLS connection insist on: TLS 1.2 and 1.3 only, forward-secret AEAD ciphers, ALPN http/1.1.
#pragma once
#include <memory>
#include <optional>

#include "net/identity.h"

struct ssl_ctx_st;

namespace hz::net {

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
