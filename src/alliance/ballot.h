// What is said in a ballot, as statements. The counting stands in ballot_count.h, who said it in time in ballot_fold.h.
//
// The member that opens a ballot also closes it: one log orders its openings and closings, and nobody needs to trust
// it, because every node counts again. An electronic vote by mail or web form has a counter that people must believe;
// here a wrong count, a vote left out below the named heads, or heads that nobody else has, are seen by all and decide
// nothing.
#pragma once
#include <array>

#include "alliance/ballot_count.h"
#include "alliance/closing.h"

namespace hz::alliance {

struct BallotOpen {
  static constexpr std::string_view kind = "alliance.ballot_open";
  std::string act, subject, text, proposal, charter;
  std::vector<std::string> options;
  bool secret = false;
  std::int64_t closes_ms = 0, reveal_ms = 0;
  std::vector<FrontierEntry> frontier;
  static constexpr auto fields() {
    return rows(
        row("act", &BallotOpen::act, "what is decided: names a rule of the charter"),
        row("subject", &BallotOpen::subject, "about what: digest of a proposed charter, origin of a log, statement id"),
        row("text", &BallotOpen::text, "the question, for people"),
        row("proposal", &BallotOpen::proposal, "the proposed charter as canonical JSON; else empty", or_default),
        row("charter", &BallotOpen::charter, "charter in force, statement id"),
        row("options", &BallotOpen::options, "what may be chosen; yes and no when empty"),
        row("secret", &BallotOpen::secret, "votes are commitments until they are revealed", or_default),
        row("closes_ms", &BallotOpen::closes_ms, "voting ends, milliseconds since 1970"),
        row("reveal_ms", &BallotOpen::reveal_ms, "secret: time to reveal, milliseconds", or_default),
        row("frontier", &BallotOpen::frontier, "heads that fix who may vote, and with what weight"));
  }
};

struct Vote {
  static constexpr std::string_view kind = "alliance.vote";
  std::string ballot, choice;
  static constexpr auto fields() {
    return rows(row("ballot", &Vote::ballot, "opening statement's id, hex"),
                row("choice", &Vote::choice, "yes, no or an option, or abstain"));
  }
};

// A choice that nobody can read or guess before its salt is shown.
struct VoteCommit {
  static constexpr std::string_view kind = "alliance.vote_commit";
  std::string ballot, commitment;
  static constexpr auto fields() {
    return rows(row("ballot", &VoteCommit::ballot, "opening statement's id, hex"),
                row("commitment", &VoteCommit::commitment, "hex SHA-256 of ballot, voter, choice and salt"));
  }
};
struct VoteReveal {
  static constexpr std::string_view kind = "alliance.vote_reveal";
  std::string ballot, choice, salt;
  static constexpr auto fields() {
    return rows(row("ballot", &VoteReveal::ballot, "opening statement's id, hex"),
                row("choice", &VoteReveal::choice, "what was committed to"),
                row("salt", &VoteReveal::salt, "32 bytes, hex"));
  }
};

// What a closing ends. A secret ballot has all three; `challenges` is the last one and makes the result final.
enum class Phase : std::uint8_t { votes, reveals, challenges };
constexpr auto enum_names(Phase) {
  return std::array<EnumName<Phase>, 3>{
      {{Phase::votes, "votes"}, {Phase::reveals, "reveals"}, {Phase::challenges, "challenges"}}};
}
struct BallotClose {
  static constexpr std::string_view kind = "alliance.ballot_close";
  std::string ballot;
  Phase phase = Phase::votes;
  Closing closing;
  Tally tally;
  static constexpr auto fields() {
    return rows(row("ballot", &BallotClose::ballot, "opening statement's id, hex"),
                row("phase", &BallotClose::phase, "what ends: votes, reveals or challenges"),
                row("closing", &BallotClose::closing, "heads and result digest"),
                row("tally", &BallotClose::tally, "the result"));
  }
};

// left_out: a head of a voter's log, dated by witnesses before the phase ended, holds more than was counted.
// early: a head of the closing member's log that holds the closing is dated before the phase ended.
// backdated: a head of it that does not hold the closing is dated after the time that the closing claims.
enum class Cause : std::uint8_t { left_out, early, backdated };
constexpr auto enum_names(Cause) {
  return std::array<EnumName<Cause>, 3>{
      {{Cause::left_out, "left_out"}, {Cause::early, "early"}, {Cause::backdated, "backdated"}}};
}
// How much later: a round of cosignatures may be under way, and clocks differ.
inline constexpr std::int64_t backdated_ms_min = 600'000;
struct BallotChallenge {
  static constexpr std::string_view kind = "alliance.ballot_challenge";
  std::string ballot, close;
  Cause cause = Cause::left_out;
  std::string note;
  static constexpr auto fields() {
    return rows(row("ballot", &BallotChallenge::ballot, "opening statement's id, hex"),
                row("close", &BallotChallenge::close, "closing that is challenged, statement id"),
                row("cause", &BallotChallenge::cause, "left_out, early or backdated"),
                row("note", &BallotChallenge::note, "a signed head with its cosignatures, verbatim"));
  }
};

inline constexpr std::string_view abstain = "abstain";
inline constexpr std::size_t ballot_options_max = 50;

// The subject of a ballot on a charter: SHA-256 of it as canonical JSON.
std::string charter_subject(const Charter& charter);

// Names, options and digests are in form, and a proposed charter is the one that the subject names. Errors:
// alliance.ballot, alliance.closing, alliance.charter.
Result<void> check(const BallotOpen& open);
// The choice may be made in this ballot.
bool is_choice(const BallotOpen& open, std::string_view choice);
// What a secret vote says until it is revealed. Ballot and voter are in it, so that nobody can repeat another's.
std::string commitment(std::string_view ballot, std::string_view voter, std::string_view choice, std::string_view salt);

}  // namespace hz::alliance
