// Ed25519 (RFC 8032) with one explicit acceptance rule, because libraries disagree on hundreds of edge cases and two
// honest members must never compute different views from the same bytes. A signature (R, S) by key A over M is accepted
// exactly when
//   1. A is the canonical encoding of a point of prime order (checked once, by VerifyingKey::parse),
//   2. S < L, the group order,
//   3. R is a canonical encoding and not of low order,
//   4. [S]B = R + [SHA-512(R, A, M)]A without multiplying by the cofactor.
// spec/vectors/ed25519.json holds the edge cases.
#pragma once
#include "base/bytes.h"
#include "base/seams.h"

namespace hz::crypto {

using Signature = std::array<std::uint8_t, 64>;
using Seed = std::array<std::uint8_t, 32>;

// A public key that passed rule 1. There is no other way to make one.
class VerifyingKey {
 public:
  // 32 bytes. Errors: crypto.public_key. Cost: about 60 us.
  static Result<VerifyingKey> parse(ByteView bytes);
  const std::array<std::uint8_t, 32>& bytes() const { return bytes_; }
  // Rules 2 to 4. A signature of another length than 64 is refused. Cost: about 55 us. Safe from any thread.
  [[nodiscard]] bool verify(ByteView message, ByteView signature) const;
  bool operator==(const VerifyingKey&) const = default;

 private:
  friend class SigningKey;
  explicit VerifyingKey(const std::array<std::uint8_t, 32>& bytes) : bytes_(bytes) {}
  std::array<std::uint8_t, 32> bytes_;
};

// A secret key. It cannot be copied by accident, and its bytes are overwritten when it ends.
class SigningKey {
 public:
  static SigningKey from_seed(const Seed& seed);
  static SigningKey generate(Rng& rng);
  SigningKey(SigningKey&& other) noexcept;
  SigningKey& operator=(SigningKey&& other) noexcept;
  ~SigningKey();

  // A second handle to the same key, said out loud.
  SigningKey duplicate() const;
  VerifyingKey verifying_key() const;
  // Deterministic: the same message gives the same bytes. Constant time in the key. Cost: about 21 us.
  Signature sign(ByteView message) const;
  // The 32 bytes to store. The caller wipes them (crypto::wipe).
  Seed seed() const;

 private:
  SigningKey() = default;
  std::array<std::uint8_t, 64> bytes_{};  // seed, then public key
};

// Overwrites bytes in a way the compiler may not drop.
void wipe(std::span<std::uint8_t> bytes);
// Comparison whose time depends on the lengths only.
bool equal_constant_time(ByteView a, ByteView b);

}  // namespace hz::crypto
