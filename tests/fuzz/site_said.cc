// What sites, model servers and their owner's files say: heads of answers, Slurm's documents, digest echoes, tokens,
// sites.json, and the system's own lists of control groups. The first byte chooses.
#include "pool/jwt.h"
#include "pool/model_server.h"
#include "pool/site_config.h"
#include "pool/slurm_answer.h"
#include "sandbox/cgroup.h"
#include "sandbox/plain_http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::Response answer;
  answer.status = data[0] & 8 ? 200 : 500;
  answer.body = text;
  switch (data[0] & 7) {
    case 0: {
      const auto jobs = pool::slurm_jobs(answer);
      if (jobs && *jobs)
        for (const auto& job : **jobs) (void)pool::slurm_phase(job.state);
      break;
    }
    case 1: {
      const auto nodes = pool::slurm_nodes(answer, "dcu");
      if (nodes) HZ_ASSERT(nodes->usable <= nodes->nodes);
      break;
    }
    case 2: {
      const auto id = pool::slurm_submitted(answer);
      HZ_ASSERT(!id || *id > 0);
      break;
    }
    case 3: {
      pool::ServerJob job;
      job.product = "product:x";
      job.model_sha256 = std::string(64, 'a');
      const auto echo = pool::read_digest_echo(answer.status, text, job);
      HZ_ASSERT(!echo || *echo == job.model_sha256);
      break;
    }
    case 4:
      (void)pool::jwt_expires_s(text);
      break;
    case 5:
      if (const auto configs = pool::read_site_configs(text))
        for (const auto& c : *configs) HZ_ASSERT(c.adapter == "local" || (c.adapter == "slurm" && c.port > 0));
      break;
    case 6: {
      const auto head = sandbox::read_plain_head(text);
      HZ_ASSERT(!head || text.starts_with("HTTP/1."));
      break;
    }
    default: {
      const std::size_t half = text.size() / 2;
      (void)sandbox::cgroup_parents(text.substr(0, half), text.substr(half), "memory", "");
      (void)sandbox::cgroup_parents(text.substr(0, half), text.substr(half), "", "x");
      HZ_ASSERT(pool::gres_count(text, "dcu") >= 0);
    }
  }
  return 0;
}
