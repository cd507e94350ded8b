#include "pool/api_key.h"

#include <algorithm>

#include "crypto/hash.h"
#include "pool/rules.h"

namespace hz::pool {
namespace {
constexpr std::string_view prefix = "hz_";
constexpr std::size_t id_chars = 16, random_chars = 64;
}  // namespace

NewKey new_key(Rng& rng) {
  std::array<std::uint8_t, id_chars / 2> id;
  std::array<std::uint8_t, random_chars / 2> random;
  rng.fill(id);
  rng.fill(random);
  NewKey out{hex(id), {}};
  out.secret = fmt::format("{}{}_{}", prefix, out.id, hex(random));
  return out;
}

Digest secret_hash(std::string_view secret) { return crypto::sha256(as_bytes(secret)); }

std::optional<std::string_view> key_id_of(std::string_view secret) {
  if (secret.size() != prefix.size() + id_chars + 1 + random_chars || !secret.starts_with(prefix)) return std::nullopt;
  const std::string_view id = secret.substr(prefix.size(), id_chars);
  if (!is_key_id(id) || secret[prefix.size() + id_chars] != '_') return std::nullopt;
  return id;
}

bool same_digest(const Digest& a, const Digest& b) {
  unsigned differ = 0;
  for (std::size_t i = 0; i < a.size(); ++i) differ |= static_cast<unsigned>(a[i] ^ b[i]);
  return differ == 0;
}

}  // namespace hz::pool
