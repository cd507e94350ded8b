// Cast and CastLike, strings included.
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "refrt/operators.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

// The shortest decimal text that reads back as the same float, in numpy's way of writing it.
std::string real_text(double value, bool single) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "INF" : "-INF";
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  char buffer[400];
  const auto end = single ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<float>(value), format).ptr
                          : std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr;
  std::string out(buffer, end);
  if (plain && out.find('.') == std::string::npos) out += ".0";
  return out;
}

Result<double> parse_real(const Call& call, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || end != text.c_str() + text.size()) return call.invalid("'{}' is not a number", text);
  return value;
}

Result<void> convert_to(Call& call, Dtype to) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::size_t count = HZ_TRY(call.admit(x.shape));
  if (onnx::dtype_size(to) == 0 && to != Dtype::string) return call.bad_dtype(to);
  if (to == Dtype::complex64 || to == Dtype::complex128) return call.bad_dtype(to);
  if (x.dtype == to) {
    call.give(0, x);
    return {};
  }
  if (x.dtype == Dtype::string) {
    if (!is_real(to)) {
      std::vector<std::int64_t> values;
      for (const std::string& s : x.strings) {
        std::int64_t v = 0;
        const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
        if (error != std::errc() || end != s.data() + s.size()) return call.invalid("'{}' is not an integer", s);
        values.push_back(v);
      }
      call.give(0, store(to, x.shape, values));
      return {};
    }
    std::vector<double> values;
    for (const std::string& s : x.strings) values.push_back(HZ_TRY(parse_real(call, s)));
    call.give(0, store(to, x.shape, values));
    return {};
  }
  if (to == Dtype::string) {
    Tensor out = zeros(to, x.shape);
    if (is_real(x.dtype)) {
      const auto values = load<double>(x);
      for (std::size_t i = 0; i < count; ++i) out.strings[i] = real_text(values[i], x.dtype != Dtype::float64);
    } else {
      const auto values = load<std::int64_t>(x);
      if (values.size() != count) return call.bad_dtype(x.dtype);
      for (std::size_t i = 0; i < count; ++i)
        out.strings[i] = x.dtype == Dtype::uint64 ? std::to_string(static_cast<std::uint64_t>(values[i]))
                                                  : std::to_string(values[i]);
    }
    call.give(0, std::move(out));
    return {};
  }
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    const auto values = load<W>(x);
    if constexpr (std::is_same_v<W, double>)
      if (is_integer(to) &&
          to != Dtype::uint64) {  // truncate first, so that narrow integers wrap like the integer casts
        call.give(0, store(to, x.shape, load<std::int64_t>(x)));
        return {};
      }
    call.give(0, store(to, x.shape, values));
    return {};
  });
}

Result<void> cast(Call& call) { return convert_to(call, static_cast<Dtype>(call.int_of("to", 0))); }
Result<void> cast_like(Call& call) { return convert_to(call, HZ_TRY(call.tensor(1))->dtype); }

constexpr OpRow rows[] = {
    {"Cast", cast, 6},
    {"CastLike", cast_like, 15},
};

}  // namespace

std::span<const OpRow> cast_ops() { return rows; }

}  // namespace hz::refrt
