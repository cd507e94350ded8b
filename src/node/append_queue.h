// Batches that wait for the writer's turn and go into the log together.
//
// A sync takes as long for a thousand statements as for one. So whoever gets the turn takes along what waits behind it,
// up to one transaction: a slow disk makes the next transaction larger, not the queue. Each batch still stands alone:
// when the joint append is refused, each is tried by itself, so one batch's conflict is nobody else's.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "alliance/incoming.h"

namespace hz::node {

class AppendQueue {
 public:
  using Receipts = Result<std::vector<alliance::Receipt>>;
  // Appends one or more batches to the log, all or none of what it is given.
  using Append = std::function<Receipts(std::span<alliance::Incoming>)>;

  // Waits for the turn, unless another caller has it and appends this batch along with its own. `turn` returns an error
  // when it waited too long; the batch may be in the log then all the same, and sending it again is harmless. `append`
  // is called under the turn only. From any thread.
  Receipts append(std::vector<alliance::Incoming> batch,
                  const std::function<Result<std::unique_lock<std::timed_mutex>>()>& turn, const Append& append);

 private:
  struct Waiting {
    std::vector<alliance::Incoming> batch;
    std::optional<Receipts> done = {};
  };
  std::mutex mutex_;  // guards waiting_; what a Waiting holds belongs to whoever has the turn
  std::list<std::shared_ptr<Waiting>> waiting_;
};

}  // namespace hz::node
