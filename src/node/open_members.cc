#include "node/open_members.h"

#include <malloc.h>

namespace hz::node {

namespace {
constexpr std::size_t kept_max = 8;  // of each sort: more than a node has workers
}  // namespace

Result<alliance::Member> OpenMembers::take(std::vector<alliance::Member>& from) {
  std::optional<alliance::Member> kept;
  {
    const std::scoped_lock hold(mutex_);
    if (!from.empty()) {
      kept.emplace(std::move(from.back()));
      from.pop_back();
    }
  }
  if (kept && kept->refresh()) return *std::move(kept);
  kept.reset();
  return alliance::Member::open(home_, mounted_, seams_);
}

Result<alliance::Member> OpenMembers::borrow(bool writes) {
  {
    const std::scoped_lock hold(mutex_);
    borrowed_ = true;
  }
  return take(writes ? writers_ : readers_);
}

Result<alliance::Member> OpenMembers::borrow_for_round() { return take(readers_); }

void OpenMembers::give_back(alliance::Member member, bool writes) {
  if (!member.rest()) return;
  const std::scoped_lock hold(mutex_);
  auto& to = writes ? writers_ : readers_;
  if (to.size() < kept_max) to.push_back(std::move(member));
}

void OpenMembers::close_idle() {
  std::vector<alliance::Member> readers, writers;
  {
    const std::scoped_lock hold(mutex_);
    if (std::exchange(borrowed_, false)) return;
    writers.swap(writers_);
    while (readers_.size() > 1) {
      readers.push_back(std::move(readers_.back()));
      readers_.pop_back();
    }
  }
  if (readers.empty() && writers.empty()) return;
  readers.clear();
  writers.clear();
  ::malloc_trim(0);
}

}  // namespace hz::node
