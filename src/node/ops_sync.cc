// Operations between nodes: one round by hand, and what is known of the others.
#include <algorithm>

#include "node/dial.h"
#include "node/ops.h"
#include "node/scrub_pass.h"
#include "node/sync.h"

namespace hz::node {
namespace {

struct Sync {
  static constexpr auto fields() { return rows(); }
};
struct SyncOut : SyncRound {
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return std::tuple_cat(SyncRound::fields(), rows(row("frontier", &SyncOut::frontier, "as of")));
  }
};
Result<SyncOut> sync(api::Ctx& ctx, const Sync&) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  Dialer dialer = HZ_TRY(Dialer::of(member));
  ctx.progress().phase("pulling logs, asking witnesses", 0);
  SyncOut out{HZ_TRY(sync_once(member, dialer.connect(), {.reach = dialer.reach()})), {}};
  HZ_TRY(keep_round(ctx.home, out, ctx.clock().now_ms()));
  HZ_TRY(member.views());
  out.frontier = member.frontier();
  return out;
}

// What else came of a round, in words.
std::string more_text(const SyncRound& round, const api::Style& style) {
  std::string out;
  if (round.bodies_came > 0) out += fmt::format("{} sealed bodies came\n", round.bodies_came);
  if (round.bodies_given > 0)
    out += fmt::format("{} own sealed bodies given to those who may read them by now\n", round.bodies_given);
  if (!round.fault.empty()) out += fmt::format("{} {}\n", style.red("fault:"), round.fault);
  return out;
}

std::string rows_text(const std::vector<PeerRow>& peers, const api::Style& style) {
  if (peers.empty()) return "no other node is known: `hezong member invite`, `hezong join` or `hezong peer add`\n";
  std::vector<std::vector<std::string>> cells{{"log", "name", "standing", "mirrored", "behind", "cosigned", "fault"}};
  for (const PeerRow& p : peers) {
    const bool node = p.state != "witness";  // the others have no log
    const std::string behind =
        p.signed_size < 0 ? "?" : std::to_string(std::max<std::int64_t>(0, p.signed_size - p.stored));
    cells.push_back({p.origin, p.name, p.state, node ? std::to_string(p.stored) : "-", node ? behind : "-",
                     p.cosigned_s < 0 ? "-" : utc_text(p.cosigned_s * 1000),
                     p.fault.empty() ? "" : style.red(p.fault)});
  }
  return api::table(cells, style);
}
bool answer_is_no(const SyncOut& out) {
  return std::ranges::any_of(out.peers, [](const PeerRow& p) { return !p.fault.empty(); });
}
std::string text(const SyncOut& out, const api::Style& style) {
  return rows_text(out.peers, style) + more_text(out, style) +
         fmt::format("own head {}: quorum {} ({})\nas of frontier {}\n", out.head,
                     out.quorum ? style.green("met") : style.yellow("not met"), out.quorum_rule, out.frontier.digest);
}

struct Peers {
  static constexpr auto fields() { return rows(); }
};
struct PeersOut {
  std::optional<KeptRound> last;
  std::optional<ScrubReport> scrub;
  static constexpr auto fields() {
    return rows(row("last", &PeersOut::last, "the last round of the running node"),
                row("scrub", &PeersOut::scrub, "what it found when it read everything stored again, mirrors too"));
  }
};
Result<PeersOut> peers(api::Ctx& ctx, const Peers&) {
  HZ_TRY(ctx.member());
  auto last = kept_round(ctx.home);
  if (!last && last.error().reason->slug != "base.read") return std::unexpected(std::move(last).error());
  return PeersOut{last ? std::optional(*std::move(last)) : std::nullopt, kept_scrub(ctx.home)};
}
std::string text(const PeersOut& out, const api::Style& style) {
  const std::string scrub = out.scrub ? scrub_text(*out.scrub) : "";
  if (!out.last) return "no round yet: `hezong up` runs them, `hezong node sync` runs one\n" + scrub;
  const SyncRound& round = out.last->round;
  return rows_text(round.peers, style) + more_text(round, style) +
         fmt::format("own head {}: quorum {} ({})\nlast round {}\n", round.head,
                     round.quorum ? style.green("met") : style.yellow("not met"), round.quorum_rule,
                     utc_text(out.last->at_ms)) +
         scrub;
}

}  // namespace

std::span<const api::Op> sync_ops() {
  static const api::Op table[] = {
      api::op<&sync>({.id = "node.sync",
                      .http = "POST /v1/node/sync",
                      .cli = "node sync",
                      .may = api::May::reader,
                      .doc = "One round: mirror what is new of every known log, bring the own head to its witnesses.",
                      .example = "hezong node sync",
                      .more = "`hezong up` does this by itself every few seconds. Ends with exit code 3 when a node is "
                              "away or at fault; what the others gave is kept."}),
      api::op<&peers>({.id = "node.peers",
                       .http = "GET /v1/node/peers",
                       .cli = "node peers",
                       .may = api::May::reader,
                       .doc = "The other nodes as the last round found them: mirrored statements, lag, cosigned heads.",
                       .example = "hezong node peers"}),
  };
  return table;
}

}  // namespace hz::node
