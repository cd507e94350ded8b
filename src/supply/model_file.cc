#include "supply/model_file.h"

#include <map>

namespace hz::supply {

namespace {

using Counts = std::map<std::pair<std::string, std::string>, std::int64_t>;  // (domain, operator)

// decode_model has bounded the nesting.
void count(const onnx::Graph& graph, Counts& out) {
  for (const onnx::Node& node : graph.nodes) {
    ++out[{node.domain == "ai.onnx" ? "" : node.domain, node.op_type}];
    for (const onnx::Attribute& attribute : node.attributes)
      if (attribute.g) count(*attribute.g, out);
  }
}

}  // namespace

Facts model_facts(const onnx::Model& model, const std::string& digest, const std::string& file_name) {
  Facts out;
  NodeFact node;
  node.node = "model:" + digest;
  node.type = "model";
  node.name = file_name;
  if (!model.producer_name.empty())
    node.notes.push_back(
        {"producer",
         model.producer_version.empty() ? model.producer_name : model.producer_name + " " + model.producer_version,
         {}});
  for (const onnx::OpsetImport& opset : model.opsets)
    node.notes.push_back(
        {"opset", fmt::format("{} {}", opset.domain.empty() ? "ai.onnx" : opset.domain, opset.version), {}});
  out.nodes.push_back(std::move(node));
  Counts counts;
  count(model.graph, counts);
  for (const auto& [op, times] : counts) out.model_ops.push_back({op.second, op.first, model.opset(op.first), times});
  return out;
}

}  // namespace hz::supply
