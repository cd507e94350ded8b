#include "statement/sign.h"

#include "crypto/hash.h"
#include "statement/canonical.h"
#include "statement/reasons.h"

namespace hz::statement {

Digest key_id(std::string_view name, const crypto::VerifyingKey& key) {
  constexpr std::string_view ed25519 = "\n\x01";
  return crypto::sha256({as_bytes(name), as_bytes(ed25519), key.bytes()});
}

Result<Signed> sign(std::string_view payload, std::span<const NamedSigner* const> keys) {
  HZ_TRY(check_canonical(payload));
  if (keys.size() > signatures_max) return fail(why("statement.leaf"), "{} signing keys, at most 4", keys.size());
  const std::string message = pae(payload_type, payload);
  std::array<crypto::Signature, signatures_max> signatures;
  std::array<SignatureView, signatures_max> views;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    signatures[i] = keys[i]->key.sign(as_bytes(message));
    views[i] = {Algorithm::ed25519, keys[i]->id, signatures[i]};
  }
  Bytes leaf = HZ_TRY(encode_leaf(std::span(views).first(keys.size()), payload));
  return Signed{crypto::sha256(as_bytes(message)), std::move(leaf)};
}

Result<void> verify(const LeafView& leaf, const NamedKey& key) {
  for (const SignatureView& s : leaf.signatures()) {
    if (s.algorithm != Algorithm::ed25519 || s.key_id != key.id) continue;
    if (key.key.verify(as_bytes(pae(payload_type, leaf.payload)), s.bytes)) return {};
    return fail(why("statement.signature"), "key {} ({})", key.name, hex(key.id));
  }
  std::string found;
  for (const SignatureView& s : leaf.signatures()) found += fmt::format(" {}", hex(s.key_id));
  return fail(why("statement.no_signature"), "key {} ({}); signed by{}", key.name, hex(key.id), found);
}

Result<Statement> read_leaf(ByteView leaf, std::string_view origin, std::uint64_t index) {
  const LeafView frame = HZ_TRY(decode_leaf(leaf));
  Statement out = HZ_TRY(parse_payload(frame.payload));
  if (out.origin != origin)
    return fail(why("statement.wrong_log"), "statement {} at {}[{}] names {}", out.id_text(), origin, index,
                out.origin);
  out.index = index;
  return out;
}

}  // namespace hz::statement
