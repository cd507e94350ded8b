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

Result<std::vector<Bytes>> wrap_body(const OpenedBody& opened, std::span<const crypto::AgeRecipient> readers,
                                     Rng& rng) {
  const std::string text = HZ_TRY(canonical(opened.body));
  if (text.size() > sealed_body_max)
    return fail(why("statement.too_large"), "a body of {} bytes, at most {} can be sealed", text.size(),
                sealed_body_max);
  if (readers.size() > sealed_readers_max)
    return fail(why("statement.too_large"), "{} readers, at most {}", readers.size(), sealed_readers_max);
  Bytes plain(opened.salt.begin(), opened.salt.end());
  const std::size_t size = bucket_size(bucket_of(opened.salt.size() + text.size()));
  plain.reserve(size);
  put(plain, as_bytes(text));
  plain.resize(size);
  std::vector<Bytes> out;
  Result<void> done;
  do {
    const auto some = readers.first(std::min(readers.size(), crypto::age_recipients_max));
    readers = readers.subspan(some.size());
    auto blob = crypto::age_encrypt(some, plain, rng);
    if (blob)
      out.push_back(*std::move(blob));
    else
      done = std::unexpected(std::move(blob).error());
  } while (done && !readers.empty());
  crypto::wipe(plain);
  HZ_TRY(std::move(done));
  return out;
}

Result<SealedBody> seal_body(const json::Value& body, std::span<const crypto::AgeRecipient> readers, Rng& rng) {
  OpenedBody opened{body, {}};
  rng.fill(opened.salt);
  auto blobs = wrap_body(opened, readers, rng);
  SealedBody out;
  out.seal.type = fields_of(body).size() > tree_fields_max ? Commitment::body : Commitment::fields;
  const auto commit = commitment(out.seal.type, opened.salt, body);
  crypto::wipe(opened.salt);
  out.blobs = HZ_TRY(std::move(blobs));
  out.seal.commit = hex(HZ_TRY(commit));
  out.seal.bucket = bucket_of(opened.salt.size() + HZ_TRY(canonical(body)).size());
  for (const Bytes& blob : out.blobs) out.seal.blobs.push_back(hex(crypto::sha256(blob)));
  return out;
}

Result<OpenedBody> open_body(const Seal& seal, ByteView blob, const crypto::AgeIdentity& identity) {
  Bytes plain = HZ_TRY(crypto::age_decrypt(identity, blob, bucket_size(seal.bucket)));
  auto out = read_plain(seal, plain);
  crypto::wipe(plain);
  return out;
}

Result<std::string> format_opening(const OpenedBody& opened) {
  json::Value out;
  out.set("body", opened.body).set("salt", hex(opened.salt));
  return canonical(out);
}

Result<json::Value> read_opening(const Seal& seal, std::string_view text) {
  json::Value value = HZ_TRY(parse_canonical(text));
  const json::Value* body = value.find("body");
  const auto bytes = parse_hex(value.text("salt"));
  Salt salt{};
  if (!body || !bytes || bytes->size() != salt.size() || !value.object() || value.object()->size() != 2)
    return fail(why("statement.sealed"), "an opening has a body and a salt of 32 bytes, and nothing else");
  std::copy(bytes->begin(), bytes->end(), salt.begin());
  if (hex(HZ_TRY(commitment(seal.type, salt, *body))) != seal.commit)
    return fail(why("statement.sealed"), "this is not the body that was committed to");
  return *body;
}

}  // namespace hz::statement
