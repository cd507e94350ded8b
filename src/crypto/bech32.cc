// A text is name, '1', data, checksum. Data is 5 bits per character, most significant first, the last character filled
// with zero bits. The checksum is the remainder of a BCH code over GF(32): `mix` divides by the code's generator, one
// character at a time, and a right text leaves 1.
#include "crypto/bech32.h"

#include <algorithm>

#include "crypto/reasons.h"

namespace hz::crypto {
namespace {

constexpr std::string_view alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t checksum_size = 6;

std::uint32_t mix(std::uint32_t state, std::uint32_t value) {
  constexpr std::array<std::uint32_t, 5> generator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  const std::uint32_t top = state >> 25;
  state = (state & 0x1ffffff) << 5 ^ value;
  for (unsigned i = 0; i < generator.size(); ++i)
    if (top >> i & 1) state ^= generator[i];
  return state;
}

std::uint32_t mix_name(std::string_view name) {
  std::uint32_t state = 1;
  for (const char c : name) state = mix(state, static_cast<std::uint8_t>(c) >> 5);
  state = mix(state, 0);
  for (const char c : name) state = mix(state, static_cast<std::uint8_t>(c) & 31);
  return state;
}

}  // namespace

std::string bech32(std::string_view name, ByteView bytes) {
  std::string out(name);
  out += '1';
  std::uint32_t state = mix_name(name);
  const auto put_value = [&](std::uint32_t value) {
    out += alphabet[value];
    state = mix(state, value);
  };
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8 | byte) & 0xfff;
    for (count += 8; count >= 5; count -= 5) put_value(bits >> (count - 5) & 31);
  }
  if (count > 0) put_value(bits << (5 - count) & 31);
  for (std::size_t i = 0; i < checksum_size; ++i) state = mix(state, 0);
  state ^= 1;
  for (std::size_t i = 0; i < checksum_size; ++i) out += alphabet[state >> (5 * (checksum_size - 1 - i)) & 31];
  return out;
}

Result<Bytes> parse_bech32(std::string_view name, std::string_view text, std::size_t bytes_max) {
  const auto refuse = [&](std::string_view what) { return fail(why("crypto.bech32"), "{}1...: {}", name, what); };
  if (text.size() > name.size() + 1 + checksum_size + (bytes_max * 8 + 4) / 5)
    return fail(hz::why("base.too_large"), "{} characters for at most {} bytes", text.size(), bytes_max);
  if (!text.starts_with(name) || text.size() < name.size() + 1 + checksum_size || text[name.size()] != '1')
    return refuse("the text does not begin so");
  const std::string_view data = text.substr(name.size() + 1);
  std::uint32_t state = mix_name(name), bits = 0;
  unsigned count = 0;
  Bytes out;
  out.reserve(bytes_max);
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto value = alphabet.find(data[i]);
    if (value == std::string_view::npos)
      return refuse(fmt::format("character {} is not one of the alphabet's", name.size() + 1 + i));
    state = mix(state, static_cast<std::uint32_t>(value));
    if (i + checksum_size >= data.size()) continue;
    bits = (bits << 5 | static_cast<std::uint32_t>(value)) & 0xfff;
    count += 5;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<std::uint8_t>(bits >> count));
    }
  }
  if (state != 1) return refuse("the checksum does not fit");
  if (count >= 5 || (bits & ((1u << count) - 1)) != 0) return refuse("the last character carries stray bits");
  return out;
}

}  // namespace hz::crypto
