#include "node/ballot_cache.h"

namespace hz::node {

Result<std::vector<BallotOut>> BallotCache::at(const std::string& home, const std::string& frontier,
                                               const std::function<Result<std::vector<BallotOut>>()>& count) {
  {
    const std::scoped_lock hold(mutex_);
    for (const Kept& one : kept_)
      if (one.frontier == frontier && one.home == home) return one.ballots;
  }
  // Counted outside the lock: two who ask at once count twice, and nobody waits for another's count.
  auto ballots = HZ_TRY(count());
  const std::scoped_lock hold(mutex_);
  // An older frontier of the same home is asked for no more.
  kept_.remove_if([&](const Kept& one) { return one.home == home; });
  kept_.push_front({home, frontier, ballots});
  if (kept_.size() > ballot_frontiers_max) kept_.pop_back();
  return ballots;
}

}  // namespace hz::node
