#include "node/open_members.h"

#include <malloc.h>

#include "alliance/verified.h"

namespace hz::node {

namespace {
constexpr std::size_t kept_max = 8;  // of each sort: more than a node has workers
}  // namespace

Result<alliance::Member> OpenMembers::take(std::vector<alliance::Member>& from, bool to_append) {
  std::optional<alliance::Member> kept;
  std::shared_ptr<const alliance::Verified> verdicts;  // read before the newest head is: never beyond it
  {
    const std::scoped_lock hold(mutex_);
    if (!from.empty()) {
      kept.emplace(std::move(from.back()));
      from.pop_back();
    }
    verdicts = verdicts_;
  }
  alliance::Member out = HZ_TRY(opened(std::move(kept), to_append));
  if (verdicts) out.learn(*verdicts);
  out.ask_before_views(before_views_);
  return out;
}

Result<alliance::Member> OpenMembers::opened(std::optional<alliance::Member> kept, bool to_append) {
  if (kept && (to_append ? kept->become_writer() : kept->refresh())) return *std::move(kept);
  kept.reset();
  alliance::Member out = HZ_TRY(alliance::Member::open(home_, mounted_, seams_));
  if (to_append) HZ_TRY(out.become_writer());
  return out;
}

Result<alliance::Member> OpenMembers::borrow(bool writes) {
  {
    const std::scoped_lock hold(mutex_);
    borrowed_ = true;
  }
  return take(writes ? writers_ : readers_);
}

Result<alliance::Member> OpenMembers::borrow_to_append() {
  {
    const std::scoped_lock hold(mutex_);
    borrowed_ = true;
  }
  return take(writers_, true);
}

Result<alliance::Member> OpenMembers::borrow_for_round() { return take(readers_); }

void OpenMembers::give_back(alliance::Member member, bool writes) {
  auto verdicts = member.verdicts();
  if (!member.rest()) return;
  const std::scoped_lock hold(mutex_);
  if (verdicts && (!verdicts_ || verdicts->size > verdicts_->size)) verdicts_ = std::move(verdicts);
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
