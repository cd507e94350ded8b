// The one interface to places that execute. Every call is idempotent by claim id: asked again with the same claim it
// gives what there is, whoever asked before, and whether that process still lives or not.
//
// A site decides nothing about who may: that is done before, against statements. It starts a model server, says truly
// what became of it, and ends it.
#pragma once
#include <memory>

#include "pool/job.h"

namespace hz::pool {

struct DeviceClass {
  std::string device;  // "cpu", "dcu", ...
  std::int64_t count = 0;
  static constexpr auto fields() {
    return rows(row("device", &DeviceClass::device, "class of device"),
                row("count", &DeviceClass::count, "how many jobs of one device fit"));
  }
};

struct SiteHealth {
  bool ok = false;        // new work would start
  bool draining = false;  // new work is refused on purpose
  std::string reason;     // slug, when not ok
  std::string detail;
  static constexpr auto fields() {
    return rows(row("ok", &SiteHealth::ok, "it answers, and new work would start"),
                row("draining", &SiteHealth::draining, "new work is refused on purpose"),
                row("reason", &SiteHealth::reason, "why it is not ok", or_default),
                row("detail", &SiteHealth::detail, "what is known about that", or_default));
  }
};

class SiteAdapter {
 public:
  virtual ~SiteAdapter() = default;

  // What the site has. Errors: pool.site_answer, pool.site_token.
  virtual Result<std::vector<DeviceClass>> inventory() = 0;
  // How much of it new work could take now; nothing while draining. Errors as inventory().
  virtual Result<std::vector<DeviceClass>> offer() = 0;

  // On return the claim is recorded and will be started or is. The same claim with the same job returns what there is;
  // with another job it is pool.claim_conflict. Errors: pool.claim_id, pool.job_limits, pool.site_drained,
  // pool.site_full, pool.site_answer, pool.site_token, pool.keeper, base.write.
  virtual Result<Observed> submit(const ServerJob& job) = 0;
  // The truth now, not what was last heard: a server whose process is gone is failed. Keeps the serving file in step
  // (pool/serving.h). Errors: pool.no_claim, pool.site_answer, pool.site_token.
  virtual Result<Observed> observe(const std::string& claim) = 0;
  // On return nothing of it runs, or its end is under way where the site is a queue of its own. What is over stays as
  // it is. Errors: pool.no_claim, pool.site_answer, pool.site_token.
  virtual Result<Observed> cancel(const std::string& claim) = 0;
  // Errors: pool.no_claim.
  virtual Result<JobUsage> usage(const std::string& claim) = 0;
  // Refuses new work from now on, or takes it again; running servers go on. Errors: base.write.
  virtual Result<void> drain(bool on) = 0;
  // Never an error: a site that does not answer is not ok.
  virtual SiteHealth health() = 0;

  // Every claim recorded here, sorted. The end of a claim's log, printable. Errors: pool.no_claim.
  virtual std::vector<std::string> claims() = 0;
  virtual Result<std::string> log(const std::string& claim) = 0;
};

}  // namespace hz::pool
