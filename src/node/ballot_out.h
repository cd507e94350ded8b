// A ballot as commands show it, to people and as JSON.
#pragma once
#include "alliance/ballot_fold.h"
#include "api/op.h"

namespace hz::node {

struct UnitLine {
  std::string unit, tier, choice;
  std::int64_t weight = 1;
  std::vector<std::string> members;
  static constexpr auto fields() {
    return rows(row("unit", &UnitLine::unit, "member or affiliate group"), row("tier", &UnitLine::tier, "its tier"),
                row("choice", &UnitLine::choice, "as counted: a choice, secret, differ or empty"),
                row("weight", &UnitLine::weight, "its votes"), row("members", &UnitLine::members, "origins"));
  }
};
struct ClosingLine {
  std::string statement, phase, verdict, detail;
  static constexpr auto fields() {
    return rows(row("statement", &ClosingLine::statement, "statement id"),
                row("phase", &ClosingLine::phase, "what it ends"),
                row("verdict", &ClosingLine::verdict, "holds, refuted, overturned or waiting"),
                row("detail", &ClosingLine::detail, "what differs or is lacking", or_default));
  }
};
struct ChallengeLine {
  std::string statement, member, cause, detail;
  bool upheld = false;
  static constexpr auto fields() {
    return rows(row("statement", &ChallengeLine::statement, "statement id"),
                row("member", &ChallengeLine::member, "who challenges"),
                row("cause", &ChallengeLine::cause, "left_out, early or backdated"),
                row("detail", &ChallengeLine::detail, "why it shows nothing", or_default),
                row("upheld", &ChallengeLine::upheld, "it overturned a closing"));
  }
};
struct BallotOut {
  std::string ballot, opened_by, act, subject, question, state, detail, next;
  bool secret = false, recounted = false, vain = false;
  std::int64_t closes_ms = 0, next_ms = 0;
  alliance::Tally tally;
  std::vector<UnitLine> electorate;
  std::vector<ClosingLine> closings;
  std::vector<ChallengeLine> challenges;
  std::string result;
  std::vector<alliance::FrontierEntry> closed_at;
  static constexpr auto fields() {
    return rows(row("ballot", &BallotOut::ballot, "opening statement's id"),
                row("opened_by", &BallotOut::opened_by, "whose log opens and closes it"),
                row("act", &BallotOut::act, "rule of the charter"), row("subject", &BallotOut::subject, "about what"),
                row("question", &BallotOut::question, "for people"),
                row("state", &BallotOut::state, "open, revealing, closed, passed, failed, waiting or refused"),
                row("detail", &BallotOut::detail, "why it waits or is refused", or_default),
                row("next", &BallotOut::next, "what comes next, for people"),
                row("secret", &BallotOut::secret, "votes are secret until they are revealed"),
                row("recounted", &BallotOut::recounted, "counted from the logs' bytes just now"),
                row("vain", &BallotOut::vain, "the challenge just made shows nothing", or_default),
                row("closes_ms", &BallotOut::closes_ms, "voting ends"),
                row("next_ms", &BallotOut::next_ms, "from when the next closing may be"),
                row("tally", &BallotOut::tally, "as closed, or so far"),
                row("electorate", &BallotOut::electorate, "who votes"),
                row("closings", &BallotOut::closings, "what was closed, and whether it holds"),
                row("challenges", &BallotOut::challenges, "what was said against closings"),
                row("result", &BallotOut::result, "digest of votes and tally", or_default),
                row("closed_at", &BallotOut::closed_at, "heads that were counted"));
  }
};

// `used`: what it decided is done.
BallotOut shown(const alliance::Ballot& ballot, bool used);
std::string text(const BallotOut& out, const api::Style& style);
// A recount says no when the newest closing does not hold; a challenge when it shows nothing.
bool answer_is_no(const BallotOut& out);

}  // namespace hz::node
