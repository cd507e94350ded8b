// Requests and answers of Open Inference Protocol v2, pure: bytes to values and back. Server and tests share it.
#pragma once
#include <optional>

#include "engine.h"
#include "oip_tensor.h"

namespace hz::host::oip {

struct WantedOutput {
  std::string name;
  bool binary = false;
};

struct InferRequest {
  std::string id;
  std::vector<onnx::Tensor> inputs;   // in document order, unique names
  std::vector<WantedOutput> outputs;  // empty: all of them
  bool binary_output = false;         // for outputs that are not named
};

// `json_length` is the Inference-Header-Content-Length header; without it the whole body is JSON.
// Errors: host.invalid (what and where), host.unsupported, host.too_large. Safe on any bytes.
Result<InferRequest> decode_infer(ByteView body, std::optional<std::size_t> json_length, std::size_t body_bytes_max);

// The inputs in the order of the signature. Errors: host.invalid (missing, unknown, wrong datatype or fixed dim).
Result<std::vector<onnx::Value>> arrange(InferRequest& request, const Signature& signature);

struct InferAnswer {
  std::string model, version, id;
  std::string note;  // repairs; stands in parameters.hz_repairs
  std::vector<onnx::Value> outputs;
};

struct Encoded {
  std::string body;
  std::optional<std::size_t> json_length;  // set when raw data follows the JSON
};

// Errors: host.invalid (an unknown output is wanted), host.unsupported (a sequence, or JSON cannot carry the numbers).
Result<Encoded> encode_infer(const InferAnswer& answer, const InferRequest& request);

// The document of GET v2/models/M. Errors: host.unsupported when an input or output is no tensor.
struct ModelCard {
  std::string name, version, platform, digest, engine, engine_version;
};
Result<std::string> model_metadata(const ModelCard& card, const Signature& signature);

// The body of POST v2/repository/models/M/load.
struct LoadRequest {
  std::optional<Bytes> model;  // from "file:<version>/model.onnx"
  std::string version;
  std::string config;
  std::string digest;  // parameters.hz_digest, when given
};
Result<LoadRequest> decode_load(std::string_view body, std::size_t body_bytes_max);

}  // namespace hz::host::oip
