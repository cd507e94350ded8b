#include "refrt/window.h"

#include <algorithm>

namespace hz::refrt {

namespace {
constexpr std::int64_t far = std::int64_t{1} << 30;  // keeps every product of two of these numbers inside 64 bits
}

Shape Window::out_shape(std::int64_t n, std::int64_t c) const {
  Shape shape{n, c};
  shape.insert(shape.end(), out.end() - static_cast<std::ptrdiff_t>(rank), out.end());
  return shape;
}

Result<Window> read_window_attributes(const Call& call, const Shape& x, std::span<const std::int64_t> kernel) {
  Window w;
  if (x.size() < 3) return call.invalid("an input [N, C, ...] is needed");
  w.rank = x.size() - 2;
  if (w.rank > 3) return call.unsupported("{} spatial axes", w.rank);
  if (kernel.size() != w.rank) return call.invalid("kernel of {} axes", kernel.size());
  const std::size_t skip = 3 - w.rank;
  const auto fill = [&](std::string_view name, Window::Axes& to, std::int64_t low) -> Result<void> {
    const auto list = call.ints_of(name);
    if (list.empty()) return {};
    if (list.size() != w.rank) return call.invalid("{} has {} numbers", name, list.size());
    for (std::size_t i = 0; i < w.rank; ++i) {
      if (list[i] < low || list[i] > far) return call.invalid("{} {}", name, list[i]);
      to[skip + i] = list[i];
    }
    return {};
  };
  HZ_TRY(fill("strides", w.stride, 1));
  HZ_TRY(fill("dilations", w.dilation, 1));
  for (std::size_t i = 0; i < w.rank; ++i) {
    w.in[skip + i] = x[i + 2];
    if (kernel[i] < 1 || kernel[i] > far || x[i + 2] > far) return call.invalid("kernel {} on {}", kernel[i], x[i + 2]);
    w.kernel[skip + i] = kernel[i];
    if (w.span(skip + i) > far) return call.invalid("dilation {}", w.dilation[skip + i]);
  }
  const auto pads = call.ints_of("pads");
  if (!pads.empty()) {
    if (pads.size() != 2 * w.rank) return call.invalid("{} pads", pads.size());
    for (std::size_t i = 0; i < pads.size(); ++i) {
      if (pads[i] < 0 || pads[i] > far) return call.invalid("pad {}", pads[i]);
      (i < w.rank ? w.before : w.after)[skip + i % w.rank] = pads[i];
    }
  }
  return w;
}

Result<Window> read_window(const Call& call, const Shape& x, std::span<const std::int64_t> kernel, bool ceil_mode) {
  Window w = HZ_TRY(read_window_attributes(call, x, kernel));
  const std::string mode = call.string_of("auto_pad", "NOTSET");
  for (std::size_t a = 3 - w.rank; a < 3; ++a) {
    if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
      w.out[a] = (w.in[a] + w.stride[a] - 1) / w.stride[a];
      const std::int64_t pad = std::max<std::int64_t>(0, (w.out[a] - 1) * w.stride[a] + w.span(a) - w.in[a]);
      w.before[a] = mode == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
      w.after[a] = pad - w.before[a];
      continue;
    }
    if (mode == "VALID")
      w.before[a] = w.after[a] = 0;
    else if (mode != "NOTSET")
      return call.invalid("auto_pad {}", mode);
    const std::int64_t room = w.in[a] + w.before[a] + w.after[a] - w.span(a);
    if (room < 0) return call.invalid("the kernel of {} is wider than the padded input", w.span(a));
    w.out[a] = (room + (ceil_mode ? w.stride[a] - 1 : 0)) / w.stride[a] + 1;
  }
  return w;
}

Reach reach(const Window& w, std::size_t axis, std::int64_t tap) {
  const std::int64_t offset = tap * w.dilation[axis] - w.before[axis], stride = w.stride[axis];
  const std::int64_t begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  const std::int64_t last = w.in[axis] - 1 - offset;
  const std::int64_t end = last < 0 ? 0 : last / stride + 1;
  return {std::min(begin, w.out[axis]), std::min(end, w.out[axis]), offset};
}

}  // namespace hz::refrt
