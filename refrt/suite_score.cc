// Scores the reference runtime on the official operator tests and refuses to fall behind its own floor.
// Floats pass within 1e-3 of the value plus 1e-6 of the tensor's peak (research/standards.md §6); all else is exact.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "refrt/refrt.h"
#include "refrt/suite.h"
#include "refrt/wide.h"

using namespace hz;

namespace {

// Raise it when coverage grows; never lower it.
constexpr int passed_floor = 951;

bool close(const onnx::Tensor& got, const onnx::Tensor& want) {
  if (got.dtype != want.dtype || got.shape != want.shape) return false;
  if (!refrt::is_real(want.dtype)) return got.data == want.data && got.strings == want.strings;
  const auto g = refrt::load<double>(got), w = refrt::load<double>(want);
  double peak = 0;
  for (const double v : w)
    if (std::isfinite(v)) peak = std::max(peak, std::abs(v));
  const bool half = want.dtype == onnx::Dtype::float16 || want.dtype == onnx::Dtype::bfloat16;
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (!std::isfinite(w[i]) || !std::isfinite(g[i])) {
      if (!(g[i] == w[i] || (std::isnan(g[i]) && std::isnan(w[i])))) return false;
      continue;
    }
    if (std::abs(g[i] - w[i]) > (half ? 1e-2 : 1e-3) * std::abs(w[i]) + (half ? 1e-3 : 1e-6) * peak) return false;
  }
  return true;
}

bool same(const onnx::Value& got, const onnx::Value& want) {
  if (got.type != want.type) return false;
  if (want.type == onnx::Value::Type::sequence)
    return std::equal(got.sequence.begin(), got.sequence.end(), want.sequence.begin(), want.sequence.end(), close);
  return want.type == onnx::Value::Type::none || close(got.tensor, want.tensor);
}

}  // namespace

int main(int argc, char**) {
  const bool verbose = argc > 1;
  const auto cases = refrt::suite::list(refrt::suite::default_root());
  if (cases.empty()) {
    fmt::print("SKIPPED: libonnx-testdata is not installed\n");
    return 77;
  }
  int passed = 0, wrong = 0, refused = 0;
  std::map<std::string, int> missing;
  for (const auto& c : cases) {
    auto content = refrt::suite::read(c);
    if (!content) {
      fmt::print("{}: {}\n", c.name, content.error().text());
      return 1;
    }
    const auto session = refrt::Session::load(content->model);
    const auto outputs = session ? session->run(content->inputs) : std::unexpected(session.error());
    if (!outputs) {
      ++refused;
      const std::string& why = outputs.error().detail;
      ++missing[why.substr(0, 60)];
      if (verbose) fmt::print("refused  {}: {}\n", c.name, outputs.error().text());
      continue;
    }
    const bool good = outputs->size() == content->outputs.size() &&
                      std::equal(outputs->begin(), outputs->end(), content->outputs.begin(), same);
    good ? ++passed : ++wrong;
    if (verbose && !good) fmt::print("wrong    {}\n", c.name);
  }
  fmt::print("{} passed, {} wrong, {} refused of {} cases with {} operators (floor {})\n", passed, wrong, refused,
             cases.size(), refrt::operators().size(), passed_floor);
  return passed >= passed_floor ? 0 : 1;
}
