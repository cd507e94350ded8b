#include "alliance/ballot_rows.h"

namespace hz::alliance {
namespace {

Result<void> write_one(sql::Db& db, const Ballot& b) {
  const Tally& t = b.count.tally;
  HZ_TRY(db.exec("INSERT INTO alliance_ballot VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                 {b.id,
                  b.origin,
                  static_cast<std::int64_t>(b.index),
                  b.open.act,
                  b.open.subject,
                  b.open.text,
                  std::int64_t{b.open.secret},
                  b.open.closes_ms,
                  b.open.charter,
                  enum_text(b.state),
                  b.detail,
                  t.eligible,
                  t.present,
                  t.yes,
                  t.no,
                  t.abstain,
                  std::int64_t{t.quorum},
                  std::int64_t{t.passes},
                  t.winner,
                  json::dump(to_json(b.open.frontier)),
                  json::dump(to_json(b.closed_at))}));
  for (const VotingUnit& unit : b.units)
    for (const std::string& member : unit.members)
      HZ_TRY(
          db.exec("INSERT INTO alliance_elector VALUES(?,?,?,?,?)", {b.id, member, unit.name, unit.tier, unit.weight}));
  for (const CountedVote& vote : b.count.votes)
    HZ_TRY(db.exec("INSERT INTO alliance_vote VALUES(?,?,?,?)", {b.id, vote.member, vote.choice, vote.statement}));
  constexpr std::string_view tally = "INSERT INTO alliance_tally VALUES(?,?,?,?,?,?,?,?,?)";
  for (const ChamberCount& c : t.chambers)
    HZ_TRY(db.exec(tally,
                   {b.id, "chamber", c.tier, c.eligible, c.present, c.yes, c.no, c.abstain, std::int64_t{c.passes}}));
  const std::int64_t none = 0;
  for (const OptionCount& o : t.options)
    HZ_TRY(db.exec(tally, {b.id, "option", o.option, none, none, o.weight, none, none,
                           std::int64_t{t.passes && o.option == t.winner}}));
  for (const JudgedClosing& c : b.closings)
    HZ_TRY(db.exec(
        "INSERT INTO alliance_ballot_close VALUES(?,?,?,?,?,?)",
        {c.statement, b.id, static_cast<std::int64_t>(c.index), enum_text(c.phase), enum_text(c.verdict), c.detail}));
  for (const JudgedChallenge& c : b.challenges)
    HZ_TRY(db.exec("INSERT INTO alliance_ballot_challenge VALUES(?,?,?,?,?,?,?)",
                   {c.statement, b.id, c.close, c.origin, enum_text(c.cause), std::int64_t{c.upheld}, c.detail}));
  return {};
}

}  // namespace

Result<void> write_ballots(sql::Db& db, std::span<const Ballot> ballots) {
  for (const char* table : {"alliance_ballot", "alliance_elector", "alliance_vote", "alliance_tally",
                            "alliance_ballot_close", "alliance_ballot_challenge"})
    HZ_TRY(db.exec(fmt::format("DELETE FROM {}", table)));
  for (const Ballot& b : ballots) HZ_TRY(write_one(db, b));
  return {};
}

}  // namespace hz::alliance
