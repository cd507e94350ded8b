#include "pool/slurm_answer.h"

#include <charconv>

#include "pool/reasons.h"

namespace hz::pool {
namespace {

constexpr std::size_t answer_bytes_max = 64u << 20;

std::int64_t whole(const json::Value& object, std::string_view key) {
  const json::Value* value = object.find(key);
  return value && value->integer() ? *value->integer() : 0;
}
const json::Array& list(const json::Value& object, std::string_view key) {
  static const json::Array none;
  const json::Value* value = object.find(key);
  return value && value->array() ? *value->array() : none;
}

Result<json::Value> parse(const http::Response& answer) {
  if (answer.status == 401) return fail(why("pool.site_token"), "HTTP 401: {}", answer.body.substr(0, 100));
  auto document = json::parse(answer.body, {.size_bytes_max = answer_bytes_max, .depth_max = 16});
  if (!document || !document->object()) return fail(why("pool.site_answer"), "HTTP {}, no JSON object", answer.status);
  return document;
}

Result<void> refuse_errors(const http::Response& answer, const json::Value& document) {
  for (const json::Value& error : list(document, "errors"))
    return fail(why("pool.site_answer"), "HTTP {}: {} {}", answer.status, error.text("error"),
                error.text("description"));
  if (answer.status != 200) return fail(why("pool.site_answer"), "HTTP {}", answer.status);
  return {};
}

}  // namespace

Result<json::Value> slurm_document(const http::Response& answer) {
  json::Value document = HZ_TRY(parse(answer));
  HZ_TRY(refuse_errors(answer, document));
  return document;
}

Result<std::optional<std::vector<SlurmJob>>> slurm_jobs(const http::Response& answer) {
  const json::Value document = HZ_TRY(parse(answer));
  constexpr std::int64_t invalid_job_id = 2017;
  for (const json::Value& error : list(document, "errors"))
    if (whole(error, "error_number") == invalid_job_id) return std::nullopt;
  HZ_TRY(refuse_errors(answer, document));
  std::vector<SlurmJob> out;
  for (const json::Value& job : list(document, "jobs"))
    out.push_back({whole(job, "job_id"), std::string(job.text("name")), std::string(job.text("job_state")),
                   std::string(job.text("state_reason"))});
  return out;
}

Result<std::int64_t> slurm_submitted(const http::Response& answer) {
  const json::Value document = HZ_TRY(parse(answer));
  // An id and an error together are a job that waits: "required node not available".
  if (const std::int64_t id = whole(document, "job_id"); id > 0) return id;
  HZ_TRY(refuse_errors(answer, document));
  return fail(why("pool.site_answer"), "a submit without a job id");
}

std::int64_t gres_count(std::string_view gres, std::string_view device) {
  std::int64_t out = 0;
  while (!gres.empty()) {
    // Commas also stand inside the brackets that list indexes.
    std::size_t end = 0;
    for (int depth = 0; end < gres.size() && (gres[end] != ',' || depth > 0); ++end)
      depth += gres[end] == '(' ? 1 : gres[end] == ')' ? -1 : 0;
    std::string_view item = gres.substr(0, end);
    gres = end < gres.size() ? gres.substr(end + 1) : std::string_view();
    item = item.substr(0, item.find('('));
    if (!item.starts_with(device) || (item.size() > device.size() && item[device.size()] != ':')) continue;
    const std::string_view last = item.substr(item.rfind(':') + 1);
    std::int64_t count = 0;
    const auto [rest, error] = std::from_chars(last.data(), last.data() + last.size(), count);
    if (error == std::errc{} && rest == last.data() + last.size() && count >= 0 && count < 1'000'000) out += count;
  }
  return out;
}

Result<SlurmNodes> slurm_nodes(const http::Response& answer, std::string_view device) {
  const json::Value document = HZ_TRY(slurm_document(answer));
  SlurmNodes out;
  for (const json::Value& node : list(document, "nodes")) {
    ++out.nodes;
    bool usable = node.text("state") != "down" && node.text("state") != "unknown" && node.text("state") != "error";
    for (const json::Value& flag : list(node, "state_flags"))
      if (const std::string* text = flag.string();
          text && (*text == "DRAIN" || *text == "NOT_RESPONDING" || *text == "FAIL"))
        usable = false;
    if (!usable) continue;
    ++out.usable;
    const bool processors = device == "cpu";
    out.total += processors ? whole(node, "cpus") : gres_count(node.text("gres"), device);
    out.taken += processors ? whole(node, "alloc_cpus") : gres_count(node.text("gres_used"), device);
  }
  return out;
}

SlurmPhase slurm_phase(std::string_view state) {
  for (const std::string_view waits : {"PENDING", "CONFIGURING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "STAGE_OUT"})
    if (state == waits) return SlurmPhase::waiting;
  for (const std::string_view runs : {"RUNNING", "COMPLETING", "RESIZING", "SIGNALING", "STOPPED"})
    if (state == runs) return SlurmPhase::running;
  return state == "CANCELLED" ? SlurmPhase::cancelled : SlurmPhase::over;
}

}  // namespace hz::pool
