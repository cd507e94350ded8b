// Members that stay open between the requests of a node.
//
// Opening a member reads its whole log once (18 ms for 1,000 statements, 0.7 s for 10^6); moving an open one to the
// newest head takes a look at one row. So a request borrows an open member and gives it back. The simpler idea, one
// member behind one lock, would make every reader wait for the slowest; one per worker thread would keep the largest of
// everything for ever. Nothing is kept that could hide a restored folder: a borrowed member is moved to the newest head
// first, and one that cannot be (log.replaced, log.forked) is dropped and opened anew, with all checks.
#pragma once
#include <mutex>
#include <vector>

#include "alliance/member.h"

namespace hz::node {

class OpenMembers {
 public:
  OpenMembers(fs::path home, alliance::Mounted mounted, alliance::Seams seams)
      : home_(std::move(home)), mounted_(mounted), seams_(seams) {}

  // Asked by every member that is lent from now on, before it reads its views. Before the first request.
  void ask_before_views(alliance::GoOn go_on) { before_views_ = std::move(go_on); }
  // A member at the newest heads, nobody else's until it is given back. `writes`: rather one that has written before.
  // From any thread. Errors: as Member::open.
  Result<alliance::Member> borrow(bool writes = false);
  // One that has the log's lock already: its head is looked at once, not before and after. Errors: as Member::open and
  // become_writer.
  Result<alliance::Member> borrow_to_append();
  // The same for a round, which comes whether somebody asks or not.
  Result<alliance::Member> borrow_for_round();
  // It lets other processes write first. Do not give back a member after an error of the machine.
  void give_back(alliance::Member member, bool writes = false);
  // Closes all but one when none was borrowed since the last call, and returns the memory: an idle node is a small one.
  void close_idle();

 private:
  Result<alliance::Member> take(std::vector<alliance::Member>& from, bool to_append = false);
  Result<alliance::Member> opened(std::optional<alliance::Member> kept, bool to_append);

  const fs::path home_;
  const alliance::Mounted mounted_;
  const alliance::Seams seams_;
  alliance::GoOn before_views_;
  std::mutex mutex_;  // guards the rest
  std::vector<alliance::Member> readers_, writers_;
  // What the last one checked that came back: each signature is checked once, whoever wrote and whoever replays.
  std::shared_ptr<const alliance::Verified> verdicts_;
  bool borrowed_ = false;
};

}  // namespace hz::node
