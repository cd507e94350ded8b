#pragma once
#include "base/reason.h"

namespace hz::crypto {

inline constexpr Reason reasons[] = {
    {"crypto.public_key", Code::invalid, "The public key is not an acceptable Ed25519 key.",
     "Ask its owner for the key again: it must be a canonical point of prime order (docs/formats/log.md, signatures)."},
    {"crypto.proof_range", Code::invalid, "A proof was asked for a position outside the tree.",
     "Use an index below the tree size, and an old size no larger than the new one."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::crypto
