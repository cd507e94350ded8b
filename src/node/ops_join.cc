// Operations that bring members together: an invitation, a request to join, a card. They work on files; transport is
// the dialer's.
#include "alliance/membership.h"
#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "node/card.h"
#include "node/dial.h"
#include "node/in_force.h"
#include "node/ops.h"

namespace hz::node {
namespace {

using namespace hz::alliance;

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

}  // namespace

std::span<const api::Op> join_ops() {
  static const api::Op table[] = {
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
