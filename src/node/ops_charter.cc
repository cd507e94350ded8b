// Operations on the charter.
#include "crypto/hash.h"
#include "node/ballot_support.h"
#include "node/in_force.h"
#include "node/ops.h"
#include "sql/db.h"

namespace hz::node {
namespace {

using namespace hz::alliance;

struct Adopt {
  std::optional<std::string> name, file, ballot;
  static constexpr auto fields() {
    return rows(row("name", &Adopt::name, "name of the alliance; the rest is the default charter"),
                row("file", &Adopt::file, "the whole charter as JSON; `hezong charter show --json` prints one"),
                row("ballot", &Adopt::ballot, "ballot that passed on it: its proposal is adopted"));
  }
};
struct CharterOut {
  Charter charter;
  std::string statement;
  static constexpr auto fields() {
    return rows(row("charter", &CharterOut::charter, "what was agreed on"),
                row("statement", &CharterOut::statement, "statement id"));
  }
};
Result<CharterOut> adopt(api::Ctx& ctx, const Adopt& in) {
  Member& member = *HZ_TRY(ctx.member());
  const auto before = charter_in_force(member);
  if (before) HZ_TRY(as_secretariat(member));
  Charter charter = default_charter(in.name.value_or(member.authority().genesis.name + " alliance"), member.origin());
  if (in.file) charter = HZ_TRY(read_charter(*in.file));
  if (before) charter.version = before->charter.version + 1;
  if (in.ballot) {
    const Judgement judgement = HZ_TRY(judge_anew(member));
    const Ballot ballot = HZ_TRY(find_ballot(judgement, *in.ballot));
    if (ballot.open.proposal.empty())
      return fail(alliance::why("alliance.no_ballot"), "ballot {} is on {}", ballot.id, ballot.open.act);
    charter = HZ_TRY(from_json<Charter>(HZ_TRY(json::parse(ballot.open.proposal))));
  }
  HZ_TRY(check(charter));
  HZ_TRY(check_voters(HZ_TRY(judge_anew(member)).membership(), charter));
  const auto refs =
      HZ_TRY(ballot_support(ctx, member, "charter", charter_subject(charter), json::dump(to_json(charter)), in.ballot));
  const auto receipt = HZ_TRY(member.append(draft(charter, refs)));
  return CharterOut{std::move(charter), receipt.id};
}
struct ShowCharter {
  static constexpr auto fields() { return rows(); }
};
Result<CharterOut> show(api::Ctx& ctx, const ShowCharter&) {
  InForce found = HZ_TRY(charter_in_force(*HZ_TRY(ctx.member())));
  return CharterOut{std::move(found.charter), std::move(found.statement)};
}
std::string text(const CharterOut& out, const api::Style& style) {
  const Charter& c = out.charter;
  std::string shown = fmt::format("{}, charter version {}\n  secretariat {} from {}\n", style.bold(c.name), c.version,
                                  c.secretariat, c.secretariat_from);
  for (const Tier& t : c.tiers)
    shown += fmt::format("  tier {}: {}\n", t.tier, t.may_vote ? fmt::format("votes, weight {}", t.weight) : "no vote");
  const auto share = [](bool more_than, std::int64_t part, std::int64_t of) {
    return fmt::format("{} {}/{}", more_than ? "more than" : "at least", part, of);
  };
  for (const VoteRule& r : c.rules) {
    std::string needed = share(r.more_than, r.yes_numerator, r.yes_denominator);
    if (!r.chambers.empty()) needed.clear();
    for (const Chamber& chamber : r.chambers)
      needed += fmt::format("{}{} in {}", needed.empty() ? "" : " and ",
                            share(chamber.more_than, chamber.yes_numerator, chamber.yes_denominator), chamber.tier);
    shown += fmt::format("  {}: {} of {}, quorum {}/{}, a tie {}\n", r.act, needed, enum_text(r.of), r.quorum_numerator,
                         r.quorum_denominator, enum_text(r.tie));
  }
  for (const AffiliateGroup& g : c.affiliates)
    shown += fmt::format("  {} votes once: {} members\n", g.group, g.members.size());
  return shown + fmt::format("  totals need {} contributors\nstatement {}\n", c.aggregation_min, out.statement);
}

}  // namespace

std::span<const api::Op> charter_ops() {
  static const api::Op table[] = {
      api::op<&adopt>({.id = "charter.adopt",
                       .http = "POST /v1/charter",
                       .cli = "charter adopt",
                       .may = api::May::author,
                       .emits = {Charter::kind, BallotOpen::kind, Vote::kind, BallotClose::kind},
                       .fails = {"alliance.charter", "alliance.not_secretariat", "alliance.no_ballot"},
                       .doc = "Found an alliance with a charter, or adopt the next version of it.",
                       .example = "hezong charter adopt --name \"Open Compute Alliance\"",
                       .more = "The next version needs a ballot that passed on it, where the charter in force has a "
                               "rule for `charter`. A member that is the only voter opens, votes and closes it by "
                               "this command."}),
      api::op<&show>({.id = "charter.show",
                      .http = "GET /v1/charter",
                      .cli = "charter show",
                      .may = api::May::reader,
                      .fails = {"alliance.no_charter"},
                      .doc = "The charter in force.",
                      .example = "hezong charter show"}),
  };
  return table;
}

}  // namespace hz::node
