#include "log/checkpoint.h"

#include "crypto/hash.h"
#include "log/decimal.h"
#include "log/reasons.h"

namespace hz::log {

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  const auto refuse = [](std::string_view what) { return fail(why("log.checkpoint"), "{}", what); };
  std::string_view lines[3];
  for (auto& line : lines) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return refuse("fewer than three lines");
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  if (!text.empty()) return refuse("extension lines are not accepted");
  if (!valid_origin(lines[0])) return refuse("the first line cannot name a log");
  const auto size = parse_decimal(lines[1]);
  if (!size) return refuse("the size is not a plain decimal below 2^63");
  const auto root = parse_base64(lines[2]);
  if (!root || root->size() != 32) return refuse("the root is not the base64 of 32 bytes");
  Checkpoint out{std::string(lines[0]), *size, {}};
  std::copy(root->begin(), root->end(), out.root.begin());
  return out;
}

std::string format_checkpoint(const Checkpoint& checkpoint) {
  return fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size, base64(checkpoint.root));
}

bool valid_origin(std::string_view origin) {
  return valid_key_name(origin) && origin.size() <= 255 && origin.back() != '/' &&
         origin.find("://") == std::string_view::npos;
}

std::string origin_hash(std::string_view origin) { return hex(crypto::sha256(as_bytes(origin))); }

std::string sign_checkpoint(const Checkpoint& checkpoint, const crypto::SigningKey& key) {
  const std::string text = format_checkpoint(checkpoint);
  return format_note({text, {sign_note(text, checkpoint.origin, key)}});
}

Result<Checkpoint> open_checkpoint(std::string_view message, const NoteKey& log_key) {
  const Note note = HZ_TRY(parse_note(message));
  const Checkpoint checkpoint = HZ_TRY(parse_checkpoint(note.text));
  if (checkpoint.origin != log_key.name)
    return fail(why("log.checkpoint_origin"), "origin \"{}\", expected \"{}\"", checkpoint.origin, log_key.name);
  HZ_TRY(verify_note(note, std::span(&log_key, 1)));
  return checkpoint;
}

}  // namespace hz::log
