// Operations on what is stored: read it again and repair it, publish it for static web servers.
#include <algorithm>

#include "alliance/member.h"
#include "log/store.h"
#include "node/ops.h"
#include "node/scrub_home.h"

namespace hz::node {

namespace {

struct Scrub {
  std::int64_t mb_per_s = 50;
  bool repair = false;
  std::vector<std::string> from;
  static constexpr auto fields() {
    return rows(
        row("mb_per_s", &Scrub::mb_per_s, "read so many MB a second at most; 0: as fast as it goes (50)", or_default),
        row("repair", &Scrub::repair, "fetch what is damaged or missing, and write what is proven right", or_default),
        row("from", &Scrub::from,
            "a folder or URL that serves the damaged log as static files, asked before the known nodes"));
  }
};
struct ScrubOut : Scrubbed {};
Result<ScrubOut> scrub(api::Ctx& ctx, const Scrub& in) {
  return ScrubOut{HZ_TRY(scrub_home(ctx, {in.mb_per_s, in.repair, in.from}))};
}
bool answer_is_no(const ScrubOut& out) {
  return std::ranges::any_of(out.damage, [](const Damage& d) { return !d.repaired; });
}

std::string text(const ScrubOut& out, const api::Style& style) {
  std::string text = fmt::format("{} logs: {} statements and {} tiles; {} blobs; {:.1f} MB read\n", out.logs,
                                 out.leaves, out.tiles, out.blobs, static_cast<double>(out.size_bytes) / 1e6);
  for (const Damage& one : out.damage)
    text += fmt::format("{} {}: {}: {}\n", one.repaired ? style.green("repaired") : style.red("damaged"), one.place,
                        one.reason, one.detail);
  text += out.views.not_compared.empty()
              ? fmt::format("{} statements replayed once more and compared with the views\n", out.views.statements)
              : fmt::format("the views were not compared: {}\n", out.views.not_compared);
  if (out.damage.empty()) text += style.green("nothing is damaged") + "\n";
  return text;
}

struct PublishIn {
  std::string folder;
  static constexpr auto fields() { return rows(row("folder", &PublishIn::folder, "folder of a static web server")); }
};
struct PublishOut {
  std::string origin, folder;
  std::int64_t statements = 0, files = 0;
  static constexpr auto fields() {
    return rows(row("origin", &PublishOut::origin, "log"), row("folder", &PublishOut::folder, "where"),
                row("statements", &PublishOut::statements, "in the head that the folder shows"),
                row("files", &PublishOut::files, "tiles and bundles written by this run"));
  }
};
Result<PublishOut> publish(api::Ctx& ctx, const PublishIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const auto done = HZ_TRY(member.log().publish_tree(in.folder, ctx.progress()));
  return PublishOut{member.origin(), in.folder, static_cast<std::int64_t>(done.size),
                    static_cast<std::int64_t>(done.files)};
}
std::string text(const PublishOut& out, const api::Style& style) {
  return fmt::format("{} {} with {} statements in {}, {} files written\n", style.green("published:"), out.origin,
                     out.statements, out.folder, out.files);
}

}  // namespace

std::span<const api::Op> scrub_ops() {
  static const api::Op table[] = {
      api::op<&scrub>(
          {.id = "log.scrub",
           .http = "",
           .cli = "log scrub",
           .may = api::May::reader,
           .fails = {"log.repair", "log.head_corrupt", "blob.corrupt", "blob.missing", "alliance.views_differ",
                     "alliance.views_busy"},
           .doc = "Read every stored statement, tile and blob at a bounded rate, hold the views against the logs, and "
                  "name what is damaged.",
           .example = "hezong log scrub --mb-per-s 20",
           .more =
               "Also mirrors of other members' logs. Ends with exit code 3 when something is damaged. With --repair "
               "entries come from static copies (--from) and known nodes; they are written only when the whole tree "
               "then leads to the signed head. Blobs come back as releases do (`hezong share fetch`). Where all that "
               "is "
               "sound, every statement is replayed once more beside the views: what differs is named and replaced, "
               "also without --repair, at a running node too. Works on a "
               "log that is too damaged to open; may run beside the node.",
           .local = true}),
      api::op<&publish>(
          {.id = "log.publish",
           .http = "",
           .cli = "log publish <folder>",
           .may = api::May::reader,
           .fails = {"log.export"},
           .doc = "Bring a folder to the published head of this log, as any static web server may serve it.",
           .example = "hezong log publish public",
           .more =
               "C2SP tlog-tiles: checkpoint, tile/..., tile/entries/... Only what is new is written, the checkpoint "
               "last, so readers never meet a head whose tiles are missing, also after a crash. A folder that shows "
               "another log or another history is refused. Everybody who can read the folder reads every public "
               "statement, and kinds, subjects and times of the others. `hezong up --publish-log` does it after "
               "each round.",
           .local = true}),
  };
  return table;
}

}  // namespace hz::node
