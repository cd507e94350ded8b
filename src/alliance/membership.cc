#include "alliance/membership.h"

#include <algorithm>
#include <set>

#include "alliance/ballot.h"
#include "alliance/reasons.h"

namespace hz::alliance {
namespace {

using statement::Statement;

template <class Payload>
Result<Payload> body(const Statement& s) {
  return from_json<Payload>(s.body, "$.predicate.body");
}

std::uint64_t position(std::int64_t n) { return n < 0 ? 0 : static_cast<std::uint64_t>(n); }

// The ranges without [end, ...).
void cut(std::vector<Range>& ranges, std::uint64_t end) {
  std::erase_if(ranges, [&](const Range& r) { return r.begin >= end; });
  for (Range& r : ranges) r.end = std::min(r.end, end);
}

Result<void> note_fork(const Statement& s, const Logs& logs, ReadFork read, std::map<std::string, std::uint64_t>& out) {
  const auto said = HZ_TRY(body<ForkEvidence>(s));
  const auto log = logs.find(said.origin);
  if (log == logs.end()) return {};  // judged when that log is here: its keys are needed
  const std::uint64_t end = HZ_TRY(read(said, *log->second.authority));
  // Every claim is proven, so the largest stands: a smaller one would let anybody who finds the fork erase what both
  // histories agree on.
  const auto [at, added] = out.emplace(said.origin, end);
  if (!added) at->second = std::max(at->second, end);
  return {};
}

class Fold {
 public:
  Fold(const Logs& logs, Membership& out, ReadFork read_fork, const Support& support, const RootAt& root_at)
      : logs_(logs), out_(out), read_fork_(read_fork), support_(support), root_at_(root_at) {}

  void decide(const std::string& founder) {
    out_.founder = out_.secretariat = founder;
    Standing& first = out_.standings[founder];
    first.state = State::member;
    first.counted = {{}};
    std::map<std::string, std::uint64_t> read;  // how far each log of the chain was read
    std::string at = founder;
    std::uint64_t from = 0;
    // Each round moves on in some log, so the chain ends.
    for (;;) {
      const auto log = logs_.find(at);
      if (log == logs_.end()) return;
      const Statement* handed_over = nullptr;
      for (const Statement& s : log->second.acts) {
        if (s.index < from || s.index < read[at]) continue;
        read[at] = s.index + 1;
        heard_.emplace(at, s.index);
        handed_over = act(s);
        if (handed_over) break;
      }
      if (!handed_over) return;
      from = position(out_.charter->secretariat_from);
      at = out_.secretariat;
    }
  }

  // What members say about themselves, and forks.
  void own_words() {
    for (const auto& [origin, log] : logs_) {
      for (const Statement& s : log.acts) {
        if (s.kind == Leave::kind) leave(origin, s);
        if (s.kind == JoinRequest::kind) request(origin, s);
        if (s.kind == ForkEvidence::kind)
          if (auto read = note_fork(s, logs_, read_fork_, frozen_); !read) refuse(s, std::move(read).error());
        if (is_decision(s) && !heard_.contains({origin, s.index}) && out_.standings[origin].counts(s.index))
          refuse(s, {&why("alliance.not_secretariat"), fmt::format("{} decides", out_.secretariat)});
      }
      cut(out_.standings[origin].counted, log.authority->end);
      if (log.authority->end != no_end && out_.standings[origin].state == State::member)
        out_.standings[origin].state = State::left;
    }
    // Last, so that nothing opens a frozen log again.
    for (const auto& [origin, end] : frozen_) {
      Standing& of = out_.standings[origin];
      cut(of.counted, end);
      of.state = State::frozen;
    }
  }

 private:
  void refuse(const Statement& s, Error error) {
    out_.refused.push_back({s.origin, s.index, s.kind, std::move(error)});
  }

  // One act of the log that decides. A charter that names another log hands over; the statement is returned then.
  const Statement* act(const Statement& s) {
    Result<bool> done = false;
    if (s.kind == Charter::kind) done = charter(s);
    if (s.kind == Admit::kind) done = admit(s);
    if (s.kind == Suspend::kind) done = close<Suspend>(s, "suspend", State::suspended);
    if (s.kind == Expel::kind) done = close<Expel>(s, "expel", State::expelled);
    if (done) return *done ? &s : nullptr;
    refuse(s, std::move(done).error());
    return nullptr;
  }

  // Decided by ballot where the charter in force asks for one. A ballot allows one act.
  Result<void> allow(const Statement& s, std::string_view rule, std::string_view subject) {
    if (!rule_for(out_, rule)) return {};
    if (!support_) return fail(why("alliance.no_ballot"), "{} of {}", rule, subject);
    const std::string ballot = HZ_TRY(support_(out_, s, rule, subject));
    if (!out_.used_ballots.insert(ballot).second)
      return fail(why("alliance.no_ballot"), "ballot {} was used already", ballot);
    return {};
  }

  Result<bool> charter(const Statement& s) {
    Charter said = HZ_TRY(body<Charter>(s));
    HZ_TRY(check(said));
    const std::int64_t next = out_.charter ? out_.charter->version + 1 : 1;
    if (said.version != next) return fail(why("alliance.charter"), "version {}, {} is next", said.version, next);
    HZ_TRY(check_voters(out_, said));
    HZ_TRY(allow(s, "charter", charter_subject(said)));
    const bool hands_over = said.secretariat != s.origin;
    Standing& first = out_.standings[out_.founder];
    if (first.tier.empty()) first.tier = said.tiers.front().tier;
    out_.secretariat = said.secretariat;
    out_.charter = std::move(said);
    out_.charter_id = s.id_text();
    return hands_over;
  }

  Result<bool> admit(const Statement& s) {
    const Admit said = HZ_TRY(body<Admit>(s));
    if (!out_.charter) return fail(why("alliance.charter"), "{} is admitted before there is a charter", said.origin);
    const auto tier = [&](const Tier& t) { return t.tier == said.tier; };
    if (std::ranges::none_of(out_.charter->tiers, tier))
      return fail(why("alliance.charter"), "no tier {} for {}", said.tier, said.origin);
    if (const auto log = logs_.find(said.origin); log != logs_.end()) {
      const std::string held = root_fingerprint(log->second.authority->genesis);
      if (held != said.root_fingerprint)
        return fail(why("alliance.other_root"), "{}: admitted {}, the log has {}", said.origin, said.root_fingerprint,
                    held);
    }
    HZ_TRY(allow(s, "admit", said.origin));
    Standing& of = out_.standings[said.origin];
    std::uint64_t from = position(said.from);
    if (!of.counted.empty()) {
      if (of.counted.back().end == no_end)
        from = of.counted.back().begin;
      else
        from = std::max(from, of.counted.back().end);
    }
    if (of.counted.empty() || of.counted.back().end < from)
      of.counted.push_back({from, no_end});
    else
      of.counted.back().end = no_end;
    of = {State::member, std::move(of.counted), said.tier, said.url, said.pin, said.root_fingerprint, s.id_text()};
    return false;
  }

  template <class Payload>
  Result<bool> close(const Statement& s, std::string_view rule, State state) {
    const Payload said = HZ_TRY(body<Payload>(s));
    const auto found = out_.standings.find(said.origin);
    if (found == out_.standings.end() || found->second.counted.empty())
      return fail(why("alliance.no_such_member"), "{}", said.origin);
    if (said.origin == out_.secretariat)
      return fail(why("alliance.no_such_member"), "{} is the secretariat: a charter names another first", said.origin);
    const auto size = position(said.size);
    // Whoever decided saw a log; if it was not this one, its positions mean nothing here.
    if (const auto root = size > 0 && root_at_ ? root_at_(said.origin, size) : std::nullopt; root && *root != said.root)
      return fail(why("alliance.other_history"), "{} at {}: root {} is named, the log has {}", said.origin, size,
                  said.root, *root);
    HZ_TRY(allow(s, rule, said.origin));
    cut(found->second.counted, size);
    found->second.state = state;
    found->second.statement = s.id_text();
    return false;
  }

  // Only the range that holds the leaving ends: an admission that counts from a later position stands.
  void leave(const std::string& origin, const Statement& s) {
    Standing& of = out_.standings[origin];
    for (Range& r : of.counted) {
      if (s.index < r.begin || s.index >= r.end) continue;
      const bool last = &r == &of.counted.back();
      r.end = s.index + 1;
      if (!last) return;
      if (of.state == State::member) of.state = State::left;
      of.statement = s.id_text();
      return;
    }
  }

  void request(const std::string& origin, const Statement& s) {
    auto said = body<JoinRequest>(s);
    if (!said) return refuse(s, std::move(said).error());
    if (said->founder != out_.founder) return;
    out_.requests[origin] = {*std::move(said), s.id_text()};
    Standing& of = out_.standings[origin];
    if (of.state == State::stranger) of.state = State::applicant;
  }

  const Logs& logs_;
  Membership& out_;
  ReadFork read_fork_;
  const Support& support_;
  const RootAt& root_at_;
  std::map<std::string, std::uint64_t> frozen_;
  std::set<std::pair<std::string, std::uint64_t>> heard_;
};

}  // namespace

bool Standing::counts(std::uint64_t index) const {
  return std::ranges::any_of(counted, [&](const Range& r) { return r.begin <= index && index < r.end; });
}

bool Membership::counts(const std::string& origin, std::uint64_t index) const {
  const auto found = standings.find(origin);
  return found != standings.end() && found->second.counts(index);
}

bool is_decision(const Statement& s) {
  return s.kind == Charter::kind || s.kind == Admit::kind || s.kind == Suspend::kind || s.kind == Expel::kind;
}

Logs views_of(const std::map<std::string, LogActs>& logs) {
  Logs out;
  for (const auto& [origin, log] : logs) out[origin] = {&log.authority, log.acts};
  return out;
}

const VoteRule* rule_for(const Membership& membership, std::string_view act) {
  if (!membership.charter) return nullptr;
  for (const VoteRule& rule : membership.charter->rules)
    if (rule.act == act) return &rule;
  return nullptr;
}

Result<void> check_voters(const Membership& membership, const Charter& next) {
  if (next.rules.empty()) return {};
  const auto votes = [&](const std::string& tier) {
    const auto found = std::ranges::find(next.tiers, tier, &Tier::tier);
    return found != next.tiers.end() && found->may_vote;
  };
  if (!membership.charter && votes(next.tiers.front().tier)) return {};
  for (const auto& [origin, standing] : membership.standings)
    if (standing.state == State::member && votes(standing.tier)) return {};
  return fail(why("alliance.charter"), "{} version {}: no member is in a tier that votes", next.name, next.version);
}

std::string founder_of(const LogView& own) {
  std::string out;
  for (const Statement& s : own.acts) {
    if (s.kind == Charter::kind && out.empty()) out = s.origin;
    if (s.kind == JoinRequest::kind)
      if (const auto said = body<JoinRequest>(s)) out = said->founder;
  }
  return out;
}

std::map<std::string, std::uint64_t> frozen_logs(const Logs& logs, ReadFork read) {
  std::map<std::string, std::uint64_t> out;
  for (const auto& [origin, log] : logs)
    for (const Statement& s : log.acts)
      if (s.kind == ForkEvidence::kind) static_cast<void>(note_fork(s, logs, read, out));  // what proves nothing
  return out;
}

Membership fold_alliance(const Logs& logs, const std::string& founder, ReadFork read_fork, const Support& support,
                         const RootAt& root_at) {
  Membership out;
  for (const auto& [origin, log] : logs) out.standings[origin] = {};
  Fold fold(logs, out, read_fork, support, root_at);
  if (!founder.empty()) fold.decide(founder);
  fold.own_words();
  return out;
}

Membership fold_membership(const Logs& logs, const std::string& own, ReadFork read_fork, const Support& support,
                           const RootAt& root_at) {
  const auto found = logs.find(own);
  Membership out =
      fold_alliance(logs, found == logs.end() ? std::string() : founder_of(found->second), read_fork, support, root_at);
  if (found == logs.end()) return out;
  // What the alliance does not count, the owner sees all the same: everything it said. But never more than what both
  // histories of a fork share, since nobody can say which of them is the log.
  Standing& of = out.standings[own];
  std::uint64_t end = found->second.authority->end;
  if (of.state == State::member || (of.state == State::frozen && !of.counted.empty())) return out;
  if (of.state == State::frozen) end = std::min(end, frozen_logs(logs, read_fork)[own]);
  of.counted.clear();
  if (end > 0) of.counted.push_back({0, end});
  return out;
}

}  // namespace hz::alliance
