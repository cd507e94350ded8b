// How a file is encrypted to several readers.
//
// A fresh 16-byte file key encrypts the payload. For each reader an ephemeral X25519 key gives a secret that only that
// reader can compute as well; a key derived from it wraps the file key. Encrypting the payload once per reader would
// cost its size each time; here a reader costs 96 bytes. The header carries a MAC under the file key, so nobody without
// it can add, drop or change a stanza.
//
// The payload is cut into chunks of 64 KiB, each sealed with ChaCha20-Poly1305 under a nonce of an 11-byte counter and
// a byte that marks the last chunk (STREAM). One tag over the whole would do for memory, but readers of large files
// would either hold all of it or use bytes that are not checked yet. Counter and mark make reordered, dropped and
// appended chunks fail.
#include "crypto/age.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "crypto/hkdf.h"
#include "crypto/reasons.h"
#include "crypto/sign.h"

namespace hz::crypto {
namespace {

constexpr std::size_t tag_size = 16;
constexpr std::size_t nonce_size = 16;
constexpr std::string_view wrap_info = "age-encryption.org/v1/X25519";

// Bytes that are overwritten when they end.
template <std::size_t size>
struct Secret : std::array<std::uint8_t, size> {
  Secret() : std::array<std::uint8_t, size>{} {}
  Secret(const Secret&) = default;  // every copy wipes itself
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe(*this); }
};
using FileKey = Secret<16>;
using Nonce = std::array<std::uint8_t, 12>;

// ChaCha20-Poly1305 (RFC 8439) under one key, without additional data.
class Aead {
 public:
  // The key is HKDF of `secret`.
  Aead(ByteView secret, ByteView salt, std::string_view info) : context_(EVP_CIPHER_CTX_new()) {
    HZ_ASSERT(context_ != nullptr);
    hkdf_sha256(secret, salt, info, key_);
  }
  // out has in.size() + 16 bytes.
  void seal(const Nonce& nonce, ByteView in, std::uint8_t* out) {
    int n = 0;
    EVP_CIPHER_CTX* c = context_.get();
    HZ_ASSERT(EVP_EncryptInit_ex(c, EVP_chacha20_poly1305(), nullptr, key_.data(), nonce.data()) == 1);
    HZ_ASSERT(in.empty() || EVP_EncryptUpdate(c, out, &n, in.data(), static_cast<int>(in.size())) == 1);
    HZ_ASSERT(EVP_EncryptFinal_ex(c, out + in.size(), &n) == 1);
    HZ_ASSERT(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, tag_size, out + in.size()) == 1);
  }
  // out has in.size() - 16 bytes; in.size() >= 16. The tag is compared in constant time.
  [[nodiscard]] bool open(const Nonce& nonce, ByteView in, std::uint8_t* out) {
    int n = 0;
    EVP_CIPHER_CTX* c = context_.get();
    const ByteView text = in.first(in.size() - tag_size);
    std::array<std::uint8_t, tag_size> tag;
    std::copy(in.end() - tag_size, in.end(), tag.begin());
    HZ_ASSERT(EVP_DecryptInit_ex(c, EVP_chacha20_poly1305(), nullptr, key_.data(), nonce.data()) == 1);
    HZ_ASSERT(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1);
    HZ_ASSERT(text.empty() || EVP_DecryptUpdate(c, out, &n, text.data(), static_cast<int>(text.size())) == 1);
    std::uint8_t none;
    return EVP_DecryptFinal_ex(c, &none, &n) == 1;
  }

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }  // wipes its key schedule
  };
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
  Secret<32> key_;
};

Digest header_mac(const FileKey& file_key, const AgeHeader& header) {
  Secret<32> key;
  hkdf_sha256(file_key, {}, "header", key);
  return hmac_sha256(key, {as_bytes(header.signed_text())});
}

// What wraps the file key for one reader: `own` and `peer` are the ephemeral key and the reader's, or the reverse.
Result<Aead> wrapping(const AgeIdentity& own, const std::array<std::uint8_t, 32>& peer,
                      const std::array<std::uint8_t, 32>& share, const AgeRecipient& reader) {
  Secret<32> secret;
  if (!own.shared(peer, secret)) return fail(why("crypto.age_key"), "{} is a point of low order", hex(peer));
  Bytes salt(share.begin(), share.end());
  put(salt, reader.point);
  return Aead(secret, salt, wrap_info);
}

Result<AgeStanza> wrap(const FileKey& file_key, const AgeRecipient& recipient, Rng& rng) {
  const AgeIdentity ephemeral = AgeIdentity::generate(rng);
  AgeStanza::X25519 keys{.share = ephemeral.recipient().point, .wrapped_key = {}};
  HZ_TRY(wrapping(ephemeral, recipient.point, keys.share, recipient)).seal({}, file_key, keys.wrapped_key.data());
  return AgeStanza::of(keys);
}

Nonce chunk_nonce(std::uint64_t counter, bool last) {
  Nonce out{};
  for (std::size_t i = 0; i < 8; ++i) out[10 - i] = static_cast<std::uint8_t>(counter >> (8 * i));
  out[11] = last;
  return out;
}

// The number of chunks; an empty plaintext has one.
std::size_t chunks(std::size_t plaintext_size) {
  return plaintext_size == 0 ? 1 : (plaintext_size + age_chunk_size - 1) / age_chunk_size;
}

// The file key of the first stanza that this identity opens.
Result<void> unwrap(const AgeIdentity& identity, const AgeHeader& header, FileKey& out) {
  for (const AgeStanza& stanza : header.stanzas) {
    const auto keys = HZ_TRY(stanza.x25519());
    if (!keys) continue;
    auto aead = wrapping(identity, keys->share, keys->share, identity.recipient());
    if (!aead) return fail(why("crypto.age_syntax"), "{}", aead.error().detail);
    if (aead->open({}, keys->wrapped_key, out.data())) return {};
  }
  return fail(why("crypto.age_not_for_us"), "none of {} stanzas opens with the key of {}", header.stanzas.size(),
              identity.recipient().text());
}

}  // namespace

Result<Bytes> age_encrypt(std::span<const AgeRecipient> recipients, ByteView plaintext, Rng& rng) {
  if (recipients.empty() || recipients.size() > age_recipients_max)
    return fail(why("crypto.age_key"), "{} recipients, 1 to {} are possible", recipients.size(), age_recipients_max);
  FileKey file_key;
  rng.fill(file_key);
  AgeHeader header;
  for (const AgeRecipient& recipient : recipients) header.stanzas.push_back(HZ_TRY(wrap(file_key, recipient, rng)));
  header.mac = header_mac(file_key, header);
  const std::string head = header.text();
  Bytes out;
  out.reserve(age_size(recipients.size(), plaintext.size()));
  put(out, as_bytes(head));
  std::array<std::uint8_t, nonce_size> nonce;
  rng.fill(nonce);
  put(out, nonce);
  Aead aead(file_key, nonce, "payload");
  const std::size_t count = chunks(plaintext.size());
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView chunk =
        plaintext.first(std::min(plaintext.size(), (i + 1) * age_chunk_size)).subspan(i * age_chunk_size);
    const std::size_t at = out.size();
    out.resize(at + chunk.size() + tag_size);
    aead.seal(chunk_nonce(i, i + 1 == count), chunk, out.data() + at);
  }
  return out;
}

std::size_t age_size(std::size_t recipients, std::size_t plaintext_size) {
  AgeHeader header;
  header.stanzas.assign(recipients, AgeStanza::of({}));
  return header.text().size() + nonce_size + plaintext_size + chunks(plaintext_size) * tag_size;
}

Result<Bytes> age_decrypt(const AgeIdentity& identity, ByteView file, std::size_t size_max) {
  const ParsedAgeHeader parsed = HZ_TRY(parse_age_header(file));
  FileKey file_key;
  HZ_TRY(unwrap(identity, parsed.header, file_key));
  const auto corrupt = [](std::string_view what) { return fail(why("crypto.age_corrupt"), "{}", what); };
  if (!equal_constant_time(header_mac(file_key, parsed.header), parsed.header.mac))
    return corrupt("the header's MAC does not fit");
  ByteView payload = file.subspan(parsed.size);
  if (payload.size() < nonce_size + tag_size) return corrupt("the payload is cut off");
  Aead aead(file_key, payload.first(nonce_size), "payload");
  payload = payload.subspan(nonce_size);
  constexpr std::size_t sealed_size = age_chunk_size + tag_size;
  const std::size_t count = (payload.size() + sealed_size - 1) / sealed_size;
  const std::size_t last_size = payload.size() - (count - 1) * sealed_size;
  // A last chunk without text is right only for an empty plaintext; else one plaintext would have two forms.
  if (last_size < tag_size || (last_size == tag_size && count > 1)) return corrupt("the last chunk is cut off");
  const std::size_t size = payload.size() - count * tag_size;
  if (size > size_max) return fail(hz::why("base.too_large"), "{} bytes of plaintext, limit {}", size, size_max);
  Bytes out(size);
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView chunk = payload.subspan(i * sealed_size, i + 1 == count ? last_size : sealed_size);
    if (!aead.open(chunk_nonce(i, i + 1 == count), chunk, out.data() + i * age_chunk_size)) {
      wipe(out);
      return corrupt(fmt::format("chunk {} of {} does not fit its tag", i + 1, count));
    }
  }
  return out;
}

}  // namespace hz::crypto
