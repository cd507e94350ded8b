// SHA-256 (FIPS 180-4), the only hash of every format here. OpenSSL's code: it uses the processor's SHA instructions.
#pragma once
#include <initializer_list>

#include "base/bytes.h"

namespace hz::crypto {

// Cost: about 80 ns for 65 bytes, 1.8 GB/s for long input.
Digest sha256(ByteView bytes);
Digest sha256(std::initializer_list<ByteView> parts);  // of their concatenation

// The same, fed in pieces. A finished object may not be fed again.
class Sha256 {
 public:
  Sha256();
  Sha256& update(ByteView bytes);
  Digest finish();

 private:
  alignas(8) std::array<std::uint8_t, 112> context_;  // OpenSSL's SHA256_CTX
};

}  // namespace hz::crypto
