// Bech32 (BIP-173): bytes as text with a name in front and a checksum that finds up to four wrong characters.
//
// age writes its X25519 keys this way: age1... for recipients, AGE-SECRET-KEY-1... for identities. age drops BIP-173's
// limit of 90 characters; here the caller's limit on bytes is the limit.
#pragma once
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace hz::crypto {

// Lower case. `name` is 1 to 83 lower-case printable ASCII characters.
std::string bech32(std::string_view name, ByteView bytes);

// The bytes of a lower-case text with exactly this name; the only text that bech32(name, bytes) makes.
// The detail never shows the text: it may be a secret. Errors: crypto.bech32, base.too_large.
Result<Bytes> parse_bech32(std::string_view name, std::string_view text, std::size_t bytes_max);

}  // namespace hz::crypto
