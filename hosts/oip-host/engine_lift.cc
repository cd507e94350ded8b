// Operator-set conversion with the version converter of libonnx. It computes nothing; it only rewrites models.
#include <onnx/onnx_pb.h>
#include <onnx/version_converter/convert.h>

#include <dlfcn.h>

#include "base/fs.h"
#include "engine.h"
#include "reasons.h"

namespace hz::host {
namespace {

Result<Bytes> converted(ByteView model, std::int64_t opset) {
  ::onnx::ModelProto proto;
  if (!proto.ParseFromArray(model.data(), static_cast<int>(model.size())))
    return fail(why("host.invalid"), "the model of {} bytes is not an ONNX file", model.size());
  const ::onnx::ModelProto out = ::onnx::version_conversion::ConvertVersion(proto, static_cast<int>(opset));
  Bytes bytes(out.ByteSizeLong());
  if (!out.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(why("host.internal"), "the converted model cannot be written");
  return bytes;
}

class LiftEngine final : public Engine {
 public:
  Facts facts() override {
    Dl_info where{};
    std::string path;
    if (::dladdr(reinterpret_cast<void*>(&::onnx::version_conversion::ConvertVersion), &where) != 0) {
      std::error_code ignored;
      path = fs::canonical(where.dli_fname, ignored).string();
    }
    // Debian's library carries no version symbol; the operator set it ends at tells releases apart.
    const int newest = ::onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map().at("").second;
    return {"lift", fmt::format("opset {}", newest), path, file_digest(path)};
  }

  Result<std::unique_ptr<LoadedModel>> load(ByteView) override {
    return fail(why("host.unsupported"), "the lift engine only converts models");
  }

  Result<Bytes> lift(ByteView model, std::int64_t opset) override {
    if (opset < 1 || opset > 1000) return fail(why("host.invalid"), "operator set {}", opset);
    if (model.size() > (1u << 30)) return fail(why("host.resource"), "a model of {} bytes", model.size());
    try {
      return converted(model, opset);
    } catch (const std::exception& e) {
      return fail(why("host.unsupported"), "{}", e.what());
    }
  }
};

}  // namespace

Result<std::unique_ptr<Engine>> open_lift(const EngineOptions&) { return std::make_unique<LiftEngine>(); }

}  // namespace hz::host
