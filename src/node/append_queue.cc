#include "node/append_queue.h"

namespace hz::node {

AppendQueue::Receipts AppendQueue::append(std::vector<alliance::Incoming> batch,
                                          const std::function<Result<std::unique_lock<std::timed_mutex>>()>& turn,
                                          const Append& append) {
  const auto mine = std::make_shared<Waiting>(std::move(batch));
  {
    const std::scoped_lock hold(mutex_);
    waiting_.push_back(mine);
  }
  const auto held = turn();
  std::vector<std::shared_ptr<Waiting>> together;
  {
    const std::scoped_lock hold(mutex_);
    if (!held) {
      std::erase(waiting_, mine);  // unless somebody has taken it along by now
      return std::unexpected(held.error());
    }
    if (mine->done) return *std::move(mine->done);
    std::erase(waiting_, mine);
    together.push_back(mine);
    for (std::size_t count = mine->batch.size(); !waiting_.empty(); waiting_.pop_front()) {
      count += waiting_.front()->batch.size();
      if (count > alliance::incoming_max) break;
      together.push_back(waiting_.front());
    }
  }
  if (together.size() == 1) return append(mine->batch);

  std::vector<alliance::Incoming> all;
  for (const auto& one : together) all.insert(all.end(), one->batch.begin(), one->batch.end());
  auto receipts = append(all);
  if (receipts) {
    auto at = receipts->begin();
    for (const auto& one : together) {
      const auto end = at + static_cast<std::ptrdiff_t>(one->batch.size());
      one->done.emplace(std::vector(at, end));
      at = end;
    }
  } else {
    for (const auto& one : together) one->done.emplace(append(one->batch));
  }
  return *std::move(mine->done);
}

}  // namespace hz::node
