// Logs written by hand for the rules of ballots: no signatures, roots that name log, size and everything below.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>

#include "alliance/ballot_fold.h"
#include "alliance/reasons.h"
#include "crypto/hash.h"

namespace hz::alliance::test {

inline constexpr std::int64_t hour_ms = 3'600'000;

class Poll : public Archive {
 public:
  // The first one founds, and admits the others as the given tiers.
  explicit Poll(std::vector<std::string> names, std::vector<std::string> tiers = {},
                const std::function<void(Charter&)>& change = {}) {
    for (std::string& name : names) {
      name = "x.example/" + name;
      LogActs log;
      log.authority.origin = log.authority.genesis.member = name;
      log.authority.genesis.roots = {"root of " + name};
      logs.emplace(name, std::move(log));
      sizes[name] = 1;
    }
    founder = names.front();
    Charter charter = default_charter("Test", founder);
    for (VoteRule& rule : charter.rules) {
      rule.open_ms_min = hour_ms;
      rule.challenge_ms = hour_ms;
    }
    if (change) change(charter);
    charter_id = say(founder, charter);
    for (std::size_t i = 1; i < names.size(); ++i) admit(names[i], i < tiers.size() ? tiers[i] : "member");
  }

  void admit(const std::string& name, const std::string& tier = "member") {
    say(founder, Admit{name, root_fingerprint(logs[name].authority.genesis), tier, 0, "", ""});
  }
  template <class Payload>
  std::string say(const std::string& origin, const Payload& payload, const std::string& ballot = "") {
    statement::Statement s;
    s.origin = s.issuer = origin;
    s.index = sizes.at(origin)++;
    s.kind = Payload::kind;
    s.role = "author";
    s.body = to_json(payload);
    s.issued_ms = now_ms;
    if (!ballot.empty()) s.refs.push_back({"depends-on", ballot});
    s.id = crypto::sha256(as_bytes(fmt::format("{} {} {}", origin, s.index, json::dump(s.body))));
    logs[origin].acts.push_back(std::move(s));
    return logs[origin].acts.back().id_text();
  }
  std::vector<FrontierEntry> heads() const {
    std::vector<FrontierEntry> out;
    for (const auto& [origin, size] : sizes) out.push_back({origin, size, *root(origin, size)});
    return out;
  }

  BallotOpen question(std::string act = "specification", std::string subject = "draft 7") const {
    BallotOpen open;
    open.act = std::move(act);
    open.subject = std::move(subject);
    open.text = "Shall it be so?";
    open.charter = charter_id;
    open.closes_ms = now_ms + hour_ms;
    open.frontier = heads();
    return open;
  }
  BallotOpen on_charter(const Charter& proposed) const {
    BallotOpen open = question("charter", charter_subject(proposed));
    open.proposal = json::dump(to_json(proposed));
    return open;
  }
  Ballot ballot(const std::string& id, std::optional<Sizes> at = {}) const {
    BallotBook book(*this, &no_fork);
    for (Ballot& b : book.ballots(at.value_or(sizes), founder))
      if (b.id == id) return std::move(b);
    FAIL("no ballot");
    return {};
  }
  Membership fold(std::optional<Sizes> at = {}) const {
    return BallotBook(*this, &no_fork).fold(at.value_or(sizes), founder);
  }
  BallotClose closing(const std::string& id, std::optional<std::vector<FrontierEntry>> frontier = {}) const {
    BallotBook book(*this, &no_fork);
    auto out = book.next_closing(ballot(id), frontier.value_or(heads()), sizes);
    if (!out) FAIL(out.error().text());
    return *std::move(out);
  }
  // The next closing, by the one that opened, an hour later.
  std::string close(const std::string& id) {
    now_ms += hour_ms;
    return say(ballot(id).origin, closing(id));
  }
  static Result<std::uint64_t> no_fork(const ForkEvidence& said, const Authority&) {
    return static_cast<std::uint64_t>(said.shared_size);
  }

  std::optional<LogView> prefix(const std::string& origin, std::uint64_t size) const override {
    const auto found = logs.find(origin);
    if (found == logs.end() || size == 0) return std::nullopt;
    const auto end = std::ranges::lower_bound(found->second.acts, size, {}, &statement::Statement::index);
    return LogView{&found->second.authority, {found->second.acts.begin(), end}};
  }
  std::optional<std::string> root(const std::string& origin, std::uint64_t size) const override {
    if (size > sizes.at(origin)) return std::nullopt;
    std::string text = fmt::format("{} {}", origin, size);
    for (const statement::Statement& s : logs.at(origin).acts)
      if (s.index < size) text += s.id_text();
    return hex(crypto::sha256(as_bytes(text)));
  }

  std::map<std::string, LogActs> logs;
  Sizes sizes;
  std::string founder, charter_id;
  std::int64_t now_ms = 1'800'000'000'000;
};

inline std::string verdicts(const Ballot& b) {
  std::string out;
  for (const JudgedClosing& c : b.closings)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", enum_text(c.phase), enum_text(c.verdict));
  return out;
}

}  // namespace hz::alliance::test
