#include "net/tls.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include "net/openssl_text.h"
#include "net/reasons.h"

namespace hz::net {
namespace {

// What both directions insist on.
void set_floor(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

constexpr unsigned char alpn_http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                    void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, alpn_http11, sizeof alpn_http11, in, in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// The peer's key is the pinned one. The handshake proves that the peer holds it.
int check_pin(X509_STORE_CTX* store, void* pin) {
  const X509* leaf = X509_STORE_CTX_get0_cert(store);
  if (leaf && spki_digest(leaf) == *static_cast<const Digest*>(pin)) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

std::string stamp_of(const Identity& identity) {
  std::string out;
  for (const fs::path& path : {identity.certificate, identity.key}) {
    struct stat s{};
    if (::stat(path.c_str(), &s) != 0) return "";
    out += fmt::format("{}:{}:{}.{};", s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  }
  return out;
}

}  // namespace

Result<TlsContext> server_context(const Identity& identity) {
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  HZ_ASSERT(context);
  set_floor(context.get());
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  const bool loaded = SSL_CTX_use_certificate_chain_file(context.get(), identity.certificate.c_str()) == 1 &&
                      SSL_CTX_use_PrivateKey_file(context.get(), identity.key.c_str(), SSL_FILETYPE_PEM) == 1 &&
                      SSL_CTX_check_private_key(context.get()) == 1;
  if (!loaded) return fail(why("net.tls_files"), "{}: {}", identity.certificate.string(), openssl_text());
  return context;
}

Result<TlsContext> client_context(const std::optional<Digest>& pin, const fs::path& ca_file) {
  const auto kept = std::make_shared<Digest>(pin.value_or(Digest{}));
  TlsContext context(SSL_CTX_new(TLS_client_method()), [kept](SSL_CTX* c) { SSL_CTX_free(c); });
  HZ_ASSERT(context);
  set_floor(context.get());
  SSL_CTX_set_alpn_protos(context.get(), alpn_http11, sizeof alpn_http11);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (pin) {
    SSL_CTX_set_cert_verify_callback(context.get(), check_pin, kept.get());
  } else {
    const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                       : SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr);
    if (loaded != 1) return fail(why("net.tls"), "authorities cannot be read: {}", openssl_text());
  }
  return context;
}

Result<FollowedIdentity> FollowedIdentity::open(Identity identity) {
  std::string stamp = stamp_of(identity);
  auto context = HZ_TRY(server_context(identity));
  return FollowedIdentity(std::move(identity), std::move(context), std::move(stamp));
}

TlsContext FollowedIdentity::current() {
  std::string stamp = stamp_of(identity_);
  if (stamp == stamp_ || stamp.empty()) return context_;
  // Between the two files of a change the pair does not fit; the second file's own change brings us here again.
  stamp_ = std::move(stamp);
  if (auto fresh = server_context(identity_)) {
    context_ = *std::move(fresh);
    ++reloads_;
  }
  return context_;
}

}  // namespace hz::net
