#include "oip_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "reasons.h"

namespace hz::host::oip {
namespace {

constexpr std::size_t tensors_max = 4096;
constexpr std::size_t rank_max = 64;
constexpr std::string_view no_object = "{} is no JSON object";

Result<json::Value> read_object(std::string_view text, std::size_t size_max, std::string_view what) {
  auto document = json::parse(text, {.size_bytes_max = size_max, .depth_max = 72});
  if (!document && document.error().reason->slug == "base.too_large")
    return fail(why("host.too_large"), "{}: {}", what, document.error().detail);
  if (!document) return fail(why("host.invalid"), "{}: {}", what, document.error().detail);
  if (document->object() == nullptr) return fail(why("host.invalid"), no_object, what);
  return std::move(*document);
}

// The member's boolean, or `otherwise` when it is absent. Errors: host.invalid.
Result<bool> flag(const json::Value* parameters, std::string_view key, bool otherwise) {
  const json::Value* member = parameters != nullptr ? parameters->find(key) : nullptr;
  if (member == nullptr) return otherwise;
  if (member->boolean() == nullptr) return fail(why("host.invalid"), "parameter {} is no boolean", key);
  return *member->boolean();
}

Result<const json::Value*> parameters_of(const json::Value& object, std::string_view what) {
  const json::Value* parameters = object.find("parameters");
  if (parameters != nullptr && parameters->object() == nullptr)
    return fail(why("host.invalid"), "parameters of {} is no JSON object", what);
  return parameters;
}

// One input; takes its raw bytes, if it announces any, from the front of `raw`.
Result<onnx::Tensor> read_input(const json::Value& input, ByteView& raw) {
  onnx::Tensor out;
  out.name = input.text("name");
  if (out.name.empty()) return fail(why("host.invalid"), "an input has no name");
  out.dtype = parse_datatype(input.text("datatype"));
  if (out.dtype == onnx::Dtype::undefined)
    return fail(why("host.invalid"), "{}: datatype \"{}\"", out.name, input.text("datatype"));
  const json::Value* shape = input.find("shape");
  if (shape == nullptr || shape->array() == nullptr || shape->array()->size() > rank_max)
    return fail(why("host.invalid"), "{}: shape is no array of at most {} dims", out.name, rank_max);
  for (const json::Value& dim : *shape->array()) {
    if (dim.integer() == nullptr) return fail(why("host.invalid"), "{}: a dim is no integer", out.name);
    out.shape.push_back(*dim.integer());
  }
  if (auto count = element_count(out.shape); !count) return within(out.name, std::move(count).error());
  const json::Value* data = input.find("data");
  const json::Value* parameters = HZ_TRY(parameters_of(input, out.name));
  const json::Value* size = parameters != nullptr ? parameters->find("binary_data_size") : nullptr;
  if (size != nullptr) {
    if (data != nullptr) return fail(why("host.invalid"), "{}: both data and binary_data_size", out.name);
    const std::int64_t* n = size->integer();
    if (n == nullptr || *n < 0 || static_cast<std::uint64_t>(*n) > raw.size())
      return fail(why("host.invalid"), "{}: binary_data_size is no number of at most the {} bytes that remain",
                  out.name, raw.size());
    HZ_TRY(read_raw_data(out, raw.first(static_cast<std::size_t>(*n))));
    raw = raw.subspan(static_cast<std::size_t>(*n));
    return out;
  }
  if (data == nullptr) return fail(why("host.invalid"), "{}: neither data nor binary_data_size", out.name);
  HZ_TRY(read_json_data(out, *data));
  return out;
}

Result<void> read_outputs(const json::Value& document, InferRequest& out) {
  const json::Value* outputs = document.find("outputs");
  if (outputs == nullptr) return {};
  if (outputs->array() == nullptr || outputs->array()->size() > tensors_max)
    return fail(why("host.invalid"), "outputs is no array of at most {}", tensors_max);
  for (const json::Value& output : *outputs->array()) {
    WantedOutput wanted{std::string(output.text("name")), out.binary_output};
    if (wanted.name.empty()) return fail(why("host.invalid"), "an output has no name");
    const json::Value* parameters = HZ_TRY(parameters_of(output, wanted.name));
    wanted.binary = HZ_TRY(flag(parameters, "binary_data", out.binary_output));
    if (parameters != nullptr && parameters->find("classification") != nullptr)
      return fail(why("host.unsupported"), "{}: the classification extension", wanted.name);
    for (const WantedOutput& other : out.outputs)
      if (other.name == wanted.name) return fail(why("host.invalid"), "output {} is named twice", wanted.name);
    out.outputs.push_back(std::move(wanted));
  }
  return {};
}

}  // namespace

Result<InferRequest> decode_infer(ByteView body, std::optional<std::size_t> json_length, std::size_t body_bytes_max) {
  const std::size_t length = json_length.value_or(body.size());
  if (length > body.size())
    return fail(why("host.invalid"), "Inference-Header-Content-Length is {}, the body has {} bytes", length,
                body.size());
  const json::Value document = HZ_TRY(read_object(as_text(body.first(length)), body_bytes_max, "the request"));
  ByteView raw = body.subspan(length);
  InferRequest out;
  if (const json::Value* id = document.find("id")) {
    if (id->string() == nullptr) return fail(why("host.invalid"), "id is no string");
    out.id = *id->string();
  }
  const json::Value* parameters = HZ_TRY(parameters_of(document, "the request"));
  out.binary_output = HZ_TRY(flag(parameters, "binary_data_output", false));
  const json::Value* inputs = document.find("inputs");
  if (inputs == nullptr || inputs->array() == nullptr || inputs->array()->size() > tensors_max)
    return fail(why("host.invalid"), "inputs is no array of at most {}", tensors_max);
  for (const json::Value& input : *inputs->array()) {
    out.inputs.push_back(HZ_TRY(read_input(input, raw)));
    for (std::size_t i = 0; i + 1 < out.inputs.size(); ++i)
      if (out.inputs[i].name == out.inputs.back().name)
        return fail(why("host.invalid"), "input {} is given twice", out.inputs[i].name);
  }
  if (!raw.empty()) return fail(why("host.invalid"), "{} bytes of binary data belong to no input", raw.size());
  HZ_TRY(read_outputs(document, out));
  return out;
}

Result<std::vector<onnx::Value>> arrange(InferRequest& request, const Signature& signature) {
  for (const onnx::Tensor& input : request.inputs)
    if (std::none_of(signature.inputs.begin(), signature.inputs.end(),
                     [&](const onnx::ValueInfo& port) { return port.name == input.name; }))
      return fail(why("host.invalid"), "the model has no input {}", input.name);
  std::vector<onnx::Value> out;
  for (const onnx::ValueInfo& port : signature.inputs) {
    const auto found = std::find_if(request.inputs.begin(), request.inputs.end(),
                                    [&](const onnx::Tensor& t) { return t.name == port.name; });
    if (found == request.inputs.end()) return fail(why("host.invalid"), "input {} is missing", port.name);
    if (found->dtype != port.dtype)
      return fail(why("host.invalid"), "input {} is {}, the model takes {}", port.name, datatype(found->dtype),
                  datatype(port.dtype));
    bool fits = !port.has_shape || found->shape.size() == port.shape.size();
    for (std::size_t i = 0; fits && port.has_shape && i < port.shape.size(); ++i)
      fits = port.shape[i] < 0 || port.shape[i] == found->shape[i];
    if (!fits)
      return fail(why("host.invalid"), "input {} has shape [{}], the model takes [{}]", port.name,
                  fmt::join(found->shape, ","), fmt::join(port.shape, ","));
    out.push_back({onnx::Value::Type::tensor, std::move(*found), {}, port.name});
  }
  return out;
}

Result<Encoded> encode_infer(const InferAnswer& answer, const InferRequest& request) {
  std::vector<WantedOutput> wanted = request.outputs;
  if (wanted.empty())
    for (const onnx::Value& output : answer.outputs) wanted.push_back({output.name, request.binary_output});
  std::string out = "{\"model_name\":";
  json::append_quoted(out, answer.model);
  out += ",\"model_version\":";
  json::append_quoted(out, answer.version);
  if (!answer.id.empty()) {
    out += ",\"id\":";
    json::append_quoted(out, answer.id);
  }
  if (!answer.note.empty()) {
    out += ",\"parameters\":{\"hz_repairs\":";
    json::append_quoted(out, answer.note);
    out += '}';
  }
  out += ",\"outputs\":[";
  std::string raw;
  bool binary = false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto found = std::find_if(answer.outputs.begin(), answer.outputs.end(),
                                    [&](const onnx::Value& v) { return v.name == wanted[i].name; });
    if (found == answer.outputs.end()) return fail(why("host.invalid"), "the model has no output {}", wanted[i].name);
    if (found->type != onnx::Value::Type::tensor || datatype(found->tensor.dtype).empty())
      return fail(why("host.unsupported"), "output {} is no tensor that this protocol can carry", wanted[i].name);
    const onnx::Tensor& tensor = found->tensor;
    out += i > 0 ? ",{\"name\":" : "{\"name\":";
    json::append_quoted(out, wanted[i].name);
    fmt::format_to(std::back_inserter(out), ",\"datatype\":\"{}\",\"shape\":[{}],", datatype(tensor.dtype),
                   fmt::join(tensor.shape, ","));
    if (wanted[i].binary) {
      const Bytes bytes = write_raw_data(tensor);
      fmt::format_to(std::back_inserter(out), "\"parameters\":{{\"binary_data_size\":{}}}}}", bytes.size());
      raw += as_text(bytes);
      binary = true;
    } else {
      out += "\"data\":";
      HZ_TRY(write_json_data(out, tensor));
      out += '}';
    }
  }
  out += "]}";
  Encoded encoded;
  if (binary) encoded.json_length = out.size();
  encoded.body = std::move(out) + raw;
  return encoded;
}

Result<std::string> model_metadata(const ModelCard& card, const Signature& signature) {
  const auto ports = [](const std::vector<onnx::ValueInfo>& infos) -> Result<json::Value> {
    json::Array out;
    for (const onnx::ValueInfo& info : infos) {
      if (!info.is_tensor || (info.dtype != onnx::Dtype::undefined && datatype(info.dtype).empty()))
        return fail(why("host.unsupported"), "{} is no tensor that this protocol can carry", info.name);
      json::Array shape;
      for (const std::int64_t dim : info.shape) shape.emplace_back(dim);
      if (!info.has_shape) shape.emplace_back(-1);
      json::Value port;
      port.set("name", info.name).set("datatype", datatype(info.dtype)).set("shape", std::move(shape));
      out.push_back(std::move(port));
    }
    return json::Value(std::move(out));
  };
  json::Value parameters;
  parameters.set("hz_digest", card.digest).set("hz_engine", card.engine).set("hz_engine_version", card.engine_version);
  json::Value out;
  out.set("name", card.name).set("versions", json::Array{card.version}).set("platform", card.platform);
  out.set("inputs", HZ_TRY(ports(signature.inputs))).set("outputs", HZ_TRY(ports(signature.outputs)));
  out.set("parameters", std::move(parameters));
  return json::dump(out);
}

Result<LoadRequest> decode_load(std::string_view body, std::size_t body_bytes_max) {
  LoadRequest out;
  if (body.empty()) return out;
  const json::Value document = HZ_TRY(read_object(body, body_bytes_max, "the request"));
  const json::Value* parameters = HZ_TRY(parameters_of(document, "the request"));
  if (parameters == nullptr) return out;
  for (const auto& [key, value] : *parameters->object()) {
    const std::string* text = value.string();
    if (text == nullptr) return fail(why("host.invalid"), "parameter {} is no string", key);
    if (key == "config") {
      out.config = *text;
      HZ_TRY(read_object(*text, 1u << 20, "config"));
    } else if (key == "hz_digest") {
      out.digest = *text;
    } else if (key.starts_with("file:")) {
      const std::string_view path = std::string_view(key).substr(5);
      const std::size_t slash = path.find('/');
      const std::string_view version = path.substr(0, slash);
      const bool numbered = !version.empty() && version.size() <= 18 && version.front() != '0' &&
                            version.find_first_not_of("0123456789") == std::string_view::npos;
      if (slash == std::string_view::npos || path.substr(slash + 1) != "model.onnx" || !numbered)
        return fail(why("host.invalid"), "{}: only file:<version>/model.onnx", key);
      if (out.model) return fail(why("host.unsupported"), "{}: one version at a time", key);
      auto bytes = parse_base64(*text);
      if (!bytes) return fail(why("host.invalid"), "{}: {}", key, bytes.error().detail);
      out.model = std::move(*bytes);
      out.version = version;
    } else {
      return fail(why("host.invalid"), "parameter {} is unknown", key);
    }
  }
  if (out.model && out.config.empty()) return fail(why("host.invalid"), "a file needs the parameter config");
  return out;
}

}  // namespace hz::host::oip
