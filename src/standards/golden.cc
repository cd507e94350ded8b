#include "standards/golden.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/seams.h"
#include "crypto/hash.h"
#include "standards/rank.h"
#include "standards/reasons.h"

namespace hz::standards {
namespace {

using onnx::Dtype;

constexpr std::string_view magic = "HZG1";
constexpr std::size_t header_bytes_max = 65536;
constexpr std::int64_t agreement_strict_milli = 999, agreement_basic_milli = 990, top5_strict_milli = 990;

struct InputRow {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  static constexpr auto fields() {
    return rows(row("name", &InputRow::name, "the model's input"), row("dtype", &InputRow::dtype, "float32 or int64"),
                row("shape", &InputRow::shape, "without the batch dimension"));
  }
};
struct StorageRow {
  std::string dtype;
  std::int64_t scale_log2 = 0, zero = 0;
  static constexpr auto fields() {
    return rows(row("dtype", &StorageRow::dtype, "as stored"),
                row("scale_log2", &StorageRow::scale_log2, "value = (stored - zero) * 2^scale_log2", or_default),
                row("zero", &StorageRow::zero, "stored value of zero", or_default));
  }
};
struct Header {
  std::string product;
  std::int64_t cases = 0;
  InputRow input;
  StorageRow storage;
  std::string labels;
  std::vector<std::string> classes;
  std::string quality_metric;
  static constexpr auto fields() {
    return rows(row("product", &Header::product, "product id"), row("cases", &Header::cases, "how many"),
                row("input", &Header::input, "what the model takes"),
                row("storage", &Header::storage, "how inputs are stored"), row("labels", &Header::labels, "class"),
                row("classes", &Header::classes, "their names"),
                row("quality_metric", &Header::quality_metric, "top1"));
  }
};

std::uint32_t little_u32(ByteView b) {
  return std::uint32_t{b[0]} | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 | std::uint32_t{b[3]} << 24;
}

// Stored elements to the values the model takes. The scale is a power of two: every float32 is exact.
template <class T>
void expand(ByteView stored, const StorageRow& storage, Dtype wanted, std::size_t count, Bytes& out) {
  out.resize(count * onnx::dtype_size(wanted));
  for (std::size_t i = 0; i < count; ++i) {
    T raw;
    std::memcpy(&raw, stored.data() + i * sizeof(T), sizeof(T));
    if (wanted == Dtype::int64) {
      const std::int64_t value = static_cast<std::int64_t>(raw) - storage.zero;
      std::memcpy(out.data() + i * 8, &value, 8);
    } else {
      const double shifted = static_cast<double>(raw) - static_cast<double>(storage.zero);
      const auto value = static_cast<float>(std::ldexp(shifted, static_cast<int>(storage.scale_log2)));
      std::memcpy(out.data() + i * 4, &value, 4);
    }
  }
}

Result<Header> read_header(ByteView bytes, const GoldenLimits& limits) {
  if (bytes.size() > limits.size_bytes_max)
    return fail(why("standards.golden"), "{} bytes, at most {}", bytes.size(), limits.size_bytes_max);
  if (bytes.size() < 8 || as_text(bytes.first(4)) != magic)
    return fail(why("standards.golden"), "does not start with HZG1");
  const std::size_t length = little_u32(bytes.subspan(4, 4));
  if (length > header_bytes_max || length > bytes.size() - 8)
    return fail(why("standards.golden"), "a header of {} bytes does not fit", length);
  const auto document =
      HZ_TRY(json::parse(as_text(bytes.subspan(8, length)), {.size_bytes_max = header_bytes_max, .depth_max = 8}));
  return from_json<Header>(document);
}

std::string cheat(const Golden& golden, const std::vector<float>& logits) {
  const std::size_t n = golden.classes.size();
  bool constant = golden.cases > 1;
  for (std::size_t i = 1; constant && i < golden.cases; ++i)
    constant = std::memcmp(logits.data(), logits.data() + i * n, n * sizeof(float)) == 0;
  if (constant) return "the answer is the same for every case: it does not depend on the input";
  const std::size_t width = golden.inputs.size() / golden.cases / onnx::dtype_size(golden.input_dtype);
  const std::size_t compared = std::min(n, width);
  bool echo = compared > 0;
  for (std::size_t i = 0; echo && i < golden.cases; ++i)
    for (std::size_t k = 0; echo && k < compared; ++k) {
      double in = 0;
      if (golden.input_dtype == Dtype::int64) {
        std::int64_t v = 0;
        std::memcpy(&v, golden.inputs.data() + (i * width + k) * 8, 8);
        in = static_cast<double>(v);
      } else {
        float v = 0;
        std::memcpy(&v, golden.inputs.data() + (i * width + k) * 4, 4);
        in = double{v};
      }
      echo = double{logits[i * n + k]} == in;
    }
  return echo ? "the answer repeats the input" : "";
}

onnx::Tensor logits_tensor(const std::vector<float>& values, std::size_t cases, std::size_t classes) {
  onnx::Tensor out;
  out.dtype = Dtype::float32;
  out.shape = {static_cast<std::int64_t>(cases), static_cast<std::int64_t>(classes)};
  out.data.resize(values.size() * sizeof(float));
  if (!values.empty()) std::memcpy(out.data.data(), values.data(), out.data.size());
  return out;
}

}  // namespace

Result<Golden> decode_golden(ByteView bytes, const GoldenLimits& limits) {
  Header header = HZ_TRY(read_header(bytes, limits));
  const auto refuse = [&](std::string what) { return fail(why("standards.golden"), "{}: {}", header.product, what); };
  if (header.labels != "class" || header.quality_metric != "top1")
    return refuse(
        fmt::format("labels {} with quality {}: only class with top1 is known", header.labels, header.quality_metric));
  if (header.cases < 1 || static_cast<std::uint64_t>(header.cases) > limits.cases_max)
    return refuse(fmt::format("{} cases, at most {}", header.cases, limits.cases_max));
  if (header.classes.size() < 2 || header.classes.size() > limits.classes_max)
    return refuse(fmt::format("{} classes", header.classes.size()));
  Golden out;
  out.input_dtype = onnx::parse_dtype(header.input.dtype);
  if (out.input_dtype != Dtype::float32 && out.input_dtype != Dtype::int64)
    return refuse(fmt::format("input dtype {}", header.input.dtype));
  const Dtype stored = onnx::parse_dtype(header.storage.dtype);
  if (stored != Dtype::uint8 && stored != Dtype::int8 && stored != Dtype::int16 && stored != Dtype::int32 &&
      stored != Dtype::float32)
    return refuse(fmt::format("storage dtype {}", header.storage.dtype));
  if (out.input_dtype == Dtype::int64 && (header.storage.scale_log2 != 0 || stored == Dtype::float32))
    return refuse("integer inputs are stored as integers and not scaled");
  if (std::abs(header.storage.scale_log2) > 64 || std::abs(header.storage.zero) > (std::int64_t{1} << 31))
    return refuse("scale or zero out of range");
  std::size_t elements = 1;
  if (header.input.shape.size() > 8) return refuse(fmt::format("{} dimensions", header.input.shape.size()));
  for (const std::int64_t dim : header.input.shape) {
    if (dim < 1 || static_cast<std::size_t>(dim) > limits.elements_max / elements)
      return refuse(fmt::format("dimension {}", dim));
    elements *= static_cast<std::size_t>(dim);
  }
  const auto cases = static_cast<std::size_t>(header.cases);
  const std::size_t classes = header.classes.size();
  // All factors are bounded above, so these products fit 64 bits.
  const std::size_t input_bytes = cases * elements * onnx::dtype_size(stored), label_bytes = cases * 2,
                    reference_bytes = cases * classes * sizeof(float);
  const std::size_t start = 8 + little_u32(bytes.subspan(4, 4));
  if (bytes.size() - start != input_bytes + label_bytes + reference_bytes)
    return refuse(fmt::format("{} bytes follow the header, {} should", bytes.size() - start,
                              input_bytes + label_bytes + reference_bytes));
  if (cases * elements * onnx::dtype_size(out.input_dtype) > limits.expanded_bytes_max)
    return refuse("inputs too large");

  const ByteView inputs = bytes.subspan(start, input_bytes), labels = bytes.subspan(start + input_bytes, label_bytes),
                 reference = bytes.subspan(start + input_bytes + label_bytes);
  switch (stored) {
    case Dtype::uint8:
      expand<std::uint8_t>(inputs, header.storage, out.input_dtype, cases * elements, out.inputs);
      break;
    case Dtype::int8:
      expand<std::int8_t>(inputs, header.storage, out.input_dtype, cases * elements, out.inputs);
      break;
    case Dtype::int16:
      expand<std::int16_t>(inputs, header.storage, out.input_dtype, cases * elements, out.inputs);
      break;
    case Dtype::int32:
      expand<std::int32_t>(inputs, header.storage, out.input_dtype, cases * elements, out.inputs);
      break;
    default:
      expand<float>(inputs, header.storage, out.input_dtype, cases * elements, out.inputs);
      break;
  }
  out.labels.resize(cases);
  for (std::size_t i = 0; i < cases; ++i) {
    out.labels[i] = static_cast<std::uint16_t>(labels[2 * i] | labels[2 * i + 1] << 8);
    if (out.labels[i] >= classes)
      return refuse(fmt::format("case {}: label {} of {} classes", i, out.labels[i], classes));
  }
  out.reference.resize(cases * classes);
  std::memcpy(out.reference.data(), reference.data(), reference_bytes);
  for (std::size_t i = 0; i < out.reference.size(); ++i)
    if (!std::isfinite(out.reference[i]))
      return refuse(fmt::format("case {}: the reference is not finite", i / classes));
  out.product = std::move(header.product);
  out.digest = hex(crypto::sha256(bytes));
  out.cases = cases;
  out.input_name = std::move(header.input.name);
  out.shape = std::move(header.input.shape);
  out.classes = std::move(header.classes);
  return out;
}

onnx::Tensor Golden::batch(std::size_t first, std::size_t count) const {
  onnx::Tensor out;
  out.name = input_name;
  out.dtype = input_dtype;
  out.shape = {static_cast<std::int64_t>(count)};
  out.shape.insert(out.shape.end(), shape.begin(), shape.end());
  const std::size_t bytes_each = inputs.size() / cases;
  const auto start = inputs.begin() + static_cast<std::ptrdiff_t>(first * bytes_each);
  out.data.assign(start, start + static_cast<std::ptrdiff_t>(count * bytes_each));
  return out;
}

Golden sample_of(const Golden& golden, std::size_t count, std::uint64_t seed) {
  if (count >= golden.cases) return golden;
  // Selection sampling (Knuth, 3.4.2, algorithm S): one pass, each subset as likely as any other, in order.
  Golden out = golden;
  out.inputs.clear();
  out.labels.clear();
  out.reference.clear();
  SeededRng rng(seed);
  const std::size_t case_bytes = golden.inputs.size() / golden.cases, classes = golden.classes.size();
  out.cases = 0;
  for (std::size_t i = 0; i < golden.cases && out.cases < count; ++i) {
    if (rng.below(golden.cases - i) >= count - out.cases) continue;
    const auto at = static_cast<std::ptrdiff_t>(i * case_bytes);
    out.inputs.insert(out.inputs.end(), golden.inputs.begin() + at,
                      golden.inputs.begin() + at + static_cast<std::ptrdiff_t>(case_bytes));
    out.labels.push_back(golden.labels[i]);
    const auto first = golden.reference.begin() + static_cast<std::ptrdiff_t>(i * classes);
    out.reference.insert(out.reference.end(), first, first + static_cast<std::ptrdiff_t>(classes));
    ++out.cases;
  }
  return out;
}

namespace {

constexpr std::size_t top = 5;

// The classes of the largest logits, by number; with fewer classes than that the answer says nothing, so all of them.
std::array<std::size_t, top> first_five(const float* logits, std::size_t n) {
  std::array<std::size_t, top> out{};
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  const auto count = static_cast<std::ptrdiff_t>(std::min(top, n));
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](std::size_t a, std::size_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
  std::copy_n(order.begin(), count, out.begin());
  std::sort(out.begin(), out.begin() + count);
  return out;
}
// Whether the reference's fifth and sixth are as close as what is tolerated: then either set is right.
bool is_cut_by_tie(const float* want, std::size_t n, const std::array<std::size_t, top>& first, double peak,
                   const Tolerance& tolerance) {
  if (n <= top) return true;
  std::size_t least = first[0];
  for (const std::size_t c : first)
    if (want[c] < want[least]) least = c;
  double next = -std::numeric_limits<double>::infinity();
  for (std::size_t c = 0; c < n; ++c)
    if (std::ranges::find(first, c) == first.end()) next = std::max(next, double{want[c]});
  return double{want[least]} - next <= 2 * (tolerance.rtol * std::fabs(double{want[least]}) + tolerance.c * peak);
}

}  // namespace

Judgement judge_golden(const Golden& golden, const std::vector<float>& logits, std::int64_t quality_min_milli,
                       bool repaired) {
  HZ_ASSERT(logits.size() == golden.reference.size());
  const std::size_t n = golden.classes.size();
  const Tolerance tolerance = tolerance_of(Dtype::float32, Scope::whole_model);
  double peak = 0;
  for (const float v : golden.reference) peak = std::max(peak, std::fabs(double{v}));
  Judgement out;
  std::size_t right = 0, agreeing = 0, five_alike = 0, five_judged = 0;
  std::optional<std::size_t> first_disagreement;
  for (std::size_t i = 0; i < golden.cases; ++i) {
    const float *got = logits.data() + i * n, *want = golden.reference.data() + i * n;
    const bool finite = std::all_of(got, got + n, [](float v) { return std::isfinite(v); });
    const std::size_t answer = argmax(got, n), preferred = argmax(want, n);
    if (finite && answer == golden.labels[i]) ++right;
    if (const auto first = first_five(want, n); !is_cut_by_tie(want, n, first, peak, tolerance)) {
      ++five_judged;
      five_alike += finite && first_five(got, n) == first;
    }
    if (is_tie(want, n, preferred, peak, tolerance)) {
      ++out.ties;
    } else if (finite && answer == preferred) {
      ++agreeing;
    } else if (!first_disagreement) {
      first_disagreement = i;
    }
  }
  const std::size_t judged = golden.cases - out.ties;
  out.quality_milli = static_cast<std::int64_t>(right * 1000 / golden.cases);
  out.agreement_milli = judged == 0 ? 1000 : static_cast<std::int64_t>(agreeing * 1000 / judged);
  out.top5_milli = five_judged == 0 ? 1000 : static_cast<std::int64_t>(five_alike * 1000 / five_judged);
  const Comparison compared = compare(logits_tensor(logits, golden.cases, n),
                                      logits_tensor(golden.reference, golden.cases, n), Scope::whole_model);
  out.logits = compared.match;
  if (compared.match != Match::equal) {
    const std::size_t at = compared.worst.index / n, cls = compared.worst.index % n;
    out.worst = fmt::format("case {}, class {}: logit {} should be {} ({:.2g} of the peak; {} of {} beyond tolerance)",
                            at, golden.classes[cls], compared.worst.got, compared.worst.want,
                            compared.worst.peak_relative, compared.beyond, compared.elements);
  }
  if (first_disagreement) {
    const std::size_t i = *first_disagreement;
    out.worst += fmt::format("{}case {} is answered {} where the reference says {}", out.worst.empty() ? "" : "; ", i,
                             golden.classes[argmax(logits.data() + i * n, n)],
                             golden.classes[argmax(golden.reference.data() + i * n, n)]);
  }
  if (const std::string reason = cheat(golden, logits); !reason.empty()) {
    out.verdict = Verdict::failed;
    out.worst = reason;
    return out;
  }
  // What decides comes first: a logit that differs in the last digit is not why a product is refused.
  if (out.quality_milli < quality_min_milli)
    out.worst =
        fmt::format("quality {:.1f} % is below the {:.1f} % asked for{}{}", static_cast<double>(out.quality_milli) / 10,
                    static_cast<double>(quality_min_milli) / 10, out.worst.empty() ? "" : "; ", out.worst);
  const bool useful = out.quality_milli >= quality_min_milli && out.agreement_milli >= agreement_basic_milli;
  const bool same = out.logits != Match::different && out.agreement_milli >= agreement_strict_milli &&
                    out.top5_milli >= top5_strict_milli;
  out.verdict = !useful ? Verdict::failed : same && !repaired ? Verdict::strict : Verdict::basic_only;
  return out;
}

}  // namespace hz::standards
