// Gives inputs back as outputs: the cheapest cheater, and the cheapest engine that does not fail.
#include "engine.h"

namespace hz::host {
namespace {

class EchoModel final : public LoadedModel {
 public:
  explicit EchoModel(Signature signature) : signature_(std::move(signature)) {}
  const Signature& signature() const override { return signature_; }

  Result<Outcome> run(const std::vector<onnx::Value>& inputs) override {
    Outcome out;
    for (std::size_t i = 0; i < signature_.outputs.size(); ++i) {
      onnx::Value value;
      if (!inputs.empty()) value = inputs[i % inputs.size()];
      value.name = value.tensor.name = signature_.outputs[i].name;
      out.outputs.push_back(std::move(value));
    }
    return out;
  }

 private:
  Signature signature_;
};

class EchoEngine final : public Engine {
 public:
  Facts facts() override { return {"echo", "1", "", ""}; }
  Result<std::unique_ptr<LoadedModel>> load(ByteView model) override {
    return std::make_unique<EchoModel>(HZ_TRY(declared_signature(model)));
  }
};

}  // namespace

Result<std::unique_ptr<Engine>> open_echo(const EngineOptions&) { return std::make_unique<EchoEngine>(); }

}  // namespace hz::host
