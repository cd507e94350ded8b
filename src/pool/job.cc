#include "pool/job.h"

#include <algorithm>

#include "pool/reasons.h"
#include "pool/rules.h"
#include "statement/ids.h"

namespace hz::pool {

Result<void> check(const ServerJob& job) {
  if (!is_claim_id(job.claim)) return fail(why("pool.claim_id"), "\"{}\"", job.claim);
  for (const auto& [type, id] : {std::pair<std::string_view, std::string_view>{"site", job.site},
                                 {"product", job.product},
                                 {"backend", job.backend}})
    if (!statement::is_id_of(type, id)) return fail(why("pool.site_id"), "{} \"{}\"", type, id);
  if (!statement::is_sha256(job.model_sha256)) return fail(why("pool.model_digest"), "\"{}\"", job.model_sha256);
  if (job.devices < 0 || job.devices > devices_max)
    return fail(why("pool.device_count"), "{} of {}", job.devices, job.claim);
  HZ_TRY(check(job.limits));
  if (job.denied.files.size() > denied_files_max || job.denied.hosts.size() > denied_hosts_max)
    return fail(why("pool.job_limits"), "{} files and {} hosts are denied", job.denied.files.size(),
                job.denied.hosts.size());
  for (const std::string& file : job.denied.files)
    if (!file.starts_with('/') || file.size() > 4096) return fail(why("pool.job_limits"), "denied file \"{}\"", file);
  for (const std::string& host : job.denied.hosts)
    if (host.empty() || host.size() > 253 || !std::ranges::all_of(host, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
        }))
      return fail(why("pool.job_limits"), "denied host \"{}\"", host);
  return {};
}

Result<void> check(const JobLimits& l) {
  if (l.memory_bytes_max < (16 << 20) || l.memory_bytes_max > (std::int64_t{1} << 50) || l.pids_max < 4 ||
      l.pids_max > 1'000'000 || l.wall_ms_max < 1 || l.wall_ms_max > std::int64_t{31'536'000'000})
    return fail(why("pool.job_limits"), "{} bytes, {} processes, {} ms", l.memory_bytes_max, l.pids_max, l.wall_ms_max);
  return {};
}

std::string model_name(std::string_view product) {
  if (const auto colon = product.find(':'); colon != std::string_view::npos) product.remove_prefix(colon + 1);
  std::string out(product.substr(0, 128));
  for (char& c : out) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!plain && (c != '.' || &c == out.data())) c = '-';
  }
  return out;
}

}  // namespace hz::pool
