// Runs the official operator cases through worker processes and prints counts and times: the engines' own figures,
// before any verdict policy. `suite_run DATA_DIR WORKERS -- oip-host worker --engine ort …`. The conformance runner
// proper is src/standards; this needs nothing but the line.
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "engine_process.h"
#include "official_case.h"

using namespace hz;
using namespace hz::host;
using onnx::Dtype;

namespace {

double at(const onnx::Tensor& t, std::size_t i) {
  if (t.dtype == Dtype::float32) {
    float v;
    std::memcpy(&v, t.data.data() + i * 4, 4);
    return static_cast<double>(v);
  }
  double v;
  std::memcpy(&v, t.data.data() + i * 8, 8);
  return v;
}

bool same(const onnx::Tensor& want, const onnx::Tensor& got) {
  if (want.dtype != got.dtype || want.shape != got.shape) return false;
  if (want.dtype != Dtype::float32 && want.dtype != Dtype::float64)
    return want.data == got.data && want.strings == got.strings;
  double peak = 0;
  for (std::size_t i = 0; i < want.count(); ++i)
    if (std::isfinite(at(want, i))) peak = std::max(peak, std::fabs(at(want, i)));
  for (std::size_t i = 0; i < want.count(); ++i) {
    const double a = at(want, i), b = at(got, i);
    if (std::isnan(a) && std::isnan(b)) continue;
    if (a == b) continue;
    if (!(std::fabs(a - b) <= 1e-3 * std::fabs(a) + 1e-6 * peak + 1e-7)) return false;
  }
  return true;
}

bool same(const std::vector<onnx::Value>& want, const std::vector<onnx::Value>& got) {
  if (want.size() != got.size()) return false;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (want[i].type != got[i].type || want[i].sequence.size() != got[i].sequence.size()) return false;
    if (want[i].type == onnx::Value::Type::tensor && !same(want[i].tensor, got[i].tensor)) return false;
    for (std::size_t j = 0; j < want[i].sequence.size(); ++j)
      if (!same(want[i].sequence[j], got[i].sequence[j])) return false;
  }
  return true;
}

std::string verdict(EngineProcess& process, const OfficialCase& c, std::string& why) {
  onnx::wire::Request load{onnx::wire::Verb::load, c.model, 0, {}};
  auto loaded = process.ask(load);
  if (!loaded) return "died";
  if (loaded->status != onnx::wire::Status::ok) {
    why = loaded->message;
    return fmt::format("load refused ({})", static_cast<int>(loaded->status));
  }
  onnx::wire::Request run{onnx::wire::Verb::run, {}, 0, c.inputs};
  auto ran = process.ask(run);
  if (!ran) return "died";
  why = ran->message;
  if (ran->status != onnx::wire::Status::ok) return fmt::format("run refused ({})", static_cast<int>(ran->status));
  if (!same(c.outputs, ran->outputs)) return "different";
  return ran->message.empty() ? "pass" : "pass after repair";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    fmt::print(stderr, "suite_run DATA_DIR WORKERS -- COMMAND...\n");
    return 2;
  }
  using Timer = std::chrono::steady_clock;
  const auto ms = [](Timer::time_point from) {
    return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(Timer::now() - from).count()) /
           1e3;
  };
  auto start = Timer::now();
  std::vector<OfficialCase> cases;
  std::size_t unread = 0;
  for (const auto& entry : fs::recursive_directory_iterator(argv[1])) {
    if (entry.path().filename() != "model.onnx") continue;
    if (auto c = read_official_case(entry.path().parent_path())) {
      cases.push_back(std::move(*c));
    } else {
      fmt::print(stderr, "unread: {}: {}\n", entry.path().string(), c.error().text());
      ++unread;
    }
  }
  fmt::print("{} cases read, {} not, {:.0f} ms\n", cases.size(), unread, ms(start));
  const std::vector<std::string> command(argv + 4, argv + argc);
  start = Timer::now();
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::map<std::string, int> counts;
  std::vector<std::thread> threads;
  for (int t = 0; t < std::atoi(argv[2]); ++t)
    threads.emplace_back([&] {
      auto process = std::make_unique<EngineProcess>(command);
      for (std::size_t i; (i = next++) < cases.size();) {
        std::string why;
        const std::string v = verdict(*process, cases[i], why);
        if (v == "died") process = std::make_unique<EngineProcess>(command);
        const std::lock_guard lock(mutex);
        ++counts[v];
        if (v != "pass") fmt::print(stderr, "{}\t{}\t{}\n", cases[i].name, v, why.substr(0, 200));
      }
    });
  for (std::thread& t : threads) t.join();
  fmt::print("{} workers, {:.0f} ms\n", argv[2], ms(start));
  for (const auto& [v, n] : counts) fmt::print("  {:5} {}\n", n, v);
  return 0;
}
