// libsodium 1.0.18 checks rules 2 and 3 and compares without cofactor; it lets mixed-order keys pass, which rule 1
// catches at parse. OpenSSL accepts low-order R and unchecked keys, and verifies at half the speed (research: 8.5k/s
// against 18k/s).
#include "crypto/sign.h"

#include <sodium.h>

#include "crypto/reasons.h"

namespace hz::crypto {
namespace {
// Chooses the fastest code for this processor; harmless to repeat.
[[maybe_unused]] const int ready = sodium_init();
}  // namespace

Result<VerifyingKey> VerifyingKey::parse(ByteView bytes) {
  if (bytes.size() != 32) return fail(why("crypto.public_key"), "{} bytes, 32 expected", bytes.size());
  if (crypto_core_ed25519_is_valid_point(bytes.data()) != 1)
    return fail(why("crypto.public_key"), "{} is not a canonical point of prime order", hex(bytes));
  std::array<std::uint8_t, 32> out;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return VerifyingKey(out);
}

bool VerifyingKey::verify(ByteView message, ByteView signature) const {
  if (signature.size() != 64) return false;
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(), bytes_.data()) == 0;
}

SigningKey SigningKey::from_seed(const Seed& seed) {
  SigningKey key;
  std::array<std::uint8_t, 32> public_key;
  crypto_sign_seed_keypair(public_key.data(), key.bytes_.data(), seed.data());
  return key;
}

SigningKey SigningKey::generate(Rng& rng) {
  Seed seed;
  rng.fill(seed);
  SigningKey key = from_seed(seed);
  wipe(seed);
  return key;
}

SigningKey::SigningKey(SigningKey&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }

SigningKey& SigningKey::operator=(SigningKey&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    wipe(other.bytes_);
  }
  return *this;
}

SigningKey::~SigningKey() { wipe(bytes_); }

SigningKey SigningKey::duplicate() const {
  SigningKey key;
  key.bytes_ = bytes_;
  return key;
}

VerifyingKey SigningKey::verifying_key() const {
  std::array<std::uint8_t, 32> out;
  std::copy(bytes_.begin() + 32, bytes_.end(), out.begin());
  return VerifyingKey(out);
}

Signature SigningKey::sign(ByteView message) const {
  Signature out;
  crypto_sign_detached(out.data(), nullptr, message.data(), message.size(), bytes_.data());
  return out;
}

Seed SigningKey::seed() const {
  Seed out;
  std::copy_n(bytes_.begin(), 32, out.begin());
  return out;
}

void wipe(std::span<std::uint8_t> bytes) { sodium_memzero(bytes.data(), bytes.size()); }

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace hz::crypto
