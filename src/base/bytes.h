// Byte strings and their text forms.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hz {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// A SHA-256 digest. Its text form is 64 lower-case hex digits.
using Digest = std::array<std::uint8_t, 32>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string hex(ByteView bytes);                     // lower case
Result<Bytes> parse_hex(std::string_view text);      // lower case only; base.text_form
Result<Digest> parse_digest(std::string_view text);  // exactly 64 digits; base.text_form
std::string base64(ByteView bytes);                  // RFC 4648 §4, padded
Result<Bytes> parse_base64(std::string_view text);   // canonical padded form only; base.text_form
bool valid_utf8(std::string_view text);              // no surrogates, no overlong forms, at most U+10FFFF

// Big-endian integers, as every Hezong format uses them (C2SP formats too).
template <class T>
void put_be(Bytes& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}
template <class T>
T get_be(const std::uint8_t* p) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((value << 8) | p[i]);
  return value;
}

// Appends bytes to bytes.
inline void put(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }

}  // namespace hz
