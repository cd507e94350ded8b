#include "share/ops.h"

#include "blob/store.h"
#include "crypto/hash.h"
#include "share/kinds.h"
#include "share/rules.h"

namespace hz::share {
namespace {

constexpr std::size_t release_size_max = 256u << 20;

struct ReleaseIn {
  std::string file;
  std::optional<std::string> name;
  std::string licence;
  Audience audience = Audience::owner;
  static constexpr auto fields() {
    return rows(row("file", &ReleaseIn::file, "file to release, at most 256 MiB"),
                row("name", &ReleaseIn::name, "name shown to people; the file's name when absent"),
                row("licence", &ReleaseIn::licence, "SPDX expression, or unknown"),
                row("audience", &ReleaseIn::audience, "owner, alliance or everyone; owner when absent", or_default));
  }
};
struct ReleaseOut {
  Release release;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("release", &ReleaseOut::release, "what was signed"),
                row("receipt", &ReleaseOut::receipt, "where it stands"));
  }
};

Result<ReleaseOut> release(api::Ctx& ctx, const ReleaseIn& in) {
  const fs::path path(in.file);
  const Bytes bytes = HZ_TRY(read_file(path, release_size_max));
  Release payload{.sha256 = hex(crypto::sha256(bytes)),
                  .name = in.name.value_or(path.filename().string()),
                  .licence = in.licence,
                  .audience = in.audience,
                  .size_bytes = static_cast<std::int64_t>(bytes.size())};
  HZ_TRY(check(payload));
  alliance::Member& member = *HZ_TRY(ctx.member());
  // Bytes first: a release without its bytes would be a promise that cannot be kept.
  if (!ctx.dry_run) HZ_TRY(member.blobs().put(bytes));
  alliance::Draft draft = alliance::draft(payload);
  draft.subjects = {{payload.name, payload.sha256}};
  if (payload.audience == Audience::owner) draft.audience = {member.id()};
  draft.idem = crypto::sha256(as_bytes(json::dump(draft.body)));
  return ReleaseOut{payload, HZ_TRY(member.append(draft))};
}

std::string text(const ReleaseOut& out, const api::Style& style) {
  const Release& r = out.release;
  return fmt::format("{} {} ({} bytes, {}, for {})\n  sha256 {}\n  statement {}{}\n", style.green("released"), r.name,
                     r.size_bytes, r.licence, enum_text(r.audience), r.sha256, out.receipt.id,
                     out.receipt.repeated ? ", said before" : "");
}

}  // namespace

std::span<const api::Op> ops() {
  static const api::Op table[] = {
      api::op<&release>(
          {.id = "share.release",
           .http = "POST /v1/share/releases",
           .cli = "share release <file>",
           .may = api::May::author,
           .emits = {"share.release"},
           .fails = {"share.name", "share.licence", "share.release_gate", "base.too_large"},
           .doc = "Store a file by its digest and sign its name, licence and audience.",
           .example = "hezong share release model.onnx --licence Apache-2.0",
           .more = "The bytes stay in this member's blob store; nothing is sent to anyone. Releasing the same "
                   "file with the same words again changes nothing."}),
  };
  return table;
}

}  // namespace hz::share
