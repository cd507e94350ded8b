#include "node/watch_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

namespace hz::node {
namespace {

constexpr std::size_t watches_bytes_max = 4u << 20;
constexpr std::int64_t rows_max = 1'000'000;

struct Kept {
  std::vector<KeptWatch> watches;
  static constexpr auto fields() { return rows(row("watches", &Kept::watches, "one a product")); }
};

}  // namespace

std::string pairs_text(const std::deque<Rerun>& pairs) {
  std::string out;
  for (const Rerun& one : pairs)
    out += fmt::format("{}{}/{}{}", out.empty() ? "" : " ", one.agreeing, one.judged, one.within ? "+" : "");
  return out;
}

std::deque<Rerun> read_pairs(std::string_view text) {
  std::deque<Rerun> out;
  const char *at = text.data(), *const end = at + text.size();
  while (at != end) {
    Rerun one;
    auto read = std::from_chars(at, end, one.agreeing);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != '/') return {};
    read = std::from_chars(read.ptr + 1, end, one.judged);
    if (read.ec != std::errc() || one.agreeing < 0 || one.agreeing > one.judged || one.judged > rows_max) return {};
    at = read.ptr;
    if (at != end && *at == '+') {
      one.within = true;
      ++at;
    }
    if (at != end && (*at != ' ' || ++at == end)) return {};
    if (out.size() == reruns_kept_max) return {};
    out.push_back(one);
  }
  return out;
}

std::vector<KeptWatch> read_watches(const fs::path& home) {
  const auto text = read_text(home / "watch.json", watches_bytes_max);
  const auto value = text ? json::parse(*text) : std::unexpected(text.error());
  auto kept = value ? from_json<Kept>(*value) : std::unexpected(value.error());
  return kept ? std::move(kept->watches) : std::vector<KeptWatch>();
}

Result<void> keep_watches(const fs::path& home, const std::vector<KeptWatch>& watches) {
  const fs::path path = home / "watch.json", next = home / "watch.json.next";
  std::error_code error;
  if (watches.empty()) {
    fs::remove(path, error);
    return {};
  }
  {
    std::ofstream out(next, std::ios::binary | std::ios::trunc);
    out << json::dump(to_json(Kept{watches})) << '\n';
    if (!out.flush()) return fail(hz::why("base.write"), "{}", next.string());
  }
  fs::rename(next, path, error);
  if (error) return fail(hz::why("base.write"), "{}: {}", path.string(), error.message());
  return {};
}

const KeptWatch* kept_of(const std::vector<KeptWatch>& watches, const drill::DrillWatched& said) {
  const auto at = std::ranges::find_if(watches, [&](const KeptWatch& one) {
    return one.counts.drill == said.drill && one.counts.product == said.product && one.counts.claim == said.claim;
  });
  return at == watches.end() ? nullptr : &*at;
}

}  // namespace hz::node
