// What a node says of work that nobody watches.
#pragma once
#include <fmt/format.h>

#include <atomic>
#include <chrono>

#include "base/seams.h"

namespace hz::node {

// A node has nobody who watches its progress, but remarks are for its operator.
class NotesOnly final : public Progress {
 public:
  void phase(std::string_view, std::int64_t) override {}
  void step(std::int64_t) override {}
  void note(std::string_view text) override { fmt::print(stderr, "{}\n", text); }
};
inline Progress& notes_only() {
  static NotesOnly one;
  return one;
}

// How far the replay before the first answer is: for whoever asks, and on stderr every ten seconds.
class ReplayWatch final : public Progress {
 public:
  void phase(std::string_view, std::int64_t total) override {
    done_ = 0;
    total_ = total;
  }
  void step(std::int64_t done) override {
    done_ = done;
    const auto now = std::chrono::steady_clock::now();
    if (now - said_ < std::chrono::seconds(10)) return;
    said_ = now;
    note("replaying: " + text());
  }
  void note(std::string_view text) override { notes_only().note(text); }
  std::string text() const {
    return total_ == 0 ? "not begun" : fmt::format("{} of {} statements", done_.load(), total_.load());
  }

 private:
  std::atomic<std::int64_t> done_ = 0, total_ = 0;
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();  // of the replaying thread
};

}  // namespace hz::node
