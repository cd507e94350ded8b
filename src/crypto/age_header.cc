#include "crypto/age_header.h"

#include <algorithm>

#include "crypto/reasons.h"

namespace hz::crypto {
namespace {

constexpr std::string_view version_line = "age-encryption.org/v1";
constexpr std::string_view stanza_prefix = "-> ";
constexpr std::string_view footer_prefix = "---";
constexpr std::string_view x25519_type = "X25519";
constexpr std::size_t columns = 64;

std::string base64_unpadded(ByteView bytes) {
  std::string out = base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  return out;
}

Result<Bytes> parse_base64_unpadded(std::string_view text) {
  if (text.find('=') != std::string_view::npos) return fail(hz::why("base.text_form"), "padded base64");
  std::string padded(text);
  padded.append((4 - padded.size() % 4) % 4, '=');
  return parse_base64(padded);
}

std::optional<std::array<std::uint8_t, 32>> exactly_32(const Result<Bytes>& bytes) {
  if (!bytes || bytes->size() != 32) return std::nullopt;
  std::array<std::uint8_t, 32> out;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

bool is_argument(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// Lines of the header, counted for messages.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  std::optional<std::string_view> next() {
    const auto end = rest_.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    ++number_;
    used_ += end + 1;
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }
  std::unexpected<Error> refuse(std::string_view what) const {
    return fail(why("crypto.age_syntax"), "header line {}: {}", number_, what);
  }
  std::size_t used() const { return used_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0, used_ = 0;
};

Result<AgeStanza> read_stanza(Lines& lines, std::string_view line) {
  AgeStanza out;
  for (std::string_view rest = line.substr(stanza_prefix.size());;) {
    const auto space = rest.find(' ');
    const std::string_view word = rest.substr(0, space);
    if (!is_argument(word)) return lines.refuse("an argument should be 1 or more printable characters");
    out.arguments.emplace_back(word);
    if (space == std::string_view::npos) break;
    rest.remove_prefix(space + 1);
  }
  // Full lines, then one that is shorter, possibly empty: so the end needs no mark.
  for (;;) {
    const auto body = lines.next();
    if (!body) return lines.refuse("the header ends inside a stanza");
    const auto bytes = parse_base64_unpadded(*body);
    if (body->size() > columns || !bytes) return lines.refuse("should be at most 64 characters of unpadded base64");
    put(out.body, *bytes);
    if (body->size() < columns) return out;
  }
}

}  // namespace

Result<std::optional<AgeStanza::X25519>> AgeStanza::x25519() const {
  if (arguments.front() != x25519_type) return std::optional<X25519>();
  const auto share = arguments.size() == 2 ? exactly_32(parse_base64_unpadded(arguments[1])) : std::optional<Digest>();
  const auto wrapped = exactly_32(body);
  if (!share || !wrapped)
    return fail(why("crypto.age_syntax"), "an X25519 stanza should have a share and a body of 32 bytes each");
  return std::optional(X25519{*share, *wrapped});
}

AgeStanza AgeStanza::of(const X25519& keys) {
  return {{std::string(x25519_type), base64_unpadded(keys.share)},
          Bytes(keys.wrapped_key.begin(), keys.wrapped_key.end())};
}

std::string AgeHeader::signed_text() const {
  std::string out(version_line);
  out += '\n';
  for (const AgeStanza& stanza : stanzas) {
    out += "->";
    for (const std::string& word : stanza.arguments) {
      out += ' ';
      out += word;
    }
    out += '\n';
    const std::string body = base64_unpadded(stanza.body);
    for (std::size_t at = 0; at <= body.size(); at += columns) {
      out.append(body, at, columns);
      out += '\n';
    }
  }
  out += footer_prefix;
  return out;
}

std::string AgeHeader::text() const { return signed_text() + " " + base64_unpadded(mac) + "\n"; }

Result<ParsedAgeHeader> parse_age_header(ByteView file) {
  Lines lines(as_text(file.first(std::min(file.size(), age_header_size_max))));
  ParsedAgeHeader out;
  auto line = lines.next();
  if (!line || *line != version_line) return lines.refuse("should be age-encryption.org/v1");
  for (;;) {
    line = lines.next();
    if (!line) return lines.refuse(fmt::format("no end within {} bytes", age_header_size_max));
    if (line->starts_with(footer_prefix)) break;
    if (!line->starts_with(stanza_prefix)) return lines.refuse("should begin with -> or ---");
    if (out.header.stanzas.size() == age_stanzas_max)
      return lines.refuse(fmt::format("more than {} stanzas", age_stanzas_max));
    out.header.stanzas.push_back(HZ_TRY(read_stanza(lines, *line)));
  }
  if (out.header.stanzas.empty()) return lines.refuse("a stanza should be here");
  const auto mac = line->size() > 4 && (*line)[3] == ' ' ? exactly_32(parse_base64_unpadded(line->substr(4)))
                                                         : std::optional<Digest>();
  if (!mac) return lines.refuse("should be --- and a MAC of 32 bytes in unpadded base64");
  out.header.mac = *mac;
  out.size = lines.used();
  return out;
}

}  // namespace hz::crypto
