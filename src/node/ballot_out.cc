#include "node/ballot_out.h"

#include <algorithm>

namespace hz::node {

using namespace hz::alliance;

namespace {

std::string next_step(const Ballot& b, bool used) {
  const std::string short_id = b.id.substr(0, 12);
  switch (b.state) {
    case BallotState::open:
      return fmt::format("vote until {}; then {} runs hezong ballot close {}", utc_text(b.next_ms), b.origin, short_id);
    case BallotState::revealing:
      return fmt::format("reveal until {}; then {} runs hezong ballot close {}", utc_text(b.next_ms), b.origin,
                         short_id);
    case BallotState::closed:
      return fmt::format("challenge until {}; then {} runs hezong ballot close {}", utc_text(b.next_ms), b.origin,
                         short_id);
    case BallotState::waiting:
      return "fetch what is lacking with hezong node sync";
    case BallotState::passed:
      if (used) return "nothing: what it decided is done";
      if (b.open.act == "charter")
        return fmt::format("the secretariat runs hezong charter adopt --ballot {}", short_id);
      if (b.open.act == "admit" || b.open.act == "suspend" || b.open.act == "expel")
        return fmt::format("the secretariat runs hezong member {} {} --ballot {}", b.open.act, b.open.subject,
                           short_id);
      return "what was decided";
    case BallotState::failed:
    case BallotState::refused:
      break;
  }
  return "nothing";
}

std::string sums(const Tally& t) {
  std::string out =
      fmt::format("{} yes, {} no, {} abstain, {} of {} present", t.yes, t.no, t.abstain, t.present, t.eligible);
  if (!t.options.empty()) {
    out = fmt::format("{} of {} present:", t.present, t.eligible);
    for (const OptionCount& o : t.options) out += fmt::format(" {} {},", o.option, o.weight);
    out += fmt::format(" {}", t.winner.empty() ? "no winner" : "most for " + t.winner);
  }
  if (!t.quorum) out += ", no quorum";
  for (const ChamberCount& c : t.chambers)
    out += fmt::format("\n           chamber {}: {} yes, {} no, {} abstain of {}: {}", c.tier, c.yes, c.no, c.abstain,
                       c.eligible, c.passes ? "consents" : "does not consent");
  return out;
}

}  // namespace

BallotOut shown(const Ballot& b, bool used) {
  BallotOut out;
  out.ballot = b.id;
  out.opened_by = b.origin;
  out.act = b.open.act;
  out.subject = b.open.subject;
  out.question = b.open.text;
  out.state = enum_text(b.state);
  out.detail = b.detail;
  out.next = next_step(b, used);
  out.secret = b.open.secret;
  out.closes_ms = b.open.closes_ms;
  out.next_ms = b.next_ms;
  out.tally = b.count.tally;
  for (const VotingUnit& u : b.units) {
    UnitLine line{u.name, u.tier, "", u.weight, u.members};
    for (const CountedVote& vote : b.count.votes) {
      if (std::ranges::find(u.members, vote.member) == u.members.end()) continue;
      const std::string choice = vote.choice.empty() ? "secret" : vote.choice;
      line.choice = line.choice.empty() || line.choice == choice ? choice : "differ";
    }
    out.electorate.push_back(std::move(line));
  }
  for (const JudgedClosing& c : b.closings)
    out.closings.push_back({c.statement, std::string(enum_text(c.phase)), std::string(enum_text(c.verdict)), c.detail});
  for (const JudgedChallenge& c : b.challenges)
    out.challenges.push_back({c.statement, c.origin, std::string(enum_text(c.cause)), c.detail, c.upheld});
  out.result = b.count.result;
  out.closed_at = b.closed_at;
  return out;
}

std::string text(const BallotOut& out, const api::Style& style) {
  if (out.ballot.empty()) return "nothing is signed\n";  // a dry run
  const std::string state = out.state == "passed"                             ? style.green(out.state)
                            : out.state == "failed" || out.state == "refused" ? style.red(out.state)
                                                                              : style.bold(out.state);
  std::string shown =
      fmt::format("{}: {} {}{}\n  {}\n", state, out.act, out.subject, out.secret ? ", secret" : "", out.question);
  shown += fmt::format("  counted  {}\n", sums(out.tally));
  if (!out.detail.empty()) shown += fmt::format("  because  {}\n", out.detail);
  for (const ClosingLine& c : out.closings)
    shown += fmt::format("  closing  {} {}{}{}\n", c.phase,
                         c.verdict == "holds" ? style.green(c.verdict) : style.red(c.verdict),
                         c.detail.empty() ? "" : ": ", c.detail);
  for (const ChallengeLine& c : out.challenges)
    shown += fmt::format("  challenge by {}, {}: {}\n", c.member, c.cause, c.upheld ? "upheld" : c.detail);
  std::vector<std::vector<std::string>> cells{{"voter", "tier", "votes", "choice"}};
  for (const UnitLine& u : out.electorate)
    cells.push_back({u.unit, u.tier, std::to_string(u.weight), u.choice.empty() ? "-" : u.choice});
  return shown + api::table(cells, style) +
         fmt::format("ballot {}, opened by {}\nNext: {}\n", out.ballot, out.opened_by, out.next);
}

bool answer_is_no(const BallotOut& out) {
  if (out.vain) return true;
  return out.recounted && !out.closings.empty() && out.closings.back().verdict != "holds";
}

}  // namespace hz::node
