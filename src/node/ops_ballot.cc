// Operations on ballots. What they write is judged by every node; what they refuse here would count nowhere.
#include <algorithm>

#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "log/store.h"
#include "node/ballot_cache.h"
#include "node/ballot_out.h"
#include "node/ballot_support.h"
#include "node/ops.h"
#include "node/vote_file.h"
#include "sql/db.h"

namespace hz::node {
namespace {

using namespace hz::alliance;

std::unexpected<Error> wrong_state(const Ballot& b, std::string_view next) {
  return fail(alliance::why("alliance.ballot_state"), "ballot {} is {}{}{}", b.id.substr(0, 12), enum_text(b.state),
              next.empty() ? "" : ": ", next);
}

// ---- open

struct Open {
  std::string act, text;
  std::optional<std::string> subject, file;
  std::optional<std::int64_t> open_ms, reveal_ms;
  std::vector<std::string> option;
  bool secret = false;
  static constexpr auto fields() {
    return rows(row("act", &Open::act, "rule of the charter: charter, admit, expel, specification ..."),
                row("text", &Open::text, "the question"),
                row("subject", &Open::subject, "about what: origin of a log, statement id; not for a charter"),
                row("file", &Open::file, "charter: the proposed one as JSON"),
                row("open_ms", &Open::open_ms, "time to vote, milliseconds; the rule's shortest when absent"),
                row("reveal_ms", &Open::reveal_ms, "secret: time to reveal; as long as to vote when absent"),
                row("option", &Open::option, "what may be chosen; yes and no when absent"),
                row("secret", &Open::secret, "votes are commitments until they are revealed", or_default));
  }
};
Result<BallotOut> judged(Member& member, const std::string& id) {
  const Judgement now = HZ_TRY(judge_anew(member));
  const Ballot b = HZ_TRY(find_ballot(now, id));
  return shown(b, now.membership().used_ballots.contains(b.id));
}
Result<BallotOut> open(api::Ctx& ctx, const Open& in) {
  Member& member = *HZ_TRY(ctx.member());
  const Judgement now = HZ_TRY(judge_anew(member));
  const std::int64_t now_ms = ctx.clock().now_ms();
  BallotOpen said = HZ_TRY(new_question(now, member.origin(), in.act, now_ms));
  const std::int64_t shortest_ms = said.closes_ms - now_ms;
  said.text = in.text;
  said.subject = in.subject.value_or("");
  said.options = in.option;
  said.secret = in.secret;
  if (in.open_ms && *in.open_ms < shortest_ms)
    return fail(alliance::why("alliance.ballot"), "{} is open for at least {} ms, not {}", in.act, shortest_ms,
                *in.open_ms);
  if (in.open_ms) said.closes_ms = now_ms + *in.open_ms;
  if (in.secret) said.reveal_ms = in.reveal_ms.value_or(said.closes_ms - now_ms);
  if (in.act == "charter") {
    if (!in.file) return fail(alliance::why("alliance.ballot"), "--file names the proposed charter");
    Charter proposed = HZ_TRY(read_charter(*in.file));
    proposed.version = now.membership().charter->version + 1;
    HZ_TRY(check_voters(now.membership(), proposed));
    said.proposal = json::dump(to_json(proposed));
    said.subject = charter_subject(proposed);
  }
  HZ_TRY(check(said));
  Draft opening = draft(said);
  opening.issued_ms = now_ms;  // the time to vote counts from here, and a later reading would shorten it
  const std::string id = HZ_TRY(member.append(opening)).id;
  if (ctx.dry_run) return BallotOut{};
  return judged(member, id);
}

// ---- vote, reveal

struct VoteIn {
  std::string ballot, choice;
  static constexpr auto fields() {
    return rows(row("ballot", &VoteIn::ballot, "ballot, or the start of its id"),
                row("choice", &VoteIn::choice, "yes, no or an option, or abstain"));
  }
};
struct Voted {
  std::string ballot, choice, question;
  bool secret = false;
  std::int64_t closes_ms = 0;
  Receipt receipt;
  static constexpr auto fields() {
    return rows(row("ballot", &Voted::ballot, "opening statement's id"), row("choice", &Voted::choice, "this vote"),
                row("question", &Voted::question, "what was asked"),
                row("secret", &Voted::secret, "only a commitment was published"),
                row("closes_ms", &Voted::closes_ms, "it can be changed until then"),
                row("receipt", &Voted::receipt, "vote or commitment"));
  }
};
// The ballot, in which this member votes.
Result<Ballot> as_voter(Member& member, const Judgement& now, const std::string& id) {
  Ballot b = HZ_TRY(find_ballot(now, id));
  if (b.state == BallotState::refused || b.state == BallotState::waiting) return wrong_state(b, b.detail);
  if (!b.is_voter(member.origin()))
    return fail(alliance::why("alliance.not_voter"), "{} in ballot {}", member.origin(), b.id.substr(0, 12));
  return b;
}
Result<Voted> vote(api::Ctx& ctx, const VoteIn& in) {
  Member& member = *HZ_TRY(ctx.member());
  const Ballot b = HZ_TRY(as_voter(member, HZ_TRY(judge_anew(member)), in.ballot));
  if (b.state != BallotState::open) return wrong_state(b, "votes are not counted any more");
  if (!is_choice(b.open, in.choice)) {
    std::string known;
    for (const std::string& option : b.open.options) known += option + ", ";
    return fail(alliance::why("alliance.ballot"), "{} is no choice; there are: {}abstain", in.choice,
                known.empty() ? "yes, no, " : known);
  }
  Voted out{b.id, in.choice, b.open.text, b.open.secret, b.open.closes_ms, {}};
  if (!b.open.secret) {
    out.receipt = HZ_TRY(member.append(draft(Vote{b.id, in.choice})));
    return out;
  }
  std::array<std::uint8_t, 32> salt{};
  member.seams().rng->fill(salt);
  const VoteFile kept{in.choice, hex(salt)};
  // First the file: a commitment whose salt is lost can never be revealed.
  if (!ctx.dry_run) HZ_TRY(keep_vote(member.home(), b.id, kept));
  out.receipt =
      HZ_TRY(member.append(draft(VoteCommit{b.id, commitment(b.id, member.origin(), kept.choice, kept.salt)})));
  return out;
}
std::string text(const Voted& out, const api::Style& style) {
  return fmt::format("{} {}: {}\n{}statement {}\n", style.bold("voted"), out.choice, out.question,
                     out.secret ? "  only a commitment is in the log; reveal it when the votes are closed\n"
                                : fmt::format("  it can be changed until {}\n", utc_text(out.closes_ms)),
                     out.receipt.id);
}

struct OneBallot {
  std::string ballot;
  static constexpr auto fields() { return rows(row("ballot", &OneBallot::ballot, "ballot, or the start of its id")); }
};
struct Revealed {
  std::string ballot, choice;
  Receipt receipt;
  static constexpr auto fields() {
    return rows(row("ballot", &Revealed::ballot, "opening statement's id"),
                row("choice", &Revealed::choice, "what was chosen"), row("receipt", &Revealed::receipt, "the reveal"));
  }
};
Result<Revealed> reveal(api::Ctx& ctx, const OneBallot& in) {
  Member& member = *HZ_TRY(ctx.member());
  const Ballot b = HZ_TRY(as_voter(member, HZ_TRY(judge_anew(member)), in.ballot));
  if (b.state != BallotState::revealing)
    return wrong_state(b, b.open.secret ? "votes are revealed after they are closed" : "it is not secret");
  const VoteFile kept = HZ_TRY(kept_vote(member.home(), b.id));
  const VoteReveal said{b.id, kept.choice, kept.salt};
  const Digest idem = crypto::sha256(as_bytes("hezong/reveal\n" + json::dump(to_json(said))));
  return Revealed{b.id, kept.choice, HZ_TRY(member.append(draft(said, {}, idem)))};
}
std::string text(const Revealed& out, const api::Style& style) {
  return fmt::format("{} {}\nstatement {}\n", style.bold("revealed"), out.choice, out.receipt.id);
}

// ---- close, challenge

Result<BallotOut> close(api::Ctx& ctx, const OneBallot& in) {
  Member& member = *HZ_TRY(ctx.member());
  const Judgement now = HZ_TRY(judge_anew(member));
  const Ballot b = HZ_TRY(find_ballot(now, in.ballot));
  if (b.origin != member.origin()) return wrong_state(b, fmt::format("{} opened it, and closes it", b.origin));
  const BallotClose said = HZ_TRY(now.next_closing(b));
  const bool at_once = said.phase == Phase::votes && b.count.unanimous;
  if (ctx.clock().now_ms() < b.next_ms && !at_once)
    return fail(alliance::why("alliance.ballot_early"), "{} of {} end at {}", enum_text(said.phase), b.id.substr(0, 12),
                utc_text(b.next_ms));
  HZ_TRY(member.append(draft(said)));
  if (ctx.dry_run) return BallotOut{};
  return judged(member, b.id);
}

struct ChallengeIn {
  std::string ballot, cause;
  std::optional<std::string> note;
  static constexpr auto fields() {
    return rows(
        row("ballot", &ChallengeIn::ballot, "ballot, or the start of its id"),
        row("cause", &ChallengeIn::cause,
            "left_out: something in time is not counted; early: closed too soon; backdated: closed later than it says"),
        row("note", &ChallengeIn::note,
            "file of a signed head with its cosignatures; when absent this log's published one, else the closing "
            "member's as it was fetched"));
  }
};
Result<BallotOut> challenge(api::Ctx& ctx, const ChallengeIn& in) {
  Member& member = *HZ_TRY(ctx.member());
  const auto cause = parse_enum<Cause>(in.cause);
  if (!cause)
    return fail(alliance::why("alliance.challenge"), "{} is no cause; there are left_out, early and backdated",
                in.cause);
  const Judgement now = HZ_TRY(judge_anew(member));
  const Ballot b = HZ_TRY(as_voter(member, now, in.ballot));
  std::string standing;
  for (const JudgedClosing& c : b.closings)
    if (c.verdict == Verdict::holds) standing = c.statement;
  if (standing.empty()) return wrong_state(b, "no closing holds that could be challenged");
  std::string note = HZ_TRY(member.log().published()).first_note;
  for (log::Log* log : member.peer_logs())
    if (*cause != Cause::left_out && log->origin() == b.origin) note = log->checkpoint();
  if (in.note) note = HZ_TRY(read_text(*in.note, log::note_size_bytes_max));
  const BallotChallenge said{b.id, standing, *cause, note};
  HZ_TRY(log::parse_note(note));
  const std::string id = HZ_TRY(member.append(draft(said))).id;
  if (ctx.dry_run) return BallotOut{};
  BallotOut out = HZ_TRY(judged(member, b.id));
  for (const ChallengeLine& line : out.challenges)
    if (line.statement == id) out.vain = !line.upheld;
  return out;
}

// ---- list, show, recount

struct ListBallots {
  static constexpr auto fields() { return rows(); }
};
struct BallotLine {
  std::string ballot, act, question, state, opened_by, my_vote;
  std::int64_t closes_ms = 0;
  static constexpr auto fields() {
    return rows(row("ballot", &BallotLine::ballot, "opening statement's id"), row("act", &BallotLine::act, "rule"),
                row("question", &BallotLine::question, "for people"), row("state", &BallotLine::state, "state"),
                row("opened_by", &BallotLine::opened_by, "origin"),
                row("my_vote", &BallotLine::my_vote, "this member's choice; secret, none, or no vote"),
                row("closes_ms", &BallotLine::closes_ms, "voting ends"));
  }
};
struct BallotList {
  std::vector<BallotLine> ballots;
  Frontier frontier;
  static constexpr auto fields() {
    return rows(row("ballots", &BallotList::ballots, "newest end first"),
                row("frontier", &BallotList::frontier, "as of"));
  }
};
Result<BallotList> list(api::Ctx& ctx, const ListBallots&) {
  Member& member = *HZ_TRY(ctx.member());
  BallotList out;
  HZ_TRY(
      HZ_TRY(member.views())
          ->query("SELECT b.ballot, b.act, b.question, b.state, b.origin, CASE WHEN e.member IS NULL THEN 'no vote' "
                  "WHEN v.choice IS NULL THEN 'none' WHEN v.choice = '' THEN 'secret' ELSE v.choice END, b.closes_ms "
                  "FROM public_alliance_ballot b LEFT JOIN public_alliance_elector e ON e.ballot = b.ballot AND "
                  "e.member = ?1 LEFT JOIN public_alliance_vote v ON v.ballot = b.ballot AND v.member = ?1 "
                  "ORDER BY b.closes_ms DESC, b.ballot",
                  {member.origin()}, [&](const sql::Row& r) {
                    out.ballots.push_back(
                        {r.text(0), r.text(1), r.text(2), r.text(3), r.text(4), r.text(5), r.integer(6)});
                    return true;
                  }));
  out.frontier = member.frontier();
  return out;
}
std::string text(const BallotList& out, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{{"ballot", "on", "state", "votes until", "my vote", "question"}};
  for (const BallotLine& b : out.ballots)
    cells.push_back({b.ballot.substr(0, 12), b.act, b.state, utc_text(b.closes_ms), b.my_vote, b.question});
  return api::table(cells, style) + fmt::format("as of frontier {}\n", out.frontier.digest);
}
Result<BallotOut> show(api::Ctx& ctx, const OneBallot& in) {
  static BallotCache cache;
  Member& member = *HZ_TRY(ctx.member());
  HZ_TRY(member.views());  // whatever was mirrored since is here
  const std::string frontier = member.frontier().digest;
  const auto ballots = HZ_TRY(cache.at(ctx.home.string(), frontier, [&]() -> Result<std::vector<BallotOut>> {
    const Judgement now = HZ_TRY(judge_anew(member));
    std::vector<BallotOut> out;
    for (const Ballot& b : now.ballots()) out.push_back(shown(b, now.membership().used_ballots.contains(b.id)));
    return out;
  }));
  return *HZ_TRY(only_one(ballots, in.ballot, &BallotOut::ballot));
}
Result<BallotOut> recount(api::Ctx& ctx, const OneBallot& in) {
  BallotOut out = HZ_TRY(judged(*HZ_TRY(ctx.member()), in.ballot));
  if (out.state == "waiting") return fail(alliance::why("alliance.ballot_waiting"), "{}", out.detail);
  out.recounted = true;
  return out;
}

}  // namespace

std::span<const api::Op> ballot_ops() {
  static const api::Op table[] = {
      api::op<&open>(
          {.id = "ballot.open",
           .http = "POST /v1/ballots",
           .cli = "ballot open <act>",
           .may = api::May::author,
           .emits = {BallotOpen::kind},
           .fails = {"alliance.ballot", "alliance.not_voter", "alliance.no_charter"},
           .doc = "Ask the members that vote, under a rule of the charter.",
           .example = "hezong ballot open charter --file next.json --text \"Shall hubs vote?\"",
           .more = "Who votes is fixed by the logs as they are here now. Whoever opens a ballot closes it."}),
      api::op<&vote>(
          {.id = "ballot.vote",
           .http = "POST /v1/ballots/{ballot}/votes",
           .cli = "ballot vote <ballot> <choice>",
           .may = api::May::author,
           .emits = {Vote::kind, VoteCommit::kind},
           .fails = {"alliance.no_such_ballot", "alliance.ballot_state", "alliance.not_voter", "alliance.ballot"},
           .doc = "Vote; the last vote below the closing heads counts.",
           .example = "hezong ballot vote 3f9a1c7e yes",
           .more = "In a secret ballot only a commitment is published, and the vote is kept in votes/ of "
                   "this member's folder until `hezong ballot reveal`."}),
      api::op<&reveal>({.id = "ballot.reveal",
                        .http = "POST /v1/ballots/{ballot}/reveals",
                        .cli = "ballot reveal <ballot>",
                        .may = api::May::author,
                        .emits = {VoteReveal::kind},
                        .fails = {"alliance.ballot_state", "node.no_vote"},
                        .doc = "Show this member's vote in a secret ballot whose votes are closed.",
                        .example = "hezong ballot reveal 3f9a1c7e"}),
      api::op<&close>({.id = "ballot.close",
                       .http = "POST /v1/ballots/{ballot}/closings",
                       .cli = "ballot close <ballot>",
                       .may = api::May::author,
                       .emits = {BallotClose::kind},
                       .fails = {"alliance.ballot_early", "alliance.ballot_state"},
                       .doc = "End what is open: votes, reveals or challenges, with the count at the heads known here.",
                       .example = "hezong ballot close 3f9a1c7e"}),
      api::op<&challenge>({.id = "ballot.challenge",
                           .http = "POST /v1/ballots/{ballot}/challenges",
                           .cli = "ballot challenge <ballot> <cause>",
                           .may = api::May::author,
                           .emits = {BallotChallenge::kind},
                           .fails = {"alliance.challenge", "alliance.ballot_state"},
                           .doc = "Show that a closing is wrong, by a head that witnesses dated in time.",
                           .example = "hezong ballot challenge 3f9a1c7e left_out"}),
      api::op<&list>({.id = "ballot.list",
                      .http = "GET /v1/ballots",
                      .cli = "ballot list",
                      .may = api::May::reader,
                      .doc = "Ballots of the alliance, newest first.",
                      .example = "hezong ballot list"}),
      api::op<&show>({.id = "ballot.show",
                      .http = "GET /v1/ballots/{ballot}",
                      .cli = "ballot show <ballot>",
                      .may = api::May::reader,
                      .fails = {"alliance.no_such_ballot"},
                      .doc = "One ballot: who votes, the count so far, closings and challenges.",
                      .example = "hezong ballot show 3f9a1c7e"}),
      api::op<&recount>({.id = "ballot.recount",
                         .http = "GET /v1/ballots/{ballot}/recount",
                         .cli = "ballot recount <ballot>",
                         .may = api::May::reader,
                         .fails = {"alliance.ballot_waiting"},
                         .doc = "Count again from the bytes of the logs.",
                         .example = "hezong ballot recount 3f9a1c7e",
                         .more = "Ends with 3 when the newest closing does not hold, and names what differs. Nothing "
                                 "that this node remembers is used."}),
  };
  return table;
}

}  // namespace hz::node
