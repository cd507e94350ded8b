#include "alliance/ballot_fold.h"

#include <algorithm>

#include "alliance/ballot_question.h"
#include "alliance/reasons.h"

namespace hz::alliance {
namespace {

using statement::Statement;

bool is_waiting(const Error& error) { return error.reason->slug == "alliance.ballot_waiting"; }

}  // namespace

bool Ballot::is_voter(std::string_view member) const {
  return std::ranges::any_of(
      units, [&](const VotingUnit& u) { return std::ranges::find(u.members, member) != u.members.end(); });
}

Logs BallotBook::logs_at(const Sizes& at) const {
  Logs out;
  for (const auto& [origin, size] : at)
    if (const auto log = archive_.prefix(origin, size)) out[origin] = *log;
  return out;
}

Result<void> BallotBook::is_here(const std::vector<FrontierEntry>& frontier, const Sizes& at) const {
  for (const FrontierEntry& e : frontier) {
    if (e.size == 0) continue;
    const auto here = at.find(e.origin);
    const auto root = here == at.end() || here->second < e.size ? std::nullopt : archive_.root(e.origin, e.size);
    if (!root)
      return fail(why("alliance.ballot_waiting"), "{}: {} statements are named, {} are here", e.origin, e.size,
                  here == at.end() ? 0 : here->second);
    // Its acts cannot be read (no genesis, or a head that its own statements do not name): nothing is known of it.
    if (!archive_.prefix(e.origin, e.size))
      return fail(why("alliance.ballot_waiting"), "{}: what is here of it does not begin as a log", e.origin);
    if (*root != e.root)
      return fail(why("alliance.ballot"), "{} at {}: root {} is named, the log has {}", e.origin, e.size, e.root,
                  *root);
  }
  return {};
}

Result<BallotBook::Opened> BallotBook::opened(const Statement& s, const BallotOpen& open, const Sizes& at,
                                              const std::string& founder) {
  const auto bad = [&](std::string_view what) {
    return fail(why("alliance.ballot"), "{}[{}]: {}", s.origin, s.index, what);
  };
  HZ_TRY(check(open));
  const FrontierEntry* own = entry_of(open.frontier, s.origin);
  // Below its own position: so every ballot rests on a smaller frontier, and judging them ends.
  if (!own || own->size > s.index) return bad("its frontier must name its own log, up to it");
  HZ_TRY(is_here(open.frontier, at));
  // The secretariat knows its own decisions: it cannot ask those who voted before them.
  if (const auto log = archive_.prefix(s.origin, s.index))
    for (const Statement& one : log->acts)
      if (one.index >= own->size && is_decision(one)) return bad("its own log decided after the head it names");
  if (const auto known = opened_.find(s.id_text()); known != opened_.end()) return known->second;
  const Sizes then = sizes_of(open.frontier);
  const Logs logs = logs_at(then);
  const Membership m = fold_alliance(logs, founder, read_fork_, support_at(then, logs, founder), root_at(then));
  const auto judged = [&]() -> Result<Opened> {
    if (m.charter_id != open.charter)
      return bad(fmt::format("charter {} was in force, {} is named", m.charter_id, open.charter));
    const VoteRule* rule = rule_for(m, open.act);
    if (!rule) return bad(fmt::format("the charter has no rule for {}", open.act));
    Opened out{*rule, electorate(m)};
    const auto votes = [&](const VotingUnit& u) { return std::ranges::find(u.members, s.origin) != u.members.end(); };
    if (s.origin != m.secretariat && std::ranges::none_of(out.units, votes))
      return bad("only the secretariat and those who vote open ballots");
    if (open.closes_ms < s.issued_ms + rule->open_ms_min)
      return bad(fmt::format("it closes after less than {} ms", rule->open_ms_min));
    return out;
  }();
  opened_.emplace(s.id_text(), judged);
  return judged;
}

// What holds so far and is shown to be wrong by challenges that are known now does not hold any more.
void BallotBook::reopen(Question& q, const Sizes& known, std::size_t first) {
  for (std::size_t i = first; i < q.held.size(); ++i)
    for (const auto& [s, said] : q.challenges) {
      const auto size = known.find(s->origin);
      if (size == known.end() || s->index >= size->second) continue;
      if (!shows(q, *s, said, q.held[i], known)) continue;
      for (std::size_t k = i; k < q.held.size(); ++k) {
        JudgedClosing& closing = q.ballot.closings[q.held[k].judged];
        closing.verdict = Verdict::overturned;
        closing.detail = fmt::format("challenge {} of {}", s->id_text(), s->origin);
        closing.overturned_by = s->id_text();
      }
      q.held.resize(i);
      return;
    }
}

Result<BallotBook::Held> BallotBook::judge_closing(Question& q, const Statement& s, const BallotClose& said) {
  const Ballot& b = q.ballot;
  const auto bad = [&](std::string_view what) { return fail(why("alliance.ballot"), "{}", what); };
  HZ_TRY(check(said.closing));
  if (said.closing.what != "ballot" || said.closing.of != b.id) return bad("it closes something else");
  const std::vector<FrontierEntry>& frontier = said.closing.frontier;
  HZ_TRY(is_here(frontier, q.at));
  const Sizes sizes = sizes_of(frontier);
  if (!q.finished()) reopen(q, sizes);
  if (q.finished()) return bad("the ballot is closed already");
  if (said.phase != q.next()) return bad(fmt::format("{} are closed next", enum_text(q.next())));
  const auto& before = q.held.empty() ? b.open.frontier : q.held.back().frontier;
  if (const auto back = goes_back(before, frontier)) return bad(fmt::format("it goes back in {}", *back));
  const FrontierEntry* own = entry_of(frontier, b.origin);
  if (!own || own->size <= b.index || own->size > s.index) return bad("its own log, from the opening up to it");
  for (const VotingUnit& unit : b.units)
    for (const std::string& member : unit.members)
      if (!entry_of(frontier, member)) return bad(fmt::format("the log of {} is not named", member));
  Held held{&s, said.phase, frontier, {}, q.next_ms(), b.closings.size()};
  if (said.phase == Phase::challenges)
    held.count = q.held.back().count;
  else
    held.count = HZ_TRY(recount(b, said.phase, q.held.empty() ? sizes : sizes_of(q.held.front().frontier), sizes));
  // The closing member's own claim only: one that says it is early is. A false claim is shown by challenge.
  if (s.issued_ms < held.ended_ms && !held.count.unanimous)
    return bad(fmt::format("{} end at {}, it is of {}", enum_text(said.phase), held.ended_ms, s.issued_ms));
  if (const std::string differs = difference(held.count.tally, said.tally); !differs.empty())
    return bad(fmt::format("counted again: {}", differs));
  if (held.count.result != said.closing.result) return bad("counted again: other votes, with the same sums");
  return held;
}

void BallotBook::walk(Question& q) {
  Ballot& b = q.ballot;
  const auto log = q.logs.find(b.origin);
  if (log == q.logs.end()) return;
  for (const Statement& s : log->second.acts) {
    if (s.kind != BallotClose::kind || s.index <= b.index || s.body.text("ballot") != b.id) continue;
    const auto said = from_json<BallotClose>(s.body);
    if (!said) continue;
    auto held = judge_closing(q, s, *said);
    JudgedClosing judged{s.id_text(), s.index, said->phase, Verdict::holds, "", ""};
    if (held) {
      b.closings.push_back(std::move(judged));
      q.held.push_back(*std::move(held));
      // A closing that leaves out what its own heads prove falls at once.
      if (!q.finished()) reopen(q, sizes_of(q.held.back().frontier));
      continue;
    }
    judged.verdict = is_waiting(held.error()) ? Verdict::waiting : Verdict::refuted;
    judged.detail = held.error().detail;
    b.closings.push_back(std::move(judged));
    if (!is_waiting(held.error())) continue;
    b.state = BallotState::waiting;
    b.detail = held.error().detail;
    return;
  }
  // After the end only the end itself can be shown wrong: by a challenge that was made in time and not heard.
  if (q.finished() && q.held.back().phase == Phase::challenges) reopen(q, q.at, q.held.size() - 1);
  if (!q.finished()) reopen(q, q.at);
}

void BallotBook::tell_challenges(Question& q) {
  Ballot& b = q.ballot;
  for (const auto& [s, said] : q.challenges) {
    JudgedChallenge judged{s->origin, s->id_text(), said.close, said.cause, false, ""};
    const auto falls = [&](const JudgedClosing& c) { return c.overturned_by == judged.statement; };
    judged.upheld = std::ranges::any_of(b.closings, falls);
    for (const Held& held : q.held) {
      if (judged.upheld) break;
      const auto closing = std::ranges::find(b.closings, said.close, &JudgedClosing::statement);
      if (closing != b.closings.end() && closing->phase != held.phase) continue;
      const auto shown = shows(q, *s, said, held, q.at);
      judged.detail = shown ? "it came after the end" : shown.error().detail;
    }
    b.challenges.push_back(std::move(judged));
  }
}

Ballot BallotBook::judge(const Statement& s, const Sizes& at, const Logs& logs, const std::string& founder) {
  Question q{{}, at, logs, {}, {}};
  Ballot& b = q.ballot;
  b.id = s.id_text();
  b.origin = s.origin;
  b.index = s.index;
  b.issued_ms = s.issued_ms;
  b.open = from_json<BallotOpen>(s.body).value_or(BallotOpen{});
  auto begun = opened(s, b.open, at, founder);
  if (!begun) {
    b.state = is_waiting(begun.error()) ? BallotState::waiting : BallotState::refused;
    b.detail = begun.error().detail;
    return std::move(q.ballot);
  }
  b.rule = std::move(begun->rule);
  b.units = std::move(begun->units);
  for (const auto& [origin, log] : logs) {
    if (!b.is_voter(origin)) continue;
    for (const Statement& one : log.acts)
      if (one.kind == BallotChallenge::kind && one.body.text("ballot") == b.id)
        if (auto said = from_json<BallotChallenge>(one.body)) q.challenges.emplace_back(&one, *std::move(said));
  }
  walk(q);
  tell_challenges(q);
  b.next = q.next();
  b.next_ms = q.next_ms();
  if (q.held.empty() || (b.open.secret && q.held.size() == 1)) {
    const Sizes& votes_at = q.held.empty() ? at : sizes_of(q.held.front().frontier);
    if (auto now = recount(b, q.next(), votes_at, at)) b.count = *std::move(now);
  } else {
    b.count = q.held.back().count;
  }
  if (!q.held.empty()) b.closed_at = q.held.back().frontier;
  if (b.state == BallotState::waiting) return std::move(q.ballot);
  if (q.finished())
    b.state = b.count.tally.passes ? BallotState::passed : BallotState::failed;
  else if (!q.held.empty())
    b.state = q.next() == Phase::reveals ? BallotState::revealing : BallotState::closed;
  return std::move(q.ballot);
}

}  // namespace hz::alliance
