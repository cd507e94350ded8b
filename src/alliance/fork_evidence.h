// Evidence of a fork as a statement carries it, and what it leaves standing.
#pragma once
#include "alliance/authority.h"
#include "alliance/charter.h"
#include "crypto/merkle.h"
#include "log/fork.h"
#include "log/store.h"

namespace hz::alliance {

// The number of statements that both histories share for certain. Errors: alliance.fork when the shared prefix
// is not proven, log.fork_*, and what open_checkpoint says.
Result<std::uint64_t> read_fork(const ForkEvidence& evidence, const Authority& forked);

// The statement about a fork that was found between `ours`, a log as it is stored here, and a tree of `their_size`
// statements whose nodes `theirs` gives: looks for the largest shared prefix. Cost: log2(size) roots.
// Errors: of the sources, alliance.fork when `ours` is neither of the two heads.
Result<ForkEvidence> describe_fork(const log::Fork& fork, log::Log& ours, std::uint64_t their_size,
                                   const crypto::NodeSource& theirs);

}  // namespace hz::alliance
