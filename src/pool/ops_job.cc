// Operations on jobs: model servers on this member's own sites, and under other members' offers.
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
#include "pool/taken.h"
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

std::string table_of(const std::vector<TakenRow>& rows, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{
      {"claim", "product", "at", "of", "backend", "state", "until", "lease", "wall", "cpu"}};
  for (const TakenRow& r : rows) {
    const std::string state(enum_text(r.state));
    const bool bad = r.state == TakenState::refused || r.state == TakenState::failed;
    cells.push_back({r.claim, r.product, r.site.empty() ? "-" : r.site, r.owner, r.backend,
                     r.state == TakenState::ready  ? style.green(state)
                     : bad                         ? style.red(state)
                     : r.state == TakenState::over ? style.dim(state)
                                                   : style.yellow(state),
                     utc_text(r.ends_ms), r.lease, r.heard ? fmt::format("{} ms", r.heard->usage.wall_ms) : "-",
                     r.heard ? fmt::format("{} ms", r.heard->usage.cpu_ms) : "-"});
  }
  std::string out = api::table(cells, style);
  for (const TakenRow& r : rows)
    if (!r.reason.empty() || !r.detail.empty())
      out += fmt::format("{}: {}{}{}\n", r.claim, r.reason, r.reason.empty() || r.detail.empty() ? "" : ": ", r.detail);
  return out;
}

// ---- job submit

struct Submit {
  std::string product, backend;
  std::optional<std::string> site, offer, owner, claim, model;
  std::vector<std::string> jurisdiction, data_at;
  std::int64_t memory_mib = 2048, pids_max = 128, devices = 0, wall_s = 86'400, ready_ms = 60'000;
  bool wait = false;
  static constexpr auto fields() {
    return rows(
        row("product", &Submit::product, "product:<id>"),
        row("site", &Submit::site, "site:<id> of this member, with an adapter in sites.json"),
        row("offer", &Submit::offer, "or id of another member's offer, as `hezong pool offers` shows it"),
        row("owner", &Submit::owner, "whose offer, when several have one of that name"),
        row("jurisdiction", &Submit::jurisdiction,
            "with an offer: where site and operator may stand; absent: anywhere"),
        row("data_at", &Submit::data_at,
            "with an offer: whom model and requests may reach: site:<id>, entity:<id> or a member"),
        row("backend", &Submit::backend, "backend:<engine> that serves it"),
        row("claim", &Submit::claim, "id of the job, 1 to 64 of [0-9a-z-]; a new one when absent"),
        row("model", &Submit::model, "file with the model's bytes; else the member's own blobs"),
        row("memory_mib", &Submit::memory_mib, "most memory, MiB (2048)", or_default),
        row("pids_max", &Submit::pids_max, "most processes and threads (128)", or_default),
        row("devices", &Submit::devices, "devices it holds; 0: one, or as many as the site gives a job", or_default),
        row("wall_s", &Submit::wall_s, "ended after so many seconds (86400)", or_default),
        row("ready_ms", &Submit::ready_ms, "failed when not ready within that (60000)", or_default),
        row("wait", &Submit::wait, "answer when it is ready or failed, not before", or_default));
  }
};
struct SubmitOut {
  std::optional<JobRow> job;
  std::optional<TakenRow> taken;
  std::optional<alliance::Receipt> receipt;
  static constexpr auto fields() {
    return rows(row("job", &SubmitOut::job, "the job, at an own site"),
                row("taken", &SubmitOut::taken, "the job, at another member's"),
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

// Claims another member's offer. The nodes do the rest; a command may watch them. In a node it must not: whoever signs
// has the turn that the answer's arrival needs.
Result<SubmitOut> submit_taken(api::Ctx& ctx, const Submit& in, const ServerJob& job) {
  SubmitOut out;
  TakeIn wanted{*in.offer, in.owner, {}};
  Claim& claim = wanted.claim;
  claim.claim = job.claim;
  claim.product = job.product;
  claim.backend = job.backend;
  claim.model_sha256 = job.model_sha256;
  claim.evidence = job.evidence;
  claim.limits = job.limits;
  claim.count = std::max<std::int64_t>(1, job.devices);
  claim.from_ms = ctx.clock().now_ms();
  claim.until_ms = claim.from_ms + job.limits.wall_ms_max;
  claim.jurisdictions = in.jurisdiction;
  claim.data_at = in.data_at;
  out.receipt = HZ_TRY(take(ctx, std::move(wanted)));
  out.taken = HZ_TRY(taken(ctx, job.claim));
  const auto decided = [&] {
    return !out.taken || (out.taken->state != TakenState::waiting && out.taken->state != TakenState::granted &&
                          out.taken->state != TakenState::starting);
  };
  if (ctx.dry_run || ctx.append_leaves) return out;
  HZ_TRY(HZ_TRY(ctx.member())->rest());
  const auto pause = std::chrono::milliseconds(100);
  for (const std::int64_t until_ms = system_clock().now_ms() + in.ready_ms;
       in.wait && !decided() && system_clock().now_ms() < until_ms;) {
    std::this_thread::sleep_for(pause);
    HZ_TRY(HZ_TRY(ctx.member())->refresh());
    out.taken = HZ_TRY(taken(ctx, job.claim));
  }
  return out;
}

Result<SubmitOut> submit(api::Ctx& ctx, const Submit& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  if (in.site.has_value() == in.offer.has_value()) return fail(why("pool.no_place"), "{}", in.product);
  ServerJob job;
  job.site = in.site.value_or("site:any");
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
  job.devices = in.devices;
  job.deadline_ms = system_clock().now_ms() + in.ready_ms;
  job.model_sha256 = std::string(64, '0');
  HZ_TRY(check(job));
  if (in.site && !HZ_TRY(is_own(member, *in.site))) return fail(why("pool.site_foreign"), "{}", *in.site);
  const Declared said = HZ_TRY(declared(member, in));
  job.model_sha256 = said.sha256;
  job.evidence = said.evidence;
  if (in.offer) return submit_taken(ctx, in, job);
  if (const auto other = HZ_TRY(taken(ctx, job.claim)))
    return fail(why("pool.claim_conflict"), "{} is {} at {}", job.claim, other->product, other->owner);
  job.model_path = HZ_TRY(model_path(member, in, said.sha256));
  const SiteWorld world = site_world(ctx);
  const auto site = HZ_TRY(open_site(world, HZ_TRY(site_config(ctx.home, job.site))));
  const alliance::Draft statement =
      alliance::draft(Job{job.claim, job.site, job.product, job.backend, job.model_sha256, job.limits, job.evidence},
                      {}, crypto::sha256({as_bytes("pool.job"), as_bytes(job.claim)}));
  SubmitOut out;
  JobRow& row = out.job.emplace(JobRow{job, blank(job.claim, JobState::queued), {}});
  if (!ctx.dry_run) {
    row.observed = HZ_TRY(site->submit(job));
    const auto pause = std::chrono::milliseconds(20);
    while (in.wait && !is_over(row.observed.state) && row.observed.state != JobState::ready &&
           system_clock().now_ms() < job.deadline_ms + 1'000) {
      std::this_thread::sleep_for(pause);
      row.observed = HZ_TRY(site->observe(job.claim));
    }
    row.usage = HZ_TRY(site->usage(job.claim));
    if (row.observed.state == JobState::failed) return out;
  }
  out.receipt = HZ_TRY(member.append(statement));
  return out;
}
bool answer_is_no(const SubmitOut& out) {
  if (out.taken) return out.taken->state == TakenState::refused || out.taken->state == TakenState::failed;
  return out.job && out.job->observed.state == JobState::failed;
}
std::string text(const SubmitOut& out, const api::Style& style) {
  std::string said;
  if (out.taken) said += table_of(std::vector<TakenRow>{*out.taken}, style);
  if (out.job) {
    said += table_of(std::vector<JobRow>{*out.job}, style);
    said += out.job->job.evidence.empty() ? fmt::format("{}: nobody has tested this model on {}\n",
                                                        style.yellow("no evidence"), out.job->job.backend)
                                          : fmt::format("evidence {}\n", out.job->job.evidence);
  }
  if (out.receipt) said += fmt::format("statement {}\n", out.receipt->id);
  return said;
}

// ---- job list, cancel

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
  std::vector<TakenRow> taken;
  std::vector<std::string> faults;
  static constexpr auto fields() {
    return rows(row("jobs", &ListOut::jobs, "at own sites, by site and claim"),
                row("taken", &ListOut::taken, "at other members' sites, by claim"),
                row("faults", &ListOut::faults, "what could not be observed just now, and why"));
  }
};
Result<ListOut> list(api::Ctx& ctx, const List& in) {
  HZ_TRY(ctx.member());
  ListOut out;
  out.taken = HZ_TRY(taken(ctx, in.all));
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
  std::string said = out.jobs.empty() ? out.taken.empty() ? "no job runs\n" : "" : table_of(out.jobs, style);
  if (!out.taken.empty()) said += table_of(out.taken, style);
  for (const std::string& fault : out.faults) said += style.red("unknown") + " " + fault + "\n";
  return said;
}

struct ByClaim {
  std::string claim;
  static constexpr auto fields() { return rows(row("claim", &ByClaim::claim, "id of the job")); }
};
struct CancelOut {
  std::optional<JobRow> job;
  std::optional<TakenRow> taken;
  static constexpr auto fields() {
    return rows(row("job", &CancelOut::job, "the job, at an own site"),
                row("taken", &CancelOut::taken, "the job, at another member's"));
  }
};
Result<CancelOut> cancel(api::Ctx& ctx, const ByClaim& in) {
  HZ_TRY(ctx.member());
  CancelOut out;
  if (HZ_TRY(taken(ctx, in.claim))) {
    out.taken = HZ_TRY(give_up(ctx, in.claim));
    return out;
  }
  const auto found = HZ_TRY(site_of(ctx, in.claim));
  HZ_TRY(not_lent(ctx, in.claim));
  JobRow& row = out.job.emplace(JobRow{found.second, HZ_TRY(found.first->cancel(in.claim)), {}});
  row.usage = HZ_TRY(found.first->usage(in.claim));
  return out;
}
std::string text(const CancelOut& out, const api::Style& style) {
  return (out.job ? table_of(std::vector<JobRow>{*out.job}, style) : "") +
         (out.taken ? table_of(std::vector<TakenRow>{*out.taken}, style) : "");
}

}  // namespace

Result<std::string> own_log(api::Ctx& ctx, const std::string& claim) {
  return HZ_TRY(site_of(ctx, claim)).first->log(claim);
}

std::span<const api::Op> job_ops() {
  static const api::Op table[] = {
      api::op<&submit>(
          {.id = "pool.job_submit",
           .http = "POST /v1/pool/jobs",
           .cli = "job submit <product>",
           .may = api::May::author,
           .emits = {"pool.job", "pool.claim"},
           .fails = {"pool.no_place",       "pool.offer_gone",    "pool.offer_ambiguous",    "pool.offer_own",
                     "pool.offer_window",   "pool.offer_backend", "pool.place_jurisdiction", "pool.place_data",
                     "pool.claim_id",       "pool.site_id",       "pool.job_limits",         "pool.site_foreign",
                     "pool.no_product",     "pool.no_model",      "pool.model_digest",       "pool.site_config",
                     "pool.claim_conflict", "pool.site_drained",  "pool.site_full",          "pool.site_answer",
                     "pool.site_token",     "pool.keeper"},
           .doc = "Start a model server for a product on one of this member's sites, or under another member's offer.",
           .example = "hezong job submit product:glyph --site site:hall-a --backend backend:refrt --wait",
           .more =
               "The server runs apart from this command and from the node, in the strongest isolation the machine "
               "grants; the level is part of the answer. It is ready when it says that it serves exactly the "
               "model's bytes. The same --claim again gives the same job. Where a site's jobs run stands in "
               "sites.json in the member's folder (docs/formats/sites.md). With --offer it is a claim: the owner's "
               "node "
               "grants or refuses it, fetches the released model and starts the server, and requests go through that "
               "node; --wait then needs this member's node to run. Route to it under its claim, at the owner's site.",
           .local = true}),
      api::op<&list>({.id = "pool.job_list",
                      .http = "GET /v1/pool/jobs",
                      .cli = "job list",
                      .may = api::May::reader,
                      .fails = {"pool.site_config"},
                      .doc = "Jobs on this member's sites, as they are now, and at other members', as last heard.",
                      .example = "hezong job list --all",
                      .local = true}),
      api::op<&cancel>(
          {.id = "pool.job_cancel",
           .http = "POST /v1/pool/jobs/{claim}/cancel",
           .cli = "job cancel <claim>",
           .may = api::May::author,
           .emits = {"pool.lease_end"},
           .fails = {"pool.no_claim", "pool.lease_running", "pool.site_config", "pool.site_answer", "pool.site_token"},
           .doc = "End a job. What is over stays as it is.",
           .example = "hezong job cancel job-0c1d2e3f4a5b",
           .more = "A job at another member's site is given up by a statement; its owner ends the server. A "
                   "job that another member runs here is taken back with `hezong pool recall`.",
           .local = true}),
  };
  return table;
}

}  // namespace hz::pool
