// What slurmrestd says (openapi v0.0.38 of Slurm 22.05), read into what a site needs. Pure; safe on any bytes.
#pragma once
#include <optional>

#include "base/http.h"
#include "pool/job.h"

namespace hz::pool {

struct SlurmJob {
  std::int64_t id = 0;
  std::string name;    // hz-<claim>
  std::string state;   // "RUNNING", ...
  std::string reason;  // why it waits
};

// The document of an answer without errors. Errors: pool.site_token (401), pool.site_answer (everything else, with
// Slurm's own words; a 500 says nothing about any job: an expired token and a controller that is away look the same).
Result<json::Value> slurm_document(const http::Response& answer);
// The jobs of an answer; nullopt when Slurm does not know the id (error 2017). Errors as slurm_document().
Result<std::optional<std::vector<SlurmJob>>> slurm_jobs(const http::Response& answer);
// The id that a submit was given. Errors as slurm_document().
Result<std::int64_t> slurm_submitted(const http::Response& answer);

struct SlurmNodes {
  std::int64_t nodes = 0, usable = 0;  // usable: neither drained nor down
  std::int64_t total = 0, taken = 0;   // devices of the usable ones
};
// Devices named `device` ("dcu"), or processors when it is "cpu". Errors as slurm_document().
Result<SlurmNodes> slurm_nodes(const http::Response& answer, std::string_view device);

// "dcu:k100:8(S:0),gpu:2" -> how many of `device`; 0 when there are none.
std::int64_t gres_count(std::string_view gres, std::string_view device);

enum class SlurmPhase : std::uint8_t { waiting, running, over, cancelled };
SlurmPhase slurm_phase(std::string_view state);

}  // namespace hz::pool
