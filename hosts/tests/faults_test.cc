// What the faulty engine promises to the tests that rely on it, and what any worker does without its library.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <poll.h>

#include "engine_process.h"
#include "official_case.h"

using namespace hz;
using namespace hz::host;
using onnx::wire::Request;
using onnx::wire::Status;
using onnx::wire::Verb;

namespace {

std::string program;

// A worker with one fault, and the echo engine behind it, with a model loaded.
struct Faulty {
  explicit Faulty(std::string fault, int every = 1)
      : process({program, "worker", "--engine", "faulty", "--fault", std::move(fault), "--every", std::to_string(every),
                 "--slow-ms", "1"}),
        c(read_official_case(fs::path(suite_folder) / "node/test_relu").value()) {
    REQUIRE(process.ask({Verb::load, c.model, 0, {}})->status == Status::ok);
  }
  auto run() { return process.ask({Verb::run, {}, 0, c.inputs}); }
  EngineProcess process;
  OfficialCase c;
};

}  // namespace

TEST_CASE("crash kills the process by SIGSEGV, on the run asked for") {
  Faulty faulty("crash", 3);
  CHECK(faulty.run());
  CHECK(faulty.run());
  CHECK_FALSE(faulty.run());
  const int status = faulty.process.wait();
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSEGV);
}

TEST_CASE("hang never answers") {
  Faulty faulty("hang");
  REQUIRE(onnx::wire::write_frame(faulty.process.to(), onnx::wire::encode({Verb::run, {}, 0, faulty.c.inputs})));
  pollfd fd{faulty.process.from(), POLLIN, 0};
  CHECK(::poll(&fd, 1, 150) == 0);
}

TEST_CASE("garbage and half replies break the line, not the reader") {
  auto garbage = Faulty("garbage").run();
  REQUIRE_FALSE(garbage);
  CHECK(garbage.error().reason->slug == "onnx.wire");
  Faulty half("half_reply");
  auto cut = half.run();
  REQUIRE_FALSE(cut);
  CHECK(cut.error().reason->slug == "onnx.wire");
  CHECK(WEXITSTATUS(half.process.wait()) == 1);
}

TEST_CASE("wrong answers are well-formed and wrong in the way named") {
  Faulty shape("wrong_shape"), dtype("wrong_dtype"), constant("constant"), nan("nan"), slow("slow");
  const onnx::Tensor& input = shape.c.inputs[0].tensor;
  const auto output = [](Faulty& faulty) {
    auto reply = faulty.run();
    REQUIRE(reply);
    REQUIRE(reply->outputs.size() == 1);
    return reply->outputs[0].tensor;
  };
  CHECK(output(shape).shape.size() == input.shape.size() + 1);
  CHECK(output(dtype).dtype == onnx::Dtype::int32);
  CHECK(output(constant).data == Bytes(input.data.size(), 0));
  CHECK(output(nan).data == Bytes(input.data.size(), 0xff));
  CHECK(output(slow).data == input.data);
}

TEST_CASE("drip sends a whole answer, byte by byte") {
  EngineProcess process({program, "worker", "--engine", "faulty", "--fault", "drip", "--slow-ms", "0"});
  const OfficialCase c = read_official_case(fs::path(suite_folder) / "node/test_relu").value();
  REQUIRE(process.ask({Verb::load, c.model, 0, {}})->status == Status::ok);
  const auto reply = process.ask({Verb::run, {}, 0, c.inputs});
  REQUIRE(reply);
  CHECK(reply->outputs[0].tensor.data == c.inputs[0].tensor.data);
}

TEST_CASE("previous gives the answer of the run before") {
  Faulty faulty("previous", 2);
  const auto first = faulty.run();
  faulty.c.inputs[0].tensor.data.assign(faulty.c.inputs[0].tensor.data.size(), 7);
  const auto second = faulty.run();
  REQUIRE((first && second));
  CHECK(first->outputs[0].tensor.data == second->outputs[0].tensor.data);
  CHECK(faulty.run()->outputs[0].tensor.data == faulty.c.inputs[0].tensor.data);
}

TEST_CASE("an engine without its library says so once and ends with 7") {
  EngineProcess process({program, "worker", "--engine", "ort", "--library", "/nowhere/libonnxruntime.so"});
  const auto reply = process.ask({});
  REQUIRE(reply);
  CHECK(reply->status == Status::unsupported);
  CHECK(reply->message.find("host.library") != std::string::npos);
  CHECK(reply->message.find("/nowhere/libonnxruntime.so") != std::string::npos);
  CHECK(WEXITSTATUS(process.wait()) == 7);
}

TEST_CASE("a library that is no ONNX Runtime is refused by name") {
  EngineProcess process({program, "worker", "--engine", "ort", "--library", "libm.so.6"});
  const auto reply = process.ask({});
  REQUIRE(reply);
  CHECK(reply->message.find("no OrtGetApiBase") != std::string::npos);
}

TEST_CASE("a wrong command line ends with 2") {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"dance"},
                                                    {"worker"},
                                                    {"worker", "--engine", "none"},
                                                    {"worker", "--engine", "echo", "--every", "0"},
                                                    {"worker", "--engine", "echo", "--colour", "red"},
                                                    {"worker", "--engine", "faulty", "--fault", "none"},
                                                    {"worker", "--engine"}}) {
    std::vector<std::string> command{program};
    command.insert(command.end(), arguments.begin(), arguments.end());
    EngineProcess process(command);
    CHECK(WEXITSTATUS(process.finish()) == 2);
  }
}

TEST_CASE("lift converts a model to a newer operator set, and declines what it cannot") {
  EngineProcess process({program, "worker", "--engine", "lift"});
  const auto info = process.ask({});
  REQUIRE(info);
  if (info->status == Status::unsupported || info->message.find("lift") == std::string::npos) {
    MESSAGE("SKIPPED: no libonnx in this build");
    return;
  }
  const OfficialCase c = read_official_case(fs::path(suite_folder) / "pytorch-operator/test_operator_basic").value();
  const auto before = onnx::decode_model(c.model);
  const auto reply = process.ask({Verb::lift, c.model, 13, {}});
  REQUIRE(reply);
  REQUIRE_MESSAGE(reply->status == Status::ok, reply->message);
  const auto after = onnx::decode_model(reply->model);
  REQUIRE((before && after));
  CHECK(before->opset("") < 13);
  CHECK(after->opset("") == 13);
  CHECK(after->graph.outputs[0].name == before->graph.outputs[0].name);
  CHECK(process.ask({Verb::lift, c.model, 0, {}})->status == Status::invalid);
  CHECK(process.ask({Verb::lift, {1, 2, 3}, 13, {}})->status == Status::invalid);
  CHECK(process.ask({Verb::lift, c.model, 900, {}})->status == Status::unsupported);
  CHECK(process.ask({Verb::load, c.model, 0, {}})->status == Status::unsupported);
  CHECK(process.finish() == 0);
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "faults_test OIP_HOST\n");
    return 2;
  }
  program = argv[1];
  if (!fs::exists(suite_folder)) {
    fmt::print("SKIPPED: no libonnx-testdata\n");
    return 77;
  }
  return doctest::Context().run();
}
