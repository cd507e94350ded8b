#include "cli/progress.h"

#include <fmt/core.h>

#include "base/json.h"

namespace hz::cli {
namespace {

// Watching is about this process's own pace, so the steady clock is read directly rather than through the Clock seam.
std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }

}  // namespace

void StreamProgress::phase(std::string_view name, std::int64_t total) {
  finish();
  name_ = name;
  total_ = total;
  done_ = 0;
  started_ = shown_ = now();
  open_ = true;
  if (form_ != ProgressForm::plain) show(false);
}

void StreamProgress::step(std::int64_t done) {
  done_ = done;
  const auto pause = form_ == ProgressForm::plain ? std::chrono::milliseconds(10000) : std::chrono::milliseconds(100);
  if (open_ && now() - shown_ >= pause) show(false);
}

void StreamProgress::note(std::string_view text) {
  if (form_ == ProgressForm::json) {
    json::Value row;
    row.set("note", text);
    fmt::print(out_, "{}\n", json::dump(row));
    return;
  }
  if (form_ == ProgressForm::terminal) fmt::print(out_, "\r\x1b[K");
  fmt::print(out_, "{}\n", text);
}

void StreamProgress::finish() {
  // A pipe or a log file needs no line for what was over at once.
  const bool worth_a_line = form_ != ProgressForm::plain || now() - started_ >= std::chrono::milliseconds(500);
  if (open_ && worth_a_line) show(true);
  open_ = false;
}

std::string StreamProgress::line() const {
  const double elapsed_s = std::chrono::duration<double>(now() - started_).count();
  if (total_ <= 0) return fmt::format("{}: {} ({:.1f} s)", name_, done_, elapsed_s);
  constexpr int bar_width = 24;
  const int filled = static_cast<int>(bar_width * std::min(done_, total_) / total_);
  std::string bar;
  for (int i = 0; i < bar_width; ++i) bar += i < filled ? "━" : "┄";
  std::string eta;
  if (elapsed_s > 2 && done_ > 0 && done_ < total_)
    eta = fmt::format(", {:.0f} s left", elapsed_s * static_cast<double>(total_ - done_) / static_cast<double>(done_));
  return fmt::format("{} {} {}/{} ({:.1f} s{})", name_, bar, done_, total_, elapsed_s, eta);
}

void StreamProgress::show(bool final) {
  shown_ = now();
  switch (form_) {
    case ProgressForm::terminal:
      fmt::print(out_, "\r\x1b[K{}{}", line(), final ? "\n" : "");
      break;
    case ProgressForm::plain:
      fmt::print(out_, "{}\n", line());
      break;
    case ProgressForm::json: {
      json::Value row;
      row.set("phase", name_).set("done", done_).set("total", total_).set("final", final);
      fmt::print(out_, "{}\n", json::dump(row));
      break;
    }
  }
  std::fflush(out_);
}

}  // namespace hz::cli
