#include "alliance/authority.h"
#include "alliance/incoming.h"
#include "alliance/keys.h"
#include "log/store.h"

#include "node/identify.h"
#include "node/ops.h"
#include "node/reasons.h"
#include "sql/db.h"

namespace hz::node {
namespace {

struct Show {
  std::optional<std::string> kind;
  std::int64_t limit = 20;
  static constexpr auto fields() {
    return rows(row("kind", &Show::kind, "only this kind"), row("limit", &Show::limit, "newest N (20)", or_default));
  }
};
struct Line {
  std::int64_t index = 0;
  std::string id, kind, issued;
  static constexpr auto fields() {
    return rows(row("index", &Line::index, "position"), row("id", &Line::id, "statement id"),
                row("kind", &Line::kind, "kind"), row("issued", &Line::issued, "claimed time"));
  }
};
struct Shown {
  std::vector<Line> statements;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("statements", &Shown::statements, "newest first"), row("frontier", &Shown::frontier, "as of"));
  }
};
Result<Shown> show(api::Ctx& ctx, const Show& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  Shown out;
  HZ_TRY(
      views.query("SELECT idx, id, kind, issued_ms FROM public_alliance_statement WHERE (?1 = '' OR kind = ?1) AND "
                  "origin = ?3 ORDER BY idx DESC LIMIT ?2",
                  {std::string_view(in.kind ? *in.kind : ""), in.limit, member.origin()}, [&](const sql::Row& r) {
                    out.statements.push_back({r.integer(0), r.text(1), r.text(2), utc_text(r.integer(3))});
                    return true;
                  }));
  out.frontier = member.frontier();
  return out;
}
std::string text(const Shown& out, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{{"index", "kind", "claimed time", "statement"}};
  for (const Line& l : out.statements) cells.push_back({std::to_string(l.index), l.kind, l.issued, l.id});
  return api::table(cells, style) + fmt::format("as of frontier {}\n", out.frontier.digest.substr(0, 16));
}

struct Cat {
  std::string id;
  static constexpr auto fields() { return rows(row("id", &Cat::id, "statement id, hex")); }
};
struct Catted {
  std::string id, origin, kind, issuer, role, issued;
  std::int64_t index = 0;
  std::vector<statement::Ref> refs;
  json::Value body;
  std::optional<std::string> sealed;
  static constexpr auto fields() {
    return rows(row("id", &Catted::id, "statement id"), row("origin", &Catted::origin, "log"),
                row("index", &Catted::index, "position"), row("kind", &Catted::kind, "kind"),
                row("issuer", &Catted::issuer, "member id"), row("role", &Catted::role, "role of the key"),
                row("issued", &Catted::issued, "claimed time"), row("refs", &Catted::refs, "other statements"),
                row("body", &Catted::body, "what was signed; null when it is sealed and cannot be opened here"),
                row("sealed", &Catted::sealed, "to whom, and the commitment that was signed"));
  }
};
Result<Catted> cat(api::Ctx& ctx, const Cat& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  statement::Statement s = HZ_TRY(member.find(in.id));
  Catted out{s.id_text(), s.origin, s.kind, s.issuer, s.role, utc_text(s.issued_ms), static_cast<std::int64_t>(s.index),
             s.refs,      {},       {}};
  if (s.seal) {
    const auto audience = alliance::Audience::of_header(s.audience, s.issuer);
    out.sealed = fmt::format("{}, commitment {}", audience ? audience->format() : "unknown", s.seal->commit);
    if (const auto opened = member.open(s); !opened) {
      if (opened.error().reason->slug != "alliance.body_gone") return std::unexpected(opened.error());
      *out.sealed += "; the body is not here, or not for this member";
    }
  }
  out.body = s.body;
  return out;
}
std::string text(const Catted& s, const api::Style& style) {
  return fmt::format("{} at {} of {}, signed by {} as {}, claimed {}\n{}{}\n", style.bold(s.kind), s.index, s.origin,
                     s.issuer, s.role, s.issued, s.sealed ? fmt::format("sealed to {}\n", *s.sealed) : "",
                     json::pretty(s.body));
}

struct Check {
  static constexpr auto fields() { return rows(); }
};
struct Holds {
  std::int64_t statements = 0, signatures = 0, tiles = 0;
  std::string origin, root;
  static constexpr auto fields() {
    return rows(row("origin", &Holds::origin, "log"), row("statements", &Holds::statements, "leaves re-hashed"),
                row("signatures", &Holds::signatures, "statement signatures verified"),
                row("tiles", &Holds::tiles, "tiles recomputed"), row("root", &Holds::root, "signed root, hex"));
  }
};
Result<Holds> check(api::Ctx& ctx, const Check&) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  log::Log& log = member.log();
  const auto findings =
      HZ_TRY(log.fsck(ctx.progress(), [&](ByteView leaf) { return identify(member.origin(), leaf); }));
  if (!findings.faults.empty()) {
    Error first = findings.faults.front();
    if (findings.faults.size() > 1) first.detail += fmt::format(" (and {} more faults)", findings.faults.size() - 1);
    return std::unexpected(std::move(first));
  }
  Holds out;
  ctx.progress().phase("signatures", static_cast<std::int64_t>(log.head().size));
  HZ_TRY(log.visit(0, log.head().size, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
    auto checked = alliance::check_statement(member.authority(), leaf, index);
    // What a revoked key signed stands in the log for ever; whether it counts is for the views to say.
    if (!checked && checked.error().reason->slug == "alliance.revoked")
      HZ_TRY(alliance::check_signatures(member.authority(), HZ_TRY(statement::decode_leaf(leaf)),
                                        HZ_TRY(statement::read_leaf(leaf, member.origin(), index))));
    else if (!checked)
      return std::unexpected(std::move(checked).error());
    ctx.progress().step(++out.signatures);
    return {};
  }));
  out.statements = static_cast<std::int64_t>(findings.leaves);
  out.tiles = static_cast<std::int64_t>(findings.tiles);
  out.origin = member.origin();
  out.root = hex(log.head().root);
  return out;
}
std::string text(const Holds& h, const api::Style& style) {
  return fmt::format("{} {}: {} statements re-hashed, {} signatures verified, {} tiles recomputed\nroot {}\n",
                     style.green("holds:"), h.origin, h.statements, h.signatures, h.tiles, h.root);
}

struct AcceptHead {
  bool yes = false;
  static constexpr auto fields() {
    return rows(row("yes", &AcceptHead::yes, "no newer copy of this log exists anywhere, and I know what it risks",
                    or_default));
  }
};
struct Accepted {
  std::string origin, root;
  std::int64_t statements = 0;
  static constexpr auto fields() {
    return rows(row("origin", &Accepted::origin, "log"), row("root", &Accepted::root, "root accepted, hex"),
                row("statements", &Accepted::statements, "size accepted as the newest"));
  }
};
Result<Accepted> accept_head(api::Ctx& ctx, const AcceptHead& in) {
  const fs::path folder = ctx.home / "log";
  const log::Log reader = HZ_TRY(log::Log::open_reader(folder, log::Check::head));
  if (!in.yes)
    return fail(why("node.accept_head"), "{}: {} statements would count as all that were ever signed", reader.origin(),
                reader.head().size);
  auto signer = HZ_TRY(alliance::load_key(ctx.home / "keys", alliance::Role::log));
  HZ_TRY(log::Log::accept_head(folder, ctx.home / "mark", std::move(signer.key)));
  return Accepted{reader.origin(), hex(reader.head().root), static_cast<std::int64_t>(reader.head().size)};
}
std::string text(const Accepted& a, const api::Style& style) {
  return fmt::format("{} {} with {} statements is the newest head\nroot {}\n", style.yellow("accepted:"), a.origin,
                     a.statements, a.root);
}

struct Append {
  std::vector<std::string> leaf;
  static constexpr auto fields() {
    return rows(row("leaf", &Append::leaf, "1 to 1000 signed leaf frames, base64 (docs/formats/leaf.md)"));
  }
};
struct AppendOut {
  std::vector<alliance::Receipt> receipts;
  static constexpr auto fields() {
    return rows(row("receipts", &AppendOut::receipts, "where each stands, in the order of the leaves"));
  }
};
Result<AppendOut> append(api::Ctx& ctx, const Append& in) {
  std::vector<Bytes> leaves;
  leaves.reserve(in.leaf.size());
  for (std::size_t i = 0; i < in.leaf.size(); ++i) {
    auto bytes = parse_base64(in.leaf[i]);
    if (!bytes) return within(fmt::format("leaf {}", i), std::move(bytes).error());
    leaves.push_back(*std::move(bytes));
  }
  if (ctx.append_leaves) return AppendOut{HZ_TRY(ctx.append_leaves(std::move(leaves)))};
  alliance::Member& member = *HZ_TRY(ctx.member());
  auto batch = HZ_TRY(alliance::check_incoming(member.authority(), ctx.mounted, std::move(leaves)));
  return AppendOut{HZ_TRY(member.append_incoming(batch))};
}
std::string text(const AppendOut& out, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{{"index", "statement", ""}};
  for (const alliance::Receipt& r : out.receipts)
    cells.push_back({std::to_string(r.index), r.id, r.repeated ? "was there already" : ""});
  return api::table(cells, style);
}

}  // namespace

std::span<const api::Op> log_ops() {
  static const api::Op table[] = {
      api::op<&show>({.id = "log.show",
                      .http = "GET /v1/log",
                      .cli = "log show",
                      .may = api::May::reader,
                      .doc = "List statements of this member's log, newest first.",
                      .example = "hezong log show --kind supply.product"}),
      api::op<&cat>({.id = "log.cat",
                     .http = "GET /v1/log/{id}",
                     .cli = "log cat <id>",
                     .may = api::May::reader,
                     .fails = {"alliance.no_statement"},
                     .doc = "Print one statement: who signed what, and where it stands.",
                     .example = "hezong log cat ID"}),
      api::op<&append>(
          {.id = "log.append",
           .http = "POST /v1/statements",
           .cli = "log append <leaf...>",
           .may = api::May::author,
           .emits = {api::any_kind},
           .fails = {"alliance.batch", "alliance.unknown_kind", "alliance.role", "alliance.revoked",
                     "alliance.key_change", "alliance.incoming", "statement.no_signature", "log.idem_conflict"},
           .doc = "Append statements that this member's keys signed elsewhere: a batch, all or none, durable when "
                  "answered.",
           .example = "hezong log append SFpMMQ==",
           .more = "For signing machines and programs that hold the author key. Each leaf is checked whole: frame, "
                   "canonical JSON, this log, kind and its fields, role, signature. A leaf that stands in the log "
                   "already is answered with its place, so a batch may be sent again after a lost answer; another "
                   "statement under a used idempotency key refuses the whole batch. Over HTTP a batch has at most 8 "
                   "MiB; a node with too much to do answers 503 and takes nothing.",
           .own_turn = true}),
      api::op<&check>({.id = "log.verify",
                       .http = "POST /v1/log/verify",
                       .cli = "log verify",
                       .may = api::May::reader,
                       .fails = {"log.leaf_corrupt"},
                       .doc = "Check the whole log from the bytes up: leaves, tiles, head, and every signature.",
                       .example = "hezong log verify"}),
      api::op<&accept_head>(
          {.id = "log.accept_head",
           .http = "",
           .cli = "log accept-head",
           .may = api::May::anyone,
           .fails = {"node.accept_head", "log.mark_present", "log.missing"},
           .doc = "Make the stored head the high-water mark after the mark folder was lost.",
           .example = "hezong log accept-head --yes",
           .more =
               "The mark is what notices that this folder is an old copy. Accepting an old copy as the newest signs "
               "a second history: every member that saw the first one can then prove a fork, and this log is "
               "finished. First ask mirrors and witnesses for the largest head they know of this log; accept only "
               "when none is larger than what is stored here.",
           .local = true}),
  };
  return table;
}

}  // namespace hz::node
