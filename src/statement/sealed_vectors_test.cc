// spec/vectors/sealed.json: written by an implementation of its own, in Python.
#include <doctest/doctest.h>

#include "base/fs.h"
#include "crypto/hash.h"
#include "statement/canonical.h"
#include "statement/sealed.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::statement;

TEST_CASE("vectors: commitments, padding, disclosures and payloads of sealed bodies, byte for byte") {
  const auto file =
      json::parse(read_text(fs::path(HZ_SOURCE_DIR) / "spec/vectors/sealed.json", 1 << 20).value()).value();
  int shown = 0;
  SeededRng rng(1);
  const auto reader = crypto::AgeIdentity::generate(rng);
  for (const json::Value& v : *file.find("bodies")->array()) {
    CAPTURE(v.text("body"));
    const json::Value body = parse_canonical(v.text("body")).value();
    Salt salt;
    const Bytes salt_bytes = parse_hex(v.text("salt")).value();
    std::copy(salt_bytes.begin(), salt_bytes.end(), salt.begin());
    CHECK(hex(commitment(Commitment::body, salt, body).value()) == v.text("commit_body"));
    CHECK(hex(commitment(Commitment::fields, salt, body).value()) == v.text("commit_fields"));
    // The plaintext as the vectors describe it is what opens.
    const auto bucket = static_cast<int>(*v.find("bucket")->integer());
    Bytes plain(salt.begin(), salt.end());
    put(plain, as_bytes(v.text("body")));
    plain.resize(bucket_size(bucket));
    CHECK(hex(crypto::sha256(plain)) == v.text("plain_sha256"));
    const Statement s = parse_payload(v.text("payload")).value();
    CHECK(s.id_text() == v.text("id"));
    REQUIRE(s.seal);
    CHECK(s.seal->bucket == bucket);
    const Bytes blob = crypto::age_encrypt(std::vector{reader.recipient()}, plain, rng).value();
    CHECK(canonical(open_body(*s.seal, blob, reader)->body).value() == v.text("body"));
    const std::string aud[] = {"group:g"};
    Idem idem;
    idem.fill(0x0f);
    CHECK(build_payload({.kind = "test.fact",
                         .issuer = "a.example/m",
                         .log = "a.example/m",
                         .issued_ms = 1795442706123,
                         .idem = idem,
                         .audience = aud,
                         .seal = &*s.seal})
              .value() == v.text("payload"));
    const auto paths = from_json<std::vector<std::string>>(*v.find("show")).value();
    if (paths.empty()) continue;
    const Disclosure made = FieldTree::of(body, salt)->show(paths).value();
    CHECK(format_disclosure(made).value() == v.text("disclosure"));
    CHECK(check_disclosure(parse_disclosure(v.text("disclosure")).value(),
                           parse_digest(v.text("commit_fields")).value()));
    ++shown;
  }
  CHECK(shown == 6);
}
