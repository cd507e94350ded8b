#include "crypto/hkdf.h"

#include "crypto/hash.h"
#include "crypto/sign.h"

namespace hz::crypto {

Digest hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  constexpr std::size_t block_size = 64;
  std::array<std::uint8_t, block_size> pad{};
  if (key.size() > block_size) {
    const Digest shorter = sha256(key);
    std::copy(shorter.begin(), shorter.end(), pad.begin());
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (std::uint8_t& byte : pad) byte ^= 0x36;
  Sha256 inner;
  inner.update(pad);
  for (const ByteView part : parts) inner.update(part);
  Digest digest = inner.finish();
  for (std::uint8_t& byte : pad) byte ^= 0x36 ^ 0x5c;
  const Digest out = sha256({pad, digest});
  wipe(pad);
  wipe(digest);
  return out;
}

void hkdf_sha256(ByteView secret, ByteView salt, std::string_view info, std::span<std::uint8_t, 32> out) {
  Digest extracted = hmac_sha256(salt, {secret});
  constexpr std::uint8_t first = 1;
  Digest key = hmac_sha256(extracted, {as_bytes(info), {&first, 1}});
  std::copy(key.begin(), key.end(), out.begin());
  wipe(extracted);
  wipe(key);
}

}  // namespace hz::crypto
