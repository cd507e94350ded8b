// A real process that misbehaves, for the tests of everything that has to survive one.
//
// `--engine faulty --fault F --every N --inner E`: engine E answers, and on every N-th run the fault strikes. Faults
// here change the answer or the process; garbage, half_reply and drip strike on the line itself (worker.cc) and pass
// through.
//   crash        the process dies of SIGSEGV            slow         answers after --slow-ms
//   hang         never answers                          constant     zeros of the right dtype and shape
//   oom          takes memory until it is refused       previous     the answer of the run before
//   wrong_shape  one more leading dim                   wrong_dtype  the same bytes under another name
//   echo         the inputs as outputs                  nan          every float is NaN
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "engine.h"
#include "reasons.h"

namespace hz::host {
namespace {

constexpr std::string_view faults[] = {"crash",       "hang",        "oom", "slow",    "constant",   "previous", "echo",
                                       "wrong_shape", "wrong_dtype", "nan", "garbage", "half_reply", "drip"};

// Touches memory until an allocation fails, then dies as engines do. Stops at 2 GiB where nothing limits the process.
Result<void> eat_memory() {
  constexpr std::size_t step = 64u << 20;
  std::vector<std::unique_ptr<std::uint8_t[]>> eaten;
  for (std::size_t total = 0; total < (2u << 30); total += step) {
    std::uint8_t* block = new (std::nothrow) std::uint8_t[step];
    if (block == nullptr) std::abort();
    for (std::size_t i = 0; i < step; i += 4096) block[i] = 1;
    eaten.emplace_back(block);
  }
  return fail(why("host.resource"), "2 GiB taken and no limit met");
}

// A dtype of the same width, so that only the name is wrong.
onnx::Dtype another(onnx::Dtype dtype) {
  using enum onnx::Dtype;
  switch (dtype) {
    case float32:
      return int32;
    case int32:
      return float32;
    case int64:
      return float64;
    case float64:
      return int64;
    case boolean:
      return uint8;
    case uint8:
      return int8;
    default:
      return dtype;
  }
}

class FaultyModel final : public LoadedModel {
 public:
  FaultyModel(std::unique_ptr<LoadedModel> inner, const EngineOptions& options, int& runs)
      : inner_(std::move(inner)), options_(options), runs_(runs) {}
  const Signature& signature() const override { return inner_->signature(); }

  Result<Outcome> run(const std::vector<onnx::Value>& inputs) override {
    const bool strikes = ++runs_ % options_.every == 0;
    const std::string& fault = options_.fault;
    if (strikes && fault == "crash") {
      std::signal(SIGSEGV, SIG_DFL);
      std::raise(SIGSEGV);
    }
    while (strikes && fault == "hang") ::pause();
    if (strikes && fault == "oom") HZ_TRY(eat_memory());
    if (strikes && fault == "slow") std::this_thread::sleep_for(std::chrono::milliseconds(options_.slow_ms));
    Outcome out = HZ_TRY(inner_->run(inputs));
    const Outcome right = out;
    if (strikes && fault == "previous" && !previous_.outputs.empty()) out = previous_;
    for (std::size_t i = 0; strikes && i < out.outputs.size(); ++i) {
      onnx::Tensor& tensor = out.outputs[i].tensor;
      if (fault == "constant") tensor.data.assign(tensor.data.size(), 0);
      if (fault == "wrong_shape") tensor.shape.insert(tensor.shape.begin(), 1);
      if (fault == "wrong_dtype") tensor.dtype = another(tensor.dtype);
      if (fault == "nan" && tensor.dtype == onnx::Dtype::float32) tensor.data.assign(tensor.data.size(), 0xff);
      if (fault == "echo" && !inputs.empty()) {
        const std::string name = tensor.name;
        tensor = inputs[i % inputs.size()].tensor;
        tensor.name = name;
      }
    }
    previous_ = right;
    return out;
  }

 private:
  std::unique_ptr<LoadedModel> inner_;
  const EngineOptions& options_;
  int& runs_;
  Outcome previous_;
};

class FaultyEngine final : public Engine {
 public:
  FaultyEngine(std::unique_ptr<Engine> inner, EngineOptions options)
      : inner_(std::move(inner)), options_(std::move(options)) {}
  Facts facts() override { return {"faulty", options_.fault, "", ""}; }
  Result<std::unique_ptr<LoadedModel>> load(ByteView model) override {
    return std::make_unique<FaultyModel>(HZ_TRY(inner_->load(model)), options_, runs_);
  }

 private:
  std::unique_ptr<Engine> inner_;
  EngineOptions options_;
  int runs_ = 0;
};

}  // namespace

Result<std::unique_ptr<Engine>> open_faulty(const EngineOptions& options) {
  bool known = false;
  for (const std::string_view fault : faults) known = known || fault == options.fault;
  if (!known) return fail(why("host.usage"), "--fault {}: no such fault", options.fault);
  EngineOptions inner = options;
  inner.name = options.inner;
  if (inner.name == "faulty") return fail(why("host.usage"), "--inner faulty");
  return std::make_unique<FaultyEngine>(HZ_TRY(open_engine(inner)), options);
}

}  // namespace hz::host
