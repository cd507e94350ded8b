// OpenCV's DNN module. It computes in float32 and knows no tensor of rank below two, so the adapter says what it
// changed: inputs of other types are converted when every value survives, rank-0 and rank-1 outputs get their declared
// shape back, and each such repair stands in the outcome's note. Output types are reported as OpenCV produced them.
#include <dlfcn.h>

#include <cmath>
#include <cstring>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>

#include "base/fs.h"
#include "engine.h"
#include "reasons.h"

namespace hz::host {
namespace {

using onnx::Dtype;

void add_note(std::string& note, const std::string& more) { note += (note.empty() ? "" : "; ") + more; }

template <class T>
Result<void> copy_as_float(const onnx::Tensor& from, const std::string& name, float* to) {
  for (std::size_t i = 0; i < from.count(); ++i) {
    T value;
    std::memcpy(&value, from.data.data() + i * sizeof(T), sizeof(T));
    to[i] = static_cast<float>(value);
    if (static_cast<long double>(to[i]) != static_cast<long double>(value))
      return fail(why("host.unsupported"), "{}: element {} of {} is not exact in float32, the only type OpenCV takes",
                  name, i, onnx::dtype_name(from.dtype));
  }
  return {};
}

Result<cv::Mat> to_mat(const onnx::Tensor& tensor, const std::string& name, std::string& note) {
  std::vector<int> shape;
  for (const std::int64_t dim : tensor.shape) {
    if (dim == 0 || dim > (1 << 30))
      return fail(why("host.unsupported"), "{}: OpenCV has no tensor with a dim of {}", name, dim);
    shape.push_back(static_cast<int>(dim));
  }
  constexpr std::size_t rank_max = 32;  // cv::Mat
  if (shape.size() > rank_max) return fail(why("host.unsupported"), "{}: rank {}", name, shape.size());
  if (shape.empty()) shape = {1};
  cv::Mat mat(static_cast<int>(shape.size()), shape.data(), CV_32F);
  float* to = mat.ptr<float>();
  switch (tensor.dtype) {
    case Dtype::float32:
      std::memcpy(to, tensor.data.data(), tensor.data.size());
      return mat;
    case Dtype::float64:
      HZ_TRY(copy_as_float<double>(tensor, name, to));
      break;
    case Dtype::int8:
      HZ_TRY(copy_as_float<std::int8_t>(tensor, name, to));
      break;
    case Dtype::int16:
      HZ_TRY(copy_as_float<std::int16_t>(tensor, name, to));
      break;
    case Dtype::int32:
      HZ_TRY(copy_as_float<std::int32_t>(tensor, name, to));
      break;
    case Dtype::int64:
      HZ_TRY(copy_as_float<std::int64_t>(tensor, name, to));
      break;
    case Dtype::uint8:
    case Dtype::boolean:
      HZ_TRY(copy_as_float<std::uint8_t>(tensor, name, to));
      break;
    case Dtype::uint16:
      HZ_TRY(copy_as_float<std::uint16_t>(tensor, name, to));
      break;
    case Dtype::uint32:
      HZ_TRY(copy_as_float<std::uint32_t>(tensor, name, to));
      break;
    case Dtype::uint64:
      HZ_TRY(copy_as_float<std::uint64_t>(tensor, name, to));
      break;
    default:
      return fail(why("host.unsupported"), "{}: OpenCV takes float32, not {}", name, onnx::dtype_name(tensor.dtype));
  }
  add_note(note, fmt::format("coerced {} {} to float32", name, onnx::dtype_name(tensor.dtype)));
  return mat;
}

Dtype dtype_of(int depth) {
  switch (depth) {
    case CV_8U:
      return Dtype::uint8;
    case CV_8S:
      return Dtype::int8;
    case CV_16U:
      return Dtype::uint16;
    case CV_16S:
      return Dtype::int16;
    case CV_32S:
      return Dtype::int32;
    case CV_32F:
      return Dtype::float32;
    case CV_64F:
      return Dtype::float64;
    case CV_16F:
      return Dtype::float16;
    default:
      return Dtype::undefined;
  }
}

Result<onnx::Value> from_mat(const cv::Mat& mat, const onnx::ValueInfo& declared, std::string& note) {
  onnx::Value out;
  out.type = onnx::Value::Type::tensor;
  out.name = out.tensor.name = declared.name;
  out.tensor.dtype = dtype_of(mat.depth());
  if (mat.empty() || mat.channels() != 1 || out.tensor.dtype == Dtype::undefined)
    return fail(why("host.internal"), "{}: OpenCV gave an empty or many-channel output", declared.name);
  for (int i = 0; i < mat.dims; ++i) out.tensor.shape.push_back(mat.size[i]);
  const cv::Mat flat = mat.isContinuous() ? mat : mat.clone();
  out.tensor.data.assign(flat.datastart, flat.datastart + flat.total() * flat.elemSize());
  if (declared.has_shape && declared.shape.size() < 2 && mat.dims == 2) {
    std::vector<std::int64_t> shape = declared.shape;
    if (shape.size() == 1 && shape[0] < 0) shape[0] = static_cast<std::int64_t>(flat.total());
    const std::size_t count = shape.empty() ? 1 : static_cast<std::size_t>(shape[0]);
    if (count == flat.total()) {
      add_note(note, fmt::format("{} reshaped from rank 2 to rank {}", declared.name, shape.size()));
      out.tensor.shape = std::move(shape);
    }
  }
  return out;
}

class OpencvModel final : public LoadedModel {
 public:
  OpencvModel(cv::dnn::Net net, Signature signature) : net_(std::move(net)), signature_(std::move(signature)) {}
  const Signature& signature() const override { return signature_; }

  Result<Outcome> run(const std::vector<onnx::Value>& inputs) override {
    if (inputs.size() != signature_.inputs.size())
      return fail(why("host.invalid"), "{} inputs, the model has {}", inputs.size(), signature_.inputs.size());
    try {
      return attempt(inputs);
    } catch (const cv::Exception& e) {
      if (e.code == cv::Error::StsNoMem) return fail(why("host.resource"), "{}", e.err);
      return fail(why("host.internal"), "{} ({}:{})", e.err, e.func, e.line);
    } catch (const std::exception& e) {
      return fail(why("host.internal"), "{}", e.what());
    }
  }

 private:
  Result<Outcome> attempt(const std::vector<onnx::Value>& inputs) {
    Outcome out;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].type != onnx::Value::Type::tensor)
        return fail(why("host.unsupported"), "{}: OpenCV takes tensors only", inputs[i].name);
      net_.setInput(HZ_TRY(to_mat(inputs[i].tensor, signature_.inputs[i].name, out.note)), signature_.inputs[i].name);
    }
    const std::vector<cv::Mat> mats = HZ_TRY(forward());
    for (std::size_t i = 0; i < mats.size(); ++i)
      out.outputs.push_back(HZ_TRY(from_mat(mats[i], signature_.outputs[i], out.note)));
    return out;
  }

  // Outputs by the names of the graph. Some importers keep only layer names: then a single output is still beyond
  // doubt, several are not.
  Result<std::vector<cv::Mat>> forward() {
    std::vector<cv::Mat> mats;
    std::vector<cv::String> names;
    for (const auto& output : signature_.outputs) names.push_back(output.name);
    if (by_graph_name_) {
      try {
        net_.forward(mats, names);
        return mats;
      } catch (const cv::Exception& e) {
        if (e.err.find("Requested layer") == std::string::npos && e.err.find("layer") == std::string::npos) throw;
        by_graph_name_ = false;
      }
    }
    names = net_.getUnconnectedOutLayersNames();
    if (names.size() != 1 || signature_.outputs.size() != 1)
      return fail(why("host.unsupported"), "OpenCV lost the names of {} outputs", signature_.outputs.size());
    net_.forward(mats, names);
    return mats;
  }

  cv::dnn::Net net_;
  Signature signature_;
  bool by_graph_name_ = true;
};

class OpencvEngine final : public Engine {
 public:
  Facts facts() override {
    Dl_info where{};
    std::string path;
    using Reader = cv::dnn::Net (*)(const char*, std::size_t);
    if (::dladdr(reinterpret_cast<void*>(static_cast<Reader>(&cv::dnn::readNetFromONNX)), &where) != 0) {
      std::error_code ignored;
      path = fs::canonical(where.dli_fname, ignored).string();
    }
    return {"opencv", cv::getVersionString(), path, file_digest(path)};
  }

  Result<std::unique_ptr<LoadedModel>> load(ByteView model) override {
    Signature signature = HZ_TRY(declared_signature(model));
    try {
      cv::dnn::Net net = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(model.data()), model.size());
      if (net.empty()) return fail(why("host.unsupported"), "OpenCV read no network");
      net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
      net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
      return std::make_unique<OpencvModel>(std::move(net), std::move(signature));
    } catch (const cv::Exception& e) {
      return fail(why("host.unsupported"), "{} ({}:{})", e.err, e.func, e.line);
    } catch (const std::exception& e) {
      return fail(why("host.unsupported"), "{}", e.what());
    }
  }
};

int stay_silent(int, const char*, const char*, const char*, int, void*) { return 0; }

}  // namespace

Result<std::unique_ptr<Engine>> open_opencv(const EngineOptions& options) {
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  cv::redirectError(&stay_silent);
  cv::setNumThreads(options.intra_threads);
  return std::make_unique<OpencvEngine>();
}

}  // namespace hz::host
