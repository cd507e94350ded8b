#include "base/seams.h"

#include <fmt/core.h>
#include <sys/random.h>

#include <chrono>
#include <cstdlib>

#include "base/result.h"

namespace hz {
namespace {

class SystemClock final : public Clock {
 public:
  std::int64_t now_ms() override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
};

class SystemRng final : public Rng {
 public:
  void fill(std::span<std::uint8_t> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const auto n = ::getrandom(out.data() + done, out.size() - done, 0);
      HZ_ASSERT(n > 0);
      done += static_cast<std::size_t>(n);
    }
  }
};

class SilentProgress final : public Progress {
 public:
  void phase(std::string_view, std::int64_t) override {}
  void step(std::int64_t) override {}
  void note(std::string_view) override {}
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}
Rng& system_rng() {
  static SystemRng rng;
  return rng;
}
Progress& silent_progress() {
  static SilentProgress progress;
  return progress;
}

std::uint64_t SeededRng::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

void SeededRng::fill(std::span<std::uint8_t> out) {
  for (auto& byte : out) byte = static_cast<std::uint8_t>(next() >> 32);
}

std::string utc_text(std::int64_t ms) {
  using namespace std::chrono;
  const sys_seconds at{floor<seconds>(milliseconds{ms})};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

}  // namespace hz
