#include "crypto/age_key.h"

#include <sodium.h>

#include <algorithm>

#include "crypto/bech32.h"
#include "crypto/hkdf.h"
#include "crypto/reasons.h"
#include "crypto/sign.h"

namespace hz::crypto {
namespace {

constexpr std::string_view recipient_name = "age";
constexpr std::string_view identity_name = "age-secret-key-";

// Identities are written in capitals, so that nobody mistakes one for a recipient.
void change_case(std::string& text, char first, char last) {
  for (char& c : text)
    if (c >= first && c <= last) c = static_cast<char>(c ^ 0x20);
}

void wipe_text(std::string& text) { wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }

}  // namespace

std::string AgeRecipient::text() const { return bech32(recipient_name, point); }

Result<AgeRecipient> AgeRecipient::parse(std::string_view text) {
  const auto bytes = parse_bech32(recipient_name, text, 32);
  if (!bytes) return fail(why("crypto.age_key"), "recipient: {}", bytes.error().detail);
  if (bytes->size() != 32) return fail(why("crypto.age_key"), "recipient: {} bytes, 32 expected", bytes->size());
  AgeRecipient out;
  std::copy(bytes->begin(), bytes->end(), out.point.begin());
  return out;
}

AgeIdentity AgeIdentity::generate(Rng& rng) {
  std::array<std::uint8_t, 32> scalar;
  rng.fill(scalar);
  AgeIdentity out(scalar);
  wipe(scalar);
  return out;
}

Result<AgeIdentity> AgeIdentity::parse(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
    return fail(why("crypto.age_key"), "identity: it should be written in capitals");
  std::string lower(text);
  change_case(lower, 'A', 'Z');
  auto bytes = parse_bech32(identity_name, lower, 32);
  wipe_text(lower);
  if (!bytes) return fail(why("crypto.age_key"), "identity: {}", bytes.error().detail);
  if (bytes->size() != 32) return fail(why("crypto.age_key"), "identity: {} bytes, 32 expected", bytes->size());
  AgeIdentity out(std::span<const std::uint8_t, 32>(bytes->data(), 32));
  wipe(*bytes);
  return out;
}

AgeIdentity::AgeIdentity(std::span<const std::uint8_t, 32> scalar) {
  std::copy(scalar.begin(), scalar.end(), scalar_.begin());
  crypto_scalarmult_base(recipient_.point.data(), scalar_.data());
}

AgeIdentity::AgeIdentity(AgeIdentity&& other) noexcept : scalar_(other.scalar_), recipient_(other.recipient_) {
  wipe(other.scalar_);
}

AgeIdentity& AgeIdentity::operator=(AgeIdentity&& other) noexcept {
  if (this != &other) {
    scalar_ = other.scalar_;
    recipient_ = other.recipient_;
    wipe(other.scalar_);
  }
  return *this;
}

AgeIdentity::~AgeIdentity() { wipe(scalar_); }

std::string AgeIdentity::text() const {
  std::string out = bech32(identity_name, scalar_);
  change_case(out, 'a', 'z');
  return out;
}

bool AgeIdentity::shared(const std::array<std::uint8_t, 32>& point, std::span<std::uint8_t, 32> out) const {
  return crypto_scalarmult(out.data(), scalar_.data(), point.data()) == 0;
}

void AgeIdentity::derive(std::string_view info, std::span<std::uint8_t, 32> out) const {
  hkdf_sha256(scalar_, {}, info, out);
}

}  // namespace hz::crypto
