// The command line, derived from the Op rows: nothing here knows any verb.
#pragma once
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "base/fs.h"

namespace hz::cli {

// What the process was started with.
struct World {
  std::vector<std::string> args;    // without the program name
  std::FILE* out;                   // data
  std::FILE* err;                   // progress, errors
  std::vector<fs::path> tool_dirs;  // where our own programs are looked for
};

// Runs one command and returns the exit code (base/reason.h; 3 = checked, the answer is no).
int run(const World& world);

}  // namespace hz::cli
