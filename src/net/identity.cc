#include "net/identity.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "crypto/hash.h"
#include "net/openssl_text.h"
#include "net/reasons.h"

namespace hz::net {
namespace {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* p) const {
    release(p);
  }
};
template <class T, auto release>
using Owned = std::unique_ptr<T, Release<release>>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;
using Memory = Owned<BIO, BIO_free>;

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t validity_ms = 390 * day_ms;  // browsers refuse server certificates of more than 398 days
constexpr std::int64_t renew_before_ms = 30 * day_ms;
constexpr std::size_t pem_size_max = 64u << 10;

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<Key> read_key(const fs::path& path) {
  const std::string pem = HZ_TRY(read_text(path, pem_size_max));
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // A key with a passphrase is refused instead of asking at the terminal.
  Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr));
  if (!key) return fail(why("net.tls_files"), "{}: {}", path.string(), openssl_text());
  return key;
}

Result<Certificate> read_certificate(const fs::path& path) {
  const std::string pem = HZ_TRY(read_text(path, pem_size_max));
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Certificate certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
  if (!certificate) return fail(why("net.tls_files"), "{}: {}", path.string(), openssl_text());
  return certificate;
}

Result<void> write_key(const fs::path& path, EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return fail(why("net.tls_files"), "{}: {}", path.string(), openssl_text());
  return write_file_durably(path, as_bytes(text_of(memory.get())), 0600);
}

bool is_address(std::string_view name) {
  return name.find(':') != std::string_view::npos || name.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> made(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return made && X509_add_ext(certificate, made.get(), -1) == 1;
}

Result<void> write_certificate(const fs::path& path, EVP_PKEY* key, std::span<const std::string> names,
                               std::int64_t now_ms) {
  std::string alternatives = "DNS:localhost,IP:127.0.0.1,IP:::1";
  for (const std::string& name : names) {
    const bool plain =
        !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_") ==
                             std::string::npos;
    if (!plain) return fail(why("net.tls_files"), "\"{}\" is neither a host name nor an address", name);
    alternatives += (is_address(name) ? ",IP:" : ",DNS:") + name;
  }
  const Certificate certificate(X509_new());
  std::uint8_t serial[16];
  if (RAND_bytes(serial, sizeof serial) != 1) return fail(why("net.tls_files"), "{}", openssl_text());
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);  // positive, always 16 bytes
  const Owned<BIGNUM, BN_free> number(BN_bin2bn(serial, sizeof serial, nullptr));
  X509* c = certificate.get();
  X509_NAME* subject = X509_get_subject_name(c);
  const auto* common = reinterpret_cast<const unsigned char*>("hezong node");
  const bool done =
      X509_set_version(c, X509_VERSION_3) == 1 &&
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(c)) != nullptr &&
      // An hour back, for peers whose clocks are behind.
      ASN1_TIME_set(X509_getm_notBefore(c), now_ms / 1000 - 3600) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(c), (now_ms + validity_ms) / 1000) != nullptr && X509_set_pubkey(c, key) == 1 &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common, -1, -1, 0) == 1 &&
      X509_set_issuer_name(c, subject) == 1 && add_extension(c, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(c, NID_key_usage, "critical,digitalSignature") &&
      add_extension(c, NID_ext_key_usage, "serverAuth,clientAuth") &&
      add_extension(c, NID_subject_alt_name, alternatives) && X509_sign(c, key, EVP_sha256()) > 0;
  if (!done) return fail(why("net.tls_files"), "{}: {}", path.string(), openssl_text());
  const Memory memory(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(memory.get(), c) != 1) return fail(why("net.tls_files"), "{}", openssl_text());
  return write_file_durably(path, as_bytes(text_of(memory.get())), 0644);
}

bool still_good(const X509* certificate, const EVP_PKEY* key, std::int64_t now_ms) {
  std::time_t limit = (now_ms + renew_before_ms) / 1000;
  return X509_check_private_key(certificate, key) == 1 && X509_cmp_time(X509_get0_notAfter(certificate), &limit) > 0;
}

}  // namespace

Digest spki_digest(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  HZ_ASSERT(size > 0);
  const Digest out = crypto::sha256(ByteView(der, static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return out;
}

Result<Identity> ensure_identity(const fs::path& folder, std::span<const std::string> names, Clock& clock) {
  const Identity out{folder / "cert.pem", folder / "key.pem"};
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored) && ::mkdir(folder.c_str(), 0700) != 0)
    return fail(hz::why("base.write"), "{}: the folder cannot be made", folder.string());
  Key key;
  if (fs::exists(out.key, ignored)) {
    key = HZ_TRY(read_key(out.key));
  } else {
    key.reset(EVP_EC_gen("P-256"));
    if (!key) return fail(why("net.tls_files"), "{}", openssl_text());
    HZ_TRY(write_key(out.key, key.get()));
  }
  const std::int64_t now_ms = clock.now_ms();
  if (fs::exists(out.certificate, ignored)) {
    const Certificate there = HZ_TRY(read_certificate(out.certificate));
    if (still_good(there.get(), key.get(), now_ms)) return out;
  }
  HZ_TRY(write_certificate(out.certificate, key.get(), names, now_ms));
  return out;
}

Result<Digest> pin_of(const Identity& identity) {
  return spki_digest(HZ_TRY(read_certificate(identity.certificate)).get());
}

std::string pin_text(const Digest& pin) { return "sha256//" + base64(pin); }

Result<Digest> parse_pin(std::string_view text) {
  const auto refuse = [&] {
    return fail(hz::why("base.text_form"), "\"{}\" is not sha256//BASE64", text.substr(0, 80));
  };
  if (!text.starts_with("sha256//")) return refuse();
  const auto bytes = parse_base64(text.substr(8));
  Digest out;
  if (!bytes || bytes->size() != out.size()) return refuse();
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

}  // namespace hz::net
