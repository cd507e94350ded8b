#include "supply/exposure_op.h"

#include <map>

#include "statement/ids.h"
#include "supply/entity_file.h"
#include "supply/reasons.h"
#include "supply/scan.h"

namespace hz::supply {

namespace {

constexpr std::size_t lines_max = 12;

// The member of this home, or one that lives as long as the command: the first answer needs no account.
struct Recorder {
  std::optional<TempDir> folder;
  std::optional<alliance::Member> temporary;
  alliance::Member* member = nullptr;

  static Result<Recorder> of(api::Ctx& ctx) {
    Recorder out;
    auto own = ctx.member();
    if (own) {
      out.member = *own;
      return out;
    }
    if (own.error().reason->slug != "alliance.no_member") return std::unexpected(own.error());
    out.folder.emplace();
    out.temporary = HZ_TRY(alliance::Member::create(out.folder->path() / "member",
                                                    {.name = "temporary", .origin = "temporary.example/scan"},
                                                    ctx.mounted, ctx.seams));
    return out;
  }
  alliance::Member& get() { return member ? *member : *temporary; }
};

std::string scope_of(const fs::path& dir) {
  std::error_code gone;
  std::string name = fs::canonical(dir, gone).filename().string();
  return statement::is_shown_name(name) ? name : "folder";
}

void join(Recorded& sum, const Recorded& more) {
  sum.sources_new += more.sources_new;
  sum.sources_changed += more.sources_changed;
  sum.sources_unchanged += more.sources_unchanged;
  sum.sources_gone += more.sources_gone;
  sum.statements += more.statements;
}

std::unexpected<Error> refuse_all(const std::vector<Refusal>& refused) {
  std::string lines;
  for (std::size_t i = 0; i < refused.size() && i < 20; ++i)
    lines += fmt::format("\n  {}: {} ({})\n    try: {}", refused[i].path, refused[i].detail, refused[i].reason,
                         refused[i].next);
  if (refused.size() > 20) lines += fmt::format("\n  and {} more", refused.size() - 20);
  return fail(why("supply.refused"), "{} file{}{}", refused.size(), refused.size() == 1 ? "" : "s", lines);
}

std::string percent(std::int64_t milli) { return fmt::format("{}.{} %", milli / 10, milli % 10); }

// The first rows of a table, with a line that says how many more there are.
std::string head(std::vector<std::vector<std::string>> rows, std::size_t total, std::string_view how,
                 const api::Style& style) {
  std::string out = api::table(rows, style);
  if (rows.size() - 1 < total) out += style.dim(fmt::format("... and {} more: {}\n", total - (rows.size() - 1), how));
  return out;
}

std::string unknown_text(const Exposure& e, const api::Style& style) {
  std::string out = fmt::format("\n{} {} of {} components have no legal entity in any list ({})\n",
                                style.bold("Unknown"), e.unattributed, e.attributable, percent(e.unknown_share_milli));
  if (e.unknown.empty()) return out;
  std::vector<std::vector<std::string>> rows = {{"component", "not known", "why", "evidence"}};
  for (std::size_t i = 0; i < e.unknown.size() && i < lines_max; ++i)
    rows.push_back({e.unknown[i].node.substr(0, 60), e.unknown[i].what, e.unknown[i].why, e.unknown[i].evidence});
  return out + head(std::move(rows), e.unknown.size(), "hezong supply unknown list", style);
}

std::string entities_text(const Exposure& e, const api::Style& style) {
  std::string out = "\n" + style.bold("Legal entities behind them") + "\n";
  if (e.entities.empty())
    return out + "none: no entity list was imported (`hezong supply entities import FILE`, or --entities FILE)\n";
  std::map<std::string, std::int64_t> by_jurisdiction;
  std::vector<std::vector<std::string>> rows = {{"entity", "jurisdiction", "components", "name"}};
  for (const EntityLine& line : e.entities) {
    by_jurisdiction[line.jurisdiction] += line.components;
    if (rows.size() <= lines_max)
      rows.push_back({line.entity, line.jurisdiction, std::to_string(line.components), line.name});
  }
  out += head(std::move(rows), e.entities.size(), "--json lists all", style);
  out += "by jurisdiction:";
  for (const auto& [jurisdiction, count] : by_jurisdiction) out += fmt::format(" {} {},", jurisdiction, count);
  out += fmt::format(" no entity {}\n", e.unattributed);
  return out;
}

}  // namespace

Result<ScanOut> scan(api::Ctx& ctx, const ScanIn& in) {
  if (!in.dir && !in.host) return fail(why("supply.nothing"), "neither a folder nor --host was given");
  ScanOptions options;
  options.observed_ms = ctx.clock().now_ms();
  options.progress = &ctx.progress();
  for (const std::string& dir : in.library_dir) options.library_dirs.emplace_back(dir);
  options.program_dirs.assign(ctx.tool_dirs.begin(), ctx.tool_dirs.end());

  // Everything is read and checked before anything is recorded.
  std::optional<EntityList> list;
  if (in.entities) list = HZ_TRY(read_entity_list(*in.entities));
  std::vector<std::pair<std::string, Collected>> scans;
  ScanOut out;
  if (in.dir) {
    const std::string scope = in.scope.value_or(scope_of(*in.dir));
    if (!statement::is_shown_name(scope))
      return fail(hz::why("base.text_form"), "--scope: 1 to 200 bytes without control characters");
    scans.emplace_back(scope, HZ_TRY(scan_folder(*in.dir, scope, options)));
  }
  if (in.host) scans.emplace_back("host", HZ_TRY(scan_host("host", options)));
  for (auto& [scope, collected] : scans) {
    out.files_read += collected.files_read;
    out.refused.insert(out.refused.end(), collected.refused.begin(), collected.refused.end());
    out.remarks.insert(out.remarks.end(), collected.remarks.begin(), collected.remarks.end());
  }
  if (!out.refused.empty() && !in.keep_going) return refuse_all(out.refused);

  Recorder recorder = HZ_TRY(Recorder::of(ctx));
  alliance::Member& member = recorder.get();
  ctx.progress().phase("recording", 0);
  if (list) HZ_TRY(record(member, *list));
  for (const auto& [scope, collected] : scans)
    join(out.changes, HZ_TRY(record(member, scope, collected, options.observed_ms)));
  out.recorded = recorder.member != nullptr;
  out.exposure = HZ_TRY(exposure(*HZ_TRY(member.views())));
  out.frontier = member.frontier().digest;
  return out;
}

bool answer_is_no(const ScanOut& out) { return !out.refused.empty(); }

std::string text(const ScanOut& out, const api::Style& style) {
  const Exposure& e = out.exposure;
  std::string s;
  if (!e.products.empty()) {
    s += style.bold("Products") + "\n";
    std::vector<std::vector<std::string>> rows = {{"product", "area", "served by", "manifest"}};
    for (const ProductLine& line : e.products)
      rows.push_back({line.product, line.area, line.incumbent.empty() ? "unknown" : line.incumbent, line.manifest});
    s += api::table(rows, style) + "\n";
  }
  s += style.bold("Components") + "\n";
  std::vector<std::vector<std::string>> types = {{"type", "components", "without entity"}};
  for (const TypeLine& line : e.types)
    types.push_back({line.type, std::to_string(line.components), std::to_string(line.unattributed)});
  s += api::table(types, style);
  s += entities_text(e, style);
  if (!e.services.empty()) {
    s += "\n" + style.bold("Services") + "\n";
    std::vector<std::vector<std::string>> rows = {{"service", "entity", "needed by", "evidence"}};
    for (const ServiceLine& line : e.services)
      if (rows.size() <= lines_max)
        rows.push_back({line.service, line.entity, std::to_string(line.needed_by), line.evidence});
    s += head(std::move(rows), e.services.size(), "--json lists all", style);
  }
  s += unknown_text(e, style);
  for (const std::string& remark : out.remarks) s += style.dim("note: " + remark) + "\n";
  for (const Refusal& one : out.refused)
    s += fmt::format("{} {}: {} ({})\n  try: {}\n", style.red("refused"), one.path, one.detail, one.reason, one.next);
  const Recorded& c = out.changes;
  s += fmt::format("\n{} files read; {} sources new, {} changed, {} unchanged, {} gone\n", out.files_read,
                   c.sources_new, c.sources_changed, c.sources_unchanged, c.sources_gone);
  if (out.recorded)
    s += fmt::format("{} statements recorded; frontier {}\n", c.statements, out.frontier);
  else
    s += style.yellow("nothing was kept") + ": there is no member here; `hezong init` makes one\n";
  return s;
}

}  // namespace hz::supply
