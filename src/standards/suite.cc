#include "standards/suite.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "base/text_match.h"
#include "crypto/hash.h"
#include "standards/reasons.h"

namespace hz::standards {
namespace {

constexpr std::string_view kinds[] = {"node", "pytorch-converted", "pytorch-operator", "simple"};

struct Reading {
  Case item;
  std::vector<std::string> file_lines;  // "<sha256> <path>\n"
  std::size_t bytes = 0;
};

class CaseReader {
 public:
  CaseReader(const fs::path& folder, std::string name, const Errata& errata, const SuiteLimits& limits)
      : folder_(folder), limits_(limits) {
    out_.item.name = std::move(name);
    out_.item.erratum = errata.find(out_.item.name);
  }

  Result<Reading> read() {
    Case& c = out_.item;
    c.model = HZ_TRY(file("model.onnx"));
    const auto model = onnx::decode_model(c.model, {.size_bytes_max = limits_.file_bytes_max});
    if (!model) return fail(why("standards.suite"), "{}/model.onnx: {}", c.name, model.error().text());
    std::set<std::string> held;
    for (const auto& tensor : model->graph.initializers) held.insert(tensor.name);
    for (const auto& input : model->graph.inputs)
      if (!held.contains(input.name)) c.graph_inputs.push_back(input);
    c.graph_outputs = model->graph.outputs;
    c.inputs = HZ_TRY(values("input", c.graph_inputs));
    c.expected = HZ_TRY(values("output", c.graph_outputs));
    c.opset = model->opset("");
    c.key = key(*model);
    return std::move(out_);
  }

 private:
  Result<Bytes> file(const std::string& name) {
    const std::string path = out_.item.name + "/" + name;
    auto bytes = read_file(folder_ / path, limits_.file_bytes_max);
    if (!bytes) return fail(why("standards.suite"), "{}", bytes.error().detail);
    out_.file_lines.push_back(fmt::format("{} {}\n", hex(crypto::sha256(*bytes)), path));
    out_.bytes += bytes->size();
    return bytes;
  }

  Result<std::vector<onnx::Value>> values(std::string_view what, const std::vector<onnx::ValueInfo>& declared) {
    std::vector<onnx::Value> out;
    for (std::size_t i = 0;; ++i) {
      const std::string name = fmt::format("test_data_set_0/{}_{}.pb", what, i);
      std::error_code ignored;
      if (!fs::exists(folder_ / out_.item.name / name, ignored)) return out;
      if (i >= limits_.values_max || i >= declared.size())
        return fail(why("standards.suite"), "{}/{}: the graph declares {} of them, the limit is {}", out_.item.name,
                    name, declared.size(), limits_.values_max);
      const Bytes bytes = HZ_TRY(file(name));
      auto value = onnx::decode_value(bytes, declared[i], {.size_bytes_max = limits_.file_bytes_max});
      if (!value) return fail(why("standards.suite"), "{}/{}: {}", out_.item.name, name, value.error().text());
      repair(*value, declared[i]);
      const bool plain = value->type == onnx::Value::Type::tensor && declared[i].is_tensor &&
                         value->tensor.dtype != onnx::Dtype::bfloat16;
      out_.item.tensors_only = out_.item.tensors_only && plain;
      value->name = declared[i].name;
      value->tensor.name = declared[i].name;
      out.push_back(*std::move(value));
    }
  }

  void repair(onnx::Value& value, const onnx::ValueInfo& declared) const {
    const Erratum* erratum = out_.item.erratum;
    if (!erratum || erratum->repair != Repair::uint16_is_bfloat16) return;
    if (declared.dtype != onnx::Dtype::bfloat16 || value.tensor.dtype != onnx::Dtype::uint16) return;
    value.tensor.dtype = onnx::Dtype::bfloat16;
    // The same release flattened some of them.
    onnx::Tensor shaped;
    shaped.shape = declared.shape;
    const bool known = declared.has_shape && std::ranges::all_of(declared.shape, [](std::int64_t d) { return d >= 0; });
    if (known && shaped.count() == value.tensor.count()) value.tensor.shape = declared.shape;
  }

  OperatorKey key(const onnx::Model& model) const {
    OperatorKey out;
    for (const auto& node : model.graph.nodes) {
      // Constants only feed the operator under test.
      if (node.op_type == "Constant" && model.graph.nodes.size() > 1) continue;
      if (!out.op_type.empty() && (out.op_type != node.op_type || out.domain != node.domain)) return OperatorKey{};
      out.op_type = node.op_type;
      out.domain = node.domain == "ai.onnx" ? "" : node.domain;
    }
    out.opset = model.opset(out.domain);
    for (const auto* list : {&out_.item.inputs, &out_.item.expected})
      for (const auto& value : *list) {
        const auto& tensor =
            value.type == onnx::Value::Type::sequence && !value.sequence.empty() ? value.sequence[0] : value.tensor;
        if (tensor.dtype == onnx::Dtype::undefined) continue;
        out.dtype = onnx::dtype_name(tensor.dtype);
        return out;
      }
    return out;
  }

  const fs::path& folder_;
  const SuiteLimits& limits_;
  Reading out_;
};

Result<std::vector<std::string>> case_names(const fs::path& folder, const std::vector<std::string>& only,
                                            const SuiteLimits& limits) {
  std::vector<std::string> names;
  std::size_t seen = 0;
  for (const std::string_view kind : kinds) {
    std::error_code error;
    for (fs::directory_iterator it(folder / kind, error), end; !error && it != end; it.increment(error)) {
      const std::string name = fmt::format("{}/{}", kind, it->path().filename().string());
      if (!fs::exists(it->path() / "model.onnx", error)) continue;
      if (++seen > limits.cases_max) return fail(why("standards.suite"), "more than {} cases", limits.cases_max);
      const bool wanted = only.empty() || std::ranges::any_of(only, [&](const std::string& pattern) {
                            return glob(pattern, name) || glob(pattern, it->path().filename().string());
                          });
      if (wanted) names.push_back(name);
    }
  }
  if (seen == 0) return fail(why("standards.no_suite"), "{} holds no cases", folder.string());
  if (names.empty()) return fail(why("standards.pattern"), "{} of {} cases match", 0, seen);
  std::ranges::sort(names);
  return names;
}

}  // namespace

Result<Suite> read_suite(const fs::path& folder, const std::vector<std::string>& only, const Errata& errata, int jobs,
                         const SuiteLimits& limits) {
  const auto started = std::chrono::steady_clock::now();
  const std::vector<std::string> names = HZ_TRY(case_names(folder, only, limits));
  std::vector<std::optional<Result<Reading>>> readings(names.size());
  std::atomic<std::size_t> next = 0, total_bytes = 0;
  const auto work = [&] {
    for (std::size_t i = 0; (i = next.fetch_add(1)) < names.size() && total_bytes <= limits.total_bytes_max;) {
      readings[i] = CaseReader(folder, names[i], errata, limits).read();
      if (*readings[i]) total_bytes += (*readings[i])->bytes;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < jobs; ++i) threads.emplace_back(work);
    work();
  }
  if (total_bytes > limits.total_bytes_max)
    return fail(why("standards.suite"), "more than {} bytes in all", limits.total_bytes_max);
  Suite suite;
  suite.folder = folder;
  suite.bytes = total_bytes;
  crypto::Sha256 hash;
  for (auto& reading : readings) {
    Reading one = HZ_TRY(*std::move(reading));
    for (const std::string& line : one.file_lines) hash.update(as_bytes(line));
    suite.cases.push_back(std::move(one.item));
  }
  suite.digest = hex(hash.finish());
  suite.read_us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started).count();
  return suite;
}

}  // namespace hz::standards
