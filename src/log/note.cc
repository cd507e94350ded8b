#include "log/note.h"

#include <algorithm>

#include "crypto/hash.h"
#include "log/cosignature.h"
#include "log/reasons.h"

namespace hz::log {
namespace {

constexpr std::string_view dash = "\xe2\x80\x94 ";  // em dash, space

// Unicode White_Space, as UTF-8.
constexpr std::string_view spaces[] = {
    "\t",           "\n",           "\v",           "\f",           "\r",           " ",
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
    "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
    "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
    "\xe3\x80\x80"};

Result<SignatureLine> parse_line(std::string_view line, std::size_t number) {
  const auto refuse = [&](std::string_view what) {
    return fail(why("log.note"), "signature line {}: {}", number, what);
  };
  if (!line.starts_with(dash)) return refuse("does not start with an em dash and a space");
  line.remove_prefix(dash.size());
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return refuse("has no signature");
  const std::string_view name = line.substr(0, space);
  if (!valid_key_name(name)) return refuse("the name is empty or holds a space or '+'");
  const auto bytes = parse_base64(line.substr(space + 1));
  if (!bytes) return refuse("the signature is not base64");
  if (bytes->size() < 5) return refuse("the signature is too short");
  return SignatureLine{std::string(name), get_be<std::uint32_t>(bytes->data()),
                       Bytes(bytes->begin() + 4, bytes->end())};
}

bool verify_line(const Note& note, const SignatureLine& line, const NoteKey& key) {
  switch (key.type) {
    case KeyType::ed25519:
      return key.key.verify(as_bytes(note.text), line.signature);
    case KeyType::cosignature_v1:
      return verify_cosignature(note.text, key.key, line.signature);
  }
  return false;
}

}  // namespace

std::uint32_t NoteKey::id() const {
  const std::uint8_t between[] = {'\n', static_cast<std::uint8_t>(type)};
  return get_be<std::uint32_t>(crypto::sha256({as_bytes(name), ByteView(between), ByteView(key.bytes())}).data());
}

bool valid_key_name(std::string_view name) {
  if (name.empty() || !valid_utf8(name) || name.find('+') != std::string_view::npos) return false;
  if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; })) return false;
  return std::ranges::none_of(spaces, [&](std::string_view s) { return name.find(s) != std::string_view::npos; });
}

Result<NoteKey> parse_vkey(std::string_view text) {
  const auto refuse = [&](std::string_view what) {
    return fail(why("log.vkey"), "{}: \"{}\"", what, text.substr(0, 300));
  };
  const auto first = text.find('+');
  const auto second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return refuse("two '+' expected");
  const std::string_view name = text.substr(0, first);
  if (!valid_key_name(name)) return refuse("the name holds a space or is empty");
  const auto id = parse_hex(text.substr(first + 1, second - first - 1));
  if (!id || id->size() != 4) return refuse("the key id is not eight lower-case hex digits");
  const auto material = parse_base64(text.substr(second + 1));
  if (!material || material->empty()) return refuse("the key is not base64");
  const auto type = material->front();
  if (type != static_cast<int>(KeyType::ed25519) && type != static_cast<int>(KeyType::cosignature_v1))
    return fail(why("log.vkey"), "signature type {} is not one this program verifies", type);
  const NoteKey key{std::string(name), static_cast<KeyType>(type),
                    HZ_TRY(crypto::VerifyingKey::parse(ByteView(*material).subspan(1)))};
  if (key.id() != get_be<std::uint32_t>(id->data()))
    return fail(why("log.vkey"), "the key id {:08x} does not belong to this name and key ({:08x})",
                get_be<std::uint32_t>(id->data()), key.id());
  return key;
}

std::string format_vkey(const NoteKey& key) {
  Bytes material{static_cast<std::uint8_t>(key.type)};
  put(material, key.key.bytes());
  return fmt::format("{}+{:08x}+{}", key.name, key.id(), base64(material));
}

Result<Note> parse_note(std::string_view message) {
  if (message.size() > note_size_bytes_max)
    return fail(hz::why("base.too_large"), "a note of {} bytes, limit {}", message.size(), note_size_bytes_max);
  if (!valid_utf8(message)) return fail(why("log.note"), "it is not UTF-8");
  for (std::size_t i = 0; i < message.size(); ++i)
    if (static_cast<unsigned char>(message[i]) < 0x20 && message[i] != '\n')
      return fail(why("log.note"), "byte {} is a control character", i);
  const auto split = message.rfind("\n\n");
  if (split == std::string_view::npos) return fail(why("log.note"), "no empty line before the signatures");
  Note note{std::string(message.substr(0, split + 1)), {}};
  std::string_view rest = message.substr(split + 2);
  if (rest.empty() || rest.back() != '\n') return fail(why("log.note"), "the last signature line has no end");
  while (!rest.empty()) {
    if (note.signatures.size() == note_signatures_max)
      return fail(why("log.note"), "more than {} signatures", note_signatures_max);
    const auto end = rest.find('\n');
    note.signatures.push_back(HZ_TRY(parse_line(rest.substr(0, end), note.signatures.size() + 1)));
    rest.remove_prefix(end + 1);
  }
  return note;
}

std::string format_note(const Note& note) {
  std::string out = note.text + "\n";
  for (const SignatureLine& line : note.signatures) {
    Bytes bytes;
    put_be(bytes, line.key_id);
    put(bytes, line.signature);
    out += fmt::format("{}{} {}\n", dash, line.name, base64(bytes));
  }
  return out;
}

SignatureLine sign_note(std::string_view text, std::string_view name, const crypto::SigningKey& key) {
  const NoteKey note_key{std::string(name), KeyType::ed25519, key.verifying_key()};
  const auto signature = key.sign(as_bytes(text));
  return {note_key.name, note_key.id(), Bytes(signature.begin(), signature.end())};
}

Result<std::vector<const NoteKey*>> verify_note(const Note& note, std::span<const NoteKey> known) {
  std::vector<const NoteKey*> signers;
  for (const SignatureLine& line : note.signatures) {
    const auto key =
        std::ranges::find_if(known, [&](const NoteKey& k) { return k.name == line.name && k.id() == line.key_id; });
    if (key == known.end() || std::ranges::find(signers, &*key) != signers.end()) continue;
    if (!verify_line(note, line, *key)) return fail(why("log.note_signature"), "{}+{:08x}", line.name, line.key_id);
    signers.push_back(&*key);
  }
  if (signers.empty()) {
    std::string names;
    for (const SignatureLine& line : note.signatures) names += fmt::format(" {}+{:08x}", line.name, line.key_id);
    return fail(why("log.note_unsigned"), "signed by{}; {} keys known here", names, known.size());
  }
  return signers;
}

}  // namespace hz::log
