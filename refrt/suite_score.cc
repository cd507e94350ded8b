// Runs the official ONNX operator tests on the reference runtime.
//
//   refrt_score                  counts per kind
//   refrt_score --list VERDICT   also names the cases with this verdict (passed, failed, unsupported) and why
//   refrt_score --floor FILE     fails unless every case named in FILE passes
//   refrt_score --json           one line for benches
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "refrt/refrt.h"
#include "refrt/suite.h"
#include "refrt/wide.h"

namespace {

using namespace hz;
using onnx::Tensor;
using onnx::Value;

// Floats: |a - b| <= 1e-3 |ref| + 1e-6 peak(ref), NaN and infinity in the same places. Everything else is exact.
std::string difference(const Tensor& got, const Tensor& want) {
  if (got.dtype != want.dtype)
    return fmt::format("{} for {}", onnx::dtype_name(got.dtype), onnx::dtype_name(want.dtype));
  if (got.shape != want.shape) return fmt::format("shape {} for {}", refrt::text(got.shape), refrt::text(want.shape));
  if (!refrt::is_real(want.dtype)) return got.data == want.data && got.strings == want.strings ? "" : "elements differ";
  const auto a = refrt::load<double>(got), b = refrt::load<double>(want);
  double peak = 0;
  for (const double v : b)
    if (std::isfinite(v)) peak = std::max(peak, std::fabs(v));
  // Half floats have fewer digits than the rule for float32 assumes.
  const double relative = want.dtype == onnx::Dtype::float16 ? 1e-2 : want.dtype == onnx::Dtype::bfloat16 ? 2e-2 : 1e-3;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i]) continue;
    if (!(std::fabs(a[i] - b[i]) <= relative * std::fabs(b[i]) + 1e-6 * peak))
      return fmt::format("element {}: {} for {}", i, a[i], b[i]);
  }
  return "";
}
std::string difference(const Value& got, const Value& want) {
  if (got.type != want.type) return "another kind of value";
  if (want.type == Value::Type::tensor) return difference(got.tensor, want.tensor);
  if (got.sequence.size() != want.sequence.size())
    return fmt::format("{} elements for {}", got.sequence.size(), want.sequence.size());
  for (std::size_t i = 0; i < want.sequence.size(); ++i)
    if (auto text = difference(got.sequence[i], want.sequence[i]); !text.empty())
      return fmt::format("element {}: {}", i, text);
  return "";
}

struct Verdict {
  std::string_view name;  // passed, failed, unsupported
  std::string detail;
};
Verdict judge(const refrt::suite::Case& c) {
  auto content = refrt::suite::read(c);
  if (!content) return {"failed", content.error().text()};
  const auto refused = [](const Error& e) {
    return Verdict{e.reason->code == Code::unsupported ? "unsupported" : "failed", e.text()};
  };
  const auto session = refrt::Session::load(std::move(content->model));
  if (!session) return refused(session.error());
  const auto outputs = session->run(content->inputs);
  if (!outputs) return refused(outputs.error());
  if (outputs->size() != content->outputs.size()) return {"failed", "another number of outputs"};
  for (std::size_t i = 0; i < outputs->size(); ++i)
    if (auto text = difference((*outputs)[i], content->outputs[i]); !text.empty())
      return {"failed", fmt::format("output {}: {}", i, text)};
  return {"passed", ""};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "", argument = argc > 2 ? argv[2] : "";
  const auto root = refrt::suite::default_root();
  const auto cases = refrt::suite::list(root);
  if (cases.empty()) {
    std::printf("SKIPPED: no ONNX test data at %s (Debian package libonnx-testdata)\n", root.c_str());
    return 77;
  }
  const auto start = std::chrono::steady_clock::now();
  std::map<std::string, std::map<std::string_view, int>> counts;
  std::map<std::string_view, int> total;
  std::set<std::string> passed;
  for (const auto& c : cases) {
    const Verdict v = judge(c);
    ++counts[c.kind][v.name];
    ++total[v.name];
    const std::string name = c.kind + "/" + c.name;
    if (v.name == "passed") passed.insert(name);
    if (mode == "--list" && argument == v.name)
      std::printf("%s%s%s\n", name.c_str(), v.detail.empty() ? "" : ": ", v.detail.c_str());
  }
  const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  if (mode == "--json") {
    std::printf("{\"passed\":%d,\"failed\":%d,\"unsupported\":%d,\"cases\":%zu,\"operators\":%zu,\"ms\":%.0f}\n",
                total["passed"], total["failed"], total["unsupported"], cases.size(), refrt::operators().size(), ms);
    return 0;
  }
  if (mode == "--list") return 0;
  std::printf("%-20s %7s %7s %12s\n", "kind", "passed", "failed", "unsupported");
  for (auto& [kind, row] : counts)
    std::printf("%-20s %7d %7d %12d\n", kind.c_str(), row["passed"], row["failed"], row["unsupported"]);
  std::printf("%-20s %7d %7d %12d   of %zu, %zu operators, %.0f ms\n", "all", total["passed"], total["failed"],
              total["unsupported"], cases.size(), refrt::operators().size(), ms);
  if (mode != "--floor") return 0;
  const auto floor = read_text(fs::path(argument), 1u << 20);
  if (!floor) {
    std::printf("%s\n", floor.error().text().c_str());
    return 1;
  }
  int lost = 0, wanted = 0;
  for (std::size_t at = 0; at < floor->size();) {
    const std::size_t end = std::min(floor->find('\n', at), floor->size());
    const std::string name = floor->substr(at, end - at);
    at = end + 1;
    if (name.empty() || name[0] == '#') continue;
    ++wanted;
    if (passed.contains(name)) continue;
    std::printf("LOST: %s\n", name.c_str());
    ++lost;
  }
  std::printf("floor of %d cases: %d lost\n", wanted, lost);
  return lost == 0 ? 0 : 1;
}
