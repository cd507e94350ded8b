#include "statement/sealed.h"

#include <doctest/doctest.h>

#include <set>

#include "crypto/hash.h"
#include "statement/canonical.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::statement;

namespace {

template <class T>
std::string_view slug(const Result<T>& r) {
  return r ? "" : r.error().reason->slug;
}

json::Value value(std::string_view text) { return json::parse(text).value(); }
json::Value body_of_size(std::size_t size) {
  json::Value out;
  out.set("x", std::string(size - 8, 'a'));  // {"x":"..."}
  return out;
}

const crypto::AgeIdentity& reader() {
  static SeededRng rng(1);
  static const auto identity = crypto::AgeIdentity::generate(rng);
  return identity;
}
std::vector<crypto::AgeRecipient> readers() { return {reader().recipient()}; }

Salt salt_of(std::uint8_t byte) {
  Salt out;
  out.fill(byte);
  return out;
}

}  // namespace

TEST_CASE("sealed: the reader gets the body back, and a blob's size tells only its class") {
  SeededRng rng(2);
  std::set<std::pair<int, std::size_t>> sizes;
  for (const std::size_t size : {8ul, 9ul, 500ul, 992ul, 993ul, 4064ul, 4065ul, 16352ul, 16353ul, 70000ul}) {
    CAPTURE(size);
    const json::Value body = body_of_size(size);
    REQUIRE(canonical(body)->size() == size);
    const SealedBody made = seal_body(body, readers(), rng).value();
    CHECK(read_seal(value(seal_text(made.seal))).value() == made.seal);
    CHECK(made.seal.blobs.at(0) == hex(crypto::sha256(made.blobs.front())));
    CHECK(bucket_size(made.seal.bucket) >= size + 32);
    if (made.seal.bucket > 0) CHECK(bucket_size(made.seal.bucket - 1) < size + 32);
    const OpenedBody opened = open_body(made.seal, made.blobs.front(), reader()).value();
    CHECK(canonical(opened.body).value() == canonical(body).value());
    CHECK(hex(commitment(made.seal.type, opened.salt, body).value()) == made.seal.commit);
    sizes.emplace(made.seal.bucket, made.blobs.front().size());
    const auto stranger = crypto::AgeIdentity::generate(rng);
    CHECK(slug(open_body(made.seal, made.blobs.front(), stranger)) == "crypto.age_not_for_us");
  }
  CHECK(sizes.size() == 5);  // five classes, one blob size each
  CHECK(slug(seal_body(body_of_size(sealed_body_max + 1), readers(), rng)) == "statement.too_large");
  CHECK(seal_body(body_of_size(sealed_body_max), readers(), rng)->blobs.front().size() <= sealed_blob_max);
}

TEST_CASE("sealed: equal bodies have unequal commitments and blobs") {
  SeededRng rng(3);
  const json::Value body = value(R"({"price_fen":100})");
  const SealedBody one = seal_body(body, readers(), rng).value(), two = seal_body(body, readers(), rng).value();
  CHECK(one.seal.commit != two.seal.commit);
  CHECK(one.blobs != two.blobs);
  CHECK(one.blobs.front().size() == two.blobs.front().size());
}

TEST_CASE("sealed: a blob of another body, class, padding or commitment form is refused") {
  SeededRng rng(4);
  const json::Value body = value(R"({"a":1,"b":[true,"x"]})");
  const SealedBody made = seal_body(body, readers(), rng).value();
  const SealedBody other = seal_body(value(R"({"a":2,"b":[true,"x"]})"), readers(), rng).value();
  CHECK(slug(open_body(made.seal, other.blobs.front(), reader())) == "statement.sealed");
  Seal changed = made.seal;
  changed.type = Commitment::body;
  CHECK(slug(open_body(changed, made.blobs.front(), reader())) == "statement.sealed");
  changed = made.seal;
  changed.bucket = 1;
  CHECK(slug(open_body(changed, made.blobs.front(), reader())) == "statement.sealed");
  // Plaintexts that no author makes.
  const Salt salt = salt_of(9);
  const auto refused = [&](std::string text, std::size_t size, int bucket) {
    Bytes plain(salt.begin(), salt.end());
    put(plain, as_bytes(text));
    plain.resize(size);
    const Seal seal{Commitment::body, hex(body_commitment(salt, text)), bucket, {std::string(64, 'a')}};
    return slug(open_body(seal, crypto::age_encrypt(readers(), plain, rng).value(), reader()));
  };
  CHECK(refused(R"({"a":1})", 1024, 0) == "");
  CHECK(refused(R"({"a":1})", 1023, 0) == "statement.sealed");
  CHECK(refused(R"({"a":1})", 4096, 1) == "statement.sealed");  // it fits a smaller class
  CHECK(refused(R"({"a": 1})", 1024, 0) == "statement.not_canonical");
  CHECK(refused(R"([1])", 1024, 0) == "statement.sealed");
  CHECK(refused("", 1024, 0) == "statement.not_canonical");
  CHECK(refused(std::string("{\"a\":\0001}", 8), 1024, 0) == "statement.not_canonical");
}

TEST_CASE("sealed: a body of more fields than a tree holds is committed as a whole") {
  SeededRng rng(5);
  json::Array many;
  for (std::size_t i = 0; i < tree_fields_max; ++i) many.emplace_back(static_cast<std::int64_t>(i));
  json::Value body;
  body.set("list", many);
  CHECK(seal_body(body, readers(), rng)->seal.type == Commitment::fields);
  many.emplace_back(1);
  json::Value larger;
  larger.set("list", std::move(many));
  const SealedBody made = seal_body(larger, readers(), rng).value();
  CHECK(made.seal.type == Commitment::body);
  CHECK(open_body(made.seal, made.blobs.front(), reader()));
}

TEST_CASE("fields: paths name every scalar once, and empty lists and objects") {
  std::string paths;
  for (const BodyField& field : fields_of(value(R"({"a":{"b":[1,{"c":null}],"d":{}},"e":[],"f":"x"})")))
    paths += field.path + " ";
  CHECK(paths == "a.b[0] a.b[1].c a.d e f ");
  CHECK(fields_of(value("{}")).empty());
}

TEST_CASE("fields: any chosen fields are shown and checked; every change of one is refused") {
  const json::Value body = value(R"({"a":{"b":[1,{"c":null}],"d":{}},"e":[],"f":"x","ab":2})");
  const FieldTree tree = FieldTree::of(body, salt_of(1)).value();
  const std::vector<std::string> all{"a", "ab", "e", "f"};
  const Disclosure whole = tree.show(all).value();
  CHECK(whole.shown.size() == 6);
  CHECK(tree.show(std::vector<std::string>{"a"})->shown.size() == 3);  // not ab
  CHECK(tree.show(std::vector<std::string>{"a.b[1]"})->shown.size() == 1);
  for (const char* none : {"x", "a.b[2]", "a.", "", "a.b[0].c"}) {
    CAPTURE(none);
    CHECK(slug(tree.show(std::vector<std::string>{none})) == "statement.no_field");
  }
  CHECK(check_disclosure(whole, tree.root()));
  const std::string text = format_disclosure(whole).value();
  CHECK(format_disclosure(parse_disclosure(text).value()).value() == text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    for (const char c : {'0', '1', 'a', 'f', 'x', '"'}) {
      std::string bad = text;
      if (bad[i] == c) continue;
      bad[i] = c;
      const auto parsed = parse_disclosure(bad);
      const bool accepted = parsed && check_disclosure(*parsed, tree.root());
      CHECK_FALSE(accepted);
    }
  }
  CHECK(slug(check_disclosure(whole, FieldTree::of(body, salt_of(2)).value().root())) == "statement.disclosure_wrong");
}

TEST_CASE(
    "fields: what is shown of one field is the same whatever the hidden fields say, but for random-looking hashes") {
  const auto shown = [](std::string_view body, std::uint8_t salt) {
    return FieldTree::of(value(body), salt_of(salt)).value().show(std::vector<std::string>{"m"}).value();
  };
  // Size, proof length and the field's own salt do not depend on how many other fields there are, up to a power of two.
  const Disclosure few = shown(R"({"m":1})", 7), more = shown(R"({"a":1,"b":2,"c":3,"m":1,"x":[1,2,3]})", 7);
  CHECK(few.size == more.size);
  CHECK(few.shown[0].salt == more.shown[0].salt);
  CHECK(few.shown[0].proof.size() == more.shown[0].proof.size());
  // Its place does not follow from the order of paths: over many salts it is spread over the whole tree.
  std::set<std::int64_t> places;
  for (int salt = 0; salt < 100; ++salt)
    places.insert(shown(R"({"m":1})", static_cast<std::uint8_t>(salt)).shown[0].index);
  CHECK(places.size() == 8);
}

TEST_CASE("statement: a sealed payload reads back; body and seal exclude each other") {
  SeededRng rng(6);
  const SealedBody made = seal_body(value(R"({"a":1})"), readers(), rng).value();
  const std::string aud[] = {"group:x"};
  Content content{
      .kind = "test.fact", .issuer = "a.example/m", .log = "a.example/m", .audience = aud, .seal = &made.seal};
  const std::string payload = build_payload(content).value();
  REQUIRE(check_canonical(payload));
  const Statement s = parse_payload(payload).value();
  CHECK(s.seal == made.seal);
  CHECK(s.body.is_null());
  CHECK(s.subjects.at(0).sha256 == made.seal.commit);
  const json::Value body = value("{}");
  content.body = &body;
  CHECK(slug(build_payload(content)) == "statement.header");
  content.body = nullptr;
  const Subject subject[] = {{"secret.onnx", std::string(64, 'a')}};
  content.subjects = subject;
  CHECK(slug(build_payload(content)) == "statement.header");
  content.subjects = {};
  content.seal = nullptr;
  CHECK(slug(build_payload(content)) == "statement.header");
  const auto refused = [&](std::string_view from, std::string_view to) {
    std::string bad = payload;
    REQUIRE(bad.find(from) != std::string::npos);
    bad.replace(bad.find(from), from.size(), to);
    return slug(parse_payload(bad));
  };
  CHECK(refused("\"predicate\":{", "\"predicate\":{\"body\":{},") == "statement.header");
  CHECK(refused(",\"priv\":" + seal_text(made.seal), "") == "statement.header");
  CHECK(refused("\"bucket\":0", "\"bucket\":7") == "statement.header");
  CHECK(refused("\"bucket\":0", "\"bucket\":-1") == "statement.header");
  CHECK(refused("\"bucket\":0,", "") == "statement.header");
  CHECK(refused("\"fields\"}", "\"other\"}") == "statement.header");
  CHECK(refused("\"fields\"}", "\"fields\",\"x\":1}") == "statement.header");
  CHECK(refused("\"blobs\":[\"" + made.seal.blobs[0] + "\"]", "\"blobs\":[]") == "statement.header");
  CHECK(refused("\"blobs\":[\"", "\"blobs\":[\"" + made.seal.blobs[0] + "\",\"") == "statement.header");
}

TEST_CASE("sealed: an opening shows the body to whoever has the seal, and opens no other") {
  for (const std::size_t fields : {std::size_t{3}, tree_fields_max + 1}) {
    json::Value body, other;
    for (std::size_t i = 0; i < fields; ++i) {
      body.set(fmt::format("f{}", i), static_cast<std::int64_t>(i));
      other.set(fmt::format("f{}", i), static_cast<std::int64_t>(i + 1));
    }
    OpenedBody opened{body, {}};
    opened.salt.fill(7);
    Seal seal;
    seal.type = fields > tree_fields_max ? Commitment::body : Commitment::fields;
    seal.commit = hex(commitment(seal.type, opened.salt, body).value());
    const std::string text = format_opening(opened).value();
    CHECK(canonical(read_opening(seal, text).value()).value() == canonical(body).value());
    CHECK_FALSE(read_opening(seal, format_opening({other, opened.salt}).value()));
    OpenedBody salted = opened;
    salted.salt[0] = 8;
    CHECK(read_opening(seal, format_opening(salted).value()).error().reason->slug == "statement.sealed");
    for (const char* wrong : {"", "{}", "[]", "{\"body\":{}}", "{\"salt\":\"00\"}"})
      CHECK_FALSE(read_opening(seal, wrong));
    CHECK_FALSE(read_opening(seal, text + " "));
  }
}
