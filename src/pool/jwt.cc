#include "pool/jwt.h"

#include "base/json.h"
#include "crypto/hkdf.h"

namespace hz::pool {
namespace {

// RFC 4648 §5, without padding.
std::string url64(ByteView bytes) {
  std::string out = base64(bytes);
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (!out.empty() && out.back() == '=') out.pop_back();
  return out;
}

}  // namespace

std::string make_jwt(ByteView key, std::string_view user, std::int64_t now_s, std::int64_t life_s) {
  json::Value head, body;
  head.set("alg", "HS256").set("typ", "JWT");
  body.set("exp", now_s + life_s).set("iat", now_s).set("sun", user);
  const std::string text = url64(as_bytes(json::dump(head))) + "." + url64(as_bytes(json::dump(body)));
  return text + "." + url64(crypto::hmac_sha256(key, {as_bytes(text)}));
}

std::optional<std::int64_t> jwt_expires_s(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  std::string body(token.substr(first + 1, second - first - 1));
  for (char& c : body) c = c == '-' ? '+' : c == '_' ? '/' : c;
  body.resize((body.size() + 3) / 4 * 4, '=');
  const auto bytes = parse_base64(body);
  if (!bytes) return std::nullopt;
  const auto document = json::parse(as_text(*bytes), {.size_bytes_max = 16384, .depth_max = 8});
  const json::Value* exp = document ? document->find("exp") : nullptr;
  if (!exp || !exp->integer()) return std::nullopt;
  return *exp->integer();
}

}  // namespace hz::pool
