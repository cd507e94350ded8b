// The plaintext of a blob is salt, canonical body, zero bytes up to the size class. The end of the body needs no mark:
// canonical JSON has no zero byte. Without the padding the size of a blob would give away which of a few likely bodies
// it holds.
#include "statement/sealed.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "statement/canonical.h"
#include "statement/reasons.h"

namespace hz::statement {
namespace {

int bucket_of(std::size_t size) {
  int bucket = 0;
  while (bucket_size(bucket) < size) ++bucket;
  return bucket;
}

std::unexpected<Error> refuse(std::string_view what) { return fail(why("statement.sealed"), "{}", what); }

Result<OpenedBody> read_plain(const Seal& seal, ByteView plain) {
  if (plain.size() != bucket_size(seal.bucket)) return refuse("the size class is another");
  OpenedBody out;
  std::copy_n(plain.begin(), out.salt.size(), out.salt.begin());
  std::string_view text = as_text(plain.subspan(out.salt.size()));
  const auto end = text.find_last_not_of('\0');
  text = text.substr(0, end == std::string_view::npos ? 0 : end + 1);
  if (bucket_of(out.salt.size() + text.size()) != seal.bucket)
    return refuse("the body belongs to a smaller size class");
  out.body = HZ_TRY(parse_canonical(text));
  if (!out.body.object()) return refuse("the body should be an object");
  if (hex(HZ_TRY(commitment(seal.type, out.salt, out.body))) != seal.commit)
    return refuse("salt and body do not fit the commitment");
  return out;
}

}  // namespace

Digest body_commitment(const Salt& salt, std::string_view body) {
  constexpr std::array<std::uint8_t, 1> zero{};
  return crypto::sha256({as_bytes("hezong/body/v1"), zero, salt, as_bytes(body)});
}

Result<Digest> commitment(Commitment type, const Salt& salt, const json::Value& body) {
  if (type == Commitment::fields) return HZ_TRY(FieldTree::of(body, salt)).root();
  return body_commitment(salt, HZ_TRY(canonical(body)));
}

Result<SealedBody> seal_body(const json::Value& body, std::span<const crypto::AgeRecipient> readers, Rng& rng) {
  const std::string text = HZ_TRY(canonical(body));
  if (text.size() > sealed_body_max)
    return fail(why("statement.too_large"), "a body of {} bytes, at most {} can be sealed", text.size(),
                sealed_body_max);
  Salt salt;
  rng.fill(salt);
  SealedBody out;
  out.seal.type = fields_of(body).size() > tree_fields_max ? Commitment::body : Commitment::fields;
  out.seal.commit = hex(HZ_TRY(commitment(out.seal.type, salt, body)));
  out.seal.bucket = bucket_of(salt.size() + text.size());
  Bytes plain(salt.begin(), salt.end());
  plain.reserve(bucket_size(out.seal.bucket));
  put(plain, as_bytes(text));
  plain.resize(bucket_size(out.seal.bucket));
  auto blob = crypto::age_encrypt(readers, plain, rng);
  crypto::wipe(plain);
  crypto::wipe(salt);
  out.blob = HZ_TRY(std::move(blob));
  out.seal.blobs = {hex(crypto::sha256(out.blob))};
  return out;
}

Result<OpenedBody> open_body(const Seal& seal, ByteView blob, const crypto::AgeIdentity& identity) {
  Bytes plain = HZ_TRY(crypto::age_decrypt(identity, blob, bucket_size(seal.bucket)));
  auto out = read_plain(seal, plain);
  crypto::wipe(plain);
  return out;
}

}  // namespace hz::statement
