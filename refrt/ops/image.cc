// Sampling between pixels: Resize, Upsample, GridSample, RoiAlign.
#include <algorithm>
#include <cmath>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

// Keys' cubic kernel: the weights of the four neighbours at distance 1+t, t, 1-t, 2-t.
std::array<double, 4> cubic_weights(double t, double a) {
  const auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto wide = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {wide(1 + t), near(t), near(1 - t), wide(2 - t)};
}

struct Tap {
  std::int64_t at;
  double weight;
};
struct AxisPlan {
  std::vector<std::vector<Tap>> taps;  // per output position
  std::vector<bool> outside;           // tf_crop_and_resize beyond the image
  bool same = false;
};
struct ResizeRule {
  std::string mode, coordinates, nearest;
  double cubic_a = -0.75;
  bool exclude_outside = false;
};

Result<AxisPlan> plan_axis(const Call& call, const ResizeRule& rule, std::int64_t in, std::int64_t out, double scale,
                           double roi_start, double roi_end) {
  AxisPlan plan;
  plan.outside.assign(static_cast<std::size_t>(out), false);
  const double n = static_cast<double>(in), m = static_cast<double>(out);
  for (std::int64_t i = 0; i < out; ++i) {
    const double o = static_cast<double>(i);
    double x = 0;
    if (rule.coordinates == "half_pixel")
      x = (o + 0.5) / scale - 0.5;
    else if (rule.coordinates == "pytorch_half_pixel")
      x = m > 1 ? (o + 0.5) / scale - 0.5 : 0;
    else if (rule.coordinates == "align_corners")
      x = m > 1 ? o * (n - 1) / (m - 1) : 0;
    else if (rule.coordinates == "asymmetric")
      x = o / scale;
    else if (rule.coordinates == "tf_half_pixel_for_nn")
      x = (o + 0.5) / scale;
    else if (rule.coordinates == "tf_crop_and_resize") {
      x = m > 1 ? roi_start * (n - 1) + o * (roi_end - roi_start) * (n - 1) / (m - 1)
                : 0.5 * (roi_start + roi_end) * (n - 1);
      plan.outside[static_cast<std::size_t>(i)] = x < 0 || x > n - 1;
    } else
      return call.unsupported("coordinates {}", rule.coordinates);
    if (!(std::fabs(x) < 1e12)) return call.invalid("coordinate out of range");
    const auto clamped = [&](double v) { return std::clamp<std::int64_t>(static_cast<std::int64_t>(v), 0, in - 1); };
    std::vector<Tap> taps;
    const double low = std::floor(x);
    if (rule.mode == "nearest") {
      double at = 0;
      if (rule.nearest == "floor")
        at = low;
      else if (rule.nearest == "ceil")
        at = std::ceil(x);
      else if (rule.nearest == "round_prefer_ceil")
        at = std::floor(x + 0.5);
      else if (rule.nearest == "round_prefer_floor")
        at = std::ceil(x - 0.5);
      else
        return call.unsupported("nearest_mode {}", rule.nearest);
      taps.push_back({clamped(at), 1});
    } else if (rule.mode == "linear") {
      taps.push_back({clamped(low), 1 - (x - low)});
      taps.push_back({clamped(low + 1), x - low});
    } else if (rule.mode == "cubic") {
      const auto weights = cubic_weights(x - low, rule.cubic_a);
      double sum = 0;
      for (int k = 0; k < 4; ++k) {
        const double at = low - 1 + k;
        const bool out_of_image = at < 0 || at > n - 1;
        const double weight = rule.exclude_outside && out_of_image ? 0 : weights[static_cast<std::size_t>(k)];
        taps.push_back({clamped(at), weight});
        sum += weight;
      }
      if (rule.exclude_outside)
        for (Tap& t : taps) t.weight /= sum;
    } else
      return call.unsupported("mode {}", rule.mode);
    plan.taps.push_back(std::move(taps));
  }
  return plan;
}

// All kernels are products of one-dimensional ones, so each axis is resized by itself.
Result<void> resample(Call& call, const Tensor& x, const Shape& out, const std::vector<double>& scales,
                      const std::vector<double>& roi, const ResizeRule& rule, double extrapolation) {
  const std::size_t rank = x.shape.size();
  HZ_TRY(call.admit(out));
  if (!is_real(x.dtype) && !is_integer(x.dtype)) return call.bad_dtype(x.dtype);
  auto v = load<double>(x);
  Shape shape = x.shape;
  std::vector<AxisPlan> plans;
  for (std::size_t d = 0; d < rank; ++d) {
    if (x.shape[d] == 0) return call.invalid("axis {} is empty", d);
    plans.push_back(HZ_TRY(plan_axis(call, rule, x.shape[d], out[d], scales[d], roi[d], roi[rank + d])));
    const bool cropped = rule.coordinates == "tf_crop_and_resize" && (roi[d] != 0 || roi[rank + d] != 1);
    plans.back().same = out[d] == x.shape[d] && scales[d] == 1 && !cropped;
    if (plans.back().same) continue;
    const auto [outer, n, inner] = split3(shape, d);
    shape[d] = out[d];
    HZ_TRY(call.work(static_cast<double>(HZ_TRY(call.admit(shape))) * 4));
    const auto m = static_cast<std::size_t>(out[d]);
    std::vector<double> next(outer * m * inner);
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t i = 0; i < m; ++i)
        for (const Tap& t : plans.back().taps[i]) {
          const double* from = v.data() + (o * n + static_cast<std::size_t>(t.at)) * inner;
          double* to = next.data() + (o * m + i) * inner;
          for (std::size_t k = 0; k < inner; ++k) to[k] += t.weight * from[k];
        }
    v = std::move(next);
  }
  for (std::size_t d = 0; d < rank; ++d) {
    const auto [outer, n, inner] = split3(shape, d);
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t i = 0; i < n; ++i)
        if (!plans[d].same && plans[d].outside[i])
          std::fill_n(v.begin() + static_cast<std::ptrdiff_t>((o * n + i) * inner), inner, extrapolation);
  }
  call.give(0, store(x.dtype, out, v));
  return {};
}

Result<Shape> scaled(const Call& call, const Shape& x, const std::vector<double>& scales) {
  if (scales.size() != x.size()) return call.invalid("{} scales for rank {}", scales.size(), x.size());
  Shape out;
  for (std::size_t d = 0; d < x.size(); ++d) {
    const double size = std::floor(static_cast<double>(x[d]) * scales[d]);
    if (!(scales[d] > 0) || !(size >= 1) || !(size < 1e12)) return call.invalid("scale {}", scales[d]);
    out.push_back(static_cast<std::int64_t>(size));
  }
  return out;
}

Result<void> resize(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::size_t rank = x.shape.size();
  for (const std::string_view later : {"antialias", "axes", "keep_aspect_ratio_policy"})
    if (call.given(later) && !(later == "antialias" && call.int_of(later, 0) == 0) &&
        !(later != "antialias" && later != "axes" && call.string_of(later, "") == "stretch"))
      return call.unsupported("attribute {}", later);
  ResizeRule rule{.mode = call.string_of("mode", "nearest"),
                  .coordinates = call.string_of("coordinate_transformation_mode", "half_pixel"),
                  .nearest = call.string_of("nearest_mode", "round_prefer_floor"),
                  .cubic_a = call.float_of("cubic_coeff_a", -0.75),
                  .exclude_outside = call.int_of("exclude_outside", 0) != 0};
  std::vector<double> roi(rank, 0);
  roi.resize(2 * rank, 1);
  std::vector<double> scales;
  Shape out;
  if (call.opset < 11) {
    rule.coordinates = "asymmetric";
    rule.nearest = "floor";
    scales = HZ_TRY(reals(call, *HZ_TRY(call.tensor(1))));
    out = HZ_TRY(scaled(call, x.shape, scales));
  } else {
    if (rule.coordinates == "tf_crop_and_resize") roi = HZ_TRY(reals(call, *HZ_TRY(call.tensor(1))));
    if (roi.size() != 2 * rank) return call.invalid("roi has {} numbers", roi.size());
    if (const Tensor* t = call.find(2); t && t->count() != 0) {
      scales = HZ_TRY(reals(call, *t));
      out = HZ_TRY(scaled(call, x.shape, scales));
      if (rule.coordinates == "tf_crop_and_resize")
        for (std::size_t d = 0; d < rank; ++d)
          out[d] = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(static_cast<double>(x.shape[d]) *
                                                                                 (roi[rank + d] - roi[d]) * scales[d])),
                                            1, std::int64_t{1} << 40);
    } else {
      out = HZ_TRY(call.integers(3));
      if (out.size() != rank) return call.invalid("{} sizes for rank {}", out.size(), rank);
      for (std::size_t d = 0; d < rank; ++d) {
        if (out[d] < 1) return call.invalid("size {}", out[d]);
        scales.push_back(static_cast<double>(out[d]) / static_cast<double>(x.shape[d]));
      }
    }
  }
  return resample(call, x, out, scales, roi, rule, call.float_of("extrapolation_value", 0));
}

Result<void> upsample(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  std::vector<double> scales;
  if (call.has(1))
    scales = HZ_TRY(reals(call, *HZ_TRY(call.tensor(1))));
  else if (const auto* a = call.node.find("scales"))
    scales.assign(a->floats.begin(), a->floats.end());
  const Shape out = HZ_TRY(scaled(call, x.shape, scales));
  std::vector<double> roi(x.shape.size(), 0);
  roi.resize(2 * x.shape.size(), 1);
  return resample(call, x, out, scales, roi,
                  {.mode = call.string_of("mode", "nearest"), .coordinates = "asymmetric", .nearest = "floor"}, 0);
}

// Folds a coordinate back into [low, high].
double reflect(double x, double low, double high) {
  const double range = high - low;
  if (range <= 0) return low;
  const double away = x < low ? low - x : x - high;
  if (x >= low && x <= high) return x;
  const double turns = std::floor(away / range), rest = away - turns * range;
  const bool even = std::fmod(turns, 2) == 0;
  if (x < low) return even ? low + rest : high - rest;
  return even ? high - rest : low + rest;
}

Result<void> grid_sample(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& grid = *HZ_TRY(call.tensor(1));
  const auto v = HZ_TRY(reals(call, x)), g = HZ_TRY(reals(call, grid));
  if (x.shape.size() != 4 || grid.shape.size() != 4 || grid.shape[3] != 2 || grid.shape[0] != x.shape[0])
    return call.invalid("an image [N, C, H, W] and a grid [N, h, w, 2] are needed");
  const std::string mode = call.string_of("mode", "bilinear"), padding = call.string_of("padding_mode", "zeros");
  const bool corners = call.int_of("align_corners", 0) != 0;
  if (mode != "bilinear" && mode != "nearest" && mode != "bicubic") return call.unsupported("mode {}", mode);
  if (padding != "zeros" && padding != "border" && padding != "reflection")
    return call.unsupported("padding_mode {}", padding);
  const std::int64_t channels = x.shape[1], height = x.shape[2], width = x.shape[3];
  if (height == 0 || width == 0) return call.invalid("the image is empty");
  const Shape out{x.shape[0], channels, grid.shape[1], grid.shape[2]};
  std::vector<double> values(HZ_TRY(call.admit(out)));
  HZ_TRY(call.work(static_cast<double>(values.size()) * 16));
  const std::int64_t points = out[2] * out[3];
  const auto inside = [&](double at, std::int64_t size) {
    if (padding == "border") return std::clamp(at, 0.0, static_cast<double>(size - 1));
    if (padding != "reflection") return at;
    const double low = corners ? 0 : -0.5,
                 high = corners ? static_cast<double>(size - 1) : static_cast<double>(size) - 0.5;
    return std::clamp(reflect(at, low, high), 0.0, static_cast<double>(size - 1));
  };
  for (std::int64_t n = 0; n < out[0]; ++n)
    for (std::int64_t c = 0; c < channels; ++c) {
      const double* plane = v.data() + (n * channels + c) * height * width;
      const auto pixel = [&](double row, double column) {
        row = inside(row, height);
        column = inside(column, width);
        if (!(row >= 0 && column >= 0 && row <= static_cast<double>(height - 1) &&
              column <= static_cast<double>(width - 1)))
          return 0.0;
        return plane[static_cast<std::int64_t>(row) * width + static_cast<std::int64_t>(column)];
      };
      for (std::int64_t p = 0; p < points; ++p) {
        const double* at = g.data() + (n * points + p) * 2;
        const auto to_pixels = [&](double u, std::int64_t size) {
          const double s = static_cast<double>(size);
          return corners ? (u + 1) / 2 * (s - 1) : ((u + 1) * s - 1) / 2;
        };
        double column = to_pixels(at[0], width), row = to_pixels(at[1], height);
        if (mode != "bicubic") column = inside(column, width), row = inside(row, height);
        if (!(std::fabs(column) < 1e12) || !(std::fabs(row) < 1e12)) return call.invalid("grid point out of range");
        double& to = values[static_cast<std::size_t>((n * channels + c) * points + p)];
        const double left = std::floor(column), top = std::floor(row), fx = column - left, fy = row - top;
        if (mode == "nearest") {
          to = pixel(std::nearbyint(row), std::nearbyint(column));
        } else if (mode == "bilinear") {
          to = (1 - fy) * ((1 - fx) * pixel(top, left) + fx * pixel(top, left + 1)) +
               fy * ((1 - fx) * pixel(top + 1, left) + fx * pixel(top + 1, left + 1));
        } else {
          const auto wx = cubic_weights(fx, -0.75), wy = cubic_weights(fy, -0.75);
          for (int i = 0; i < 4; ++i)
            for (int j = 0; j < 4; ++j)
              to +=
                  wy[static_cast<std::size_t>(i)] * wx[static_cast<std::size_t>(j)] * pixel(top - 1 + i, left - 1 + j);
        }
      }
    }
  call.give(0, store(x.dtype, out, values));
  return {};
}

// Averages (or takes the largest of) bilinear samples inside each bin of each region.
Result<void> roi_align(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& roi = *HZ_TRY(call.tensor(1));
  const auto v = HZ_TRY(reals(call, x)), boxes = HZ_TRY(reals(call, roi));
  const auto batch = HZ_TRY(call.integers(2));
  const std::string mode = call.string_of("mode", "avg");
  const bool half = call.opset >= 16 && call.string_of("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const std::int64_t h = call.int_of("output_height", 1), w = call.int_of("output_width", 1),
                     ratio = call.int_of("sampling_ratio", 0);
  const double scale = call.float_of("spatial_scale", 1);
  if (x.shape.size() != 4 || roi.shape.size() != 2 || roi.shape[1] != 4 ||
      static_cast<std::int64_t>(batch.size()) != roi.shape[0])
    return call.invalid("an image [N, C, H, W] and regions [R, 4] are needed");
  if (h < 1 || w < 1 || h > 65536 || w > 65536 || ratio < 0 || ratio > 1024)
    return call.invalid("output {} x {}", h, w);
  const std::int64_t channels = x.shape[1], height = x.shape[2], width = x.shape[3];
  if (height == 0 || width == 0) return call.invalid("the image is empty");
  const Shape out{roi.shape[0], channels, h, w};
  std::vector<double> values(HZ_TRY(call.admit(out)));
  for (std::int64_t r = 0; r < roi.shape[0]; ++r) {
    const std::int64_t n = batch[static_cast<std::size_t>(r)];
    if (n < 0 || n >= x.shape[0]) return call.invalid("batch index {}", n);
    const double* box = boxes.data() + r * 4;
    const double shift = half ? 0.5 : 0, x1 = box[0] * scale - shift, y1 = box[1] * scale - shift;
    double roi_w = box[2] * scale - shift - x1, roi_h = box[3] * scale - shift - y1;
    if (!half) roi_w = std::max(roi_w, 1.0), roi_h = std::max(roi_h, 1.0);
    if (!(std::fabs(roi_w) < 1e9) || !(std::fabs(roi_h) < 1e9) || !(std::fabs(x1) < 1e9) || !(std::fabs(y1) < 1e9))
      return call.invalid("region out of range");
    const double bin_w = roi_w / static_cast<double>(w), bin_h = roi_h / static_cast<double>(h);
    const auto samples = [&](double bin) {
      return ratio > 0 ? ratio : std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(bin)));
    };
    const std::int64_t nx = samples(bin_w), ny = samples(bin_h);
    HZ_TRY(call.work(static_cast<double>(channels * h * w) * static_cast<double>(nx) * static_cast<double>(ny) * 4));
    for (std::int64_t c = 0; c < channels; ++c) {
      const double* plane = v.data() + (n * channels + c) * height * width;
      for (std::int64_t i = 0; i < h; ++i)
        for (std::int64_t j = 0; j < w; ++j) {
          double sum = 0, top = 0;
          bool first = true;
          for (std::int64_t a = 0; a < ny; ++a)
            for (std::int64_t b = 0; b < nx; ++b) {
              double py =
                  y1 + (static_cast<double>(i) + (static_cast<double>(a) + 0.5) / static_cast<double>(ny)) * bin_h;
              double px =
                  x1 + (static_cast<double>(j) + (static_cast<double>(b) + 0.5) / static_cast<double>(nx)) * bin_w;
              double parts[4] = {0, 0, 0, 0};
              if (py >= -1 && py <= static_cast<double>(height) && px >= -1 && px <= static_cast<double>(width)) {
                py = std::clamp(py, 0.0, static_cast<double>(height - 1));
                px = std::clamp(px, 0.0, static_cast<double>(width - 1));
                const auto y0 = static_cast<std::int64_t>(py), x0 = static_cast<std::int64_t>(px);
                const std::int64_t yn = std::min(y0 + 1, height - 1), xn = std::min(x0 + 1, width - 1);
                const double fy = py - static_cast<double>(y0), fx = px - static_cast<double>(x0);
                parts[0] = (1 - fy) * (1 - fx) * plane[y0 * width + x0];
                parts[1] = (1 - fy) * fx * plane[y0 * width + xn];
                parts[2] = fy * (1 - fx) * plane[yn * width + x0];
                parts[3] = fy * fx * plane[yn * width + xn];
              }
              sum += parts[0] + parts[1] + parts[2] + parts[3];
              // The definition takes the largest weighted corner, not the largest sample.
              const double largest = *std::max_element(parts, parts + 4);
              top = first ? largest : std::max(top, largest);
              first = false;
            }
          values[static_cast<std::size_t>(((r * channels + c) * h + i) * w + j)] =
              mode == "max" ? top : sum / static_cast<double>(nx * ny);
        }
    }
  }
  call.give(0, store(x.dtype, out, values));
  return {};
}

constexpr OpRow rows[] = {
    {"Resize", resize, 10},
    {"Upsample", upsample, 7, 9},
    {"GridSample", grid_sample, 16},
    {"RoiAlign", roi_align, 10},
};

}  // namespace

std::span<const OpRow> image_ops() { return rows; }

}  // namespace hz::refrt
