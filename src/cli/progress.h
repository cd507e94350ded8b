// Progress on stderr: one moving line on a terminal, a plain line per phase and each ten seconds elsewhere, or JSON
// lines.
#pragma once
#include <chrono>
#include <cstdio>
#include <string>

#include "base/seams.h"

namespace hz::cli {

enum class ProgressForm { terminal, plain, json };

class StreamProgress final : public Progress {
 public:
  StreamProgress(std::FILE* out, ProgressForm form) : out_(out), form_(form) {}
  ~StreamProgress() override { finish(); }
  void phase(std::string_view name, std::int64_t total) override;
  void step(std::int64_t done) override;
  void note(std::string_view text) override;
  void finish();

 private:
  using Instant = std::chrono::steady_clock::time_point;
  void show(bool final);
  std::string line() const;

  std::FILE* out_;
  ProgressForm form_;
  std::string name_;
  std::int64_t total_ = 0;
  std::int64_t done_ = 0;
  Instant started_{};
  Instant shown_{};
  bool open_ = false;
};

}  // namespace hz::cli
