// Keeps one claim: starts its server in a jail, gives it the model, watches it, and writes down what becomes of it.
//
// It is a process of its own (the program hezong-keeper), since a job outlives the command that started it and must not
// die with the node. It is the same program at every site: the local adapter starts it, a Slurm job runs it.
#pragma once
#include "pool/claim_folder.h"

namespace hz::pool {

// Runs until the job is over; SIGTERM asks it to end. The process must have no other thread yet. Prints "kept" on
// stdout as soon as the claim is its own. 0: the job is over and its state written. 3: another keeper has the claim.
// 1: the folder cannot be used (a line on stderr).
int keep(const fs::path& folder);

}  // namespace hz::pool
