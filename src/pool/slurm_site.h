// Jobs on a Slurm cluster, through slurmrestd with a JWT: never by linking Slurm, never as a user that members share.
//
// Slurm has no idempotent submit. So a claim is recorded here before Slurm is asked, carries its id as the job's name,
// and whoever finds a record without Slurm's answer looks for that name before asking again; and a second job of one
// claim would find the claim's lock taken and end at once.
#pragma once
#include "base/http.h"
#include "pool/claims.h"

namespace hz::pool {

// `call` asks slurmrestd; it holds the deadline of one request.
std::unique_ptr<SiteAdapter> open_slurm_site(const SiteWorld& world, const SiteConfig& config, http::Exchange call);

}  // namespace hz::pool
