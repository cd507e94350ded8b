// X25519 keys (RFC 7748) in the text forms of age: age1... to encrypt to, AGE-SECRET-KEY-1... to open with.
#pragma once
#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/seams.h"

namespace hz::crypto {

// A public key one encrypts to. Any 32 bytes are one; points of low order are refused where they are used.
struct AgeRecipient {
  std::array<std::uint8_t, 32> point{};

  std::string text() const;  // "age1" and 58 characters
  // Accepts exactly what text() makes. Errors: crypto.age_key.
  static Result<AgeRecipient> parse(std::string_view text);
  bool operator==(const AgeRecipient&) const = default;
  auto operator<=>(const AgeRecipient&) const = default;
};

// A secret key. It cannot be copied by accident, and its bytes are overwritten when it ends.
class AgeIdentity {
 public:
  static AgeIdentity generate(Rng& rng);
  // Accepts exactly what text() makes; the detail never shows the text. Errors: crypto.age_key.
  static Result<AgeIdentity> parse(std::string_view text);
  AgeIdentity(AgeIdentity&& other) noexcept;
  AgeIdentity& operator=(AgeIdentity&& other) noexcept;
  ~AgeIdentity();

  const AgeRecipient& recipient() const { return recipient_; }
  // What to store; the caller wipes it.
  std::string text() const;
  // Writes the X25519 shared secret with a point. Constant time in the key. False when the point has low order, so that
  // the secret would be zero for everyone. Cost: about 30 us.
  [[nodiscard]] bool shared(const std::array<std::uint8_t, 32>& point, std::span<std::uint8_t, 32> out) const;
  // Writes a key derived from this one for another use (HKDF with `info`): as secret as the identity itself.
  void derive(std::string_view info, std::span<std::uint8_t, 32> out) const;

 private:
  explicit AgeIdentity(std::span<const std::uint8_t, 32> scalar);
  std::array<std::uint8_t, 32> scalar_;
  AgeRecipient recipient_;
};

}  // namespace hz::crypto
