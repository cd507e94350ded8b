#include <doctest/doctest.h>

#include "base/fs.h"
#include "base/json.h"
#include "crypto/sign.h"

using namespace hz;

TEST_CASE("sign: every edge case of the acceptance rule is decided as an independent implementation decides it") {
  const auto text = read_text(fs::path(HZ_SOURCE_DIR) / "spec/vectors/ed25519.json", 1 << 20).value();
  const auto document = json::parse(text).value();
  const auto bytes = [](const json::Value& row, std::string_view name) { return parse_hex(row.text(name)).value(); };
  int accepted = 0, refused_keys = 0, refused = 0;
  for (const json::Value& row : *document.find("cases")->array()) {
    INFO(row.text("comment"));
    const auto key = crypto::VerifyingKey::parse(bytes(row, "key"));
    CHECK(key.has_value() == *row.find("key_ok")->boolean());
    const bool accept = key && key->verify(bytes(row, "message"), bytes(row, "signature"));
    CHECK(accept == *row.find("accept")->boolean());
    ++(accept ? accepted : key ? refused : refused_keys);
  }
  CHECK(accepted == 3);
  CHECK(refused == 63);
  CHECK(refused_keys == 42);
}
