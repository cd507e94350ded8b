#include "standards/oip_session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

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
constexpr std::size_t head_bytes_max = 64u << 10, body_bytes_max = 512u << 20;

struct Answer {
  int status = 0;
  std::optional<std::size_t> json_bytes;
  Bytes body;
};

// HTTP/1.1 on one kept connection to 127.0.0.1: a request, an answer with Content-Length. Nothing else is needed here.
class Connection {
 public:
  static Result<Connection> open(std::uint16_t port) {
    Connection out;
    out.fd_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!out.fd_ || ::connect(out.fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return fail(hz::why("base.read"), "127.0.0.1:{}: {}", port, std::strerror(errno));
    const int on = 1;
    ::setsockopt(out.fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return out;
  }

  // nullopt: the server closed the connection.
  Result<std::optional<Answer>> ask(std::string_view method, std::string_view path, ByteView body,
                                    std::optional<std::size_t> json_bytes, sandbox::Deadline deadline) {
    std::string head =
        fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {}\r\nContent-Length: {}\r\n", method, path,
                    json_bytes ? "application/octet-stream" : "application/json", body.size());
    if (json_bytes) head += fmt::format("Inference-Header-Content-Length: {}\r\n", *json_bytes);
    head += "\r\n";
    Bytes message;
    put(message, as_bytes(head));
    put(message, body);
    for (std::size_t sent = 0; sent < message.size();) {
      const auto n = ::send(fd_.get(), message.data() + sent, message.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n >= 0)
        sent += static_cast<std::size_t>(n);
      else if (errno == EAGAIN)
        HZ_TRY(wait(POLLOUT, deadline));
      else if (errno != EINTR)
        return std::nullopt;
    }
    buffer_.clear();
    std::size_t end = std::string::npos;
    while ((end = as_text(buffer_).find("\r\n\r\n")) == std::string_view::npos) {
      if (buffer_.size() > head_bytes_max)
        return fail(why("standards.oip"), "an HTTP head of more than {} bytes", head_bytes_max);
      if (!HZ_TRY(more(deadline))) return std::nullopt;
    }
    Answer answer;
    std::optional<std::size_t> length;
    HZ_TRY(read_head(std::string(as_text(buffer_).substr(0, end)), answer, length));
    if (!length || *length > body_bytes_max)
      return fail(why("standards.oip"), "no Content-Length, or more than {}", body_bytes_max);
    while (buffer_.size() < end + 4 + *length)
      if (!HZ_TRY(more(deadline))) return std::nullopt;
    answer.body.assign(buffer_.begin() + static_cast<std::ptrdiff_t>(end + 4),
                       buffer_.begin() + static_cast<std::ptrdiff_t>(end + 4 + *length));
    return answer;
  }

 private:
  static Result<void> read_head(const std::string& head, Answer& answer, std::optional<std::size_t>& length) {
    const auto number = [](std::string_view text) -> std::optional<std::size_t> {
      std::size_t value = 0;
      while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
      const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      return error == std::errc{} ? std::optional(value) : std::nullopt;
    };
    if (!head.starts_with("HTTP/1.1 ")) return fail(why("standards.oip"), "not HTTP/1.1");
    answer.status = static_cast<int>(number(std::string_view(head).substr(9, 3)).value_or(0));
    for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
      std::string line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
      const auto colon = line.find(':');
      if (colon == std::string::npos) continue;
      std::transform(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon), line.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      if (line.starts_with("content-length:")) length = number(std::string_view(line).substr(colon + 1));
      if (line.starts_with("inference-header-content-length:"))
        answer.json_bytes = number(std::string_view(line).substr(colon + 1));
    }
    return {};
  }

  Result<void> wait(short what, sandbox::Deadline deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd poll_fd{fd_.get(), what, 0};
    if (left <= 0 || ::poll(&poll_fd, 1, static_cast<int>(std::min<std::int64_t>(left, 1 << 30))) == 0)
      return fail(hz::why("base.cancelled"), "no answer in time");
    return {};
  }

  // False at the end of the connection.
  Result<bool> more(sandbox::Deadline deadline) {
    for (;;) {
      const std::size_t old = buffer_.size();
      buffer_.resize(old + 65536);
      const auto n = ::recv(fd_.get(), buffer_.data() + old, 65536, MSG_DONTWAIT);
      buffer_.resize(old + (n > 0 ? static_cast<std::size_t>(n) : 0));
      if (n > 0) return true;
      if (n == 0) return false;
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return false;
      HZ_TRY(wait(POLLIN, deadline));
    }
  }

  Fd fd_;
  Bytes buffer_;
};

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
    connection_ = HZ_TRY(Connection::open(static_cast<std::uint16_t>(*port->integer())));
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
    auto answer = connection_->ask(method, path, body, json_bytes, deadline);
    if (!answer) {
      // What a pipe would call a timeout: let the process line say so in its own words.
      if (answer.error().reason->slug == "base.cancelled")
        return std::unexpected(Error{&sandbox::why("sandbox.timeout"), answer.error().detail});
      return std::unexpected(std::move(answer).error());
    }
    if (*answer) return **std::move(answer);
    auto rest = process_.wait(sandbox::in_ms(200));
    const sandbox::Ending ending = process_.end();
    return std::unexpected(
        Error{&sandbox::why("sandbox.ended"), rest ? ending.text() : "closed the connection and went on running"});
  }

  static wire::Reply plain(const Answer& answer) {
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

  sandbox::Process process_;
  std::optional<Connection> connection_;
  std::optional<EngineFacts> facts_;
};

}  // namespace

Result<std::unique_ptr<Session>> open_oip_session(const sandbox::Command& command) {
  return std::make_unique<OipSession>(HZ_TRY(sandbox::Process::start(command)));
}

}  // namespace hz::standards
