#include "log/checked.h"

#include <unistd.h>

#include <atomic>
#include <fstream>

#include "log/decimal.h"
#include "log/reasons.h"
#include "log/state.h"

namespace hz::log {
namespace {

// No checkpoint begins like this: its second line is a number.
constexpr std::string_view header = "hezong/checked/v1\n";
constexpr std::size_t record_size_bytes_max = 512u << 10;

// `name value` and its line end off the front of `text`.
std::optional<std::string_view> take(std::string_view& text, std::string_view name) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(name) || name.size() >= end || text[name.size()] != ' ')
    return std::nullopt;
  const std::string_view value = text.substr(name.size() + 1, end - name.size() - 1);
  text.remove_prefix(end + 1);
  return value;
}

fs::path record_path(const fs::path& folder) { return folder / "checked"; }

}  // namespace

std::string sign_checked(const Checked& checked, std::string_view origin, const crypto::SigningKey& key) {
  std::string text = fmt::format("{}log {}\nsize {}\nroot {}\n", header, origin, checked.size, base64(checked.root));
  for (const std::uint64_t at : checked.landmarks) text += fmt::format("landmark {}\n", at);
  return format_note({text, {sign_note(text, origin, key)}});
}

Result<Checked> open_checked(std::string_view message, const NoteKey& log_key) {
  const Note note = HZ_TRY(parse_note(message));
  HZ_TRY(verify_note(note, std::span(&log_key, 1)));
  const auto refuse = [](std::string_view what) { return fail(why("log.checked"), "{}", what); };
  std::string_view text = note.text;
  if (!text.starts_with(header)) return refuse("another kind of note");
  text.remove_prefix(header.size());
  if (take(text, "log") != std::string_view(log_key.name)) return refuse("another log");
  const auto size = take(text, "size");
  const auto number = size ? parse_decimal(*size) : std::nullopt;
  if (!number) return refuse("no size");
  const auto root = parse_base64(take(text, "root").value_or(""));
  if (!root || root->size() != 32) return refuse("no root");
  Checked out{.size = *number};
  std::copy(root->begin(), root->end(), out.root.begin());
  while (!text.empty()) {
    const auto line = take(text, "landmark");
    const auto at = line ? parse_decimal(*line) : std::nullopt;
    if (!at || *at >= out.size || (!out.landmarks.empty() && *at <= out.landmarks.back()) ||
        out.landmarks.size() == landmarks_max)
      return refuse("a landmark is out of place");
    out.landmarks.push_back(*at);
  }
  return out;
}

Result<bool> Log::State::sound_since_record() {
  if (head.size <= always_checked_max || edge.root() != head.root) return false;
  const auto text = read_text(record_path(folder), record_size_bytes_max);
  const auto record = text ? open_checked(*text, note_key) : std::unexpected(text.error());
  if (!record || record->size > head.size) return false;
  const auto root = crypto::tree_root(record->size, source());
  if (!root || *root != record->root) return false;
  // What came since is read as everything is read here: up to the signed root.
  const auto tail = visit(record->size, head.size, [](auto, ByteView) -> Result<void> { return {}; });
  if (!tail) return false;  // the whole check names what is wrong
  checked = *record;
  return true;
}

const Checked* Log::checked() const { return state_->checked ? &*state_->checked : nullptr; }

void Log::keep_checked(std::vector<std::uint64_t> landmarks, const crypto::SigningKey& key) const {
  const State& state = *state_;
  if (landmarks.size() > landmarks_max || key.verifying_key() != state.note_key.key) return;
  const Checked now{state.head.size, state.head.root, std::move(landmarks)};
  // Each process writes a file of its own, and the name changes hands at once: a reader finds one record or the other.
  static std::atomic<std::uint64_t> count = 0;
  const fs::path path = record_path(state.folder);
  const fs::path next = fmt::format("{}.{}.{}", path.string(), ::getpid(), ++count);
  const std::string text = sign_checked(now, state.note_key.name, key);
  bool written = false;
  {
    std::ofstream out(next, std::ios::binary | std::ios::trunc);
    out << text;
    written = static_cast<bool>(out.flush());
  }
  std::error_code error;
  if (written) fs::rename(next, path, error);
  if (!written || error) fs::remove(next, error);
}

}  // namespace hz::log
