#include "crypto/age.h"

#include <doctest/doctest.h>

#include "base/fs.h"
#include "base/test_result.h"
#include "crypto/bech32.h"
#include "crypto/hkdf.h"

using namespace hz;
using namespace hz::crypto;

namespace {

Bytes random_bytes(Rng& rng, std::size_t size) {
  Bytes out(size);
  rng.fill(out);
  return out;
}

constexpr std::size_t large = 1 << 20;

}  // namespace

TEST_CASE("hkdf: RFC 5869 test cases 1 and 3, first 32 bytes; hmac: RFC 4231 cases 2 and 6") {
  const Bytes secret(22, 0x0b);
  Digest key;
  hkdf_sha256(secret, parse_hex("000102030405060708090a0b0c").value(), "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9", key);
  CHECK(hex(key) == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  hkdf_sha256(secret, {}, "", key);
  CHECK(hex(key) == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
  CHECK(hex(hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want "), as_bytes("for nothing?")})) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(hmac_sha256(Bytes(131, 0xaa), {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("bech32: a published text decodes; one or two wrong characters anywhere are noticed") {
  // BIP-173, valid: the 32 values of the alphabet in falling order.
  const std::string published = "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w";
  CHECK(parse_bech32("split", published, 64));
  SeededRng rng(5);
  for (std::size_t size = 0; size <= 40; ++size) {
    const Bytes bytes = random_bytes(rng, size);
    const std::string text = bech32("age", bytes);
    CHECK(parse_bech32("age", text, 40).value() == bytes);
    CHECK_FALSE(parse_bech32("agf", text, 40));
    CHECK_FALSE(parse_bech32("age", text.substr(1), 40));
    CHECK_FALSE(parse_bech32("age", text.substr(0, text.size() - 1), 40));
    for (std::size_t i = 0; i < text.size(); ++i)
      for (const char other : {'q', 'p', 'l', '1', 'b', 'Q', '\0'}) {
        std::string bad = text;
        if (bad[i] == other) continue;
        bad[i] = other;
        CHECK_FALSE(parse_bech32("age", bad, 40));
        bad[bad.size() - 1 - i / 2] ^= 1;
        if (bad != text) CHECK_FALSE(parse_bech32("age", bad, 40));
      }
  }
  CHECK(slug(parse_bech32("age", bech32("age", Bytes(41)), 40)) == "base.too_large");
}

TEST_CASE("age keys: the pair that the age documentation publishes; other spellings are refused, and none is shown") {
  const std::string secret = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
  const auto identity = AgeIdentity::parse(secret);
  REQUIRE(identity);
  CHECK(identity->text() == secret);
  CHECK(identity->recipient().text() == "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj");
  CHECK(AgeRecipient::parse(identity->recipient().text()).value() == identity->recipient());
  std::string lower = secret;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  for (const std::string& bad : {lower, secret + "Q", secret.substr(1), std::string(), std::string(100000, 'A'),
                                 bech32("age", Bytes(31)), bech32("age", Bytes(33))}) {
    const auto parsed = AgeIdentity::parse(bad);
    CHECK(slug(parsed) == "crypto.age_key");
    CHECK(slug(AgeRecipient::parse(bad)) == "crypto.age_key");
    if (!parsed && bad.size() > 30) CHECK(parsed.error().detail.find(bad.substr(20, 12)) == std::string::npos);
  }
}

TEST_CASE("age: every recipient of 1 to 64 opens the file, at every chunk edge, and nobody else does") {
  SeededRng rng(6);
  std::vector<AgeIdentity> readers;
  std::vector<AgeRecipient> recipients;
  for (std::size_t i = 0; i < age_recipients_max; ++i) {
    readers.push_back(AgeIdentity::generate(rng));
    recipients.push_back(readers.back().recipient());
  }
  const AgeIdentity stranger = AgeIdentity::generate(rng);
  std::size_t count = 1;
  for (const std::size_t size : {0, 1, 16, 65535, 65536, 65537, 2 * 65536 - 1, 2 * 65536, 2 * 65536 + 1, 300000}) {
    CAPTURE(size);
    const Bytes plain = random_bytes(rng, size);
    const Bytes file = age_encrypt(std::span(recipients).first(count), plain, rng).value();
    CHECK(file.size() == age_size(count, size));
    CHECK(age_decrypt(readers[count - 1], file, size).value() == plain);
    CHECK(age_decrypt(readers[0], file, large).value() == plain);
    CHECK(slug(age_decrypt(stranger, file, large)) == "crypto.age_not_for_us");
    if (size > 0) CHECK(slug(age_decrypt(readers[0], file, size - 1)) == "base.too_large");
    count = std::min(count * 2, age_recipients_max);
  }
  CHECK(slug(age_encrypt({}, {}, rng)) == "crypto.age_key");
  recipients.push_back(stranger.recipient());
  CHECK(slug(age_encrypt(recipients, {}, rng)) == "crypto.age_key");
  CHECK(slug(age_encrypt(std::vector{AgeRecipient{}}, {}, rng)) == "crypto.age_key");  // the zero point
}

TEST_CASE("age: every changed, dropped, added or cut byte of a small file is refused") {
  SeededRng rng(7);
  const AgeIdentity first = AgeIdentity::generate(rng), second = AgeIdentity::generate(rng);
  const Bytes plain = random_bytes(rng, 40);
  const Bytes file = age_encrypt(std::vector{first.recipient(), second.recipient()}, plain, rng).value();
  REQUIRE(age_decrypt(second, file, large).value() == plain);
  for (std::size_t i = 0; i < file.size(); ++i) {
    CAPTURE(i);
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = file;
      bad[i] ^= static_cast<std::uint8_t>(1 << bit);
      CHECK_FALSE(age_decrypt(second, bad, large));
    }
    Bytes shorter = file, longer = file;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(i), static_cast<std::uint8_t>(file[i] ^ 0x55));
    CHECK_FALSE(age_decrypt(second, shorter, large));
    CHECK_FALSE(age_decrypt(second, longer, large));
    CHECK_FALSE(age_decrypt(second, ByteView(file).first(i), large));
  }
}

TEST_CASE("age: chunks cannot be swapped, dropped or ended early") {
  SeededRng rng(8);
  const AgeIdentity reader = AgeIdentity::generate(rng);
  const std::vector to{reader.recipient()};
  const Bytes plain = random_bytes(rng, 3 * age_chunk_size);
  const Bytes file = age_encrypt(to, plain, rng).value();
  const std::size_t payload = age_size(1, 0) - 16, sealed = age_chunk_size + 16;
  REQUIRE(file.size() == payload + 3 * sealed);
  Bytes swapped = file;
  std::swap_ranges(swapped.begin() + static_cast<std::ptrdiff_t>(payload),
                   swapped.begin() + static_cast<std::ptrdiff_t>(payload + sealed),
                   swapped.begin() + static_cast<std::ptrdiff_t>(payload + sealed));
  CHECK(slug(age_decrypt(reader, swapped, large)) == "crypto.age_corrupt");
  for (const std::size_t keep : {payload, payload + 15, payload + sealed, payload + 2 * sealed, file.size() - 1})
    CHECK(slug(age_decrypt(reader, ByteView(file).first(keep), large)) == "crypto.age_corrupt");
  // An empty last chunk after full ones: the same plaintext in a second form.
  Bytes longer = file;
  longer.resize(longer.size() + 16);
  CHECK(slug(age_decrypt(reader, longer, large)) == "crypto.age_corrupt");
}

TEST_CASE("age header: stanzas of other types are passed over; malformed headers name their line") {
  SeededRng rng(9);
  const AgeIdentity reader = AgeIdentity::generate(rng);
  const Bytes file = age_encrypt(std::vector{reader.recipient()}, {}, rng).value();
  AgeHeader header = parse_age_header(file).value().header;
  CHECK(parse_age_header(file)->size == header.text().size());
  for (const std::size_t size : {0, 47, 48, 49, 95, 96, 97}) {
    header.stanzas.push_back({{"hezong.example/x", "a+b", "~"}, random_bytes(rng, size)});
    const std::string text = header.text();
    CHECK(parse_age_header(as_bytes(text)).value().header == header);
  }
  const std::string good = header.text();
  const auto refused = [&](std::string_view from, std::string_view to) {
    std::string bad = good;
    REQUIRE(bad.find(from) != std::string::npos);
    bad.replace(bad.find(from), from.size(), to);
    const auto parsed = parse_age_header(as_bytes(bad));
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().detail.starts_with("header line "));
    return slug(parsed) == "crypto.age_syntax";
  };
  CHECK(refused("/v1\n", "/v2\n"));
  CHECK(refused("/v1\n", "/v1\r\n"));
  CHECK(refused("-> X", "->X"));
  CHECK(refused("-> X25519 ", "-> X25519  "));
  CHECK(refused("a+b", "a\tb"));
  CHECK(refused("--- ", "---"));
  CHECK(refused("--- ", "----"));
  CHECK(refused("\n--- ", "\n \n--- "));
  AgeHeader many;
  many.stanzas.assign(age_stanzas_max + 1, {{"x"}, {}});
  CHECK(slug(parse_age_header(as_bytes(many.text()))) == "crypto.age_syntax");
  many.stanzas.assign(2, {{"x"}, Bytes(40000)});
  CHECK(slug(parse_age_header(as_bytes(many.text()))) == "crypto.age_syntax");
  CHECK(slug(parse_age_header(as_bytes(AgeHeader{}.text()))) == "crypto.age_syntax");
}
