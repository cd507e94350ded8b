#include "node/ballot_support.h"

#include <algorithm>

#include "alliance/reasons.h"

namespace hz::node {

using namespace hz::alliance;

Result<Charter> read_charter(const fs::path& path) {
  const json::Value said = HZ_TRY(json::parse(HZ_TRY(read_text(path, 1 << 20))));
  const json::Value* inner = said.find("charter");
  return from_json<Charter>(inner ? *inner : said);
}

Result<Ballot> find_ballot(const Judgement& judgement, std::string_view id) {
  return *HZ_TRY(only_one(judgement.ballots(), id, &Ballot::id));
}

Result<BallotOpen> new_question(const Judgement& judgement, std::string_view own, std::string_view act,
                                std::int64_t now_ms) {
  const Membership& m = judgement.membership();
  if (!m.charter) return fail(alliance::why("alliance.no_charter"), "{}", own);
  const VoteRule* rule = rule_for(m, act);
  if (!rule) {
    std::string known;
    for (const VoteRule& r : m.charter->rules) known += " " + r.act;
    return fail(alliance::why("alliance.ballot"), "the charter has no rule for {}; it has:{}", act, known);
  }
  const auto votes = [&](const VotingUnit& u) { return std::ranges::find(u.members, own) != u.members.end(); };
  if (own != m.secretariat && std::ranges::none_of(electorate(m), votes))
    return fail(alliance::why("alliance.not_voter"), "{} neither votes nor is the secretariat", own);
  BallotOpen out;
  out.act = act;
  out.charter = m.charter_id;
  out.closes_ms = now_ms + rule->open_ms_min;
  out.frontier = judgement.frontier();
  return out;
}

namespace {

// All of it by itself: the only voter asks itself, agrees and counts.
Result<std::string> decide_alone(Member& member, BallotOpen open, std::int64_t now_ms) {
  open.text = fmt::format("{} {}, decided by the only voter", open.act, open.subject);
  HZ_TRY(check(open));
  Draft opening = draft(open);
  opening.issued_ms = now_ms;
  const std::string id = HZ_TRY(member.append(opening)).id;
  HZ_TRY(member.append(draft(Vote{id, "yes"})));
  const Judgement now = HZ_TRY(judge_anew(member));
  const auto closing = HZ_TRY(now.next_closing(HZ_TRY(find_ballot(now, id))));
  HZ_TRY(member.append(draft(closing)));
  return id;
}

}  // namespace

Result<std::vector<statement::Ref>> ballot_support(api::Ctx& ctx, Member& member, std::string_view act,
                                                   std::string_view subject, std::string_view proposal,
                                                   const std::optional<std::string>& given) {
  const Judgement judgement = HZ_TRY(judge_anew(member));
  const Membership& m = judgement.membership();
  const auto refer = [](std::string id) { return std::vector<statement::Ref>{{"depends-on", std::move(id)}}; };
  if (!rule_for(m, act)) return std::vector<statement::Ref>{};
  if (given) {
    const Ballot b = HZ_TRY(find_ballot(judgement, *given));
    if (b.state != BallotState::passed)
      return fail(alliance::why("alliance.no_ballot"), "ballot {} is {}", b.id, enum_text(b.state));
    if (b.open.act != act || b.open.subject != subject)
      return fail(alliance::why("alliance.no_ballot"), "ballot {} is on {} {}", b.id, b.open.act, b.open.subject);
    return refer(b.id);
  }
  std::string other;
  for (const Ballot& b : judgement.ballots()) {
    if (b.open.act != act || b.open.subject != subject || b.open.charter != m.charter_id ||
        m.used_ballots.contains(b.id))
      continue;
    if (b.state == BallotState::passed) return refer(b.id);
    other = fmt::format("; ballot {} is {}", b.id.substr(0, 12), enum_text(b.state));
  }
  const auto units = electorate(m);
  if (units.size() == 1 && units[0].members == std::vector<std::string>{member.origin()}) {
    if (ctx.dry_run) return std::vector<statement::Ref>{};  // it cannot be counted before it is signed
    const std::int64_t now_ms = ctx.clock().now_ms();
    BallotOpen open = HZ_TRY(new_question(judgement, member.origin(), act, now_ms));
    open.subject = subject;
    open.proposal = proposal;
    return refer(HZ_TRY(decide_alone(member, std::move(open), now_ms)));
  }
  return fail(alliance::why("alliance.no_ballot"), "{} {}: {} vote on it by the charter{}", act, subject, units.size(),
              other);
}

}  // namespace hz::node
