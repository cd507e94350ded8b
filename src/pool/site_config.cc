#include "pool/site_config.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "pool/job.h"
#include "pool/reasons.h"
#include "statement/ids.h"

namespace hz::pool {
namespace {

struct File {
  std::vector<SiteConfig> sites;
  static constexpr auto fields() { return rows(row("sites", &File::sites, "one per site")); }
};
constexpr std::size_t file_bytes_max = 1 << 20;

Result<void> check(const SiteConfig& c) {
  const auto wrong = [&](std::string_view field) { return fail(why("pool.site_config"), "{}: {}", c.site, field); };
  if (!statement::is_id_of("site", c.site)) return wrong("site");
  if (c.adapter != "local" && c.adapter != "slurm") return wrong("adapter");
  if (c.slots < 1 || c.slots > 1'000'000) return wrong("slots");
  if (c.device.empty() || c.device.size() > 64) return wrong("device");
  if (c.hang_ms_max < 100 || c.hang_ms_max > 3'600'000) return wrong("hang_ms_max");
  if (c.adapter == "local") return {};
  if (c.port < 1 || c.port > 65535) return wrong("port");
  if (c.token_file.empty() == c.jwt_key_file.empty()) return wrong("token_file or jwt_key_file: exactly one");
  if (!c.shared.starts_with('/')) return wrong("shared: an absolute folder");
  if (c.user.empty()) return wrong("user");
  return {};
}

// Where the number of "dcu:k100:2" begins; npos: it names none.
std::size_t number_at(std::string_view gres) {
  const std::size_t colon = gres.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == gres.size()) return std::string_view::npos;
  const std::string_view last = gres.substr(colon + 1);
  return last.find_first_not_of("0123456789") == std::string_view::npos ? colon + 1 : std::string_view::npos;
}

}  // namespace

std::string_view gres_name(std::string_view gres) {
  const std::size_t at = number_at(gres);
  return at == std::string_view::npos ? gres : gres.substr(0, at - 1);
}

std::int64_t devices_of_job(const SiteConfig& config) {
  const std::size_t at = config.adapter == "slurm" ? number_at(config.gres) : std::string_view::npos;
  std::int64_t out = 1;
  if (at != std::string_view::npos)
    std::from_chars(config.gres.data() + at, config.gres.data() + config.gres.size(), out);
  return std::clamp<std::int64_t>(out, 1, devices_max);
}

Result<std::vector<SiteConfig>> read_site_configs(std::string_view text) {
  auto file = HZ_TRY(from_json<File>(HZ_TRY(json::parse(text, {.size_bytes_max = file_bytes_max, .depth_max = 8}))));
  std::set<std::string_view> seen;
  for (const SiteConfig& c : file.sites) {
    HZ_TRY(check(c));
    if (!seen.insert(c.site).second) return fail(why("pool.site_config"), "{}: twice", c.site);
  }
  return std::move(file.sites);
}

Result<std::vector<SiteConfig>> site_configs(const fs::path& home) {
  const fs::path path = home / "sites.json";
  std::error_code error;
  if (!fs::exists(path, error)) return std::vector<SiteConfig>{};
  auto out = read_site_configs(HZ_TRY(read_text(path, file_bytes_max)));
  if (!out) return within(path.string(), std::move(out).error());
  return out;
}

Result<SiteConfig> site_config(const fs::path& home, std::string_view site) {
  for (SiteConfig& c : HZ_TRY(site_configs(home)))
    if (c.site == site) return std::move(c);
  return fail(why("pool.site_config"), "{}: not in {}", site, (home / "sites.json").string());
}

}  // namespace hz::pool
