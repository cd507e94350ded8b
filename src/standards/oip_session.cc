#include "standards/oip_session.h"

#include <charconv>

#include "sandbox/plain_http.h"
#include "sandbox/reasons.h"
#include "standards/reasons.h"

namespace hz::standards {
namespace oip {
namespace {

struct Name {
  onnx::Dtype dtype;
  std::string_view text;
};
constexpr Name names[] = {
    {onnx::Dtype::boolean, "BOOL"},  {onnx::Dtype::uint8, "UINT8"},   {onnx::Dtype::uint16, "UINT16"},
    {onnx::Dtype::uint32, "UINT32"}, {onnx::Dtype::uint64, "UINT64"}, {onnx::Dtype::int8, "INT8"},
    {onnx::Dtype::int16, "INT16"},   {onnx::Dtype::int32, "INT32"},   {onnx::Dtype::int64, "INT64"},
    {onnx::Dtype::float16, "FP16"},  {onnx::Dtype::float32, "FP32"},  {onnx::Dtype::float64, "FP64"},
    {onnx::Dtype::string, "BYTES"},
};

Bytes raw(const onnx::Tensor& tensor) {
  if (tensor.dtype != onnx::Dtype::string) return tensor.data;
  Bytes out;
  for (const std::string& s : tensor.strings) {
    const auto n = static_cast<std::uint32_t>(s.size());
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(n >> shift));
    put(out, as_bytes(s));
  }
  return out;
}

Result<void> unpack(onnx::Tensor& tensor, ByteView bytes, std::size_t count) {
  if (tensor.dtype != onnx::Dtype::string) {
    if (bytes.size() != count * onnx::dtype_size(tensor.dtype))
      return fail(why("standards.oip"), "output {}: {} bytes for {} elements", tensor.name, bytes.size(), count);
    tensor.data.assign(bytes.begin(), bytes.end());
    return {};
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (bytes.size() < 4) return fail(why("standards.oip"), "output {}: cut in element {}", tensor.name, i);
    const std::size_t n = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<std::size_t>(bytes[3]) << 24;
    if (bytes.size() - 4 < n) return fail(why("standards.oip"), "output {}: cut in element {}", tensor.name, i);
    tensor.strings.emplace_back(as_text(bytes.subspan(4, n)));
    bytes = bytes.subspan(4 + n);
  }
  if (!bytes.empty()) return fail(why("standards.oip"), "output {}: {} bytes left over", tensor.name, bytes.size());
  return {};
}

}  // namespace

std::string_view datatype(onnx::Dtype dtype) {
  for (const Name& name : names)
    if (name.dtype == dtype) return name.text;
  return "";
}
onnx::Dtype dtype_of(std::string_view text) {
  for (const Name& name : names)
    if (name.text == text) return name.dtype;
  return onnx::Dtype::undefined;
}

Message encode_infer(const std::vector<onnx::Value>& inputs) {
  json::Array list;
  Bytes tail;
  for (const onnx::Value& value : inputs) {
    const Bytes bytes = raw(value.tensor);
    json::Array shape;
    for (const std::int64_t d : value.tensor.shape) shape.emplace_back(d);
    json::Value item, parameters;
    parameters.set("binary_data_size", static_cast<std::int64_t>(bytes.size()));
    item.set("name", value.name).set("datatype", datatype(value.tensor.dtype)).set("shape", std::move(shape));
    item.set("parameters", std::move(parameters));
    list.push_back(std::move(item));
    put(tail, bytes);
  }
  json::Value parameters, document;
  parameters.set("binary_data_output", true);
  document.set("inputs", std::move(list)).set("parameters", std::move(parameters));
  Message out;
  out.head = json::dump(document);
  out.json_bytes = out.head.size();
  put(out.body, as_bytes(out.head));
  put(out.body, tail);
  return out;
}

Result<onnx::wire::Reply> decode_infer(ByteView body, std::optional<std::size_t> json_bytes) {
  if (json_bytes && *json_bytes > body.size()) return fail(why("standards.oip"), "JSON part longer than the body");
  const std::size_t head = json_bytes.value_or(body.size());
  const auto document = json::parse(as_text(body.first(head)), {.size_bytes_max = 64u << 20, .depth_max = 16});
  if (!document) return fail(why("standards.oip"), "{}", document.error().text());
  const json::Value* outputs = document->find("outputs");
  if (!outputs || !outputs->array() || outputs->array()->size() > 4096) return fail(why("standards.oip"), "no outputs");
  ByteView rest = body.subspan(head);
  onnx::wire::Reply reply;
  if (const json::Value* parameters = document->find("parameters")) reply.message = parameters->text("hz_repairs");
  for (const json::Value& item : *outputs->array()) {
    onnx::Value value;
    value.type = onnx::Value::Type::tensor;
    value.name = item.text("name");
    onnx::Tensor& tensor = value.tensor;
    tensor.name = value.name;
    tensor.dtype = dtype_of(item.text("datatype"));
    if (tensor.dtype == onnx::Dtype::undefined)
      return fail(why("standards.oip"), "output {}: datatype {}", value.name, item.text("datatype"));
    const json::Value* shape = item.find("shape");
    if (!shape || !shape->array() || shape->array()->size() > 64)
      return fail(why("standards.oip"), "output {}: no shape", value.name);
    std::size_t count = 1;
    for (const json::Value& dim : *shape->array()) {
      const std::int64_t* d = dim.integer();
      if (!d || *d < 0 || *d > (std::int64_t{1} << 40) ||
          (*d > 0 && count > (std::size_t{1} << 30) / static_cast<std::size_t>(*d)))
        return fail(why("standards.oip"), "output {}: shape out of range", value.name);
      tensor.shape.push_back(*d);
      count *= static_cast<std::size_t>(*d);
    }
    const json::Value* parameters = item.find("parameters");
    const json::Value* size = parameters ? parameters->find("binary_data_size") : nullptr;
    const std::int64_t* bytes = size ? size->integer() : nullptr;
    if (!bytes || *bytes < 0 || static_cast<std::size_t>(*bytes) > rest.size())
      return fail(why("standards.oip"), "output {}: binary_data_size is missing or too large", value.name);
    HZ_TRY(unpack(tensor, rest.first(static_cast<std::size_t>(*bytes)), count));
    rest = rest.subspan(static_cast<std::size_t>(*bytes));
    reply.outputs.push_back(std::move(value));
  }
  if (!rest.empty()) return fail(why("standards.oip"), "{} bytes after the last output", rest.size());
  return reply;
}

}  // namespace oip

namespace {

namespace wire = onnx::wire;
struct Answer {
  int status = 0;
  std::optional<std::size_t> json_bytes;
  Bytes body;
};

// What a status without outputs means.
wire::Reply plain(const Answer& answer) {
  wire::Reply reply;
  if (answer.status == 200) return reply;
  const auto document = json::parse(as_text(answer.body), {.size_bytes_max = 1 << 20, .depth_max = 8});
  const std::string slug(document ? document->text("hz_reason") : "");
  reply.message = document ? document->text("error") : fmt::format("HTTP {}", answer.status);
  // Servers that are not ours say no more than an HTTP status.
  if (slug == "host.unsupported" || answer.status == 501)
    reply.status = wire::Status::unsupported;
  else if (slug == "host.invalid" || (slug.empty() && answer.status / 100 == 4))
    reply.status = wire::Status::invalid;
  else if (slug == "host.resource" || answer.status == 507 || answer.status == 413)
    reply.status = wire::Status::resource;
  else
    reply.status = wire::Status::internal;
  return reply;
}

// The session speaks the vocabulary of the worker line, so that runner and judgement do not know the difference.
class OipSession final : public Session {
 public:
  explicit OipSession(sandbox::Process process) : process_(std::move(process)) {}

  bool expresses(bool tensors_only) const override { return tensors_only; }

  Result<EngineFacts> facts(sandbox::Deadline deadline) override {
    if (facts_) return *facts_;
    const auto line = process_.read_line(4096, deadline);
    if (!line) {
      const std::string complaint = process_.complaint();
      return fail(why("standards.worker"), "{}", complaint.empty() ? line.error().text() : complaint);
    }
    const auto said = json::parse(*line, {.size_bytes_max = 4096, .depth_max = 4});
    const json::Value* port = said ? said->find("port") : nullptr;
    if (!port || !port->integer() || *port->integer() < 1 || *port->integer() > 65535)
      return fail(why("standards.worker"), "does not say where it listens: {}", *line);
    connection_ = HZ_TRY(sandbox::PlainHttp::open("127.0.0.1", static_cast<std::uint16_t>(*port->integer()), deadline));
    const Answer answer = HZ_TRY(exchange("GET", "/v2", {}, {}, deadline));
    const auto document = json::parse(as_text(answer.body), {.size_bytes_max = 1 << 20, .depth_max = 8});
    if (!document) return fail(why("standards.oip"), "GET /v2: {}", document.error().text());
    EngineFacts facts;
    if (const json::Value* p = document->find("parameters")) {
      facts.engine = p->text("hz_engine");
      facts.version = p->text("hz_engine_version");
      facts.library_path = p->text("hz_library_path");
      facts.library_digest = p->text("hz_library_digest");
    }
    if (facts.engine.empty()) facts.engine = document->text("name");
    facts_ = facts;
    return facts;
  }

  Result<wire::Reply> ask(const wire::Request& request, sandbox::Deadline deadline) override {
    if (!facts_) HZ_TRY(facts(deadline));
    switch (request.verb) {
      case wire::Verb::load: {
        json::Value parameters, document;
        parameters.set("config", "{}").set("file:1/model.onnx", base64(request.model));
        document.set("parameters", std::move(parameters));
        const std::string body = json::dump(document);
        return plain(HZ_TRY(exchange("POST", "/v2/repository/models/case/load", as_bytes(body), {}, deadline)));
      }
      case wire::Verb::run: {
        const oip::Message message = oip::encode_infer(request.inputs);
        const Answer answer =
            HZ_TRY(exchange("POST", "/v2/models/case/infer", message.body, message.json_bytes, deadline));
        if (answer.status != 200) return plain(answer);
        return oip::decode_infer(answer.body, answer.json_bytes);
      }
      case wire::Verb::unload:
        return plain(HZ_TRY(exchange("POST", "/v2/repository/models/case/unload", {}, {}, deadline)));
      default:
        return fail(why("standards.oip"), "this transport cannot ask that");
    }
  }

 private:
  // Errors in the vocabulary of the pipe: sandbox.timeout, sandbox.ended.
  Result<Answer> exchange(std::string_view method, std::string_view path, ByteView body,
                          std::optional<std::size_t> json_bytes, sandbox::Deadline deadline) {
    std::vector<http::Header> headers{{"Content-Type", json_bytes ? "application/octet-stream" : "application/json"}};
    if (json_bytes) headers.push_back({"Inference-Header-Content-Length", std::to_string(*json_bytes)});
    auto answer = connection_->ask(method, path, headers, body, deadline);
    if (!answer) {
      if (answer.error().reason->slug == "sandbox.http") return fail(why("standards.oip"), "{}", answer.error().detail);
      return std::unexpected(std::move(answer).error());
    }
    if (*answer) {
      Answer out{(*answer)->status, {}, std::move((*answer)->body)};
      const std::string_view length = http::header((*answer)->headers, "inference-header-content-length");
      std::size_t value = 0;
      if (std::from_chars(length.data(), length.data() + length.size(), value).ec == std::errc{})
        out.json_bytes = value;
      return out;
    }
    auto rest = process_.wait(sandbox::in_ms(200));
    const sandbox::Ending ending = process_.end();
    return std::unexpected(
        Error{&sandbox::why("sandbox.ended"), rest ? ending.text() : "closed the connection and went on running"});
  }

  sandbox::Process process_;
  std::optional<sandbox::PlainHttp> connection_;
  std::optional<EngineFacts> facts_;
};

// A server of somebody else's making that is not ours to load, unload or end.
class AttachedSession final : public Session {
 public:
  AttachedSession(http::Exchange ask, std::string model) : ask_(std::move(ask)), model_(std::move(model)) {}

  bool expresses(bool tensors_only) const override { return tensors_only; }
  Result<EngineFacts> facts(sandbox::Deadline) override { return EngineFacts{}; }
  Result<wire::Reply> ask(const wire::Request& request, sandbox::Deadline) override {
    if (request.verb == wire::Verb::load || request.verb == wire::Verb::unload) return wire::Reply{};
    if (request.verb != wire::Verb::run) return fail(why("standards.oip"), "this transport cannot ask that");
    const oip::Message message = oip::encode_infer(request.inputs);
    http::Request out{.method = "POST",
                      .path = fmt::format("/v2/models/{}/infer", model_),
                      .headers = {{"content-type", "application/octet-stream"}},
                      .body = std::string(as_text(message.body))};
    if (message.json_bytes)
      out.headers.push_back({"inference-header-content-length", std::to_string(*message.json_bytes)});
    const http::Response said = HZ_TRY(ask_(out));
    Answer answer{said.status, {}, Bytes(said.body.begin(), said.body.end())};
    if (answer.status != 200) return plain(answer);
    const std::string_view length = http::header(said.headers, "inference-header-content-length");
    std::size_t value = 0;
    if (std::from_chars(length.data(), length.data() + length.size(), value).ec == std::errc{})
      answer.json_bytes = value;
    return oip::decode_infer(answer.body, answer.json_bytes);
  }

 private:
  http::Exchange ask_;
  std::string model_;
};

}  // namespace

Result<std::unique_ptr<Session>> open_oip_session(const sandbox::Command& command) {
  return std::make_unique<OipSession>(HZ_TRY(sandbox::Process::start(command)));
}

std::unique_ptr<Session> attach_oip_session(http::Exchange ask, std::string model) {
  return std::make_unique<AttachedSession>(std::move(ask), std::move(model));
}

}  // namespace hz::standards
