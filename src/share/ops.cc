#include "share/ops.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "alliance/body.h"
#include "alliance/reasons.h"
#include "blob/stream.h"
#include "crypto/hash.h"
#include "share/kinds.h"
#include "share/known.h"
#include "share/reasons.h"
#include "share/rules.h"

namespace hz::share {
namespace {

constexpr std::uint64_t release_size_bytes_max = 1ull << 40;

struct ReleaseIn {
  std::string file;
  std::optional<std::string> name;
  std::string licence;
  std::string audience = "owner";
  Control control = Control::unknown;
  std::string media_type = "application/octet-stream";
  bool rights_held = false;
  std::vector<std::string> parent = {};
  static constexpr auto fields() {
    return rows(
        row("file", &ReleaseIn::file, "file to release, at most 1 TiB"),
        row("name", &ReleaseIn::name, "name shown to people; the file's name when absent"),
        row("licence", &ReleaseIn::licence, "SPDX expression, or unknown"),
        row("audience", &ReleaseIn::audience,
            "public, members, group:X, bilateral:A,B, clean-team:X, sealed-until:TIME or owner; owner when absent",
            or_default),
        row("control", &ReleaseIn::control, "none, internal, export_controlled or unknown; unknown when absent",
            or_default),
        row("media_type", &ReleaseIn::media_type, "media type; application/octet-stream when absent", or_default),
        row("rights_held", &ReleaseIn::rights_held,
            "this member holds the rights to give these bytes, whatever the licences say", or_default),
        row("parent", &ReleaseIn::parent,
            "what it was made from: RELATION:SHA256 or RELATION:SHA256:LICENCE, with fine_tuned_from, quantised_from, "
            "distilled_from, merged_from or converted_from"));
  }
};
struct ReleaseOut {
  Release release;
  alliance::Receipt receipt;
  std::optional<alliance::Receipt> decision;  // none where nothing may leave
  static constexpr auto fields() {
    return rows(row("release", &ReleaseOut::release, "what was signed"),
                row("receipt", &ReleaseOut::receipt, "where it stands"),
                row("decision", &ReleaseOut::decision,
                    "where the gate's decision stands; none for the owner alone, since nothing may leave"));
  }
};

// The gate's word as a statement; the same word about the same release is said once.
Result<alliance::Receipt> log_decision(alliance::Member& member, const Release& release, const Verdict& verdict,
                                       std::string_view statement) {
  alliance::Draft draft = alliance::draft(share::decision(release, verdict));
  draft.subjects = {{release.name, release.sha256}};
  if (!statement.empty()) draft.refs = {{"depends-on", std::string(statement)}};
  // A refusal is the member's own business.
  if (!verdict.allowed()) draft.audience = alliance::Audience{};
  draft.idem = crypto::sha256(as_bytes(fmt::format("{}\n{}\n{}", draft.kind, statement, json::dump(draft.body))));
  return member.append(draft);
}

// Feeds a file to `take`, piece by piece; its size. Errors: base.read, base.too_large, and take's.
template <class Take>
Result<std::uint64_t> each_piece(const fs::path& path, Progress& progress, std::string_view phase, Take take) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail(hz::why("base.read"), "{}: {}", path.string(), fd ? "not a regular file" : std::strerror(errno));
  progress.phase(phase, info.st_size);
  Bytes piece(1u << 20);
  for (std::uint64_t size_bytes = 0;;) {
    const auto n = ::read(fd.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(hz::why("base.read"), "{}: {}", path.string(), std::strerror(errno));
    if (n == 0) return size_bytes;
    size_bytes += static_cast<std::uint64_t>(n);
    if (size_bytes > release_size_bytes_max)
      return fail(hz::why("base.too_large"), "{}: more than {} bytes", path.string(), release_size_bytes_max);
    HZ_TRY(take(ByteView(piece).first(static_cast<std::size_t>(n))));
    progress.step(static_cast<std::int64_t>(size_bytes));
  }
}

Result<ReleaseOut> release(api::Ctx& ctx, const ReleaseIn& in) {
  const fs::path path(in.file);
  crypto::Sha256 hash;
  const std::uint64_t size_bytes =
      HZ_TRY(each_piece(path, ctx.progress(), "hashing", [&](ByteView bytes) -> Result<void> {
        hash.update(bytes);
        return {};
      }));
  const Digest digest = hash.finish();
  Release payload{.sha256 = hex(digest),
                  .name = in.name.value_or(path.filename().string()),
                  .licence = in.licence,
                  .audience = in.audience,
                  .size_bytes = static_cast<std::int64_t>(size_bytes),
                  .media_type = in.media_type,
                  .control = in.control,
                  .rights_held = in.rights_held};
  for (const std::string& parent : in.parent) payload.parents.push_back(HZ_TRY(parse_parent(parent)));
  HZ_TRY(check(payload));
  payload.audience = HZ_TRY(audience_of(payload)).format();
  alliance::Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  const auto known = HZ_TRY(KnownReleases::read(views));
  const Verdict verdict = gate({.release = payload,
                                .releaser = member.id(),
                                .lineage = known.lineage(payload),
                                .reader = std::nullopt,
                                .facts = HZ_TRY(alliance::membership_facts(views)),
                                .now_ms = ctx.clock().now_ms()});
  if (!verdict.allowed()) {
    HZ_TRY(log_decision(member, payload, verdict, ""));
    return fail(why("share.release_gate"), "{} to {}: {}", payload.name, payload.audience, denials_text(verdict));
  }
  // Bytes first: a release without its bytes would be a promise that cannot be kept.
  // The file is read again, which costs less than holding it; one that changed meanwhile is blob.digest.
  if (!ctx.dry_run) {
    auto intake = HZ_TRY(blob::Intake::begin(member.blobs()));
    HZ_TRY(each_piece(path, ctx.progress(), "storing",
                      [&](ByteView bytes) { return intake.write(bytes, release_size_bytes_max); }));
    HZ_TRY(intake.finish(digest));
  }
  alliance::Draft draft = alliance::draft(payload);
  draft.subjects = {{payload.name, payload.sha256}};
  // A release for all members is said in the clear, to those who may read the log: whoever joins later finds it too.
  const alliance::Audience readers = HZ_TRY(audience_of(payload));
  draft.audience = readers.kind == alliance::Audience::Kind::members
                       ? alliance::Audience{.kind = alliance::Audience::Kind::everyone, .parties = {}}
                       : readers;
  draft.idem = crypto::sha256(as_bytes(json::dump(draft.body)));
  const alliance::Receipt receipt = HZ_TRY(member.append(draft));
  ReleaseOut out{payload, receipt, std::nullopt};
  if (payload.audience != "owner") out.decision = HZ_TRY(log_decision(member, payload, verdict, receipt.id));
  return out;
}

std::string text(const ReleaseOut& out, const api::Style& style) {
  const Release& r = out.release;
  return fmt::format("{} {} ({} bytes, {}, for {})\n  sha256 {}\n  statement {}{}\n", style.green("released"), r.name,
                     r.size_bytes, r.licence, r.audience, r.sha256, out.receipt.id,
                     out.receipt.repeated ? ", said before" : "");
}

struct ListIn {
  bool all = false;
  static constexpr auto fields() {
    return rows(row("all", &ListIn::all, "also releases that are not for this member", or_default));
  }
};
struct ListRow {
  Release release;
  std::string member, statement;
  bool held = false;
  std::vector<std::string> denied;
  static constexpr auto fields() {
    return rows(row("release", &ListRow::release, "what was signed"), row("member", &ListRow::member, "who signed it"),
                row("statement", &ListRow::statement, "statement id, hex"),
                row("held", &ListRow::held, "the bytes are in this member's blob store"),
                row("denied", &ListRow::denied, "why this member may not have them; empty when it may"));
  }
};
struct ListOut {
  std::vector<ListRow> releases;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("releases", &ListOut::releases, "by digest, then member"),
                row("frontier", &ListOut::frontier, "as of"));
  }
};

Result<ListOut> list(api::Ctx& ctx, const ListIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  const auto known = HZ_TRY(KnownReleases::read(views));
  const auto facts = HZ_TRY(alliance::membership_facts(views));
  ListOut out{{}, member.frontier()};
  for (const KnownRelease& one : known.all()) {
    const Verdict verdict = gate({.release = one.release,
                                  .releaser = one.member,
                                  .lineage = known.lineage(one.release),
                                  .reader = member.id(),
                                  .facts = facts,
                                  .now_ms = ctx.clock().now_ms()});
    if (!verdict.allowed() && !in.all) continue;
    const bool held = member.blobs().has(HZ_TRY(parse_digest(one.release.sha256)));
    out.releases.push_back({one.release, one.member, one.statement, held, decision(one.release, verdict).reasons});
  }
  return out;
}

std::string text(const ListOut& out, const api::Style& style) {
  if (out.releases.empty())
    return fmt::format("no release is for this member (all of them: --all)\nas of frontier {}\n", out.frontier.digest);
  std::vector<std::vector<std::string>> cells{
      {"name", "sha256", "bytes", "licence", "audience", "control", "member", "made from", "here"}};
  for (const ListRow& r : out.releases) {
    std::string parents;
    for (const Parent& p : r.release.parents)
      parents += fmt::format("{}{} {}", parents.empty() ? "" : ", ", enum_text(p.relation), p.sha256.substr(0, 12));
    cells.push_back({r.release.name, r.release.sha256.substr(0, 12), std::to_string(r.release.size_bytes),
                     r.release.licence, r.release.audience, std::string(enum_text(r.release.control)), r.member,
                     parents.empty() ? "-" : parents,
                     !r.denied.empty() ? style.red("not for us")
                     : r.held          ? style.green("held")
                                       : "no"});
  }
  return api::table(cells, style) + fmt::format("as of frontier {}\n", out.frontier.digest);
}

}  // namespace

std::span<const api::Op> ops() {
  static const api::Op table[] = {
      api::op<&release>(
          {.id = "share.release",
           .http = "POST /v1/share/releases",
           .cli = "share release <file>",
           .may = api::May::author,
           .emits = {"share.release", "share.gate_decision"},
           .fails = {"share.name", "share.licence", "share.media_type", "share.parents", "share.release_gate",
                     "alliance.audience", "base.too_large"},
           .doc = "Store a file by its digest, ask the release gate, and sign its name, licence, lineage and audience.",
           .example = "hezong share release model.onnx --licence Apache-2.0 --audience members --control none",
           .more = "The bytes stay in this member's blob store; members of the audience fetch them with `hezong share "
                   "fetch`. The gate's decision is logged as a statement too, a refusal included. Releasing the same "
                   "file with the same words again changes nothing; other words about the same bytes replace the "
                   "earlier ones."}),
      api::op<&list>({.id = "share.list",
                      .http = "GET /v1/share/releases",
                      .cli = "share list",
                      .may = api::May::reader,
                      .doc = "The releases that are for this member: digest, licence, audience, lineage, and whether "
                             "the bytes are here.",
                      .example = "hezong share list"}),
  };
  return table;
}

}  // namespace hz::share
