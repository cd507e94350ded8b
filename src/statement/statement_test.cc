#include "statement/statement.h"

#include <doctest/doctest.h>

#include "crypto/hash.h"
#include "statement/canonical.h"
#include "statement/envelope.h"
#include "statement/leaf.h"
#include "statement/sign.h"

using namespace hz;
using namespace hz::statement;

namespace {

NamedSigner signer(std::uint64_t seed, std::string name = "hezong.example/acme/author") {
  SeededRng rng(seed);
  return {std::move(name), crypto::SigningKey::generate(rng)};
}

std::string payload(const json::Value& body, std::vector<Ref> refs = {}) {
  return build_payload({.kind = "share.release",
                        .issuer = "hezong.example/acme",
                        .log = "hezong.example/acme",
                        .issued_ms = 1795442706123,
                        .idem = {1, 2, 3},
                        .refs = refs,
                        .body = &body})
      .value();
}
json::Value small_body() { return json::Value(json::Object{{"name", "résumé"}, {"count", 3}}); }

}  // namespace

TEST_CASE("pae: the DSSE example") {
  CHECK(pae("http://example.com/HelloWorld", "hello world") ==
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

TEST_CASE("payload: what is built is canonical and reads back") {
  const Ref ref{"supersedes", std::string(64, 'a')};
  const std::string text = payload(small_body(), {ref});
  REQUIRE(check_canonical(text));
  const Statement s = parse_payload(text).value();
  CHECK(s.kind == "share.release");
  CHECK(s.issuer == "hezong.example/acme");
  CHECK(s.origin == "hezong.example/acme");
  CHECK(s.issued_ms == 1795442706123);
  CHECK(s.idem == Idem{1, 2, 3});
  CHECK(s.refs.at(0).id == ref.id);
  CHECK(s.audience == std::vector<std::string>{"*"});
  CHECK(s.body == json::Value(json::Object{{"count", 3}, {"name", "résumé"}}));
  CHECK(s.id == crypto::sha256(as_bytes(pae(payload_type, text))));
  // Without subjects the statement is about its own body.
  CHECK(s.subjects.at(0).sha256 == hex(crypto::sha256(as_bytes(canonical(s.body).value()))));
}

TEST_CASE("payload: a body with floats, deep nesting or no object is refused with its path") {
  const auto refused = [](const json::Value& body) {
    return build_payload({.kind = "a.b", .issuer = "i", .log = "l", .body = &body}).error().text();
  };
  CHECK(refused(json::Value(json::Object{{"x", 0.5}})) == "statement.not_canonical: at $.x: only integers are signed");
  CHECK(refused(json::Value(3)) == "statement.header: $.predicate.body should be an object");
  json::Value deep(json::Object{});
  for (int i = 0; i < 14; ++i) deep = json::Value(json::Object{{"d", deep}});
  CHECK(refused(deep).find("more than 16 levels") != std::string::npos);
}

TEST_CASE("payload: every header rule is checked with its JSON path") {
  const std::string good = payload(small_body());
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    const auto read = parse_payload(text);
    REQUIRE_FALSE(read);
    return read.error().detail;
  };
  CHECK(changed("\"v\":1", "\"v\":2") == "$.predicate.hz.v should be 1");
  CHECK(changed("Statement/v1", "Statement/v9").starts_with("$._type"));
  CHECK(changed("share/release/v1", "share/release/v2").starts_with("$.predicateType"));
  CHECK(changed("share/release/v1", "Share/release/v1").starts_with("$.predicateType"));
  CHECK(changed("\"aud\":[\"*\"]", "\"aud\":[]") == "$.predicate.hz.aud should be a list of 1 to 64 items");
  CHECK(changed("\"iat\":1", "\"iat\":-1").starts_with("$.predicate.hz.iat"));
  CHECK(changed("0102030", "0102 30").starts_with("$.predicate.hz.idem"));
  CHECK(changed("\"role\":\"author\",", "") == "$.predicate.hz.role is missing");
  CHECK(changed("\"role\":\"author\",", "\"role\":\"author\",\"u\":1,") == "$.predicate.hz.u is not a known field");
  CHECK(changed("{\"count\":3,\"name\":\"résumé\"}", "[]") == "$.predicate.body should be an object");
}

TEST_CASE("kind: slug and predicate type name each other") {
  CHECK(predicate_type("standards.model_result").value() == "https://hezong.example/standards/model_result/v1");
  CHECK(kind_slug("https://hezong.example/standards/model_result/v1").value() == "standards.model_result");
  for (const char* bad :
       {"", "share", "share.", ".release", "Share.release", "share.release.x", "share.1", "share.a-b"})
    CHECK_FALSE(predicate_type(bad));
  for (const char* bad : {"", "https://hezong.example//v1", "https://hezong.example/a/b/c/v1",
                          "https://hezong.example/a/b/v2", "http://hezong.example/a/b/v1"})
    CHECK_FALSE(kind_slug(bad));
}

TEST_CASE("leaf: a frame reads back, and every shorter one is refused") {
  const NamedSigner author = signer(1), root = signer(2, "hezong.example/acme/root");
  const NamedSigner* keys[] = {&author, &root};
  const std::string text = payload(small_body());
  const Signed made = sign(text, keys).value();
  const LeafView leaf = decode_leaf(made.leaf).value();
  CHECK(leaf.payload == text);
  REQUIRE(leaf.signatures().size() == 2);
  CHECK(leaf.signatures()[0].key_id < leaf.signatures()[1].key_id);
  CHECK(encode_leaf(leaf.signatures(), leaf.payload).value() == made.leaf);
  CHECK(verify(leaf, author.named_key()));
  CHECK(verify(leaf, root.named_key()));
  const std::size_t head = made.leaf.size() - text.size();
  for (std::size_t n = 0; n <= head; ++n) {
    CAPTURE(n);
    CHECK_FALSE(decode_leaf(ByteView(made.leaf).first(n)));
  }
}

TEST_CASE("leaf: unknown numbers, wrong lengths, order and size are refused with the offset") {
  const NamedSigner author = signer(1), other = signer(2);
  const NamedSigner* keys[] = {&author, &other};
  const Bytes good = sign(payload(small_body()), keys).value().leaf;
  const auto refused = [&](std::size_t at, std::uint8_t byte) {
    Bytes bad = good;
    bad[at] = byte;
    const auto r = decode_leaf(bad);
    REQUIRE_FALSE(r);
    return r.error().detail;
  };
  CHECK(refused(0, 'h') == "offset 0: no HZL1 here");
  CHECK(refused(4, 0).starts_with("offset 4: 0 signatures"));
  CHECK(refused(4, 5).starts_with("offset 4: 5 signatures"));
  CHECK(refused(5, 4) == "offset 5: unknown signature algorithm 4");
  CHECK(refused(5, 6) == "offset 5: a signature of 64 bytes for algorithm 6");
  CHECK(refused(39, 63).starts_with("offset 5: a signature of 63 bytes"));
  CHECK(refused(6, 0xff) == "offset 104: signatures are not in rising order");
  CHECK(refused(203, 2) == "offset 203: unknown payload type 2");
  const LeafView leaf = decode_leaf(good).value();
  const SignatureView twice[] = {leaf.signatures()[0], leaf.signatures()[0]};
  CHECK_FALSE(encode_leaf(twice, "{}"));
  CHECK_FALSE(encode_leaf({}, "{}"));
  const std::size_t head = 4 + 1 + 99 + 1;
  CHECK(encode_leaf(leaf.signatures().first(1), std::string(leaf_size_max - head, 'x')));
  CHECK(encode_leaf(leaf.signatures().first(1), std::string(leaf_size_max - head + 1, 'x')).error().reason->slug ==
        "statement.too_large");
}

TEST_CASE(
    "sign: another key, another payload and a flipped bit do not verify; a text that is not canonical is not signed") {
  const NamedSigner author = signer(1), other = signer(2), renamed = signer(1, "hezong.example/beta/author");
  const NamedSigner* keys[] = {&author};
  const std::string text = payload(small_body());
  Bytes bytes = sign(text, keys).value().leaf;
  CHECK(verify(decode_leaf(bytes).value(), other.named_key()).error().reason->slug == "statement.no_signature");
  CHECK(verify(decode_leaf(bytes).value(), renamed.named_key()).error().reason->slug == "statement.no_signature");
  bytes.back() ^= 1;
  CHECK(verify(decode_leaf(bytes).value(), author.named_key()).error().reason->slug == "statement.signature");
  CHECK(sign(" {}", keys).error().reason->slug == "statement.not_canonical");
}

TEST_CASE("read_leaf: a statement that names another log is not one of this log") {
  const NamedSigner author = signer(1);
  const NamedSigner* keys[] = {&author};
  const Signed made = sign(payload(small_body()), keys).value();
  const Statement s = read_leaf(made.leaf, "hezong.example/acme", 9).value();
  CHECK(s.id == made.id);
  CHECK(s.index == 9);
  CHECK(read_leaf(made.leaf, "hezong.example/beta", 9).error().reason->slug == "statement.wrong_log");
}

TEST_CASE("envelope: a leaf and its DSSE envelope give each other back byte for byte") {
  const NamedSigner author = signer(1), other = signer(2);
  const NamedSigner* keys[] = {&author, &other};
  const Signed made = sign(payload(small_body()), keys).value();
  const std::string text = envelope(decode_leaf(made.leaf).value()).value();
  CHECK(leaf_of_envelope(text).value() == made.leaf);
  CHECK_FALSE(leaf_of_envelope(text + " "));
  CHECK_FALSE(leaf_of_envelope(" " + text));
  CHECK_FALSE(leaf_of_envelope("{}"));
  std::string longer = text;
  longer.insert(1, "\"a\":1,");
  CHECK(leaf_of_envelope(longer).error().reason->slug == "statement.envelope");
}
