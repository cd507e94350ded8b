// JSON web tokens as Slurm's auth/jwt takes them: HS256 with the cluster's key.
#pragma once
#include <optional>
#include <string>

#include "base/bytes.h"

namespace hz::pool {

// A token for `user`, good from now for `life_s` seconds (negative: expired, for tests).
std::string make_jwt(ByteView key, std::string_view user, std::int64_t now_s, std::int64_t life_s);
// When a token expires, in seconds since 1970, as it says itself; nullopt when it says nothing readable. Safe on any
// text; the signature is the cluster's business.
std::optional<std::int64_t> jwt_expires_s(std::string_view token);

}  // namespace hz::pool
