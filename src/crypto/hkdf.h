// HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869): one secret in, independent keys out.
#pragma once
#include <initializer_list>

#include "base/bytes.h"
#include "base/result.h"

namespace hz::crypto {

// HMAC over the concatenation of `parts`.
Digest hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);

// Extract, then the first 32 bytes of expand: every key here has 32. An empty salt is RFC 5869's default salt. The key
// is written to `out` and nowhere else.
void hkdf_sha256(ByteView secret, ByteView salt, std::string_view info, std::span<std::uint8_t, 32> out);

}  // namespace hz::crypto
