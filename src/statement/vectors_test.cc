// spec/vectors/{canonical_json,leaf,statement_id}.json: written by an implementation of its own, in Python.
#include <doctest/doctest.h>

#include "base/fs.h"
#include "crypto/hash.h"
#include "statement/canonical.h"
#include "statement/envelope.h"
#include "statement/sign.h"

using namespace hz;
using namespace hz::statement;

namespace {

json::Value vectors(std::string_view name) {
  return json::parse(read_text(fs::path(HZ_SOURCE_DIR) / "spec/vectors" / name, 1 << 20).value()).value();
}
const json::Array& list(const json::Value& value, std::string_view key) { return *value.find(key)->array(); }
std::int64_t number(const json::Value& value, std::string_view key) { return *value.find(key)->integer(); }
bool flag(const json::Value& value, std::string_view key) { return *value.find(key)->boolean(); }

NamedSigner signer(const json::Value& key) {
  const Bytes seed_bytes = parse_hex(key.text("seed")).value();
  crypto::Seed seed;
  std::copy(seed_bytes.begin(), seed_bytes.end(), seed.begin());
  return {std::string(key.text("name")), crypto::SigningKey::from_seed(seed)};
}

}  // namespace

TEST_CASE("vectors: canonical texts are accepted, all others refused, and the writer writes them") {
  const json::Value file = vectors("canonical_json.json");
  int accepted = 0, refused = 0;
  for (const json::Value& v : list(file, "texts")) {
    const Bytes raw = parse_hex(v.text("hex")).value();
    const std::string text(v.find("hex") ? as_text(raw) : v.text("text"));
    CAPTURE(text);
    CHECK(check_canonical(text).has_value() == flag(v, "ok"));
    const auto parsed = parse_canonical(text);
    CHECK(parsed.has_value() == flag(v, "ok"));
    if (parsed) CHECK(canonical(*parsed).value() == text);
    ++(flag(v, "ok") ? accepted : refused);
  }
  CHECK(accepted > 50);
  CHECK(refused > 100);
  for (const json::Value& v : list(file, "writes")) {
    CAPTURE(v.text("json"));
    const auto value = json::parse(v.text("json"));
    REQUIRE(value);
    const auto text = canonical(*value);
    CHECK(text.has_value() == !v.find("canonical")->is_null());
    if (text) CHECK(*text == v.text("canonical"));
  }
}

TEST_CASE("vectors: signing gives the leaf byte for byte, and frames are accepted exactly as the vectors say") {
  const json::Value file = vectors("leaf.json");
  const NamedSigner author = signer(list(file, "keys")[0]), root = signer(list(file, "keys")[1]);
  CHECK(hex(author.id) == list(file, "keys")[0].text("key_id"));
  CHECK(hex(root.key.verifying_key().bytes()) == list(file, "keys")[1].text("public"));
  const NamedSigner* both[] = {&root, &author};
  CHECK(hex(sign(file.text("payload"), both).value().leaf) == file.text("signed_by_both"));
  CHECK(hex(sign(file.text("payload"), std::span(both).last(1)).value().leaf) == file.text("signed_by_first"));
  const Bytes of_both = parse_hex(file.text("signed_by_both")).value();
  CHECK(envelope(decode_leaf(of_both).value()).value() == file.text("envelope_of_both"));
  CHECK(leaf_of_envelope(file.text("envelope_of_both")).value() == of_both);
  for (const json::Value& v : list(file, "leaves")) {
    CAPTURE(v.text("comment"));
    Bytes bytes = parse_hex(v.text("hex")).value();
    bytes.insert(bytes.end(), static_cast<std::size_t>(number(v, "x")), 'x');
    REQUIRE(hex(crypto::sha256(bytes)) == v.text("sha256"));
    const auto leaf = decode_leaf(bytes);
    REQUIRE(leaf.has_value() == flag(v, "ok"));
    if (!leaf) continue;
    CHECK(encode_leaf(leaf->signatures(), leaf->payload).value() == bytes);
    CHECK(static_cast<std::int64_t>(leaf->payload.size()) == number(v, "payload_size"));
    const json::Array& signatures = list(v, "signatures");
    REQUIRE(leaf->signatures().size() == signatures.size());
    for (std::size_t i = 0; i < signatures.size(); ++i) {
      CHECK(static_cast<std::int64_t>(leaf->signatures()[i].algorithm) == number(signatures[i], "algorithm"));
      CHECK(hex(leaf->signatures()[i].key_id) == signatures[i].text("key_id"));
      CHECK(static_cast<std::int64_t>(leaf->signatures()[i].bytes.size()) == number(signatures[i], "size"));
    }
  }
}

TEST_CASE("vectors: payloads are built byte for byte and have their id; contradicting ones are refused") {
  const json::Value file = vectors("statement_id.json");
  for (const json::Value& v : list(file, "accepted")) {
    const json::Value& c = *v.find("content");
    std::vector<std::string> audience;
    std::vector<Ref> refs;
    std::vector<Subject> subjects;
    if (c.find("audience"))
      for (const json::Value& item : list(c, "audience")) audience.push_back(*item.string());
    if (c.find("refs")) refs = from_json<std::vector<Ref>>(*c.find("refs")).value();
    if (c.find("subjects")) subjects = from_json<std::vector<Subject>>(*c.find("subjects")).value();
    Idem idem;
    const Bytes idem_bytes = parse_hex(c.text("idem")).value();
    std::copy(idem_bytes.begin(), idem_bytes.end(), idem.begin());
    const auto payload = build_payload({.kind = c.text("kind"),
                                        .issuer = c.text("issuer"),
                                        .log = c.text("log"),
                                        .role = c.text("role"),
                                        .issued_ms = number(c, "issued_ms"),
                                        .idem = idem,
                                        .audience = audience,
                                        .refs = refs,
                                        .subjects = subjects,
                                        .body = c.find("body")});
    REQUIRE(payload);
    CHECK(*payload == v.text("payload"));
    const Statement s = parse_payload(v.text("payload")).value();
    CHECK(s.id_text() == v.text("id"));
    CHECK(s.kind == c.text("kind"));
    CHECK(s.idem == idem);
    CHECK(canonical(s.body).value() == canonical(*c.find("body")).value());
    CHECK(s.refs.size() == refs.size());
    CHECK(s.audience.size() == std::max<std::size_t>(1, audience.size()));
  }
  for (const json::Value& v : list(file, "refused")) {
    CAPTURE(v.text("comment"));
    REQUIRE(check_canonical(v.text("payload")));
    const auto parsed = parse_payload(v.text("payload"));
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().reason->slug == "statement.header");
  }
}
