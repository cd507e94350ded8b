// Which adapter a site has.
#include "pool/local_site.h"
#include "pool/reasons.h"
#include "pool/slurm_site.h"
#include "sandbox/plain_http.h"

namespace hz::pool {

Result<std::unique_ptr<SiteAdapter>> open_site(const SiteWorld& world, const SiteConfig& config) {
  if (config.adapter == "local") return open_local_site(world, config);
  if (config.adapter != "slurm") return fail(why("pool.site_config"), "{}: adapter {}", config.site, config.adapter);
  constexpr std::int64_t ask_ms_max = 10'000;
  return open_slurm_site(world, config,
                         sandbox::plain_exchange(config.address, static_cast<std::uint16_t>(config.port), ask_ms_max));
}

}  // namespace hz::pool
