#include "alliance/keys.h"
#include "log/store.h"
#include "node/evidence.h"
#include "node/ops.h"

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

struct Verify {
  std::string file;
  static constexpr auto fields() { return rows(row("file", &Verify::file, "evidence file")); }
};
struct Verified {
  std::string id, kind, issuer, issuer_name, origin, claimed_time, root_fingerprint;
  std::int64_t index = 0, log_size = 0;
  std::vector<std::string> not_checked;
  json::Value body;
  static constexpr auto fields() {
    return rows(row("id", &Verified::id, "statement id"), row("kind", &Verified::kind, "kind"),
                row("issuer", &Verified::issuer, "member id"), row("issuer_name", &Verified::issuer_name, "its name"),
                row("origin", &Verified::origin, "log"), row("index", &Verified::index, "position in the log"),
                row("log_size", &Verified::log_size, "size of the log whose head was signed"),
                row("claimed_time", &Verified::claimed_time, "time the issuer claims"),
                row("root_fingerprint", &Verified::root_fingerprint, "compare it over another channel"),
                row("not_checked", &Verified::not_checked, "what this check says nothing about"),
                row("body", &Verified::body, "what was signed"));
  }
};

Result<Verified> verify(api::Ctx&, const Verify& in) {
  const std::string file = HZ_TRY(read_text(in.file, evidence_size_bytes_max));
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
                     "that others saw the same log: no witness has cosigned this head",
                     "the claimed time: nothing orders statements but their position"};
  out.body = c.statement.body;
  return out;
}
std::string text(const Verified& v, const api::Style& style) {
  std::string out = fmt::format(
      "{} {} statement {}\n  signed by  {} ({})\n  stands at  {} of {} in log {}\n  claimed    {}\n  root key   {}\n",
      style.green("verified:"), v.kind, v.id, v.issuer, v.issuer_name, v.index, v.log_size, v.origin, v.claimed_time,
      v.root_fingerprint);
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
      api::op<&verify>({.id = "audit.verify",
                        .http = "POST /v1/audit/verify",
                        .cli = "audit verify <file>",
                        .may = api::May::anyone,
                        .fails = {"node.evidence_syntax", "log.proof_wrong"},
                        .doc = "Check an evidence file without a member, a network or trust in its sender.",
                        .example = "hezong audit verify evidence.hzproof",
                        .local = true}),
  };
  return table;
}

}  // namespace hz::node
