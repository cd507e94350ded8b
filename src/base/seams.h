// The only doors to time, chance and the person watching. Passed in, so that a test or a simulation decides them.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace hz {

// Wall clock in milliseconds since 1970-01-01T00:00:00Z. Claimed times only: nothing is ever ordered by it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_ms() = 0;
};

// Random bytes: the system's generator in production, a seeded one in tests.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
};

// Where long work reports. Data goes to stdout, progress never does.
class Progress {
 public:
  virtual ~Progress() = default;
  // A new phase starts; total 0 means unknown.
  virtual void phase(std::string_view name, std::int64_t total) = 0;
  // Absolute count done within the phase.
  virtual void step(std::int64_t done) = 0;
  // One remark worth a line of its own.
  virtual void note(std::string_view text) = 0;
};

Clock& system_clock();
Rng& system_rng();
Progress& silent_progress();

// A clock that a test moves by hand.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t start_ms) : now_ms_(start_ms) {}
  std::int64_t now_ms() override { return now_ms_; }
  void advance_ms(std::int64_t delta_ms) { now_ms_ += delta_ms; }

 private:
  std::int64_t now_ms_;
};

// splitmix64: the same seed gives the same bytes on every machine. Never for keys.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;
  std::uint64_t next();
  // Uniform in [0, bound); bound > 0. The modulo bias is below 2^-40 for bounds under 2^24.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

// "2026-11-23T14:05:06Z" from milliseconds.
std::string utc_text(std::int64_t ms);

}  // namespace hz
