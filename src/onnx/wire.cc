// The document payload of the worker line.
//
//   request  = verb:u8 body
//     info, unload   body is empty
//     load           model:bytes
//     lift           opset:i64 model:bytes
//     run            count:u32 value*
//   reply    = status:u8 message:bytes count:u32 value* model:bytes
//   value    = type:u8 name:bytes ( nothing | tensor | count:u32 tensor* )      none, tensor, sequence
//   tensor   = name:bytes dtype:u8 rank:u8 dim:i64* ( data:bytes | string:bytes* )
//   bytes    = length:u32 byte*
//
// Lengths, counts and dims are big-endian; tensor data is row-major little-endian, exactly as it lies in memory. A
// string tensor has as many strings as its dims multiply to. Every message has one encoding: the reader refuses
// trailing bytes, unknown verbs and types, data whose length does not follow from dtype and dims, and dims that are
// negative or overflow.
#include "onnx/wire.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "onnx/reasons.h"

namespace hz::onnx::wire {
namespace {

constexpr std::size_t frame_bytes_max = 512u << 20;
constexpr std::size_t rank_max = 64;
// Bytes per element by dtype number.
constexpr std::size_t element_bytes[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 8, 16, 2};
constexpr int dtype_max = static_cast<int>(std::size(element_bytes)) - 1;

// ---- writing

std::size_t tensor_bytes_about(const Tensor& tensor) {
  std::size_t total = tensor.name.size() + 16 + tensor.shape.size() * 8 + tensor.data.size();
  for (const std::string& s : tensor.strings) total += s.size() + 4;
  return total;
}

std::size_t values_bytes_about(const std::vector<Value>& values) {
  std::size_t total = 4;
  for (const Value& value : values) {
    total += value.name.size() + 16 + tensor_bytes_about(value.tensor);
    for (const Tensor& tensor : value.sequence) total += tensor_bytes_about(tensor);
  }
  return total;
}

void put_bytes(Bytes& out, ByteView bytes) {
  put_be(out, static_cast<std::uint32_t>(bytes.size()));
  put(out, bytes);
}

void put_tensor(Bytes& out, const Tensor& tensor) {
  put_bytes(out, as_bytes(tensor.name));
  out.push_back(static_cast<std::uint8_t>(tensor.dtype));
  out.push_back(static_cast<std::uint8_t>(tensor.shape.size()));
  for (const std::int64_t dim : tensor.shape) put_be(out, static_cast<std::uint64_t>(dim));
  if (tensor.dtype == Dtype::string) {
    for (const std::string& s : tensor.strings) put_bytes(out, as_bytes(s));
  } else {
    put_bytes(out, tensor.data);
  }
}

void put_values(Bytes& out, const std::vector<Value>& values) {
  put_be(out, static_cast<std::uint32_t>(values.size()));
  for (const Value& value : values) {
    out.push_back(static_cast<std::uint8_t>(value.type));
    put_bytes(out, as_bytes(value.name));
    if (value.type == Value::Type::tensor) put_tensor(out, value.tensor);
    if (value.type == Value::Type::sequence) {
      put_be(out, static_cast<std::uint32_t>(value.sequence.size()));
      for (const Tensor& tensor : value.sequence) put_tensor(out, tensor);
    }
  }
}

// ---- reading

class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}

  template <class T>
  Result<T> number(const char* what) {
    if (left() < sizeof(T)) return truncated(what);
    const T value = get_be<T>(bytes_.data() + at_);
    at_ += sizeof(T);
    return value;
  }

  Result<ByteView> bytes(const char* what) {
    const std::uint32_t length = HZ_TRY(number<std::uint32_t>(what));
    if (left() < length) return truncated(what);
    const ByteView view = bytes_.subspan(at_, length);
    at_ += length;
    return view;
  }

  Result<std::string> text(const char* what) { return std::string(as_text(HZ_TRY(bytes(what)))); }

  // A count of things that take at least `bytes_each`: refused at once when so many cannot follow.
  Result<std::uint32_t> count(const char* what, std::size_t bytes_each) {
    const std::uint32_t n = HZ_TRY(number<std::uint32_t>(what));
    if (left() / bytes_each < n) return fail(why("onnx.wire"), "{} {} at byte {} do not fit the frame", n, what, at_);
    return n;
  }

  Result<Tensor> tensor() {
    Tensor out;
    out.name = HZ_TRY(text("tensor name"));
    const int dtype = HZ_TRY(number<std::uint8_t>("dtype"));
    if (dtype < 1 || dtype > dtype_max) return fail(why("onnx.wire"), "tensor {}: dtype {}", out.name, dtype);
    out.dtype = static_cast<Dtype>(dtype);
    const std::size_t rank = HZ_TRY(number<std::uint8_t>("rank"));
    if (rank > rank_max) return fail(why("onnx.wire"), "tensor {}: rank {}, at most {}", out.name, rank, rank_max);
    std::uint64_t elements = 1;
    bool empty = false;
    for (std::size_t i = 0; i < rank; ++i) {
      const auto dim = static_cast<std::int64_t>(HZ_TRY(number<std::uint64_t>("dim")));
      if (dim < 0) return fail(why("onnx.wire"), "tensor {}: dim {} is negative", out.name, dim);
      out.shape.push_back(dim);
      if (dim == 0) {
        empty = true;
      } else if (elements > frame_bytes_max / static_cast<std::uint64_t>(dim)) {
        return fail(why("onnx.wire"), "tensor {}: dims multiply to more than a frame holds", out.name);
      } else {
        elements *= static_cast<std::uint64_t>(dim);
      }
    }
    if (empty) elements = 0;
    if (out.dtype == Dtype::string) {
      if (elements > left() / 4) return truncated("strings");
      out.strings.reserve(elements);
      for (std::uint64_t i = 0; i < elements; ++i) out.strings.push_back(HZ_TRY(text("string")));
      return out;
    }
    const ByteView data = HZ_TRY(bytes("tensor data"));
    if (data.size() != elements * element_bytes[dtype])
      return fail(why("onnx.wire"), "tensor {}: {} bytes for {} elements of dtype {}", out.name, data.size(), elements,
                  dtype);
    out.data.assign(data.begin(), data.end());
    return out;
  }

  Result<std::vector<Value>> values() {
    const std::uint32_t n = HZ_TRY(count("values", 5));
    std::vector<Value> out;
    for (std::uint32_t i = 0; i < n; ++i) {
      Value& value = out.emplace_back();
      const int type = HZ_TRY(number<std::uint8_t>("value type"));
      if (type > static_cast<int>(Value::Type::sequence)) return fail(why("onnx.wire"), "value type {}", type);
      value.type = static_cast<Value::Type>(type);
      value.name = HZ_TRY(text("value name"));
      if (value.type == Value::Type::tensor) value.tensor = HZ_TRY(tensor());
      if (value.type == Value::Type::sequence) {
        const std::uint32_t length = HZ_TRY(count("sequence tensors", 6));
        for (std::uint32_t j = 0; j < length; ++j) value.sequence.push_back(HZ_TRY(tensor()));
      }
    }
    return out;
  }

  Result<Bytes> blob(const char* what) {
    const ByteView view = HZ_TRY(bytes(what));
    return Bytes(view.begin(), view.end());
  }

  Result<void> end() const {
    if (left() > 0) return fail(why("onnx.wire"), "{} bytes after the message", left());
    return {};
  }

 private:
  std::size_t left() const { return bytes_.size() - at_; }
  std::unexpected<Error> truncated(const char* what) const {
    return fail(why("onnx.wire"), "the frame of {} bytes ends inside {} at byte {}", bytes_.size(), what, at_);
  }

  ByteView bytes_;
  std::size_t at_ = 0;
};

// Reads exactly `size` bytes into `out`, growing it as they arrive, so that a false length costs no memory.
// True when all arrived; false when the stream ended first.
Result<bool> read_exactly(int fd, Bytes& out, std::size_t size) {
  constexpr std::size_t step = 4u << 20;
  std::size_t done = 0;
  while (done < size) {
    if (out.size() == done) out.resize(std::min(size, done + step));
    const ssize_t n = ::read(fd, out.data() + done, out.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(why("onnx.wire"), "read: {}", std::strerror(errno));
    if (n == 0) {
      out.resize(done);
      return false;
    }
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

Bytes encode(const Request& request) {
  Bytes out;
  out.reserve(32 + request.model.size() + values_bytes_about(request.inputs));
  out.push_back(static_cast<std::uint8_t>(request.verb));
  switch (request.verb) {
    case Verb::info:
    case Verb::unload:
      break;
    case Verb::load:
      put_bytes(out, request.model);
      break;
    case Verb::lift:
      put_be(out, static_cast<std::uint64_t>(request.opset));
      put_bytes(out, request.model);
      break;
    case Verb::run:
      put_values(out, request.inputs);
      break;
  }
  return out;
}

Bytes encode(const Reply& reply) {
  Bytes out;
  out.reserve(32 + reply.message.size() + reply.model.size() + values_bytes_about(reply.outputs));
  out.push_back(static_cast<std::uint8_t>(reply.status));
  put_bytes(out, as_bytes(reply.message));
  put_values(out, reply.outputs);
  put_bytes(out, reply.model);
  return out;
}

Result<Request> decode_request(ByteView payload) {
  Reader in(payload);
  Request out;
  const int verb = HZ_TRY(in.number<std::uint8_t>("verb"));
  if (verb < static_cast<int>(Verb::info) || verb > static_cast<int>(Verb::lift))
    return fail(why("onnx.wire"), "verb {}", verb);
  out.verb = static_cast<Verb>(verb);
  switch (out.verb) {
    case Verb::info:
    case Verb::unload:
      break;
    case Verb::load:
      out.model = HZ_TRY(in.blob("model"));
      break;
    case Verb::lift:
      out.opset = static_cast<std::int64_t>(HZ_TRY(in.number<std::uint64_t>("opset")));
      out.model = HZ_TRY(in.blob("model"));
      break;
    case Verb::run:
      out.inputs = HZ_TRY(in.values());
      break;
  }
  HZ_TRY(in.end());
  return out;
}

Result<Reply> decode_reply(ByteView payload) {
  Reader in(payload);
  Reply out;
  const int status = HZ_TRY(in.number<std::uint8_t>("status"));
  if (status > static_cast<int>(Status::internal)) return fail(why("onnx.wire"), "status {}", status);
  out.status = static_cast<Status>(status);
  out.message = HZ_TRY(in.text("message"));
  if (!valid_utf8(out.message)) return fail(why("onnx.wire"), "the message is not UTF-8");
  out.outputs = HZ_TRY(in.values());
  out.model = HZ_TRY(in.blob("model"));
  HZ_TRY(in.end());
  return out;
}

Result<void> write_frame(int fd, ByteView payload) {
  if (payload.size() > frame_bytes_max)
    return fail(why("onnx.wire"), "a frame of {} bytes, at most {}", payload.size(), frame_bytes_max);
  Bytes head;
  put_be(head, static_cast<std::uint32_t>(payload.size()));
  std::size_t done = 0;
  const std::size_t total = head.size() + payload.size();
  while (done < total) {
    iovec parts[2];
    int count = 0;
    if (done < head.size()) parts[count++] = {head.data() + done, head.size() - done};
    const std::size_t from = done > head.size() ? done - head.size() : 0;
    if (from < payload.size())
      parts[count++] = {const_cast<std::uint8_t*>(payload.data()) + from, payload.size() - from};
    const ssize_t n = ::writev(fd, parts, count);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(why("onnx.wire"), "write: {}", std::strerror(errno));
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<std::optional<Bytes>> read_frame(int fd) {
  Bytes head;
  if (!HZ_TRY(read_exactly(fd, head, 4))) {
    if (head.empty()) return std::optional<Bytes>();
    return fail(why("onnx.wire"), "the stream ends inside a frame length");
  }
  const std::uint32_t size = get_be<std::uint32_t>(head.data());
  if (size > frame_bytes_max)
    return fail(why("onnx.wire"), "a frame of {} bytes is announced, at most {}", size, frame_bytes_max);
  Bytes payload;
  if (!HZ_TRY(read_exactly(fd, payload, size)))
    return fail(why("onnx.wire"), "the stream ends after {} of {} bytes of a frame", payload.size(), size);
  return std::optional<Bytes>(std::move(payload));
}

}  // namespace hz::onnx::wire
