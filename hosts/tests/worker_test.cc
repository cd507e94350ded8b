// One engine process end to end: `worker_test OIP_HOST ENGINE`. Ends with 77 when the engine's library is not here.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "base/json.h"
#include "engine_process.h"
#include "official_case.h"

using namespace hz;
using namespace hz::host;
using onnx::wire::Reply;
using onnx::wire::Request;
using onnx::wire::Status;
using onnx::wire::Verb;

namespace {

std::string program, engine;

std::vector<std::string> command() { return {program, "worker", "--engine", engine}; }
Request load(Bytes model) { return {Verb::load, std::move(model), 0, {}}; }
Request run(std::vector<onnx::Value> inputs) { return {Verb::run, {}, 0, std::move(inputs)}; }
OfficialCase official(const char* name) { return read_official_case(fs::path(suite_folder) / "node" / name).value(); }

}  // namespace

TEST_CASE("the engine says what it is, with the digest of what computes") {
  EngineProcess process(command());
  const auto reply = process.ask({});
  REQUIRE(reply);
  REQUIRE(reply->status == Status::ok);
  const auto facts = json::parse(reply->message);
  REQUIRE(facts);
  CHECK(facts->text("engine") == engine);
  CHECK_FALSE(facts->text("version").empty());
  CHECK(facts->text("library_digest").size() == 64);
  CHECK(fs::exists(fs::path(facts->text("library_path"))));
  CHECK(process.finish() == 0);
}

TEST_CASE("official cases give the official answers, one model after another in one process") {
  EngineProcess process(command());
  for (const char* name : {"test_relu", "test_sigmoid", "test_add", "test_transpose_default", "test_relu"}) {
    CAPTURE(name);
    const OfficialCase c = official(name);
    REQUIRE(process.ask(load(c.model))->status == Status::ok);
    const auto reply = process.ask(run(c.inputs));
    REQUIRE(reply);
    REQUIRE_MESSAGE(reply->status == Status::ok, reply->message);
    REQUIRE(reply->outputs.size() == 1);
    const onnx::Tensor &want = c.outputs[0].tensor, &got = reply->outputs[0].tensor;
    CHECK(got.name == c.outputs[0].name);
    CHECK(got.dtype == want.dtype);
    CHECK(got.shape == want.shape);
    REQUIRE(got.data.size() == want.data.size());
    for (std::size_t i = 0; i < got.data.size(); i += 4) {
      float a, b;
      std::memcpy(&a, want.data.data() + i, 4);
      std::memcpy(&b, got.data.data() + i, 4);
      if (std::abs(a - b) > 1e-6f * (1 + std::abs(a))) FAIL_CHECK("element ", i / 4, ": ", a, " and ", b);
    }
  }
  CHECK(process.finish() == 0);
}

TEST_CASE("misuse is answered with a class and leaves the process usable") {
  EngineProcess process(command());
  const OfficialCase c = official("test_relu");
  CHECK(process.ask(run(c.inputs))->status == Status::invalid);
  CHECK(process.ask(load({1, 2, 3}))->status != Status::ok);
  CHECK(process.ask(load({}))->status != Status::ok);
  REQUIRE(process.ask(load(c.model))->status == Status::ok);
  CHECK(process.ask(run({}))->status == Status::invalid);
  std::vector<onnx::Value> twice = {c.inputs[0], c.inputs[0]};
  CHECK(process.ask(run(twice))->status == Status::invalid);
  std::vector<onnx::Value> none(1);
  CHECK(process.ask(run(none))->status != Status::ok);
  const auto lifted = process.ask({Verb::lift, c.model, 13, {}});
  CHECK(lifted->status == Status::unsupported);
  REQUIRE(onnx::wire::write_frame(process.to(), Bytes{0xff, 1, 2}));
  const auto frame = onnx::wire::read_frame(process.from());
  REQUIRE((frame && *frame));
  CHECK(onnx::wire::decode_reply(**frame)->status == Status::invalid);
  CHECK(process.ask(run(c.inputs))->status == Status::ok);
  CHECK(process.ask({Verb::unload, {}, 0, {}})->status == Status::ok);
  CHECK(process.ask(run(c.inputs))->status == Status::invalid);
  CHECK(process.finish() == 0);
}

TEST_CASE("a frame cut off in the middle ends the process with 1") {
  EngineProcess process(command());
  const std::uint8_t half[] = {0, 0, 0, 9, 1};
  REQUIRE(::write(process.to(), half, sizeof half) == sizeof half);
  const int status = process.finish();
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "worker_test OIP_HOST ENGINE\n");
    return 2;
  }
  program = argv[1];
  engine = argv[2];
  {
    EngineProcess probe(command());
    const auto reply = probe.ask({});
    if (!fs::exists(suite_folder) || !reply || reply->status == Status::unsupported) {
      fmt::print("SKIPPED: engine {}: {}\n", engine, reply ? reply->message : "no libonnx-testdata, or no such engine");
      return 77;
    }
  }
  return doctest::Context().run();
}
