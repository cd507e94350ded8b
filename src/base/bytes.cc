#include "base/bytes.h"

namespace hz {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int digit_value(std::string_view digits, char c) {
  const auto at = digits.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto b : bytes) {
    out += hex_digits[b >> 4];
    out += hex_digits[b & 15];
  }
  return out;
}

Result<Bytes> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return fail(why("base.text_form"), "hex text of odd length {}", text.size());
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_value(hex_digits, text[i]);
    const int low = digit_value(hex_digits, text[i + 1]);
    if (high < 0 || low < 0) return fail(why("base.text_form"), "position {} is not a lower-case hex digit", i);
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

Result<Digest> parse_digest(std::string_view text) {
  if (text.size() != 64) return fail(why("base.text_form"), "a digest has 64 hex digits, not {}", text.size());
  const Bytes bytes = HZ_TRY(parse_hex(text));
  Digest out;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

std::string base64(ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16;
    if (n > 1) group |= static_cast<std::uint32_t>(bytes[i + 1]) << 8;
    if (n > 2) group |= bytes[i + 2];
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? base64_digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Result<Bytes> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return fail(why("base.text_form"), "base64 text of length {}", text.size());
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    int pad = 0;
    if (last && text[i + 3] == '=') pad = text[i + 2] == '=' ? 2 : 1;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const int value = static_cast<int>(k) >= 4 - pad ? 0 : digit_value(base64_digits, text[i + k]);
      if (value < 0) return fail(why("base.text_form"), "position {} is not a base64 digit", i + k);
      group = group << 6 | static_cast<std::uint32_t>(value);
    }
    // Bits under the padding must be zero, or one byte string would have several texts.
    if ((pad == 1 && (group & 0xff) != 0) || (pad == 2 && (group & 0xffff) != 0))
      return fail(why("base.text_form"), "base64 padding hides non-zero bits");
    out.push_back(static_cast<std::uint8_t>(group >> 16));
    if (pad < 2) out.push_back(static_cast<std::uint8_t>(group >> 8));
    if (pad < 1) out.push_back(static_cast<std::uint8_t>(group));
  }
  return out;
}

bool valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    if (lead < 0x80) {
      // Most text is ASCII: eight bytes at a time while it lasts.
      std::uint64_t eight = 0;
      while (i + 8 <= text.size() && (std::memcpy(&eight, text.data() + i, 8), !(eight & 0x8080808080808080U))) i += 8;
      if (i < text.size() && static_cast<std::uint8_t>(text[i]) < 0x80) ++i;
      continue;
    }
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || i + length > text.size()) return false;
    std::uint32_t point = lead & (0xffU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<std::uint8_t>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    if (length == 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) return false;
    if (length == 4 && (point < 0x10000 || point > 0x10ffff)) return false;
    i += length;
  }
  return true;
}

}  // namespace hz
