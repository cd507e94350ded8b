#include "log/fork.h"

#include <algorithm>

#include "log/reasons.h"

namespace hz::log {
namespace {

constexpr std::string_view header = "hezong/fork@v1";

// The note with the log's own signature line alone: other lines prove nothing here, and a changed byte in them would go
// unnoticed.
Result<std::string> bare(std::string_view message, const NoteKey& log_key) {
  Note note = HZ_TRY(parse_note(message));
  const auto mine = std::ranges::find_if(
      note.signatures, [&](const SignatureLine& s) { return s.name == log_key.name && s.key_id == log_key.id(); });
  note.signatures = {*mine};
  return format_note(note);
}

}  // namespace

Result<Fork> parse_fork(std::string_view text) {
  if (text.size() > fork_size_bytes_max)
    return fail(hz::why("base.too_large"), "fork evidence of {} bytes, limit {}", text.size(), fork_size_bytes_max);
  const std::string_view whole = text;
  std::size_t number = 0;
  const auto refuse = [&](std::string_view what) { return fail(why("log.fork_syntax"), "line {}: {}", number, what); };
  const auto take = [&]() -> std::string_view {
    ++number;
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
  };
  const auto hash = [](std::string_view line, Digest& out) {
    const auto bytes = parse_base64(line);
    if (!bytes || bytes->size() != 32) return false;
    std::copy(bytes->begin(), bytes->end(), out.begin());
    return true;
  };
  if (take() != header) return refuse("should be hezong/fork@v1");
  Fork fork;
  std::string_view line = take();
  if (line.starts_with("root ")) {
    if (!hash(line.substr(5), fork.first_root)) return refuse("the root is not the base64 of 32 bytes");
    for (line = take(); !line.empty(); line = take()) {
      if (fork.path.size() == 64) return refuse("more than 64 hashes");
      if (!hash(line, fork.path.emplace_back())) return refuse("should be the base64 of 32 bytes");
    }
  }
  if (!line.empty()) return refuse("should be `root` or empty");
  // The first note: its text, an empty line, its signature lines, and the empty line that ends it.
  const auto body = text.find("\n\n");
  const auto end = body == std::string_view::npos ? body : text.find("\n\n", body + 2);
  if (end == std::string_view::npos) return refuse("two signed notes should follow");
  fork.first = std::string(text.substr(0, end + 1));
  fork.second = std::string(text.substr(end + 2));
  for (const std::string& note : {fork.first, fork.second}) {
    const Note parsed = HZ_TRY(parse_note(note));
    HZ_TRY(parse_checkpoint(parsed.text));
    if (parsed.signatures.size() != 1) return refuse("a note has one signature line here");
  }
  if (format_fork(fork) != whole) return refuse("not the one text of this evidence");
  return fork;
}

std::string format_fork(const Fork& fork) {
  std::string out = fmt::format("{}\n", header);
  if (fork.first_root != Digest{}) out += fmt::format("root {}\n", base64(fork.first_root));
  for (const Digest& hash : fork.path) out += base64(hash) + "\n";
  return out + "\n" + fork.first + "\n" + fork.second;
}

Result<Forked> verify_fork(const Fork& fork, const NoteKey& log_key) { return verify_fork(fork, always(log_key)); }
Result<Forked> verify_fork(const Fork& fork, const KeysAt& keys) {
  Forked out{HZ_TRY(open_head(fork.first, keys)).head, HZ_TRY(open_head(fork.second, keys)).head};
  const auto unproven = [&](std::string_view what) {
    return fail(why("log.fork_unproven"), "sizes {} and {}: {}", out.first.size, out.second.size, what);
  };
  if (out.first.size > out.second.size) return unproven("the smaller head stands first");
  if (out.first.size == out.second.size) {
    if (!fork.path.empty() || fork.first_root != Digest{}) return unproven("equal sizes have no proof");
    if (out.first.root == out.second.root) return unproven("the roots are equal");
    return out;
  }
  if (fork.first_root == out.first.root) return unproven("the proof starts at the first head itself");
  if (!crypto::verify_consistency(out.first.size, out.second.size, fork.first_root, out.second.root, fork.path))
    return unproven("the consistency proof does not hold");
  return out;
}

Result<std::optional<Fork>> find_fork(std::string_view one, std::string_view other, const NoteKey& log_key,
                                      const crypto::NodeSource& second_tree) {
  return find_fork(one, other, always(log_key), second_tree);
}
Result<std::optional<Fork>> find_fork(std::string_view one, std::string_view other, const KeysAt& keys,
                                      const crypto::NodeSource& second_tree) {
  const OpenedHead opened_a = HZ_TRY(open_head(one, keys)), opened_b = HZ_TRY(open_head(other, keys));
  Checkpoint a = opened_a.head, b = opened_b.head;
  Fork fork{HZ_TRY(bare(one, opened_a.key)), HZ_TRY(bare(other, opened_b.key)), {}, {}};
  if (a.size > b.size || (a.size == b.size && a.root > b.root)) {
    std::swap(a, b);
    std::swap(fork.first, fork.second);
  }
  if (a.size == b.size) {
    if (a.root == b.root) return std::nullopt;
  } else {
    if (HZ_TRY(crypto::tree_root(b.size, second_tree)) != b.root)
      return fail(why("log.fork_source"), "{} size {}", b.origin, b.size);
    fork.first_root = HZ_TRY(crypto::tree_root(a.size, second_tree));
    if (fork.first_root == a.root) return std::nullopt;
    fork.path = HZ_TRY(crypto::consistency_proof(a.size, b.size, second_tree));
  }
  HZ_TRY(verify_fork(fork, keys));
  return fork;
}

}  // namespace hz::log
