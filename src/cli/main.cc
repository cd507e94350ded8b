#include <unistd.h>

#include "cli/run.h"

int main(int argc, char** argv) {
  std::error_code ignored;
  const hz::fs::path self = hz::fs::read_symlink("/proc/self/exe", ignored).parent_path();
  return hz::cli::run({.args = {argv + 1, argv + argc},
                       .out = stdout,
                       .err = stderr,
                       .tool_dirs = {self, self.parent_path() / "libexec" / "hezong"}});
}
