// Operations on the charter and on membership. They work on files and mirrored logs; transport is not theirs.
#include <algorithm>

#include "alliance/charter.h"
#include "alliance/membership.h"
#include "alliance/peers.h"
#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "node/ballot_support.h"
#include "node/card.h"
#include "node/dial.h"
#include "node/ops.h"
#include "sql/db.h"

namespace hz::node {
namespace {

using namespace hz::alliance;

struct InForce {
  Charter charter;
  std::string statement;
};
Result<InForce> charter_in_force(Member& member) {
  std::string text, statement;
  HZ_TRY(HZ_TRY(member.views())
             ->query("SELECT charter, statement FROM public_alliance_charter", {}, [&](const sql::Row& r) {
               text = r.text(0);
               statement = r.text(1);
               return false;
             }));
  if (text.empty()) return fail(alliance::why("alliance.no_charter"), "{}", member.id());
  return InForce{HZ_TRY(from_json<Charter>(HZ_TRY(json::parse(text)))), statement};
}
Result<InForce> as_secretariat(Member& member) {
  InForce out = HZ_TRY(charter_in_force(member));
  if (out.charter.secretariat != member.origin())
    return fail(alliance::why("alliance.not_secretariat"), "{} decides", out.charter.secretariat);
  return out;
}
Result<std::string> evidence_of(Member& member, const std::string& id) {
  return make_evidence(member, HZ_TRY(member.find(id)));
}

// ---- charter

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

// ---- invite, join, peer

// The address that was given, else that of the running node.
Address address_of(const fs::path& home, const std::optional<std::string>& url, const std::optional<std::string>& pin) {
  return url ? Address{*url, pin.value_or("")} : running_address(home);
}

struct Invite {
  std::string out;
  std::optional<std::string> url, pin;
  static constexpr auto fields() {
    return rows(row("out", &Invite::out, "file to write; it holds a secret code"),
                row("url", &Invite::url, "where this node answers; the running node's address when absent"),
                row("pin", &Invite::pin, "SHA-256 of its certificate's key, hex"));
  }
};
struct CardOut {
  std::string member, name, root_fingerprint, file, charter;
  static constexpr auto fields() {
    return rows(row("member", &CardOut::member, "whose card it is"), row("name", &CardOut::name, "its name"),
                row("root_fingerprint", &CardOut::root_fingerprint, "compare it over another channel"),
                row("file", &CardOut::file, "file"),
                row("charter", &CardOut::charter, "charter, statement id", or_default));
  }
};
Result<CardOut> invite(api::Ctx& ctx, const Invite& in) {
  Member& member = *HZ_TRY(ctx.member());
  const InForce now = HZ_TRY(as_secretariat(member));
  const Address here = address_of(ctx.home, in.url, in.pin);
  Card card{std::string(card_format),
            root_fingerprint(member.authority().genesis),
            HZ_TRY(evidence_of(member, now.statement)),
            here.url,
            here.pin,
            ""};
  HZ_TRY(parse_card(format_card(card)));
  card.code = HZ_TRY(new_code(member.home(), *member.seams().rng));
  HZ_TRY(write_file_durably(in.out, as_bytes(format_card(card)), 0600));
  return CardOut{member.id(), member.authority().genesis.name, card.root_fingerprint, in.out, now.statement};
}
std::string text(const CardOut& out, const api::Style&) {
  return fmt::format("{}: {} ({})\nroot fingerprint {}\n  compare it over another channel before you rely on it\n",
                     out.file, out.member, out.name, out.root_fingerprint);
}

struct Join {
  std::string file;
  std::optional<std::string> url, pin, card;
  static constexpr auto fields() {
    return rows(row("file", &Join::file, "invitation"),
                row("url", &Join::url, "where this node answers; the running node's address when absent"),
                row("pin", &Join::pin, "SHA-256 of its certificate's key, hex"),
                row("card", &Join::card, "write this member's card for the founder to this file"));
  }
};
struct Joined {
  std::string founder, founder_name, root_fingerprint, charter;
  bool delivered = false;
  std::string undelivered;
  Receipt receipt;
  static constexpr auto fields() {
    return rows(row("founder", &Joined::founder, "origin of the founder"),
                row("founder_name", &Joined::founder_name, "its name"),
                row("root_fingerprint", &Joined::root_fingerprint, "compare it over another channel"),
                row("charter", &Joined::charter, "name of the alliance"),
                row("delivered", &Joined::delivered, "the founder's node took this member's card"),
                row("undelivered", &Joined::undelivered, "why it did not", or_default),
                row("receipt", &Joined::receipt, "the request"));
  }
};
Result<Joined> join(api::Ctx& ctx, const Join& in) {
  const Card card = HZ_TRY(parse_card(HZ_TRY(read_text(in.file, card_size_bytes_max))));
  if (card.code.empty()) return fail(alliance::why("alliance.invite"), "{} has no code: it is no invitation", in.file);
  const Checked founder = HZ_TRY(check_card(card, Charter::kind));
  const Charter charter = HZ_TRY(from_json<Charter>(founder.statement.body));
  HZ_TRY(check(charter));
  Member& member = *HZ_TRY(ctx.member());
  if (founder.authority.origin == member.origin())
    return fail(alliance::why("alliance.invite"), "{} is this member itself", member.origin());
  const Address here = address_of(ctx.home, in.url, in.pin);
  const JoinRequest request{founder.authority.origin,
                            card.root_fingerprint,
                            founder.statement.id_text(),
                            here.url,
                            here.pin,
                            code_proof(card.code, member.authority())};
  const Digest idem = crypto::sha256(as_bytes("hezong/join\n" + json::dump(to_json(request))));
  if (!ctx.dry_run) HZ_TRY(store_card(member.home(), founder.authority.origin, card));
  Joined out{founder.authority.origin,
             founder.authority.genesis.name,
             card.root_fingerprint,
             charter.name,
             false,
             "",
             HZ_TRY(member.append(draft(request, {}, idem)))};
  if (ctx.dry_run) return out;
  const Card mine{std::string(card_format),
                  root_fingerprint(member.authority().genesis),
                  HZ_TRY(evidence_of(member, out.receipt.id)),
                  request.url,
                  request.pin,
                  ""};
  HZ_TRY(parse_card(format_card(mine)));
  if (in.card) {
    HZ_TRY(write_file_durably(*in.card, as_bytes(format_card(mine))));
    out.undelivered = "written to a file instead";
    return out;
  }
  if (card.url.empty()) {
    out.undelivered = "the invitation names no address";
    return out;
  }
  Dialer dialer = HZ_TRY(Dialer::of(member));
  const auto delivered = dialer.deliver_card({card.url, card.pin}, format_card(mine));
  out.delivered = delivered.has_value();
  if (!delivered) out.undelivered = delivered.error().text();
  return out;
}
std::string text(const Joined& out, const api::Style& style) {
  return fmt::format(
      "{} {} of {} ({})\n  founder's root fingerprint {}\n  compare it over another channel\n"
      "  {}\nNext: the founder runs hezong member admit. statement {}\n",
      style.green("asked to join"), out.charter, out.founder, out.founder_name, out.root_fingerprint,
      out.delivered ? std::string("its node has this member's card")
                    : fmt::format("this member's card is not delivered: {}", out.undelivered),
      out.receipt.id);
}

struct AddPeer {
  std::string file;
  static constexpr auto fields() { return rows(row("file", &AddPeer::file, "card of the peer")); }
};
Result<CardOut> add_peer(api::Ctx& ctx, const AddPeer& in) {
  const Card card = HZ_TRY(parse_card(HZ_TRY(read_text(in.file, card_size_bytes_max))));
  auto checked = check_card(card, JoinRequest::kind);
  if (!checked) checked = check_card(card, Charter::kind);
  if (!checked) return std::unexpected(std::move(checked).error());
  Member& member = *HZ_TRY(ctx.member());
  if (checked->authority.origin == member.origin())
    return fail(alliance::why("alliance.invite"), "{} is this member itself", member.origin());
  HZ_TRY(store_card(member.home(), checked->authority.origin, card));
  return CardOut{checked->authority.origin, checked->authority.genesis.name, card.root_fingerprint, in.file, ""};
}

// ---- admit, suspend, expel, leave

struct AdmitIn {
  std::string origin;
  std::optional<std::string> tier, ballot;
  std::int64_t from = 0;
  bool vouch = false;
  static constexpr auto fields() {
    return rows(
        row("origin", &AdmitIn::origin, "log of the applicant"),
        row("tier", &AdmitIn::tier, "tier of the charter; the first when absent"),
        row("ballot", &AdmitIn::ballot, "ballot that allows it, where the charter has a rule for admit"),
        row("from", &AdmitIn::from, "first position of its log that counts", or_default),
        row("vouch", &AdmitIn::vouch, "without the code of an invitation: its fingerprint was compared", or_default));
  }
};
struct Decided {
  std::string origin, state, root_fingerprint;
  Receipt receipt;
  static constexpr auto fields() {
    return rows(row("origin", &Decided::origin, "log of the member"), row("state", &Decided::state, "what it is now"),
                row("root_fingerprint", &Decided::root_fingerprint, "its root keys"),
                row("receipt", &Decided::receipt, "the decision"));
  }
};
// The applicant's keys and newest request: from its mirrored log, else from its card.
Result<std::pair<Authority, JoinRequest>> request_of(Member& member, const std::string& origin) {
  std::string id;
  HZ_TRY(
      HZ_TRY(member.views())
          ->query("SELECT statement FROM public_alliance_request WHERE origin = ?", {origin}, [&](const sql::Row& r) {
            id = r.text(0);
            return false;
          }));
  for (log::Log* log : member.peer_logs()) {
    if (log->origin() != origin || id.empty()) continue;
    const auto index = HZ_TRY(log->find(HZ_TRY(parse_digest(id))));
    if (!index) continue;
    const auto s = HZ_TRY(statement::read_leaf(HZ_TRY(log->leaf(*index)), origin, *index));
    return std::pair(HZ_TRY(read_genesis(HZ_TRY(log->leaf(0)), origin)), HZ_TRY(from_json<JoinRequest>(s.body)));
  }
  const auto card = stored_card(member.home(), origin);
  if (!card) return fail(alliance::why("alliance.no_request"), "{}: neither its log nor its card is here", origin);
  Checked checked = HZ_TRY(check_card(*card, JoinRequest::kind));
  auto request = HZ_TRY(from_json<JoinRequest>(checked.statement.body));
  return std::pair(std::move(checked.authority), std::move(request));
}
Result<Decided> admit(api::Ctx& ctx, const AdmitIn& in) {
  Member& member = *HZ_TRY(ctx.member());
  const InForce now = HZ_TRY(as_secretariat(member));
  const auto [applicant, request] = HZ_TRY(request_of(member, in.origin));
  if (request.founder != HZ_TRY(member.views())->text("SELECT founder FROM public_alliance_charter")->value_or(""))
    return fail(alliance::why("alliance.no_request"), "{} asks to join {}", in.origin, request.founder);
  const auto code = code_file(member.home(), request.code_proof, applicant);
  if (!code && !in.vouch) return fail(alliance::why("alliance.invite_code"), "{}", in.origin);
  const Admit said{in.origin,
                   root_fingerprint(applicant.genesis),
                   in.tier.value_or(now.charter.tiers.front().tier),
                   in.from,
                   request.url,
                   request.pin};
  if (std::ranges::none_of(now.charter.tiers, [&](const Tier& t) { return t.tier == said.tier; }))
    return fail(alliance::why("alliance.charter"), "no tier {}", said.tier);
  const auto refs = HZ_TRY(ballot_support(ctx, member, "admit", in.origin, "", in.ballot));
  Decided out{in.origin, std::string(enum_text(State::member)), said.root_fingerprint,
              HZ_TRY(member.append(draft(said, refs)))};
  std::error_code ignored;
  if (code && !ctx.dry_run) fs::remove(*code, ignored);
  return out;
}
std::string text(const Decided& out, const api::Style& style) {
  return fmt::format("{} is {}\n{}statement {}\n", out.origin, style.bold(out.state),
                     out.root_fingerprint.empty() ? "" : "  root fingerprint " + out.root_fingerprint + "\n",
                     out.receipt.id);
}

struct Close {
  std::string origin, cause;
  std::optional<std::int64_t> size;
  std::optional<std::string> ballot;
  static constexpr auto fields() {
    return rows(row("origin", &Close::origin, "log of the member"), row("cause", &Close::cause, "why, for people"),
                row("size", &Close::size, "statements that still count; all that are mirrored when absent"),
                row("ballot", &Close::ballot, "ballot that allows it; one that passed on it when absent"));
  }
};
// The final head as it is known here: the size asked for, with the mirrored log's root at it.
template <class Payload>
Result<Decided> close(api::Ctx& ctx, const Close& in, std::string_view act, State state) {
  Member& member = *HZ_TRY(ctx.member());
  HZ_TRY(as_secretariat(member));
  for (log::Log* log : member.peer_logs()) {
    if (log->origin() != in.origin) continue;
    const auto size = in.size.value_or(static_cast<std::int64_t>(log->head().size));
    const Digest root = HZ_TRY(log->root_at(size < 0 ? no_end : static_cast<std::uint64_t>(size)));
    const auto refs = HZ_TRY(ballot_support(ctx, member, act, in.origin, "", in.ballot));
    return Decided{in.origin, std::string(enum_text(state)), "",
                   HZ_TRY(member.append(draft(Payload{in.origin, size, hex(root), in.cause}, refs)))};
  }
  return fail(alliance::why("alliance.no_such_member"), "{}: its log is not mirrored here", in.origin);
}
Result<Decided> suspend(api::Ctx& ctx, const Close& in) { return close<Suspend>(ctx, in, "suspend", State::suspended); }
Result<Decided> expel(api::Ctx& ctx, const Close& in) { return close<Expel>(ctx, in, "expel", State::expelled); }

struct LeaveIn {
  std::optional<std::string> note;
  static constexpr auto fields() { return rows(row("note", &LeaveIn::note, "why, for people")); }
};
Result<Decided> leave(api::Ctx& ctx, const LeaveIn& in) {
  Member& member = *HZ_TRY(ctx.member());
  HZ_TRY(charter_in_force(member));
  return Decided{member.origin(), std::string(enum_text(State::left)), "",
                 HZ_TRY(member.append(draft(Leave{in.note.value_or("")})))};
}

struct ListMembers {
  static constexpr auto fields() { return rows(); }
};
struct MemberLine {
  std::string origin, name, state, tier, url, pin, root_fingerprint;
  std::int64_t statements = 0;
  static constexpr auto fields() {
    return rows(row("origin", &MemberLine::origin, "log"), row("name", &MemberLine::name, "shown to people"),
                row("state", &MemberLine::state, "member, applicant, suspended, expelled, left, frozen or stranger"),
                row("tier", &MemberLine::tier, "tier of the charter"), row("url", &MemberLine::url, "its node"),
                row("pin", &MemberLine::pin, "SHA-256 of its certificate's key"),
                row("root_fingerprint", &MemberLine::root_fingerprint, "its root keys"),
                row("statements", &MemberLine::statements, "in its log as mirrored here"));
  }
};
struct MemberList {
  std::vector<MemberLine> members;
  std::vector<std::string> faults;
  Frontier frontier;
  static constexpr auto fields() {
    return rows(row("members", &MemberList::members, "every log known here"),
                row("faults", &MemberList::faults, "mirrored logs that cannot be read"),
                row("frontier", &MemberList::frontier, "as of"));
  }
};
Result<MemberList> list(api::Ctx& ctx, const ListMembers&) {
  Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  MemberList out;
  HZ_TRY(
      views.query("SELECT s.origin, coalesce(m.name, ''), s.state, s.tier, s.url, s.pin, "
                  "coalesce(m.root_fingerprint, s.root_fingerprint), coalesce(l.size, 0) FROM alliance_standing s "
                  "LEFT JOIN alliance_member m ON m.origin = s.origin LEFT JOIN alliance_log l ON l.origin = s.origin "
                  "ORDER BY s.origin",
                  {}, [&](const sql::Row& r) {
                    out.members.push_back(
                        {r.text(0), r.text(1), r.text(2), r.text(3), r.text(4), r.text(5), r.text(6), r.integer(7)});
                    return true;
                  }));
  for (const Error& fault : member.peer_faults()) out.faults.push_back(fault.text());
  out.frontier = member.frontier();
  return out;
}
std::string text(const MemberList& out, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{{"log", "name", "state", "tier", "statements"}};
  for (const MemberLine& m : out.members)
    cells.push_back({m.origin, m.name, m.state, m.tier, std::to_string(m.statements)});
  std::string shown = api::table(cells, style);
  for (const std::string& fault : out.faults) shown += fmt::format("{} {}\n", style.red("cannot be read:"), fault);
  return shown + fmt::format("as of frontier {}\n", out.frontier.digest);
}

}  // namespace

std::span<const api::Op> alliance_ops() {
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
      api::op<&invite>(
          {.id = "member.invite",
           .http = "POST /v1/invites",
           .cli = "member invite",
           .may = api::May::reader,
           .fails = {"alliance.no_charter", "alliance.not_secretariat"},
           .doc = "Write an invitation: this member's card, the charter's evidence and a one-time code.",
           .example = "hezong member invite --out invite.json --url https://hezong.example:8443",
           .more = "The file holds a secret: hand it to one company. The code is used up by its admission."}),
      api::op<&join>(
          {.id = "member.join",
           .http = "POST /v1/join",
           .cli = "join <file>",
           .may = api::May::author,
           .emits = {JoinRequest::kind},
           .fails = {"alliance.invite", "alliance.other_root", "node.evidence_syntax"},
           .doc = "Check an invitation, keep the founder as a peer, and ask to join in this member's own log.",
           .example = "hezong join invite.json --card card.json"}),
      api::op<&admit>({.id = "member.admit",
                       .http = "POST /v1/members",
                       .cli = "member admit <origin>",
                       .may = api::May::author,
                       .emits = {Admit::kind},
                       .fails = {"alliance.no_request", "alliance.invite_code", "alliance.not_secretariat"},
                       .doc = "Admit an applicant whose request is here, in its mirrored log or on its card.",
                       .example = "hezong member admit hezong.example/beta"}),
      api::op<&suspend>({.id = "member.suspend",
                         .http = "POST /v1/members/suspensions",
                         .cli = "member suspend <origin>",
                         .may = api::May::author,
                         .emits = {Suspend::kind},
                         .fails = {"alliance.no_such_member", "alliance.not_secretariat", "alliance.no_ballot"},
                         .doc = "Statements of this member beyond its head as mirrored here do not count until it is "
                                "admitted again.",
                         .example = "hezong member suspend hezong.example/beta --cause \"no dues for a year\""}),
      api::op<&expel>({.id = "member.expel",
                       .http = "POST /v1/members/expulsions",
                       .cli = "member expel <origin>",
                       .may = api::May::author,
                       .emits = {Expel::kind},
                       .fails = {"alliance.no_such_member", "alliance.not_secretariat", "alliance.no_ballot"},
                       .doc = "Statements of this member beyond its head as mirrored here do not count any more.",
                       .example = "hezong member expel hezong.example/beta --cause \"decided by ballot\""}),
      api::op<&leave>({.id = "member.leave",
                       .http = "POST /v1/leave",
                       .cli = "member leave",
                       .may = api::May::author,
                       .emits = {Leave::kind},
                       .fails = {"alliance.no_charter"},
                       .doc = "Leave the alliance; what this member said so far stays.",
                       .example = "hezong member leave"}),
      api::op<&list>({.id = "member.list",
                      .http = "GET /v1/members",
                      .cli = "member list",
                      .may = api::May::reader,
                      .doc = "Every log known here, with its standing in the alliance.",
                      .example = "hezong member list"}),
      api::op<&add_peer>({.id = "peer.add",
                          .http = "POST /v1/peers",
                          .cli = "peer add <file>",
                          .may = api::May::reader,
                          .fails = {"alliance.invite", "alliance.other_root", "node.evidence_syntax"},
                          .doc = "Check a member's card and keep it, so that its log can be fetched.",
                          .example = "hezong peer add card.json"}),
  };
  return table;
}

}  // namespace hz::node
