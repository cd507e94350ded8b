#include <algorithm>

#include "alliance/keys.h"
#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "drill/rehearsal.h"
#include "log/store.h"
#include "node/bundle.h"
#include "node/evidence.h"
#include "node/make_bundle.h"
#include "node/ops.h"
#include "statement/field_tree.h"

namespace hz::node {
namespace {

struct Export {
  std::string id, out;
  static constexpr auto fields() {
    return rows(row("id", &Export::id, "statement id, hex"), row("out", &Export::out, "file to write"));
  }
};
struct Exported {
  std::string id, file;
  std::int64_t size_bytes = 0;
  static constexpr auto fields() {
    return rows(row("id", &Exported::id, "statement id"), row("file", &Exported::file, "written file"),
                row("size_bytes", &Exported::size_bytes, "its size"));
  }
};

Result<Exported> export_proof(api::Ctx& ctx, const Export& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const statement::Statement s = HZ_TRY(member.find(in.id));
  const std::string text = HZ_TRY(make_evidence(member, s));
  HZ_TRY(write_file_durably(in.out, as_bytes(text)));
  return Exported{in.id, in.out, static_cast<std::int64_t>(text.size())};
}
std::string text(const Exported& out, const api::Style&) {
  return fmt::format("{}: evidence for statement {}, {} bytes\nCheck it anywhere: hezong audit verify {}\n", out.file,
                     out.id, out.size_bytes, out.file);
}

// ---- audit bundle

struct MakeBundle {
  std::vector<std::string> id, lose, disclose;
  std::string out;
  static constexpr auto fields() {
    return rows(row("id", &MakeBundle::id, "statement id, hex, of any log here"),
                row("lose", &MakeBundle::lose, "the statements that the drill of this loss rests on"),
                row("disclose", &MakeBundle::disclose,
                    "ID:FIELD of a sealed statement of this member, to be in it with that field shown; ID alone shows "
                    "every field"),
                row("out", &MakeBundle::out, "file to write"));
  }
};
struct BundleMade {
  std::string file, sha256;
  std::int64_t size_bytes = 0, statements = 0, logs = 0, cosignatures = 0;
  static constexpr auto fields() {
    return rows(row("file", &BundleMade::file, "written file"), row("sha256", &BundleMade::sha256, "SHA-256, hex"),
                row("size_bytes", &BundleMade::size_bytes, "its size"),
                row("statements", &BundleMade::statements, "statements in it, changes of keys included"),
                row("logs", &BundleMade::logs, "logs they stand in"),
                row("cosignatures", &BundleMade::cosignatures, "on the heads of these logs"));
  }
};
// What a drill's report rests on: why products stop, and what the plan puts in their place.
Result<std::set<std::string>> drill_statements(alliance::Member& member, const std::vector<std::string>& lose) {
  const auto drill = HZ_TRY(drill::Rehearsal::of(*HZ_TRY(member.views()), lose, drill::control_bp_default));
  std::set<std::string> out;
  const drill::Impact impact = HZ_TRY(drill->impact());
  for (const drill::LostEntityRow& e : impact.lost_entities) out.insert(e.statement);
  for (const drill::ProductImpact& p : impact.products)
    for (const drill::Step& step : p.chain) out.insert(step.statement);
  const drill::Plan plan = HZ_TRY(drill->plan());
  for (const drill::ProductPlan& p : plan.products) {
    out.insert(p.release_statement);
    for (const drill::Rejection& r : p.rejected) out.insert(r.statement);
    if (p.choice) out.insert({p.choice->evidence, p.choice->site_statement});
  }
  out.erase("");
  return out;
}
Result<BundleMade> bundle(api::Ctx& ctx, const MakeBundle& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  HZ_TRY(member.views());
  std::set<std::string> ids(in.id.begin(), in.id.end());
  if (!in.lose.empty()) ids.merge(HZ_TRY(drill_statements(member, in.lose)));
  std::map<std::string, std::vector<std::string>> shown;
  for (const std::string& one : in.disclose) {
    const auto colon = one.find(':');
    const std::string id = one.substr(0, colon);
    ids.insert(id);
    auto& paths = shown[id];
    if (colon != std::string::npos) paths.push_back(one.substr(colon + 1));
  }
  const std::string text = HZ_TRY(make_bundle(member, HZ_TRY(contacts(member)), ids, shown));
  HZ_TRY(write_file_durably(in.out, as_bytes(text)));
  const BundleAnswer made = check_bundle(text, {});
  BundleMade out{in.out,
                 hex(crypto::sha256(as_bytes(text))),
                 static_cast<std::int64_t>(text.size()),
                 std::ssize(made.statements),
                 std::ssize(made.heads),
                 0};
  for (const BundleHead& head : made.heads) out.cosignatures += std::ssize(head.witnesses);
  return out;
}
std::string text(const BundleMade& out, const api::Style&) {
  return fmt::format(
      "{}: {} statements of {} log{}, {} cosignatures on their heads, {} bytes, sha256 {}\n"
      "Check it anywhere: hezong audit verify {}\n",
      out.file, out.statements, out.logs, out.logs == 1 ? "" : "s", out.cosignatures, out.size_bytes,
      out.sha256.substr(0, 12), out.file);
}

// ---- audit verify

struct Verify {
  std::string file;
  std::vector<std::string> root;
  std::optional<std::string> policy;
  std::optional<std::string> disclosure;
  static constexpr auto fields() {
    return rows(row("file", &Verify::file, "evidence file or audit bundle"),
                row("root", &Verify::root, "root fingerprint that you compared over another channel"),
                row("policy", &Verify::policy, "your own policy file; its quorum must have cosigned every head"),
                row("disclosure", &Verify::disclosure,
                    "fields of a sealed body (`hezong body disclose`) to check against the evidence file"));
  }
};
struct Verified {
  std::string id, kind, issuer, issuer_name, origin, claimed_time, root_fingerprint;
  std::int64_t index = 0, log_size = 0;
  std::vector<std::string> not_checked;
  json::Value body;
  std::optional<std::string> sealed;
  std::vector<Disclosed> disclosed;
  static constexpr auto fields() {
    return rows(row("id", &Verified::id, "statement id"), row("kind", &Verified::kind, "kind"),
                row("issuer", &Verified::issuer, "member id"), row("issuer_name", &Verified::issuer_name, "its name"),
                row("origin", &Verified::origin, "log"), row("index", &Verified::index, "position in the log"),
                row("log_size", &Verified::log_size, "size of the log whose head was signed"),
                row("claimed_time", &Verified::claimed_time, "time the issuer claims"),
                row("root_fingerprint", &Verified::root_fingerprint, "compare it over another channel"),
                row("not_checked", &Verified::not_checked, "what this check says nothing about"),
                row("body", &Verified::body, "what was signed; null when it is sealed"),
                row("sealed", &Verified::sealed, "to whom the body is sealed, and the commitment that was signed"),
                row("disclosed", &Verified::disclosed, "fields of the sealed body that the disclosure proves"));
  }
};

// One of the two.
struct Audited {
  std::optional<Verified> evidence;
  std::optional<BundleAnswer> bundle;
  static constexpr auto fields() {
    return rows(row("evidence", &Audited::evidence, "what an evidence file proves"),
                row("bundle", &Audited::bundle, "what an audit bundle proves, and the first item that does not hold"));
  }
};
bool answer_is_no(const Audited& out) { return out.bundle && !out.bundle->holds; }

Result<Audited> verify(api::Ctx&, const Verify& in) {
  const std::string file = HZ_TRY(read_text(in.file, bundle_size_bytes_max));
  if (is_bundle(file)) {
    BundleTrust trust{in.root, {}};
    if (in.policy) trust.policy = HZ_TRY(log::parse_policy(HZ_TRY(read_text(*in.policy, log::policy_size_bytes_max))));
    return Audited{{}, check_bundle(file, trust)};
  }
  const auto named = [&](auto result) -> decltype(result) {
    if (!result) return within(in.file, std::move(result).error());
    return result;
  };
  const Evidence evidence = HZ_TRY(named(parse_evidence(file)));
  const Checked c = HZ_TRY(named(check_evidence(evidence)));
  Verified out;
  out.id = c.statement.id_text();
  out.kind = c.statement.kind;
  out.issuer = c.statement.issuer;
  out.issuer_name = c.authority.genesis.name;
  out.origin = c.statement.origin;
  out.claimed_time = utc_text(c.statement.issued_ms);
  out.root_fingerprint = alliance::root_fingerprint(c.authority.genesis);
  out.index = static_cast<std::int64_t>(c.statement.index);
  out.log_size = static_cast<std::int64_t>(c.log_size);
  out.not_checked = {"that the root key belongs to the company you think of: compare the fingerprint with it",
                     "that others saw the same log: cosignatures are looked at with --policy only",
                     "the claimed time: nothing orders statements but their position"};
  out.body = c.statement.body;
  if (const auto& seal = c.statement.seal) {
    const auto audience = alliance::Audience::of_header(c.statement.audience, c.statement.issuer);
    out.sealed = fmt::format("{}, commitment {}", audience ? audience->format() : "unknown", seal->commit);
  }
  if (in.disclosure) {
    if (!c.statement.seal) return fail(alliance::why("alliance.not_sealed"), "{}: its body is public", out.id);
    const std::string text = HZ_TRY(read_text(*in.disclosure, statement::disclosure_size_max));
    const auto within_disclosure = [&](auto result) -> decltype(result) {
      if (!result) return within(*in.disclosure, std::move(result).error());
      return result;
    };
    const auto shown = HZ_TRY(within_disclosure(statement::parse_disclosure(text)));
    HZ_TRY(within_disclosure(statement::check_disclosure(shown, HZ_TRY(parse_digest(c.statement.seal->commit)))));
    for (const statement::ShownField& field : shown.shown)
      out.disclosed.push_back({field.path, json::dump(field.value)});
    out.not_checked.push_back("that the fields shown are all there are, or that a path stands once in the body");
  } else if (c.statement.seal) {
    out.not_checked.push_back("the sealed body: a reader shows fields of it with `hezong body disclose`");
  }
  if (!in.root.empty() && std::ranges::find(in.root, out.root_fingerprint) == in.root.end())
    return fail(alliance::why("alliance.other_root"), "{}: {} is none of those given", in.file, out.root_fingerprint);
  if (!in.root.empty()) out.not_checked.erase(out.not_checked.begin());
  if (in.policy) {
    const log::Policy policy = HZ_TRY(log::parse_policy(HZ_TRY(read_text(*in.policy, log::policy_size_bytes_max))));
    HZ_TRY(named(check_quorum(evidence, policy)));
    out.not_checked.erase(std::ranges::find_if(out.not_checked, [](const auto& s) { return s.contains("--policy"); }));
  }
  return Audited{std::move(out), {}};
}
std::string exit_plan_table(const drill::ExitPlan& plan, const api::Style& style) {
  std::string out;
  for (const std::string& target : plan.targets) out += (out.empty() ? "" : " ") + target;
  out = fmt::format("{} {} ({}), loses {}: {} saved, {} not saved\n", style.bold("exit plan of drill"),
                    plan.drill.substr(0, 12), enum_text(plan.mode), out, plan.saved, plan.not_saved);
  std::vector<std::vector<std::string>> cells{
      {"product", "outcome", "reached", "served by", "lost to serving", "tolerated", "in time", "quality"}};
  for (const drill::ExitProduct& p : plan.products)
    cells.push_back({p.product.substr(p.product.find(':') + 1), p.outcome, std::string(enum_text(p.stage)),
                     p.substitute.empty() ? "-" : p.substitute,
                     p.recover_ms < 0 ? "-" : fmt::format("{}.{:02} s", p.recover_ms / 1000, p.recover_ms % 1000 / 10),
                     fmt::format("{} s", p.outage_max_ms / 1000), p.within ? style.green("yes") : style.red("no"),
                     p.answers.cases == 0 ? "-"
                                          : fmt::format("{}.{} % of {}", p.answers.quality_milli / 10,
                                                        p.answers.quality_milli % 10, p.answers.cases)});
  out += api::table(cells, style);
  if (!plan.duties.empty()) out += "who must do what:\n";
  for (const drill::ExitDuty& duty : plan.duties)
    out += fmt::format("  {}: {}{}\n", duty.who, duty.what, duty.until.empty() ? "" : ", until " + duty.until);
  return out;
}
std::string text(const BundleAnswer& b, const api::Style& style) {
  std::string out;
  if (!b.holds)
    return fmt::format("{} {}\n  {}\n  reason: {} (hezong explain {})\n", style.red("does not hold:"), b.failed_item,
                       b.failed_detail, b.failed_reason, b.failed_reason);
  std::size_t people = 0;
  for (const BundleStatement& s : b.statements) people += !s.changes_keys;
  out += fmt::format("{} {} statement{} of {} log{} ({})\n", style.green("holds:"), people, people == 1 ? "" : "s",
                     b.heads.size(), b.heads.size() == 1 ? "" : "s", b.trust);
  for (const BundleHead& h : b.heads) {
    out +=
        fmt::format("\n{} ({}), head of {}\n  root keys  {}\n", style.bold(h.log), h.name, h.size, h.root_fingerprint);
    std::string names;
    for (const std::string& name : h.witnesses) names += (names.empty() ? "" : ", ") + name;
    out += fmt::format("  witnesses  {}{}{}\n", h.witnesses.size(), names.empty() ? "" : ": " + names,
                       h.witnesses.empty() ? ""
                       : h.quorum          ? ", a quorum"
                                           : ", no quorum");
    if (h.cosigned_s >= 0) out += fmt::format("  cosigned   {}\n", utc_text(h.cosigned_s * 1000));
    std::vector<std::vector<std::string>> cells{{"  at", "says", "statement", "by key"}};
    for (const BundleStatement& s : b.statements) {
      if (s.log != h.log) continue;
      std::string keys;
      for (const std::string& key : s.keys) {
        const auto plus = key.find('+');
        keys += (keys.empty() ? "" : ", ") + key.substr(0, key.find('+', plus + 1));
      }
      cells.push_back({fmt::format("  {}", s.index), s.kind + (s.changes_keys ? " (chain of keys)" : ""),
                       s.id.substr(0, 12), keys});
    }
    out += api::table(cells, style);
    for (const BundleStatement& s : b.statements) {
      if (s.log != h.log || !s.sealed) continue;
      out += fmt::format("  {} is sealed to {}\n", s.index, *s.sealed);
      for (const Disclosed& one : s.disclosed) out += fmt::format("    disclosed  {} = {}\n", one.path, one.value);
    }
  }
  if (b.exit_plan) out += "\n" + exit_plan_table(*b.exit_plan, style);
  for (const BundleAttached& file : b.files)
    out += fmt::format("file {} ({} bytes, sha256 {}) is named by statement {}\n", file.name, file.size_bytes,
                       file.sha256.substr(0, 12), file.statement.substr(0, 12));
  out += fmt::format("\npolicy enclosed: {} (sha256 {})\n", b.policy_name, b.policy_sha256.substr(0, 12));
  for (const std::string& line : b.not_checked) out += fmt::format("{} {}\n", style.yellow("not checked:"), line);
  return out;
}
std::string text(const Audited& audited, const api::Style& style) {
  if (audited.bundle) return text(*audited.bundle, style);
  const Verified& v = *audited.evidence;
  std::string out = fmt::format(
      "{} {} statement {}\n  signed by  {} ({})\n  stands at  {} of {} in log {}\n  claimed    {}\n  root key   {}\n",
      style.green("verified:"), v.kind, v.id, v.issuer, v.issuer_name, v.index, v.log_size, v.origin, v.claimed_time,
      v.root_fingerprint);
  if (v.sealed) out += fmt::format("  sealed to  {}\n", *v.sealed);
  for (const Disclosed& one : v.disclosed) out += fmt::format("  disclosed  {} = {}\n", one.path, one.value);
  for (const std::string& line : v.not_checked) out += fmt::format("  {} {}\n", style.yellow("not checked:"), line);
  return out;
}

}  // namespace

std::span<const api::Op> evidence_ops() {
  static const api::Op table[] = {
      api::op<&export_proof>({.id = "proof.export",
                              .http = "POST /v1/proofs/{id}",
                              .cli = "proof export <id>",
                              .may = api::May::reader,
                              .fails = {"alliance.no_statement"},
                              .doc = "Write one file that proves a statement to a stranger, offline.",
                              .example = "hezong proof export ID --out evidence.hzproof"}),
      api::op<&bundle>(
          {.id = "audit.bundle",
           .http = "POST /v1/audit/bundle",
           .cli = "audit bundle",
           .may = api::May::reader,
           .fails = {"alliance.no_statement", "node.bundle_empty", "drill.unknown_target", "alliance.not_sealed",
                     "statement.no_field"},
           .doc = "Write statements of several logs, their keys, heads and cosignatures as one file for an auditor.",
           .example = "hezong audit bundle --lose entity:microsoft --out drill.hzbundle",
           .more = "Name statements with --id, or with --lose those that the drill of a loss rests on: why products "
                   "stop, the conformance results, the sites, the released models. Statements of other members are "
                   "taken from their mirrored logs. Equal logs, heads and policy give equal bytes. A sealed statement "
                   "shows its commitment only, unless fields of it are named with --disclose: then they stand in the "
                   "file, in clear, with what proves them. Only its own member discloses a body."}),
      api::op<&verify>(
          {.id = "audit.verify",
           .http = "POST /v1/audit/verify",
           .cli = "audit verify <file>",
           .may = api::May::anyone,
           .fails = {"node.evidence_syntax", "log.proof_wrong", "log.policy", "log.quorum", "alliance.other_root"},
           .doc = "Check an evidence file or audit bundle without a member, a network or trust in its sender.",
           .example = "hezong audit verify drill.hzbundle --root FINGERPRINT --policy policy",
           .more = "A bundle in which something does not hold ends with exit code 3 and names the first "
                   "such item. Without --root or --policy it is self-consistent at best.",
           .local = true}),
  };
  return table;
}

}  // namespace hz::node
