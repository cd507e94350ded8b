// ONNX models and tensors as plain values, decoded by a strict reader with limits.
//
// Only the protobuf wire format and the fields we use are read (onnx.proto, IR version 3 to 13). The node reads
// untrusted model files, so this links neither protobuf nor onnx: docs/decisions/0003.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace hz::onnx {

enum class Dtype : std::int32_t {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16,
};
std::string_view dtype_name(
    Dtype dtype);  // "float32", "int64", ...; "dtype<N>" is never returned: unknown gives "undefined"
Dtype parse_dtype(std::string_view name);  // undefined when unknown
std::size_t dtype_size(Dtype dtype);       // bytes per element; 0 for string and undefined

// Row-major little-endian bytes; strings stand in `strings` instead. data.size() == element count * dtype_size.
struct Tensor {
  std::string name;
  Dtype dtype = Dtype::undefined;
  std::vector<std::int64_t> shape;
  Bytes data;
  std::vector<std::string> strings;
  std::size_t count() const;  // product of shape; 1 for a scalar
};

// What flows along an edge: a tensor, a sequence of tensors, or nothing (an empty optional).
struct Value {
  enum class Type : std::uint8_t { none, tensor, sequence };
  Type type = Type::none;
  Tensor tensor;
  std::vector<Tensor> sequence;
  std::string name;
};

struct Graph;
struct Attribute {
  std::string name;
  std::int32_t type = 0;  // AttributeProto.AttributeType
  float f = 0;
  std::int64_t i = 0;
  std::string s;
  std::vector<float> floats;
  std::vector<std::int64_t> ints;
  std::vector<std::string> strings;
  std::optional<Tensor> t;
  std::shared_ptr<Graph> g;
};
struct Node {
  std::string name, op_type, domain;         // domain "" is ai.onnx
  std::vector<std::string> inputs, outputs;  // "" = absent optional input
  std::vector<Attribute> attributes;
  const Attribute* find(std::string_view attribute) const;
};
struct ValueInfo {
  std::string name;
  Dtype dtype = Dtype::undefined;
  bool has_shape = false;
  std::vector<std::int64_t> shape;  // -1 = symbolic or unknown
  bool is_tensor = true;            // false: sequence, optional or map
  bool is_sequence = false;         // of tensors; both are set for an optional sequence
  bool is_optional = false;
};
struct Graph {
  std::string name;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<ValueInfo> inputs, outputs, value_infos;
};
struct OpsetImport {
  std::string domain;
  std::int64_t version = 0;
};
struct Model {
  std::int64_t ir_version = 0;
  std::string producer_name, producer_version, domain, doc;
  std::vector<OpsetImport> opsets;
  Graph graph;
  std::int64_t opset(std::string_view domain) const;  // 0 when not imported
};

struct Limits {
  std::size_t size_bytes_max = 512u << 20;
  std::size_t nodes_max = 1u << 20;
  int depth_max = 32;                // nested graphs and messages
  std::size_t items_max = 1u << 22;  // messages and strings, which take far more memory than bytes in the file
};

// Errors: onnx.truncated, onnx.malformed (each with the byte offset and message path), onnx.limit, onnx.external_data,
// onnx.dtype.
Result<Model> decode_model(ByteView bytes, const Limits& limits = {});
Result<Tensor> decode_tensor(ByteView bytes, const Limits& limits = {});
// The files of the official suite: TensorProto, SequenceProto or OptionalProto, told apart by the declared graph value.
Result<Value> decode_value(ByteView bytes, const ValueInfo& declared, const Limits& limits = {});

}  // namespace hz::onnx
