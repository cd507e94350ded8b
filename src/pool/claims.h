// What the adapters share: the claims of one site on disk, and the steps that are the same everywhere.
#pragma once
#include <set>

#include "api/op.h"
#include "base/seams.h"
#include "pool/claim_folder.h"
#include "pool/serving.h"
#include "pool/site_adapter.h"
#include "pool/site_config.h"

namespace hz::pool {

// Where a member's adapters work. `home`/site/claims holds a folder per claim, `home`/serving what is ready.
struct SiteWorld {
  fs::path home;
  std::vector<fs::path> tool_dirs;  // where oip-host and hezong-keeper stand, in order
  Clock* clock = &system_clock();
};

// The world of a command: the wall clock, since keepers have no other.
SiteWorld site_world(const api::Ctx& ctx);

class Claims {
 public:
  Claims(const SiteWorld& world, const SiteConfig& config);

  // Held while a claim is written: by one process at a time. Errors: base.write.
  Result<Fd> lock() const;
  // The recorded job of a claim of this site. Errors: pool.no_claim.
  Result<KeptJob> find(const std::string& claim) const;
  std::vector<std::string> list() const;
  ClaimFolder folder(const std::string& claim) const { return ClaimFolder(claims_ / claim); }
  // The job as the keeper will be told it. Errors: sandbox.no_engine, and those of check().
  Result<KeptJob> prepare(const ServerJob& job) const;
  // nullopt: the claim is new. The recorded job when it is the same. Errors: pool.claim_conflict.
  Result<std::optional<KeptJob>> recorded(const ServerJob& job) const;
  // hezong-keeper. Errors: pool.keeper.
  Result<fs::path> keeper_program() const;

  bool draining() const;
  Result<void> drain(bool on) const;
  // Brings the serving file in step and hands the observation on.
  Result<Observed> settled(const ServerJob& job, Observed observed) const;
  const SiteConfig& config() const { return config_; }
  Clock& clock() const { return *world_.clock; }

 private:
  fs::path drained_file() const;
  SiteWorld world_;
  SiteConfig config_;
  fs::path claims_;
};

// The adapter that the member's sites.json names. Errors: pool.site_config, base.json_*.
Result<std::unique_ptr<SiteAdapter>> open_site(const SiteWorld& world, const SiteConfig& config);

// Observes every claim of every configured site that is not known to be over, so that serving files tell the truth.
// Claims that were over for `claims_kept_ms` are removed with all that is left of them. What cannot be observed now is
// left as it is, and named. `over` remembers from one sweep to the next which claims are over for good, so that old
// ones cost a name each.
inline constexpr std::int64_t claims_kept_ms = std::int64_t{30} * 86'400'000;
std::vector<Error> sweep_sites(const SiteWorld& world, std::set<std::string>* over = nullptr);

}  // namespace hz::pool
