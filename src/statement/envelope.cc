#include "statement/envelope.h"

#include "base/json.h"
#include "statement/pae.h"
#include "statement/reasons.h"

namespace hz::statement {

Result<std::string> envelope(const LeafView& leaf) {
  json::Array signatures;
  for (const SignatureView& s : leaf.signatures()) {
    if (s.algorithm != Algorithm::ed25519) continue;
    json::Value item;
    item.set("keyid", hex(s.key_id)).set("sig", base64(s.bytes));
    signatures.push_back(std::move(item));
  }
  if (signatures.empty()) return fail(why("statement.envelope"), "the leaf has no Ed25519 signature");
  json::Value out;
  out.set("payload", base64(as_bytes(leaf.payload))).set("payloadType", payload_type);
  out.set("signatures", std::move(signatures));
  return json::dump(out);
}

Result<Bytes> leaf_of_envelope(std::string_view text) {
  const auto refuse = [](std::string_view what) { return fail(why("statement.envelope"), "{}", what); };
  const json::Value root = HZ_TRY(json::parse(text, {.size_bytes_max = 2 * leaf_size_max, .depth_max = 4}));
  if (root.text("payloadType") != payload_type) return refuse("payloadType is not application/vnd.in-toto+json");
  const Bytes payload = HZ_TRY(parse_base64(root.text("payload")));
  const json::Value* list = root.find("signatures");
  if (!list || !list->array() || list->array()->empty() || list->array()->size() > signatures_max)
    return refuse("signatures should list one to four");
  std::array<Bytes, signatures_max> bytes;
  std::array<SignatureView, signatures_max> views;
  const std::size_t count = list->array()->size();
  for (std::size_t i = 0; i < count; ++i) {
    const json::Value& item = (*list->array())[i];
    bytes[i] = HZ_TRY(parse_base64(item.text("sig")));
    views[i] = {Algorithm::ed25519, HZ_TRY(parse_digest(item.text("keyid"))), bytes[i]};
  }
  Bytes leaf = HZ_TRY(encode_leaf(std::span(views).first(count), as_text(payload)));
  const LeafView back = HZ_TRY(decode_leaf(leaf));
  if (HZ_TRY(envelope(back)) != text) return refuse("the text is not the one envelope of its leaf");
  return leaf;
}

}  // namespace hz::statement
