#include "pool/serving.h"

#include "pool/claim_folder.h"
#include "pool/reasons.h"

namespace hz::pool {

constexpr std::size_t file_bytes_max = 64u << 10;

Result<Serving> read_serving(std::string_view text) {
  const auto document = HZ_TRY(json::parse(text, {.size_bytes_max = file_bytes_max, .depth_max = 4}));
  auto out = HZ_TRY(from_json<Serving>(document));
  if (!is_claim(out.claim) || out.port < 1 || out.port > 65535)
    return fail(hz::why("base.json_field"), "claim \"{}\", port {}", out.claim, out.port);
  return out;
}

Result<void> keep_serving_file(const fs::path& folder, const ServerJob& job, const Observed& observed) {
  const fs::path path = folder / (job.claim + ".json");
  std::error_code error;
  if (observed.state != JobState::ready) {
    fs::remove(path, error);
    return error ? Result<void>(fail(hz::why("base.write"), "{}: {}", path.string(), error.message())) : Result<void>{};
  }
  const Serving serving{job.claim,     job.product,    job.site,        job.backend, observed.address,
                        observed.port, observed.model, observed.sha256, job.evidence};
  if (const auto text = read_text(path, file_bytes_max))
    if (const auto there = read_serving(*text); there && *there == serving) return {};
  fs::create_directories(folder, error);
  return replace_file(path, json::pretty(to_json(serving)) + "\n");
}

std::map<std::string, Serving> all_serving(const fs::path& folder) {
  std::map<std::string, Serving> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".json") continue;
    const auto text = read_text(entry.path(), file_bytes_max);
    if (!text) continue;
    if (auto serving = read_serving(*text); serving && serving->claim == entry.path().stem())
      out[serving->claim] = std::move(*serving);
  }
  return out;
}

}  // namespace hz::pool
