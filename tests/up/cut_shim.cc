// Preloaded by tests/up/drill.py and shadow.py: a process that appends ends, as by kill -9, right after the n-th of its
// statements is in the log, before it can do or say anything else. n is HZ_CUT_AFTER; servers it starts live on.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// An append commits, then writes the high-water mark and syncs it (log/append.cc): this sync is its last step.
extern "C" int fdatasync(int file) {
  using Real = int (*)(int);
  static const Real real = reinterpret_cast<Real>(::dlsym(RTLD_NEXT, "fdatasync"));
  static std::atomic<long> left{std::getenv("HZ_CUT_AFTER") ? std::atol(std::getenv("HZ_CUT_AFTER")) : 0};
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const auto size = ::readlink(link, path, sizeof path);
  const bool mark =
      size > 0 && std::string_view(path, static_cast<std::size_t>(size)).find("/mark/") != std::string_view::npos;
  const int done = real(file);
  if (mark && --left == 0) ::kill(::getpid(), SIGKILL);
  return done;
}
