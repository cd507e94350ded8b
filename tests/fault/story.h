// What every fault program does: `prepare DIR` makes the state before, `run DIR` is the part that faults hit and prints
// one line per acknowledged step, `verify DIR FILE` reads those lines, opens what is left, and requires that nothing
// acknowledged is lost and that the work can go on.
#pragma once
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/fs.h"
#include "base/seams.h"

namespace hz::fault {

// The value, or end with the error: 3 is an orderly refusal, which inject.sh accepts from `run` only.
template <class T>
T need(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "refused: %s\n", result.error().text().c_str());
    std::exit(3);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline void require(bool holds, const char* claim) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", claim);
  std::exit(1);
}

// One write call, so that an acknowledgement is either there or not.
inline void acknowledge(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::exit(3);
}

void prepare(const fs::path& folder);
void run(const fs::path& folder);
void verify(const fs::path& folder, const std::string& acknowledged);

// power.cc: `run` on a disk that loses power, once per seed; 0 when `verify` holds every time.
int lose_power_at_every_seed(std::uint64_t first, std::uint64_t seeds);

}  // namespace hz::fault
