#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace hz {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "bug: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace hz
