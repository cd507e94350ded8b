// The reference runtime on the four demo products: whole golden sets, one case per run and in batches of 64, and
// whether the answers are the reference's.
#include <fmt/core.h>

#include <chrono>

#include "base/fs.h"
#include "refrt/refrt.h"
#include "refrt/wide.h"
#include "standards/golden.h"

using namespace hz;

namespace {

struct Timing {
  double ms = 0;
  standards::Judgement judgement;
};

Result<Timing> run(const refrt::Session& session, const standards::Golden& golden, std::size_t batch) {
  std::vector<float> logits;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t first = 0; first < golden.cases; first += batch) {
    onnx::Value value;
    value.type = onnx::Value::Type::tensor;
    value.tensor = golden.batch(first, std::min(batch, golden.cases - first));
    const auto out = HZ_TRY(session.run(std::span(&value, 1)));
    const auto answers = refrt::view<float>(out.at(0).tensor);
    logits.insert(logits.end(), answers.begin(), answers.end());
  }
  const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
  return Timing{ms.count(), standards::judge_golden(golden, logits, 0, false)};
}

}  // namespace

int main() {
  const char* source = std::getenv("HZ_SOURCE");
  const fs::path folder = fs::path(source ? source : ".") / "examples/alliance/products";
  double slowest = 0;
  bool ok = true;
  fmt::print("{:10} {:>6} {:>16} {:>16} {:>10}  {}\n", "product", "cases", "one by one, ms", "batch of 64, ms",
             "quality", "verdict");
  for (const std::string name : {"glyph", "keyword", "intent", "reach"}) {
    const auto go = [&]() -> Result<void> {
      const auto golden = HZ_TRY(standards::decode_golden(HZ_TRY(read_file(folder / (name + ".golden"), 256u << 20))));
      const auto session = HZ_TRY(
          refrt::Session::load(HZ_TRY(onnx::decode_model(HZ_TRY(read_file(folder / (name + ".onnx"), 64u << 20))))));
      const Timing one = HZ_TRY(run(session, golden, 1)), many = HZ_TRY(run(session, golden, 64));
      const double per_thousand = one.ms * 1000 / static_cast<double>(golden.cases);
      slowest = std::max(slowest, per_thousand);
      ok = ok && many.judgement.verdict == standards::Verdict::strict &&
           one.judgement.verdict == standards::Verdict::strict;
      fmt::print("{:10} {:>6} {:>16.0f} {:>16.0f} {:>10}  {}\n", name, golden.cases, one.ms, many.ms,
                 one.judgement.quality_milli,
                 one.judgement.verdict == standards::Verdict::strict ? "strict" : one.judgement.worst);
      return {};
    };
    if (const auto done = go(); !done) {
      fmt::print("{}: {}\n", name, done.error().text());
      ok = false;
    }
  }
  ok = ok && slowest <= 3000;
  fmt::print(
      "{{\"id\":\"refrt_products\",\"value\":{:.0f},\"unit\":\"ms per 1000 cases, slowest product\",\"goal\":3000,"
      "\"peer\":null,\"ratio\":null,\"ok\":{}}}\n",
      slowest, ok);
  return ok ? 0 : 1;
}
