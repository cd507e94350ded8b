// ONNX messages by field number, from onnx.proto (IR version 3 to 13). Fields nobody here needs are skipped.
#include "onnx/model.h"

#include <algorithm>
#include <limits>

#include "onnx/protobuf.h"
#include "onnx/tensor_reader.h"

namespace hz::onnx {

using protobuf::Budget;
using protobuf::Reader;

const Attribute* Node::find(std::string_view attribute) const {
  const auto it = std::ranges::find(attributes, attribute, &Attribute::name);
  return it == attributes.end() ? nullptr : &*it;
}

std::int64_t Model::opset(std::string_view wanted) const {
  const auto plain = [](std::string_view d) { return d == "ai.onnx" ? std::string_view() : d; };
  for (const OpsetImport& import : opsets)
    if (plain(import.domain) == plain(wanted)) return import.version;
  return 0;
}

namespace {

// AttributeProto.AttributeType
constexpr std::int32_t type_float = 1, type_int = 2, type_string = 3, type_tensor = 4, type_graph = 5, type_floats = 6,
                       type_ints = 7, type_strings = 8;

// Singular messages may not stand twice: protobuf would merge them, and two readers would see two models.
template <class T>
Result<void> once(const Reader& in, std::string_view what, const T& present) {
  if (present) return in.malformed(what, "stands twice");
  return {};
}

Result<void> read_shape(Reader in, ValueInfo& out) {
  out.has_shape = true;
  while (HZ_TRY(in.next())) {
    if (in.field() != 1) {
      HZ_TRY(in.skip());
      continue;
    }
    Reader dim = HZ_TRY(in.message("dim", static_cast<std::int64_t>(out.shape.size())));
    std::int64_t size = -1;
    while (HZ_TRY(dim.next())) {
      if (dim.field() == 1)
        size = std::max<std::int64_t>(-1, HZ_TRY(dim.int64("dim_value")));
      else
        HZ_TRY(dim.skip());
    }
    out.shape.push_back(size);
  }
  return {};
}

// TypeProto. A sequence or optional fills dtype and shape from its innermost tensor.
Result<void> read_type(Reader in, ValueInfo& out) {
  while (HZ_TRY(in.next())) {
    switch (in.field()) {
      case 1: {  // tensor_type
        Reader tensor = HZ_TRY(in.message("tensor_type"));
        while (HZ_TRY(tensor.next())) {
          if (tensor.field() == 1) {
            out.dtype = known_dtype(HZ_TRY(tensor.int32("elem_type")));
          } else if (tensor.field() == 2) {
            HZ_TRY(once(tensor, "shape", out.has_shape));
            HZ_TRY(read_shape(HZ_TRY(tensor.message("shape")), out));
          } else {
            HZ_TRY(tensor.skip());
          }
        }
        break;
      }
      case 4:    // sequence_type
      case 9: {  // optional_type
        out.is_tensor = false;
        (in.field() == 4 ? out.is_sequence : out.is_optional) = true;
        Reader wrapper = HZ_TRY(in.message(in.field() == 4 ? "sequence_type" : "optional_type"));
        while (HZ_TRY(wrapper.next())) {
          if (wrapper.field() == 1)
            HZ_TRY(read_type(HZ_TRY(wrapper.message("elem_type")), out));
          else
            HZ_TRY(wrapper.skip());
        }
        break;
      }
      case 5:  // map_type
      case 7:  // opaque_type
      case 8:  // sparse_tensor_type
        out.is_tensor = false;
        HZ_TRY(in.skip());
        break;
      default:
        HZ_TRY(in.skip());
    }
  }
  return {};
}

Result<ValueInfo> read_value_info(Reader in) {
  ValueInfo out;
  bool typed = false;
  while (HZ_TRY(in.next())) {
    switch (in.field()) {
      case 1:
        out.name = HZ_TRY(in.text("name"));
        break;
      case 2:
        HZ_TRY(once(in, "type", typed));
        typed = true;
        HZ_TRY(read_type(HZ_TRY(in.message("type")), out));
        break;
      default:
        HZ_TRY(in.skip());
    }
  }
  return out;
}

Result<Graph> read_graph(Reader in, const Limits& limits);

Result<Attribute> read_attribute(Reader in, const Limits& limits) {
  Attribute out;
  std::int32_t seen = 0;  // files of IR version 1 state no type
  while (HZ_TRY(in.next())) {
    switch (in.field()) {
      case 1:
        out.name = HZ_TRY(in.text("name"));
        break;
      case 2:
        out.f = std::bit_cast<float>(HZ_TRY(in.fixed32("f")));
        seen = type_float;
        break;
      case 3:
        out.i = HZ_TRY(in.int64("i"));
        seen = type_int;
        break;
      case 4:
        out.s = HZ_TRY(in.blob("s"));
        seen = type_string;
        break;
      case 5:
        HZ_TRY(once(in, "t", out.t));
        out.t = HZ_TRY(read_tensor(HZ_TRY(in.message("t"))));
        seen = type_tensor;
        break;
      case 6:
        HZ_TRY(once(in, "g", out.g));
        out.g = std::make_shared<Graph>(HZ_TRY(read_graph(HZ_TRY(in.message("g")), limits)));
        seen = type_graph;
        break;
      case 7:
        HZ_TRY(in.fixed<float>("floats", [&](float v) { out.floats.push_back(v); }));
        seen = type_floats;
        break;
      case 8:
        HZ_TRY(in.varints("ints", [&](std::uint64_t v) { out.ints.push_back(static_cast<std::int64_t>(v)); }));
        seen = type_ints;
        break;
      case 9:
        HZ_TRY(in.item("strings"));
        out.strings.push_back(HZ_TRY(in.blob("strings")));
        seen = type_strings;
        break;
      case 20:
        out.type = HZ_TRY(in.int32("type"));
        break;
      default:
        HZ_TRY(in.skip());
    }
  }
  if (out.type == 0) out.type = seen;
  return out;
}

Result<Node> read_node(Reader in, const Limits& limits) {
  Node out;
  const auto count = [](const auto& list) { return static_cast<std::int64_t>(list.size()); };
  while (HZ_TRY(in.next())) {
    switch (in.field()) {
      case 1:
        HZ_TRY(in.item("input"));
        out.inputs.push_back(HZ_TRY(in.text("input")));
        break;
      case 2:
        HZ_TRY(in.item("output"));
        out.outputs.push_back(HZ_TRY(in.text("output")));
        break;
      case 3:
        out.name = HZ_TRY(in.text("name"));
        break;
      case 4:
        out.op_type = HZ_TRY(in.text("op_type"));
        break;
      case 5:
        out.attributes.push_back(
            HZ_TRY(read_attribute(HZ_TRY(in.message("attribute", count(out.attributes))), limits)));
        break;
      case 7:
        out.domain = HZ_TRY(in.text("domain"));
        break;
      default:
        HZ_TRY(in.skip());
    }
  }
  if (out.domain == "ai.onnx") out.domain.clear();
  return out;
}

Result<Graph> read_graph(Reader in, const Limits& limits) {
  Graph out;
  const auto infos = [&](std::string_view what, std::vector<ValueInfo>& list) -> Result<void> {
    list.push_back(HZ_TRY(read_value_info(HZ_TRY(in.message(what, static_cast<std::int64_t>(list.size()))))));
    return {};
  };
  while (HZ_TRY(in.next())) {
    switch (in.field()) {
      case 1:
        if (out.nodes.size() >= limits.nodes_max)
          return in.fail_here(why("onnx.limit"), "node", fmt::format("more than {} nodes", limits.nodes_max));
        out.nodes.push_back(
            HZ_TRY(read_node(HZ_TRY(in.message("node", static_cast<std::int64_t>(out.nodes.size()))), limits)));
        break;
      case 2:
        out.name = HZ_TRY(in.text("name"));
        break;
      case 5:
        out.initializers.push_back(
            HZ_TRY(read_tensor(HZ_TRY(in.message("initializer", static_cast<std::int64_t>(out.initializers.size()))))));
        break;
      case 11:
        HZ_TRY(infos("input", out.inputs));
        break;
      case 12:
        HZ_TRY(infos("output", out.outputs));
        break;
      case 13:
        HZ_TRY(infos("value_info", out.value_infos));
        break;
      default:
        HZ_TRY(in.skip());
    }
  }
  return out;
}

Result<OpsetImport> read_opset(Reader in) {
  OpsetImport out;
  while (HZ_TRY(in.next())) {
    switch (in.field()) {
      case 1:
        out.domain = HZ_TRY(in.text("domain"));
        break;
      case 2:
        out.version = HZ_TRY(in.int64("version"));
        break;
      default:
        HZ_TRY(in.skip());
    }
  }
  return out;
}

// SequenceProto and OptionalProto share field numbers: 3 is a tensor, 5 a nested sequence; the rest has no tensor in
// it.
Result<void> read_container(Reader in, bool optional, Value& out) {
  if (!optional) out.type = Value::Type::sequence;
  while (HZ_TRY(in.next())) {
    switch (in.field()) {
      case 1:
        out.name = HZ_TRY(in.text("name"));
        break;
      case 3: {
        const auto place = static_cast<std::int64_t>(out.sequence.size());
        Tensor tensor = HZ_TRY(read_tensor(HZ_TRY(in.message("tensor_value", place))));
        if (optional) {
          HZ_TRY(once(in, "tensor_value", out.type != Value::Type::none));
          out.type = Value::Type::tensor;
          out.tensor = std::move(tensor);
        } else {
          out.sequence.push_back(std::move(tensor));
        }
        break;
      }
      case 5:
        if (!optional) return in.malformed("sequence_values", "a sequence of sequences is not supported");
        HZ_TRY(once(in, "sequence_value", out.type != Value::Type::none));
        HZ_TRY(read_container(HZ_TRY(in.message("sequence_value")), false, out));
        break;
      case 4:
      case 6:
      case 7:
        return in.malformed("", "only tensors and sequences of tensors are supported");
      default:
        HZ_TRY(in.skip());
    }
  }
  return {};
}

Result<Budget> open(ByteView bytes, const Limits& limits) {
  if (bytes.size() > limits.size_bytes_max)
    return fail(why("onnx.limit"), "{} bytes, limit {}", bytes.size(), limits.size_bytes_max);
  return Budget{.depth_max = limits.depth_max, .items_left = limits.items_max};
}

}  // namespace

Result<Model> decode_model(ByteView bytes, const Limits& limits) {
  Budget budget = HZ_TRY(open(bytes, limits));
  Reader in(bytes, "model", budget);
  Model out;
  bool has_graph = false;
  while (HZ_TRY(in.next())) {
    switch (in.field()) {
      case 1:
        out.ir_version = HZ_TRY(in.int64("ir_version"));
        break;
      case 2:
        out.producer_name = HZ_TRY(in.text("producer_name"));
        break;
      case 3:
        out.producer_version = HZ_TRY(in.text("producer_version"));
        break;
      case 4:
        out.domain = HZ_TRY(in.text("domain"));
        break;
      case 6:
        out.doc = HZ_TRY(in.text("doc_string"));
        break;
      case 7:
        HZ_TRY(once(in, "graph", has_graph));
        has_graph = true;
        out.graph = HZ_TRY(read_graph(HZ_TRY(in.message("graph")), limits));
        break;
      case 8:
        out.opsets.push_back(
            HZ_TRY(read_opset(HZ_TRY(in.message("opset_import", static_cast<std::int64_t>(out.opsets.size()))))));
        break;
      default:
        HZ_TRY(in.skip());
    }
  }
  if (!has_graph) return in.malformed("graph", "the model has no graph");
  return out;
}

Result<Tensor> decode_tensor(ByteView bytes, const Limits& limits) {
  Budget budget = HZ_TRY(open(bytes, limits));
  return read_tensor(Reader(bytes, "tensor", budget));
}

Result<Value> decode_value(ByteView bytes, const ValueInfo& declared, const Limits& limits) {
  Value out;
  if (declared.is_tensor) {
    out.type = Value::Type::tensor;
    out.tensor = HZ_TRY(decode_tensor(bytes, limits));
    out.name = out.tensor.name;
    return out;
  }
  Budget budget = HZ_TRY(open(bytes, limits));
  HZ_TRY(
      read_container(Reader(bytes, declared.is_optional ? "optional" : "sequence", budget), declared.is_optional, out));
  return out;
}

}  // namespace hz::onnx
