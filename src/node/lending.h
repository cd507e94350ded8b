// Both sides of lent capacity while a node runs, on three threads: one decides and ends (nothing it does waits for
// another node), one starts servers (a model may have to be fetched first), one asks the nodes where this member's
// servers are.
#pragma once
#include <atomic>
#include <thread>

#include "node/lend_in.h"
#include "node/lend_out.h"
#include "node/node_world.h"

namespace hz::node {

class Lending {
 public:
  struct World : NodeWorld {
    // Runs it in a turn to sign, on a member that may write.
    std::function<Result<void>(const std::function<Result<void>(alliance::Member&)>&)> sign;
  };
  explicit Lending(World world);
  // Looks every `pause_ms` until stop(). What goes wrong is said on stderr, once until it changes.
  void run(int pause_ms);
  void stop();

  // For PeerDesk::lend.
  std::optional<http::Response> answer(const http::Request& request, std::string_view caller) {
    return out_.answer(request, caller);
  }

 private:
  Result<void> decide();
  Result<void> start(std::stop_token stop);
  Result<void> ask(std::stop_token stop);
  // Runs `look` on an open member and gives it back.
  Result<void> on_member(const std::function<Result<void>(alliance::Member&)>& look);

  // Borrowing a member for nothing would keep several of them open for ever: only decide() looks each time.
  std::atomic<bool> takes_ = false;  // this member has servers elsewhere
  bool asked_ = true;                // of the asking thread only
  World world_;
  LendOut out_;
  LendIn in_;
  std::jthread deciding_, starting_, asking_;  // last: they end first
};

}  // namespace hz::node
