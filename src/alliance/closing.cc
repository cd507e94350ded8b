#include "alliance/closing.h"

#include <algorithm>

#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "log/checkpoint.h"
#include "statement/ids.h"

namespace hz::alliance {

Result<void> check_frontier(const std::vector<FrontierEntry>& frontier) {
  const auto bad = [](std::string_view what) { return fail(why("alliance.closing"), "frontier: {}", what); };
  if (frontier.empty() || frontier.size() > closing_logs_max)
    return bad(fmt::format("{} logs; 1 to {} can be named", frontier.size(), closing_logs_max));
  for (std::size_t i = 0; i < frontier.size(); ++i) {
    const FrontierEntry& e = frontier[i];
    if (!log::valid_origin(e.origin)) return bad(fmt::format("{} is no origin", e.origin));
    if (i > 0 && frontier[i - 1].origin >= e.origin) return bad(fmt::format("{} is not in order", e.origin));
    if (e.size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return bad(fmt::format("size of {}", e.origin));
    if (e.size == 0 ? !e.root.empty() : !statement::is_sha256(e.root)) return bad(fmt::format("root of {}", e.origin));
  }
  return {};
}

Result<void> check(const Closing& closing) {
  if (!statement::is_shown_name(closing.what) || !statement::is_shown_name(closing.of))
    return fail(why("alliance.closing"), "it names nothing that is closed");
  if (!statement::is_sha256(closing.result)) return fail(why("alliance.closing"), "{}: no result digest", closing.of);
  return check_frontier(closing.frontier);
}

const FrontierEntry* entry_of(const std::vector<FrontierEntry>& frontier, std::string_view origin) {
  const auto found = std::ranges::lower_bound(frontier, origin, {}, &FrontierEntry::origin);
  return found != frontier.end() && found->origin == origin ? &*found : nullptr;
}

Sizes sizes_of(const std::vector<FrontierEntry>& frontier) {
  Sizes out;
  for (const FrontierEntry& e : frontier) out[e.origin] = e.size;
  return out;
}

std::optional<std::string> goes_back(const std::vector<FrontierEntry>& earlier,
                                     const std::vector<FrontierEntry>& later) {
  for (const FrontierEntry& e : earlier) {
    const FrontierEntry* now = entry_of(later, e.origin);
    if (!now || now->size < e.size) return e.origin;
  }
  return std::nullopt;
}

std::string result_digest(const json::Value& result) { return hex(crypto::sha256(as_bytes(json::dump(result)))); }

}  // namespace hz::alliance
