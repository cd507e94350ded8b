// A drill as it happens: where each product stands, and what its callers see meanwhile.
//
// Two sources, both of this machine: the steps in the log, and the gateway's meter. A terminal gets one picture that is
// drawn over itself; anything else a line for every change and one a second.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <thread>

#include "node/drill_rows.h"
#include "node/ops.h"
#include "pool/meter_journal.h"

namespace hz::node {
namespace {

using drill::ProductState;
using drill::Stage;

struct Watch {
  std::optional<std::string> id;
  std::int64_t seconds_max = 60;
  static constexpr auto fields() {
    return rows(row("id", &Watch::id, "drill, its first 6 digits are enough; the newest when absent"),
                row("seconds_max", &Watch::seconds_max, "stops after that, or when every product has settled (60)",
                    or_default));
  }
};
struct Served {
  std::string product;
  std::int64_t requests = 0, failed = 0, per_second = 0;
  static constexpr auto fields() {
    return rows(row("product", &Served::product, "product id"),
                row("requests", &Served::requests, "requests that ended while it was watched"),
                row("failed", &Served::failed, "of these: refused, cut within the answer, or died with the node"),
                row("per_second", &Served::per_second, "requests a second, at last"));
  }
};
struct Watched {
  DrillRow drill;
  std::vector<Served> served;
  static constexpr auto fields() {
    return rows(row("drill", &Watched::drill, "where each product stands"),
                row("served", &Watched::served, "what callers saw"));
  }
};
bool answer_is_no(const Watched& out) {
  return std::ranges::any_of(out.served, [](const Served& one) { return one.failed > 0; });
}

struct Count {
  std::int64_t ended = 0, failed = 0;
};
std::map<std::string, Count> counts_of(const fs::path& folder) {
  std::map<std::string, Count> out;
  for (const pool::Usage& u : pool::read_meter_folder(folder).usage) {
    Count& count = out[u.product];
    count.ended += u.whole + u.refused + u.cut + u.client_gone + u.node_died;
    count.failed += u.refused + u.cut + u.node_died;
  }
  return out;
}

// Nothing more happens to it by itself.
bool has_settled(const ProductState& p, bool switched_is_enough) {
  return p.stage == Stage::refused || p.stage == Stage::unsaved || p.stage == Stage::rolled_back ||
         p.stage == Stage::failed_back || p.stage == Stage::holds || p.stage == Stage::broken ||
         (switched_is_enough && (p.stage == Stage::switched || p.stage == Stage::verified));
}

std::string bar(const ProductState& p) {
  constexpr Stage way[] = {Stage::waiting, Stage::prepared, Stage::proved, Stage::canary, Stage::switched};
  std::string out;
  const auto at = std::ranges::find(way, p.stage);
  const bool past = p.switched_ms >= 0 || p.stage == Stage::verified || p.stage == Stage::failed_back;
  for (const auto* one = std::begin(way); one != std::end(way); ++one) out += past || one <= at ? "#" : ".";
  return at == std::end(way) && !past ? "....." : out;
}

class Picture {
 public:
  explicit Picture(bool terminal) : terminal_(terminal) {}
  void show(const drill::KnownDrill& known, const std::map<std::string, Served>& served, std::int64_t second) {
    std::string text, changes;
    std::size_t lines = 0;
    for (const ProductState& p : known.products) {
      const auto seen = served.find(p.product);
      const Served now = seen == served.end() ? Served{} : seen->second;
      const std::string name = p.product.substr(p.product.find(':') + 1);
      text += fmt::format("  {:<12} [{}] {:<12} {:<16} {:<14} {:>5}/s {:>4} failed\n", name, bar(p), enum_text(p.stage),
                          p.backend, p.site, now.per_second, now.failed);
      ++lines;
      const std::string watched = watched_line(p);
      if (!watched.empty()) {
        text += fmt::format("      {}\n", watched.substr(watched.find(": ") + 2));
        ++lines;
      }
      if (!terminal_ && watched_[p.product] != watched) {
        changes += fmt::format("{:>3} s  {}\n", second, watched);
        watched_[p.product] = watched;
      }
      if (stages_[p.product] != p.stage || (!terminal_ && !p.detail.empty() && details_[p.product] != p.detail)) {
        changes += fmt::format("{:>3} s  {:<12} {:<12} {:>5}/s {} failed  {}\n", second, name, enum_text(p.stage),
                               now.per_second, now.failed, p.detail.substr(0, 140));
        stages_[p.product] = p.stage;
        details_[p.product] = p.detail;
      }
    }
    if (terminal_) {
      if (drawn_ > 0) fmt::print(stderr, "\x1b[{}A\x1b[J", drawn_);
      fmt::print(stderr, "drill {} after {} s\n{}", known.id.substr(0, 12), second, text);
      drawn_ = lines + 1;
    } else {
      if (changes.empty() && second != told_) {
        std::int64_t rate = 0, failed = 0;
        for (const auto& [product, one] : served) rate += one.per_second, failed += one.failed;
        changes = fmt::format("{:>3} s  {}/s on {} products, {} failed\n", second, rate, served.size(), failed);
      }
      if (!changes.empty()) told_ = second;
      fmt::print(stderr, "{}", changes);
    }
    std::fflush(stderr);
  }

 private:
  bool terminal_;
  std::size_t drawn_ = 0;
  std::int64_t told_ = -1;
  std::map<std::string, Stage> stages_;
  std::map<std::string, std::string> details_, watched_;
};

Result<Watched> watch(api::Ctx& ctx, const Watch& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const std::string id = HZ_TRY(find_drill(ctx, in.id)).id;
  const fs::path meter = ctx.home / "meter";
  const auto begun = std::chrono::steady_clock::now();
  const auto first = counts_of(meter);
  auto before = first;
  auto looked = begun;
  std::map<std::string, Served> served;
  Picture picture(::isatty(STDERR_FILENO) == 1);
  std::optional<bool> was_over;  // its products were at the substitute when it was first looked at
  for (;;) {
    HZ_TRY(member.refresh());
    const drill::KnownDrill known = HZ_TRY(drill::find_drill(*HZ_TRY(member.views()), id));
    const auto now = std::chrono::steady_clock::now();
    const auto gone_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - looked).count();
    if (gone_ms >= 400 || served.empty()) {
      const auto counts = counts_of(meter);
      for (const auto& [product, count] : counts) {
        const auto start = first.find(product);
        const auto last = before.find(product);
        Served& one = served[product];
        one.product = product;
        one.requests = count.ended - (start == first.end() ? 0 : start->second.ended);
        one.failed = count.failed - (start == first.end() ? 0 : start->second.failed);
        if (gone_ms > 0)
          one.per_second = (count.ended - (last == before.end() ? 0 : last->second.ended)) * 1000 / gone_ms;
      }
      before = counts;
      looked = now;
    }
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(now - begun).count();
    picture.show(known, served, second);
    if (!was_over)
      was_over = !known.products.empty() &&
                 std::ranges::any_of(known.products, [](const auto& p) { return drill::is_over_there(p.stage); });
    const bool settled = !known.products.empty() && std::ranges::all_of(known.products, [&](const ProductState& p) {
      return has_settled(p, !*was_over);
    });
    if (settled || second >= std::clamp<std::int64_t>(in.seconds_max, 0, 86'400)) {
      Watched out{row_of(known), {}};
      for (const auto& [product, one] : served) out.served.push_back(one);
      return out;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
  }
}
std::string text(const Watched& out, const api::Style& style) {
  std::string said = table_of(out.drill, style);
  for (const Served& one : out.served)
    said += fmt::format("{}: {} requests meanwhile, {} failed\n", one.product.substr(one.product.find(':') + 1),
                        one.requests, one.failed);
  return said;
}

}  // namespace

std::span<const api::Op> drill_watch_ops() {
  static const api::Op table[] = {
      api::op<&watch>({.id = "drill.watch",
                       .http = "",
                       .cli = "drill watch [id]",
                       .may = api::May::reader,
                       .fails = {"drill.no_drill"},
                       .doc = "Show a drill as it happens: steps of each product, requests a second, failures.",
                       .example = "hezong drill watch",
                       .more =
                           "Run it beside apply or fail-back. On a terminal it is one picture, elsewhere a line for "
                           "every change. It ends when every product has settled. Exit code 3: a request failed "
                           "meanwhile.",
                       .local = true}),
  };
  return table;
}

}  // namespace hz::node
