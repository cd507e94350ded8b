// Operations on who is a member. They work on mirrored logs and cards.
#include <algorithm>

#include "alliance/membership.h"
#include "alliance/peers.h"
#include "alliance/reasons.h"
#include "node/ballot_support.h"
#include "node/card.h"
#include "node/in_force.h"
#include "node/ops.h"
#include "sql/db.h"

namespace hz::node {
namespace {

using namespace hz::alliance;

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

std::span<const api::Op> membership_ops() {
  static const api::Op table[] = {
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
  };
  return table;
}

}  // namespace hz::node
