#include "alliance/authority.h"
#include "alliance/key_proposal.h"
#include "alliance/keys.h"
#include "alliance/kinds.h"
#include "log/store.h"
#include "node/ops.h"
#include "sql/db.h"

namespace hz::node {
namespace {

using namespace hz::alliance;

struct KeyList {
  std::optional<std::string> member;
  static constexpr auto fields() { return rows(row("member", &KeyList::member, "member id; this member when absent")); }
};
struct KeyLine {
  std::string role, id, key, statement;
  std::int64_t from = 0;
  std::optional<std::int64_t> until;
  bool revoked = false;
  static constexpr auto fields() {
    return rows(row("role", &KeyLine::role, "root, log, author or witness"), row("id", &KeyLine::id, "key id, hex"),
                row("key", &KeyLine::key, "verifier key"), row("from", &KeyLine::from, "speaks from this position on"),
                row("until", &KeyLine::until, "and no longer from this one on; absent: it speaks"),
                row("revoked", &KeyLine::revoked, "taken back"),
                row("statement", &KeyLine::statement, "statement that named it"));
  }
};
struct KeyListOut {
  std::string member, root_fingerprint;
  std::int64_t root_threshold = 0;
  std::vector<KeyLine> keys;
  Frontier frontier;
  static constexpr auto fields() {
    return rows(row("member", &KeyListOut::member, "member id"),
                row("root_fingerprint", &KeyListOut::root_fingerprint, "compare it over another channel"),
                row("root_threshold", &KeyListOut::root_threshold, "root signatures that change keys; 0 for others"),
                row("keys", &KeyListOut::keys, "in the order of the log"),
                row("frontier", &KeyListOut::frontier, "as of"));
  }
};
Result<KeyListOut> list(api::Ctx& ctx, const KeyList& in) {
  Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  KeyListOut out{in.member.value_or(member.id()), "", 0, {}, member.frontier()};
  if (out.member == member.id()) out.root_threshold = member.authority().genesis.root_threshold;
  out.root_fingerprint =
      HZ_TRY(views.text("SELECT root_fingerprint FROM public_alliance_member WHERE member = ?", {out.member}))
          .value_or("");
  Result<void> read;
  HZ_TRY(
      views.query("SELECT role, key, from_idx, until_idx, revoked, statement FROM public_alliance_key WHERE member = "
                  "? ORDER BY from_idx, role, key",
                  {out.member}, [&](const sql::Row& r) {
                    KeyLine line{r.text(0), "", r.text(1), r.text(5), r.integer(2), {}, r.integer(4) != 0};
                    if (!r.is_null(3)) line.until = r.integer(3);
                    if (const auto key = parse_verifier(line.key, *parse_enum<Role>(line.role))) line.id = hex(key->id);
                    out.keys.push_back(std::move(line));
                    return true;
                  }));
  return out;
}
std::string text(const KeyListOut& out, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{{"role", "speaks", "key id"}};
  for (const KeyLine& k : out.keys)
    cells.push_back({k.role,
                     fmt::format("{}..{}{}", k.from, k.until ? std::to_string(*k.until - 1) : "",
                                 k.revoked ? " " + style.red("revoked") : ""),
                     k.id});
  return fmt::format("{}root fingerprint {}\nas of frontier {}\n", api::table(cells, style), out.root_fingerprint,
                     out.frontier.digest);
}

enum class Change : std::uint8_t { rotate, revoke, end };
constexpr auto enum_names(Change) {
  return std::array<EnumName<Change>, 3>{
      {{Change::rotate, "rotate"}, {Change::revoke, "revoke"}, {Change::end, "end"}}};
}
struct Propose {
  Change change = Change::rotate;
  std::string out;
  std::optional<std::string> role, key_id, replaces, note;
  std::optional<std::int64_t> from;
  static constexpr auto fields() {
    return rows(row("change", &Propose::change, "rotate, revoke or end (of the log)"),
                row("out", &Propose::out, "file to write"),
                row("role", &Propose::role, "rotate: root, log, author (default) or witness"),
                row("replaces", &Propose::replaces, "rotate a root key: id of the one it replaces"),
                row("key_id", &Propose::key_id, "revoke: id of the key, from `hezong key list`"),
                row("from", &Propose::from, "revoke, end: first position that does not count; the next when absent"),
                row("note", &Propose::note, "revoke, end: why, for people"));
  }
};
struct Proposed {
  std::string file, kind, member;
  std::int64_t signatures = 0, needed = 0;
  json::Value body;
  static constexpr auto fields() {
    return rows(row("file", &Proposed::file, "the proposal"), row("kind", &Proposed::kind, "statement kind"),
                row("member", &Proposed::member, "whose keys change"),
                row("signatures", &Proposed::signatures, "root signatures in the file"),
                row("needed", &Proposed::needed, "root signatures needed; 0 when not known here"),
                row("body", &Proposed::body, "what is signed"));
  }
};
Result<Draft> change_of(Member& member, const Propose& in) {
  const auto next = static_cast<std::int64_t>(member.log().head().size);
  if (in.change == Change::revoke)
    return draft(KeyRevoke{in.key_id.value_or(""), in.from.value_or(next + 1), in.note.value_or("")});
  if (in.change == Change::end) return draft(LogEnd{in.from.value_or(next + 1), in.note.value_or("")});
  const auto role = parse_enum<Role>(in.role.value_or("author"));
  if (!role) return fail(hz::why("base.text_form"), "role {}", *in.role);
  // The secret is made here and speaks once the log names it; asked again, it is the same one.
  const auto key = HZ_TRY(
      load_or_create_key_file(next_key_path(member.keys_folder(), *role), member.origin(), *role, *member.seams().rng));
  return draft(KeyRotate{*role, verifier_text(key.named_key(), *role), in.replaces});
}
Result<Proposed> make(api::Ctx& ctx, const Propose& in) {
  Member& member = *HZ_TRY(ctx.member());
  const KeyProposal proposal = HZ_TRY(propose(member, HZ_TRY(change_of(member, in))));
  HZ_TRY(write_file_durably(in.out, as_bytes(format_proposal(proposal))));
  const auto s = HZ_TRY(read_proposal(proposal));
  return Proposed{in.out, s.kind, s.issuer, 0, member.authority().genesis.root_threshold, s.body};
}
std::string text(const Proposed& out, const api::Style&) {
  return fmt::format("{}: {} of {}, {} root signatures{}\n{}\n", out.file, out.kind, out.member, out.signatures,
                     out.needed > 0 ? fmt::format(" of {}", out.needed) : "", json::pretty(out.body));
}

struct Sign {
  std::string file, key;
  static constexpr auto fields() {
    return rows(row("file", &Sign::file, "proposal; the signature is added to it"),
                row("key", &Sign::key, "file of a root key"));
  }
};
Result<Proposed> sign(api::Ctx&, const Sign& in) {
  auto proposal = HZ_TRY(parse_proposal(HZ_TRY(read_text(in.file, proposal_size_bytes_max))));
  HZ_TRY(sign_proposal(proposal, HZ_TRY(load_key_file(in.key, Role::root))));
  HZ_TRY(write_file_durably(in.file, as_bytes(format_proposal(proposal))));
  const auto s = HZ_TRY(read_proposal(proposal));
  return Proposed{in.file, s.kind, s.issuer, static_cast<std::int64_t>(proposal.signatures.size()), 0, s.body};
}

struct Submit {
  std::string file;
  static constexpr auto fields() { return rows(row("file", &Submit::file, "signed proposal")); }
};
struct Submitted {
  std::string kind;
  Receipt receipt;
  static constexpr auto fields() {
    return rows(row("kind", &Submitted::kind, "what changed"), row("receipt", &Submitted::receipt, "where it stands"));
  }
};
Result<Submitted> submit(api::Ctx& ctx, const Submit& in) {
  const auto proposal = HZ_TRY(parse_proposal(HZ_TRY(read_text(in.file, proposal_size_bytes_max))));
  Member& member = *HZ_TRY(ctx.member());
  Submitted out{HZ_TRY(read_proposal(proposal)).kind, {}};
  out.receipt = HZ_TRY(member.append_signed(HZ_TRY(leaf_of(proposal))));
  HZ_TRY(member.adopt_next_keys());
  return out;
}
std::string text(const Submitted& out, const api::Style& style) {
  return fmt::format("{} {} at {}\nstatement {}\n", style.green("changed:"), out.kind, out.receipt.index,
                     out.receipt.id);
}

}  // namespace

std::span<const api::Op> key_ops() {
  static const api::Op table[] = {
      api::op<&list>({.id = "key.list",
                      .http = "GET /v1/keys",
                      .cli = "key list",
                      .may = api::May::reader,
                      .doc = "Which keys spoke for a member, and for which positions of its log.",
                      .example = "hezong key list"}),
      api::op<&make>({.id = "key.propose",
                      .http = "POST /v1/keys/proposals",
                      .cli = "key propose <change>",
                      .may = api::May::reader,
                      .fails = {"alliance.key_change"},
                      .doc = "Write a change of keys as a file for the holders of the root keys to sign.",
                      .example = "hezong key propose rotate --role author --out change.json",
                      .more = "A new secret is made in keys/<role>.next and speaks once the change is in the log. "
                              "Nothing is appended."}),
      api::op<&sign>({.id = "key.sign",
                      .http = "POST /v1/keys/signatures",
                      .cli = "key sign <file>",
                      .may = api::May::reader,
                      .fails = {"alliance.key_proposal", "alliance.key", "alliance.key_open"},
                      .doc = "Add one root signature to a proposal; needs no member and no network.",
                      .example = "hezong key sign change.json --key keys/root"}),
      api::op<&submit>({.id = "key.submit",
                        .http = "POST /v1/keys/changes",
                        .cli = "key submit <file>",
                        .may = api::May::author,
                        .emits = {KeyRotate::kind, KeyRevoke::kind, LogEnd::kind},
                        .fails = {"alliance.key_proposal", "alliance.key_change", "statement.no_signature"},
                        .doc = "Append a change of keys that enough root keys have signed, and use the new key.",
                        .example = "hezong key submit change.json"}),
  };
  return table;
}

}  // namespace hz::node
