#include "onnx/wire.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/fs.h"
#include "base/seams.h"

using namespace hz;
using namespace hz::onnx;

namespace {

Tensor floats(std::string name, std::vector<std::int64_t> shape, std::size_t count) {
  Tensor t;
  t.name = std::move(name);
  t.dtype = Dtype::float32;
  t.shape = std::move(shape);
  t.data.assign(count * 4, 0x3f);
  return t;
}

wire::Request sample_run() {
  wire::Request request;
  request.verb = wire::Verb::run;
  request.inputs.push_back({Value::Type::tensor, floats("x", {2, 3}, 6), {}, "x"});
  request.inputs.push_back({Value::Type::none, {}, {}, ""});
  request.inputs.push_back({Value::Type::sequence, {}, {floats("", {0, 4}, 0), floats("", {}, 1)}, "s"});
  Tensor words;
  words.name = "w";
  words.dtype = Dtype::string;
  words.shape = {2};
  words.strings = {"", "合纵"};
  request.inputs.push_back({Value::Type::tensor, words, {}, "w"});
  return request;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape && a.data == b.data && a.strings == b.strings;
}

struct Pipe {
  Pipe() {
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    out.reset(fds[0]);
    in.reset(fds[1]);
  }
  Fd out, in;
};

}  // namespace

TEST_CASE("every kind of value survives the line") {
  const wire::Request sent = sample_run();
  const Bytes payload = wire::encode(sent);
  auto got = wire::decode_request(payload);
  REQUIRE(got);
  REQUIRE(got->inputs.size() == sent.inputs.size());
  for (std::size_t i = 0; i < sent.inputs.size(); ++i) {
    CHECK(got->inputs[i].type == sent.inputs[i].type);
    CHECK(got->inputs[i].name == sent.inputs[i].name);
    CHECK(same(got->inputs[i].tensor, sent.inputs[i].tensor));
    REQUIRE(got->inputs[i].sequence.size() == sent.inputs[i].sequence.size());
    for (std::size_t j = 0; j < sent.inputs[i].sequence.size(); ++j)
      CHECK(same(got->inputs[i].sequence[j], sent.inputs[i].sequence[j]));
  }
  CHECK(wire::encode(*got) == payload);
}

TEST_CASE("a reply survives the line") {
  wire::Reply reply;
  reply.status = wire::Status::unsupported;
  reply.message = "Loop-16 is not implemented";
  reply.outputs = sample_run().inputs;
  reply.model = {1, 2, 3};
  const Bytes payload = wire::encode(reply);
  auto got = wire::decode_reply(payload);
  REQUIRE(got);
  CHECK(got->status == reply.status);
  CHECK(got->message == reply.message);
  CHECK(got->model == reply.model);
  CHECK(wire::encode(*got) == payload);
}

TEST_CASE("every proper prefix and every appended byte is refused") {
  wire::Reply reply;
  reply.outputs = sample_run().inputs;
  wire::Request lift;
  lift.verb = wire::Verb::lift;
  lift.opset = 13;
  lift.model = {9, 9};
  const Bytes a = wire::encode(sample_run());
  const Bytes b = wire::encode(reply);
  const Bytes c = wire::encode(lift);
  for (std::size_t n = 0; n < a.size(); ++n) CHECK_FALSE(wire::decode_request(ByteView(a).first(n)));
  for (std::size_t n = 0; n < b.size(); ++n) CHECK_FALSE(wire::decode_reply(ByteView(b).first(n)));
  for (std::size_t n = 0; n < c.size(); ++n) CHECK_FALSE(wire::decode_request(ByteView(c).first(n)));
  Bytes longer = a;
  longer.push_back(0);
  CHECK_FALSE(wire::decode_request(longer));
}

TEST_CASE("flipped bytes decode to the same bytes or are refused, and never harm") {
  const Bytes good = wire::encode(sample_run());
  SeededRng rng(7);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes = good;
    for (int k = 0; k < 2; ++k) bytes[rng.below(bytes.size())] = static_cast<std::uint8_t>(rng.next());
    if (auto got = wire::decode_request(bytes)) {
      ++accepted;
      if (wire::encode(*got) != bytes) FAIL_CHECK("a request has two encodings");
    }
  }
  CHECK(accepted > 0);
}

TEST_CASE("data that contradicts dtype and dims is refused") {
  wire::Request request;
  request.verb = wire::Verb::run;
  Tensor bad = floats("x", {2, 3}, 5);
  request.inputs.push_back({Value::Type::tensor, bad, {}, "x"});
  auto got = wire::decode_request(wire::encode(request));
  REQUIRE_FALSE(got);
  CHECK(got.error().reason->slug == "onnx.wire");
  CHECK(got.error().detail.find("20 bytes for 6 elements of dtype 1") != std::string::npos);

  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{-1}, {std::int64_t{1} << 40, std::int64_t{1} << 40}, {std::int64_t{1} << 62, 4}}) {
    request.inputs[0].tensor = floats("x", shape, 0);
    CHECK_FALSE(wire::decode_request(wire::encode(request)));
  }
}

TEST_CASE("frames pass a pipe in order and end cleanly") {
  Pipe pipe;
  const Bytes big(3u << 20, 0x5a);
  std::thread writer([&] {
    CHECK(wire::write_frame(pipe.in.get(), as_bytes("one")));
    CHECK(wire::write_frame(pipe.in.get(), {}));
    CHECK(wire::write_frame(pipe.in.get(), big));
    pipe.in.reset();
  });
  auto one = wire::read_frame(pipe.out.get());
  auto two = wire::read_frame(pipe.out.get());
  auto three = wire::read_frame(pipe.out.get());
  auto end = wire::read_frame(pipe.out.get());
  writer.join();
  REQUIRE((one && *one));
  CHECK(as_text(**one) == "one");
  REQUIRE((two && *two));
  CHECK((**two).empty());
  REQUIRE((three && *three));
  CHECK(**three == big);
  REQUIRE(end);
  CHECK_FALSE(*end);
}

TEST_CASE("half a frame and a length beyond the limit are errors, not ends") {
  for (const Bytes& sent : {Bytes{0, 0}, Bytes{0, 0, 0, 9, 1}, Bytes{0x7f, 0xff, 0xff, 0xff}}) {
    Pipe pipe;
    REQUIRE(::write(pipe.in.get(), sent.data(), sent.size()) == static_cast<ssize_t>(sent.size()));
    pipe.in.reset();
    auto got = wire::read_frame(pipe.out.get());
    REQUIRE_FALSE(got);
    CHECK(got.error().reason->slug == "onnx.wire");
  }
}

TEST_CASE("writing to a closed line is an error") {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  pipe.out.reset();
  CHECK_FALSE(wire::write_frame(pipe.in.get(), as_bytes("x")));
}
