// The header of an age v1 file: for whom it is encrypted, as text. Byte by byte: docs/formats/sealed.md.
//
//   age-encryption.org/v1
//   -> X25519 <ephemeral share>
//   <wrapped file key>
//   --- <MAC of everything up to and including the dashes>
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace hz::crypto {

inline constexpr std::size_t age_header_size_max = 65536;
inline constexpr std::size_t age_stanzas_max = 128;
inline constexpr std::size_t age_recipients_max = 64;

// One way to get the file key. Types other than X25519 are kept and passed over.
struct AgeStanza {
  std::vector<std::string> arguments;  // the type first, then its own; at least one
  Bytes body;
  bool operator==(const AgeStanza&) const = default;

  // Share and wrapped key of an X25519 stanza.
  struct X25519 {
    std::array<std::uint8_t, 32> share;
    std::array<std::uint8_t, 32> wrapped_key;
  };
  // Nullopt for another type. Errors: crypto.age_syntax when it says X25519 and is not one.
  Result<std::optional<X25519>> x25519() const;
  static AgeStanza of(const X25519& keys);
};

struct AgeHeader {
  std::vector<AgeStanza> stanzas;
  Digest mac{};
  bool operator==(const AgeHeader&) const = default;

  // What the MAC is over: the header text up to and including "---".
  std::string signed_text() const;
  std::string text() const;  // all of it, with the final line end
};

// The header at the front of a file. Accepts exactly what text() makes. Errors: crypto.age_syntax with the line.
struct ParsedAgeHeader {
  AgeHeader header;
  std::size_t size = 0;  // bytes up to the payload
};
Result<ParsedAgeHeader> parse_age_header(ByteView file);

}  // namespace hz::crypto
