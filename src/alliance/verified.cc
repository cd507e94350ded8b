#include "alliance/verified.h"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <fstream>

namespace hz::alliance {
namespace {

constexpr std::string_view header = "hezong/verified/v1";

bool number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Verified read_verified(const fs::path& path, std::string_view origin) {
  const auto text = read_text(path, 1 << 20);
  if (!text || !text->ends_with('\n')) return {};
  Verified out;
  std::string_view rest = *text;
  const auto line = [&] {
    const auto end = rest.find('\n');
    const auto found = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return found;
  };
  if (line() != header || line() != origin) return {};
  if (!number(line(), out.size)) return {};
  const auto root = parse_digest(line());
  if (!root) return {};
  out.root = *root;
  std::uint64_t bad = 0;
  while (!rest.empty()) {
    const auto one = line();
    if (one == "end" && rest.empty()) return out;  // a file cut off has no such line
    if (!number(one, bad) || bad >= out.size) return {};
    out.bad.insert(bad);
  }
  return {};
}

Result<void> write_verified(const fs::path& path, std::string_view origin, const Verified& verified) {
  if (verified.bad.size() > verified_bad_max) return {};
  std::string text = fmt::format("{}\n{}\n{}\n{}\n", header, origin, verified.size, hex(verified.root));
  for (const std::uint64_t bad : verified.bad)
    if (bad < verified.size) text += fmt::format("{}\n", bad);
  text += "end\n";
  // Several members of one folder may write it at once, in one process or in two.
  static std::atomic<unsigned> count = 0;
  const fs::path next = fmt::format("{}.{}-{}", path.string(), ::getpid(), ++count);
  std::error_code error, ignored;
  {
    std::ofstream out(next, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) {
      fs::remove(next, ignored);
      return fail(hz::why("base.write"), "{}", next.string());
    }
  }
  fs::rename(next, path, error);
  if (!error) return {};
  fs::remove(next, ignored);
  return fail(hz::why("base.write"), "{}: {}", path.string(), error.message());
}

}  // namespace hz::alliance
