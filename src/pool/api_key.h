// The text of an API key: "hz_<16 hex: id>_<64 hex>". The id is public and finds the key; the whole text is the secret.
//
// Passwords need a slow hash because people choose them. This secret has 256 random bits, so SHA-256 gives nothing away
// and costs a request well below a microsecond.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/seams.h"

namespace hz::pool {

struct NewKey {
  std::string id, secret;
};
NewKey new_key(Rng& rng);

Digest secret_hash(std::string_view secret);
// The id in a secret of the right form; nothing for any other text.
std::optional<std::string_view> key_id_of(std::string_view secret);
// Takes the same time whatever differs.
bool same_digest(const Digest& a, const Digest& b);

}  // namespace hz::pool
