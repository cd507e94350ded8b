// Errors are values. Every fallible function returns Result<T>; nothing throws across a module boundary.
#pragma once
#include <fmt/core.h>

#include <expected>
#include <string>
#include <utility>

#include "base/reason.h"

namespace hz {

// What went wrong with which object. `detail` names the object and the numbers; what to do next stands in the reason.
struct Error {
  const Reason* reason;
  std::string detail;

  // "supply.cycle: product a needs b needs a", for logs and tests.
  std::string text() const { return fmt::format("{}: {}", reason->slug, detail); }
};

template <class T>
using Result = std::expected<T, Error>;

// return fail(why("supply.cycle"), "product {} needs itself", id);
template <class... Args>
std::unexpected<Error> fail(const Reason& reason, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{&reason, fmt::format(format, std::forward<Args>(args)...)});
}

// The same error with the outer object named in front: `return within(path, std::move(r).error())`.
inline std::unexpected<Error> within(std::string_view outer, Error error) {
  error.detail = fmt::format("{}: {}", outer, error.detail);
  return std::unexpected(std::move(error));
}

namespace detail {
template <class T>
T take(std::expected<T, Error>&& r) {
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}
}  // namespace detail

}  // namespace hz

// The value of a Result, or leave the function with its error: `auto bytes = HZ_TRY(read_file(path));`
// Never inside a co_await expression: g++ 12 cannot compile that (docs/decisions/0002).
#define HZ_TRY_(var, ...)                                     \
  __extension__({                                             \
    auto var = (__VA_ARGS__);                                 \
    if (!var) return std::unexpected(std::move(var).error()); \
    ::hz::detail::take(std::move(var));                       \
  })
#define HZ_TRY_2_(n, ...) HZ_TRY_(hz_try_##n, __VA_ARGS__)
#define HZ_TRY_1_(n, ...) HZ_TRY_2_(n, __VA_ARGS__)
#define HZ_TRY(...) HZ_TRY_1_(__COUNTER__, __VA_ARGS__)

// A broken invariant is a bug: say where and stop. On in every build.
#define HZ_ASSERT(condition)                                                  \
  do {                                                                        \
    if (!(condition)) ::hz::assertion_failed(#condition, __FILE__, __LINE__); \
  } while (false)

namespace hz {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}
