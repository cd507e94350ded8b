#include "pool/claims.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/folders.h"
#include "pool/reasons.h"
#include "pool/rules.h"
#include "sandbox/engine_program.h"

namespace hz::pool {

SiteWorld site_world(const api::Ctx& ctx) { return {ctx.home, {ctx.tool_dirs.begin(), ctx.tool_dirs.end()}}; }

Claims::Claims(const SiteWorld& world, const SiteConfig& config)
    : world_(world), config_(config), claims_(world.home / "site" / "claims") {}

Result<Fd> Claims::lock() const {
  std::error_code error;
  if (!fs::is_directory(claims_, error)) HZ_TRY(create_folder_durably(claims_, 0755));
  const fs::path path = world_.home / "site" / "lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  while (fd && ::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) fd.reset();
  if (!fd) return fail(hz::why("base.write"), "{}: {}", path.string(), std::strerror(errno));
  return fd;
}

Result<KeptJob> Claims::find(const std::string& claim) const {
  if (is_claim_id(claim))
    if (auto kept = HZ_TRY(folder(claim).request()); kept && kept->job.site == config_.site) return std::move(*kept);
  return fail(why("pool.no_claim"), "{} at {}", claim, config_.site);
}

std::vector<std::string> Claims::list() const {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(claims_, error))
    if (const std::string claim = entry.path().filename().string(); find(claim)) out.push_back(claim);
  std::ranges::sort(out);
  return out;
}

Result<KeptJob> Claims::prepare(const ServerJob& job) const {
  HZ_TRY(check(job));
  KeptJob kept;
  kept.job = job;
  kept.argv = config_.command;
  kept.read_paths = config_.read_paths;
  kept.listen = config_.listen;
  kept.user = config_.user;
  kept.cgroup_parent = config_.cgroup_parent;
  kept.isolation_least = config_.isolation_least;
  kept.hang_ms_max = config_.hang_ms_max;
  kept.devices = job.devices > 0 ? job.devices : devices_of_job(config_);
  if (!kept.argv.empty()) {
    kept.env = {"LC_ALL=C", "HOME=/nonexistent"};
    return kept;
  }
  auto program = HZ_TRY(sandbox::engine_program(world_.tool_dirs, "", "serve", job.backend.substr(8)));
  kept.argv = std::move(program.command.argv);
  kept.argv.insert(kept.argv.end(), {"--body-bytes-max", "1073741824"});
  kept.env = std::move(program.command.env);
  for (const fs::path& path : program.read_paths) kept.read_paths.push_back(path.string());
  return kept;
}

Result<std::optional<KeptJob>> Claims::recorded(const ServerJob& job) const {
  auto kept = HZ_TRY(folder(job.claim).request());
  if (!kept) return std::nullopt;
  // The deadline is of one asking: who asks again a minute later means the same job.
  ServerJob same = job;
  same.deadline_ms = kept->job.deadline_ms;
  if (kept->job != same)
    return fail(why("pool.claim_conflict"), "{} is {} at {}", job.claim, kept->job.product, kept->job.site);
  return kept;
}

Result<fs::path> Claims::keeper_program() const {
  std::string looked;
  for (const fs::path& dir : world_.tool_dirs) {
    std::error_code error;
    if (fs::exists(dir / "hezong-keeper", error)) return fs::absolute(dir / "hezong-keeper");
    looked += " " + dir.string();
  }
  return fail(why("pool.keeper"), "hezong-keeper is missing; looked for{}", looked.empty() ? " nothing" : looked);
}

fs::path Claims::drained_file() const {
  std::string name = config_.site.substr(5);
  for (char& c : name)
    if (c == '/') c = '%';
  return world_.home / "site" / ("drained-" + name);
}
bool Claims::draining() const {
  std::error_code error;
  return fs::exists(drained_file(), error);
}
Result<void> Claims::drain(bool on) const {
  HZ_TRY(create_folder_durably(world_.home / "site"));
  if (on) return write_file_durably(drained_file(), {});
  std::error_code error;
  fs::remove(drained_file(), error);
  return {};
}

Result<Observed> Claims::settled(const ServerJob& job, Observed observed) const {
  HZ_TRY(keep_serving_file(world_.home / "serving", job, observed));
  return observed;
}

std::vector<Error> sweep_sites(const SiteWorld& world, std::set<std::string>* over) {
  std::vector<Error> out;
  auto configs = site_configs(world.home);
  if (!configs) return {std::move(configs).error()};
  std::set<std::string> serving;
  for (const Serving& one : read_serving_folder(world.home / "serving").servers) serving.insert(one.claim);
  std::map<std::string, std::unique_ptr<SiteAdapter>> sites;
  for (const SiteConfig& config : *configs) {
    auto site = open_site(world, config);
    if (site)
      sites[config.site] = *std::move(site);
    else
      out.push_back(std::move(site).error());
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(world.home / "site" / "claims", error)) {
    const std::string claim = entry.path().filename().string();
    if (over && over->contains(claim)) continue;
    const ClaimFolder folder(entry.path());
    const auto kept = folder.request();
    if (!kept || !*kept) continue;  // being written, or damaged: `hezong job list` says so
    const auto state = folder.state();
    if (state && *state && is_over((*state)->state) && !serving.contains(claim)) {
      // What nobody asked about for a month is not asked about again; the statement of the job stays in the log.
      if (world.clock->now_ms() - (*state)->since_ms > claims_kept_ms) {
        std::error_code ignored;
        for (const SiteConfig& config : *configs)
          if (config.site == (*kept)->job.site && !config.shared.empty())
            fs::remove_all(fs::path(config.shared) / claim, ignored);
        fs::remove_all(folder.path(), ignored);
        continue;
      }
      if (over) over->insert(claim);
      continue;
    }
    const auto site = sites.find((*kept)->job.site);
    if (site == sites.end()) continue;
    if (auto seen = site->second->observe(claim); !seen) out.push_back(std::move(seen).error());
  }
  return out;
}

}  // namespace hz::pool
