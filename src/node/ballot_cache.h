// What was counted lately: a ballot is counted once for each frontier, however often it is looked at.
//
// Equal frontiers give equal counts, so a count is kept under the digest of the frontier; any new statement anywhere is
// another frontier. Kept in memory only: what a command prints, it counts. `hezong ballot recount` never asks here.
#pragma once
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <vector>

#include "node/ballot_out.h"

namespace hz::node {

inline constexpr std::size_t ballot_frontiers_max = 16;

class BallotCache {
 public:
  // All ballots at this frontier of this home; `count` is called when they are not here yet. From any thread.
  Result<std::vector<BallotOut>> at(const std::string& home, const std::string& frontier,
                                    const std::function<Result<std::vector<BallotOut>>()>& count);

 private:
  struct Kept {
    std::string home, frontier;
    std::vector<BallotOut> ballots;
  };
  std::mutex mutex_;
  std::list<Kept> kept_;  // newest first
};

}  // namespace hz::node
