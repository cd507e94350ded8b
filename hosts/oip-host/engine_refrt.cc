// The alliance's own reference runtime. It is part of this program, so its library is the program itself.
#include "engine.h"
#include "reasons.h"

#if HZ_HAVE_REFRT
#include "base/fs.h"
#include "refrt/refrt.h"
#endif

namespace hz::host {

#if HZ_HAVE_REFRT
namespace {

// refrt has reasons of its own; the line and the protocol know four classes.
std::unexpected<Error> translated(const Error& error) {
  switch (error.reason->code) {
    case Code::unsupported:
      return fail(why("host.unsupported"), "{}", error.detail);
    case Code::invalid:
      return fail(why("host.invalid"), "{}", error.detail);
    case Code::exhausted:
      return fail(why("host.resource"), "{}", error.detail);
    default:
      return fail(why("host.internal"), "{}", error.text());
  }
}

class RefrtModel final : public LoadedModel {
 public:
  RefrtModel(refrt::Session session, Signature signature)
      : session_(std::move(session)), signature_(std::move(signature)) {}
  const Signature& signature() const override { return signature_; }

  Result<Outcome> run(const std::vector<onnx::Value>& inputs) override {
    if (inputs.size() != signature_.inputs.size())
      return fail(why("host.invalid"), "{} inputs, the model has {}", inputs.size(), signature_.inputs.size());
    auto outputs = session_.run(inputs);
    if (!outputs) return translated(outputs.error());
    return Outcome{std::move(*outputs), ""};
  }

 private:
  refrt::Session session_;
  Signature signature_;
};

class RefrtEngine final : public Engine {
 public:
  Facts facts() override {
    std::error_code ignored;
    const std::string program = fs::read_symlink("/proc/self/exe", ignored).string();
    return {"refrt", HZ_VERSION, program, file_digest(program)};
  }

  Result<std::unique_ptr<LoadedModel>> load(ByteView bytes) override {
    auto model = onnx::decode_model(bytes);
    if (!model) return translated(model.error());
    Signature signature = signature_of(*model);
    auto session = refrt::Session::load(std::move(*model));
    if (!session) return translated(session.error());
    return std::make_unique<RefrtModel>(std::move(*session), std::move(signature));
  }
};

}  // namespace

Result<std::unique_ptr<Engine>> open_refrt(const EngineOptions&) { return std::make_unique<RefrtEngine>(); }
#else
Result<std::unique_ptr<Engine>> open_refrt(const EngineOptions&) {
  return fail(why("host.library"), "this build has no refrt");
}
#endif

}  // namespace hz::host
