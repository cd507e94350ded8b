// Operations on jobs: model servers on this member's own sites.
#include <chrono>
#include <thread>

#include "blob/store.h"
#include "crypto/hash.h"
#include "pool/claims.h"
#include "pool/kinds.h"
#include "pool/ops.h"
#include "pool/reasons.h"
#include "pool/rules.h"
#include "pool/sql_text.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

constexpr std::size_t model_bytes_max = 512u << 20;

struct JobRow {
  ServerJob job;
  Observed observed;
  JobUsage usage;
  static constexpr auto fields() {
    return rows(row("job", &JobRow::job, "what was asked for"), row("observed", &JobRow::observed, "what there is"),
                row("usage", &JobRow::usage, "what it used"));
  }
};

std::string paint(const Observed& o, const api::Style& style) {
  const std::string text(enum_text(o.state));
  if (o.state == JobState::ready) return style.green(text);
  return o.state == JobState::failed ? style.red(text) : is_over(o.state) ? style.dim(text) : style.yellow(text);
}

std::string table_of(const std::vector<JobRow>& jobs, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{
      {"claim", "product", "site", "backend", "state", "at", "isolation", "wall", "cpu", "memory"}};
  for (const JobRow& r : jobs)
    cells.push_back({r.job.claim, r.job.product, r.job.site, r.job.backend, paint(r.observed, style),
                     r.observed.port ? fmt::format("{}:{}", r.observed.address, r.observed.port) : "-",
                     r.usage.wall_ms > 0 ? std::string(enum_text(r.observed.isolation)) : "-",
                     fmt::format("{} ms", r.usage.wall_ms), fmt::format("{} ms", r.usage.cpu_ms),
                     fmt::format("{} MiB", r.usage.memory_peak_bytes >> 20)});
  std::string out = api::table(cells, style);
  for (const JobRow& r : jobs) {
    if (r.observed.state == JobState::failed)
      out += fmt::format("{} {}: {}\n", r.job.claim, r.observed.reason, r.observed.detail);
    else if (!r.observed.detail.empty())
      out += fmt::format("{}: {}\n", r.job.claim, r.observed.detail);
    for (const std::string& gap : r.observed.gaps) out += fmt::format("{} runs without {}\n", r.job.claim, gap);
  }
  return out;
}

// ---- job submit

struct Submit {
  std::string product, site, backend;
  std::optional<std::string> claim, model;
  std::int64_t memory_mib = 2048, pids_max = 128, wall_s = 86'400, ready_ms = 60'000;
  bool wait = false;
  static constexpr auto fields() {
    return rows(row("product", &Submit::product, "product:<id>"),
                row("site", &Submit::site, "site:<id> of this member, with an adapter in sites.json"),
                row("backend", &Submit::backend, "backend:<engine> that serves it"),
                row("claim", &Submit::claim, "id of the job, 1 to 64 of [0-9a-z-]; a new one when absent"),
                row("model", &Submit::model, "file with the model's bytes; else the member's own blobs"),
                row("memory_mib", &Submit::memory_mib, "most memory, MiB (2048)", or_default),
                row("pids_max", &Submit::pids_max, "most processes and threads (128)", or_default),
                row("wall_s", &Submit::wall_s, "ended after so many seconds (86400)", or_default),
                row("ready_ms", &Submit::ready_ms, "failed when not ready within that (60000)", or_default),
                row("wait", &Submit::wait, "answer when it is ready or failed, not before", or_default));
  }
};
struct SubmitOut {
  JobRow job;
  std::optional<alliance::Receipt> receipt;
  static constexpr auto fields() {
    return rows(row("job", &SubmitOut::job, "the job"),
                row("receipt", &SubmitOut::receipt, "where the statement stands; none when it failed"));
  }
};

struct Declared {
  std::string sha256, evidence;
};
// The product's model and, if any, the statement that it gives the right answers on this backend.
Result<Declared> declared(alliance::Member& member, const Submit& in) {
  sql::Db& views = *HZ_TRY(member.views());
  Declared out;
  HZ_TRY(views.query(sql_text::product_model, {in.product, member.id()}, [&](const sql::Row& r) {
    out.sha256 = r.text(0);
    return false;
  }));
  if (in.model) {
    const std::string file = hex(crypto::sha256(HZ_TRY(read_file(*in.model, model_bytes_max))));
    if (!out.sha256.empty() && out.sha256 != file)
      return fail(why("pool.model_digest"), "{} has {}, {} is declared with {}", *in.model, file, in.product,
                  out.sha256);
    out.sha256 = file;
  }
  if (out.sha256.empty()) return fail(why("pool.no_product"), "{}", in.product);
  HZ_TRY(views.query(sql_text::model_evidence, {out.sha256, in.backend, member.id()}, [&](const sql::Row& r) {
    out.evidence = r.text(0);
    return false;
  }));
  return out;
}

Result<std::string> model_path(alliance::Member& member, const Submit& in, const std::string& sha256) {
  if (in.model) return fs::absolute(*in.model).string();
  const Digest digest = HZ_TRY(parse_digest(sha256));
  if (!member.blobs().has(digest)) return fail(why("pool.no_model"), "{} of {}", sha256, in.product);
  return fs::absolute(member.blobs().path(digest)).string();
}

Result<bool> is_own(alliance::Member& member, const std::string& site) {
  return HZ_TRY(HZ_TRY(member.views())
                    ->integer("SELECT count(*) FROM pool_site WHERE member = ? AND site = ?", {member.id(), site})) > 0;
}

Result<SubmitOut> submit(api::Ctx& ctx, const Submit& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  ServerJob job;
  job.site = in.site;
  job.product = in.product;
  job.backend = in.backend;
  if (in.claim) {
    job.claim = *in.claim;
  } else {
    std::array<std::uint8_t, 6> chance{};
    ctx.seams.rng->fill(chance);
    job.claim = "job-" + hex(chance);
  }
  if (in.memory_mib < 0 || in.memory_mib > (std::int64_t{1} << 40) || in.wall_s < 0 || in.wall_s > 31'536'000)
    return fail(why("pool.job_limits"), "{} MiB, {} s", in.memory_mib, in.wall_s);
  job.limits = {in.memory_mib << 20, in.pids_max, in.wall_s * 1000};
  job.deadline_ms = system_clock().now_ms() + in.ready_ms;
  job.model_sha256 = std::string(64, '0');
  HZ_TRY(check(job));
  if (!HZ_TRY(is_own(member, in.site))) return fail(why("pool.site_foreign"), "{}", in.site);
  const Declared said = HZ_TRY(declared(member, in));
  job.model_sha256 = said.sha256;
  job.evidence = said.evidence;
  job.model_path = HZ_TRY(model_path(member, in, said.sha256));
  const SiteWorld world = site_world(ctx);
  const auto site = HZ_TRY(open_site(world, HZ_TRY(site_config(ctx.home, in.site))));
  const alliance::Draft statement =
      alliance::draft(Job{job.claim, job.site, job.product, job.backend, job.model_sha256, job.limits, job.evidence},
                      {}, crypto::sha256({as_bytes("pool.job"), as_bytes(job.claim)}));
  SubmitOut out{{job, blank(job.claim, JobState::queued), {}}, {}};
  if (!ctx.dry_run) {
    out.job.observed = HZ_TRY(site->submit(job));
    const auto pause = std::chrono::milliseconds(20);
    while (in.wait && !is_over(out.job.observed.state) && out.job.observed.state != JobState::ready &&
           system_clock().now_ms() < job.deadline_ms + 1'000) {
      std::this_thread::sleep_for(pause);
      out.job.observed = HZ_TRY(site->observe(job.claim));
    }
    out.job.usage = HZ_TRY(site->usage(job.claim));
    if (out.job.observed.state == JobState::failed) return out;
  }
  out.receipt = HZ_TRY(member.append(statement));
  return out;
}
bool answer_is_no(const SubmitOut& out) { return out.job.observed.state == JobState::failed; }
std::string text(const SubmitOut& out, const api::Style& style) {
  std::string said = table_of({out.job}, style);
  said += out.job.job.evidence.empty() ? fmt::format("{}: nobody has tested this model on {}\n",
                                                     style.yellow("no evidence"), out.job.job.backend)
                                       : fmt::format("evidence {}\n", out.job.job.evidence);
  if (out.receipt) said += fmt::format("statement {}\n", out.receipt->id);
  return said;
}

// ---- job list, logs, cancel

// The adapter of a claim's site. Errors: pool.no_claim, and those of opening it.
Result<std::pair<std::unique_ptr<SiteAdapter>, ServerJob>> site_of(api::Ctx& ctx, const std::string& claim) {
  const SiteWorld world = site_world(ctx);
  if (is_claim_id(claim))
    if (const auto kept = HZ_TRY(ClaimFolder(ctx.home / "site" / "claims" / claim).request()))
      return std::pair(HZ_TRY(open_site(world, HZ_TRY(site_config(ctx.home, kept->job.site)))), kept->job);
  return fail(why("pool.no_claim"), "{}", claim);
}

struct List {
  bool all = false;
  static constexpr auto fields() { return rows(row("all", &List::all, "also those that are over", or_default)); }
};
struct ListOut {
  std::vector<JobRow> jobs;
  std::vector<std::string> faults;
  static constexpr auto fields() {
    return rows(row("jobs", &ListOut::jobs, "by site and claim"),
                row("faults", &ListOut::faults, "what could not be observed just now, and why"));
  }
};
Result<ListOut> list(api::Ctx& ctx, const List& in) {
  HZ_TRY(ctx.member());
  ListOut out;
  for (const SiteConfig& config : HZ_TRY(site_configs(ctx.home))) {
    const auto site = HZ_TRY(open_site(site_world(ctx), config));
    for (const std::string& claim : site->claims()) {
      const auto kept = HZ_TRY(ClaimFolder(ctx.home / "site" / "claims" / claim).request());
      auto observed = site->observe(claim);
      if (!observed) {
        out.faults.push_back(fmt::format("{}: {}", claim, observed.error().text()));
        continue;
      }
      if (!in.all && is_over(observed->state)) continue;
      out.jobs.push_back({kept->job, *std::move(observed), site->usage(claim).value_or(JobUsage{})});
    }
  }
  return out;
}
std::string text(const ListOut& out, const api::Style& style) {
  std::string said = out.jobs.empty() ? "no job runs\n" : table_of(out.jobs, style);
  for (const std::string& fault : out.faults) said += style.red("unknown") + " " + fault + "\n";
  return said;
}

struct ByClaim {
  std::string claim;
  static constexpr auto fields() { return rows(row("claim", &ByClaim::claim, "id of the job")); }
};
struct LogOut {
  std::string claim, log;
  static constexpr auto fields() {
    return rows(row("claim", &LogOut::claim, "id of the job"), row("log", &LogOut::log, "the end of what it printed"));
  }
};
Result<LogOut> logs(api::Ctx& ctx, const ByClaim& in) {
  HZ_TRY(ctx.member());
  const auto found = HZ_TRY(site_of(ctx, in.claim));
  return LogOut{in.claim, HZ_TRY(found.first->log(in.claim))};
}
std::string text(const LogOut& out, const api::Style&) { return out.log.empty() ? "" : out.log + "\n"; }

struct CancelOut {
  JobRow job;
  static constexpr auto fields() { return rows(row("job", &CancelOut::job, "the job")); }
};
Result<CancelOut> cancel(api::Ctx& ctx, const ByClaim& in) {
  HZ_TRY(ctx.member());
  const auto found = HZ_TRY(site_of(ctx, in.claim));
  CancelOut out{{found.second, HZ_TRY(found.first->cancel(in.claim)), {}}};
  out.job.usage = HZ_TRY(found.first->usage(in.claim));
  return out;
}
std::string text(const CancelOut& out, const api::Style& style) { return table_of({out.job}, style); }

}  // namespace

std::span<const api::Op> job_ops() {
  static const api::Op table[] = {
      api::op<&submit>(
          {.id = "pool.job_submit",
           .http = "POST /v1/pool/jobs",
           .cli = "job submit <product>",
           .may = api::May::author,
           .emits = {"pool.job"},
           .fails = {"pool.claim_id", "pool.site_id", "pool.job_limits", "pool.site_foreign", "pool.no_product",
                     "pool.no_model", "pool.model_digest", "pool.site_config", "pool.claim_conflict",
                     "pool.site_drained", "pool.site_full", "pool.site_answer", "pool.site_token", "pool.keeper"},
           .doc = "Start a model server for a product on one of this member's sites.",
           .example = "hezong job submit product:glyph --site site:hall-a --backend backend:refrt --wait",
           .more = "The server runs apart from this command and from the node, in the strongest isolation the machine "
                   "grants; the level is part of the answer. It is ready when it says that it serves exactly the "
                   "model's bytes. The same --claim again gives the same job. Where a site's jobs run stands in "
                   "sites.json in the member's folder (docs/formats/sites.md).",
           .local = true}),
      api::op<&list>({.id = "pool.job_list",
                      .http = "GET /v1/pool/jobs",
                      .cli = "job list",
                      .may = api::May::reader,
                      .fails = {"pool.site_config"},
                      .doc = "Jobs on this member's sites, as they are now.",
                      .example = "hezong job list --all",
                      .local = true}),
      api::op<&logs>({.id = "pool.job_logs",
                      .http = "GET /v1/pool/jobs/{claim}/log",
                      .cli = "job logs <claim>",
                      .may = api::May::reader,
                      .fails = {"pool.no_claim", "pool.site_config"},
                      .doc = "The end of what a job printed.",
                      .example = "hezong job logs job-0c1d2e3f4a5b",
                      .local = true}),
      api::op<&cancel>({.id = "pool.job_cancel",
                        .http = "POST /v1/pool/jobs/{claim}/cancel",
                        .cli = "job cancel <claim>",
                        .may = api::May::reader,
                        .fails = {"pool.no_claim", "pool.site_config", "pool.site_answer", "pool.site_token"},
                        .doc = "End a job. What is over stays as it is.",
                        .example = "hezong job cancel job-0c1d2e3f4a5b",
                        .local = true}),
  };
  return table;
}

}  // namespace hz::pool
