// Every way a backend can misbehave is classified, and costs no other case its verdict.
#include <doctest/doctest.h>

#include <cstring>

#include "standards/conform.h"
#include "standards/products.h"
#include "standards/runner.h"
#include "standards/verdict.h"

using namespace hz;
using namespace hz::standards;

namespace {

onnx::Value floats(const std::vector<float>& values) {
  onnx::Value out;
  out.type = onnx::Value::Type::tensor;
  out.tensor.dtype = onnx::Dtype::float32;
  out.tensor.shape = {static_cast<std::int64_t>(values.size())};
  out.tensor.data.resize(values.size() * 4);
  std::memcpy(out.tensor.data.data(), values.data(), out.tensor.data.size());
  return out;
}

Case scripted(const std::string& script, int number) {
  Case c;
  c.name = fmt::format("fault/{}_{}", script, number);
  c.model.assign(script.begin(), script.end());
  c.inputs = {floats({1, 2, 3})};
  c.expected = {floats({2, 4, 6})};
  c.key = {script, "", "float32", 7};
  c.opset = 6;
  return c;
}

struct Scene {
  TempDir folder;
  Suite suite;
  sandbox::Command command{.argv = {FAULT_WORKER, (folder.path() / "memory").string()},
                           .env = {"ASAN_OPTIONS=handle_segv=0:handle_sigill=0:handle_abort=0:detect_leaks=0"},
                           .folder = {},
                           .limits = {.address_space_bytes_max = memory_max()}};
  RunOptions options;

  Scene() { options.case_ms = 400; }
  static std::uint64_t memory_max() {
#if defined(__SANITIZE_ADDRESS__)
    return 0;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer) ? 0 : 256u << 20;
#else
    return 256u << 20;
#endif
  }
  void add(const std::string& script) { suite.cases.push_back(scripted(script, static_cast<int>(suite.cases.size()))); }
  Opener opener() {
    return [this] { return open_pipe_session(command); };
  }
  Result<Run> run() { return run_suite(suite, opener(), {}, options, silent_progress()); }
};

}  // namespace

TEST_CASE("faults: each class is told apart, with the evidence in the detail") {
  const std::tuple<const char*, Status, const char*> classes[] = {
      {"double", Status::pass, ""},
      {"crash", Status::crash, "run: signal 11 (SIGSEGV)"},
      {"abort", Status::crash, "run: signal 6 (SIGABRT)"},
      {"leave", Status::crash, "run: exit 3"},
      {"hang", Status::timeout, "run: 0 of 4 bytes came"},
      {"drip", Status::timeout, "of 65536 bytes came"},
      {"garbage", Status::garbage, "run: "},
      {"noise", Status::garbage, "5761726e"},
      {"half", Status::crash, "after 3 of 256 bytes of an answer"},
      {"shape", Status::wrong_shape, "shape [1,3] instead of [3]"},
      {"dtype", Status::wrong_dtype, "dtype int32 instead of float32"},
      {"count", Status::wrong_shape, "2 outputs instead of 1"},
      {"constant", Status::wrong, "[2] is 0, should be 6"},
      {"echo", Status::wrong, "[2] is 3, should be 6"},
      {"refuse", Status::unsupported, "run: no such operator"},
      {"invalid", Status::invalid, "run: bad input"},
      {"fail", Status::run_error, "run: kernel failed"},
      {"exhausted", Status::run_error, "out of resources: arena full"},
      {"flaky", Status::flaky, "tries disagree: wrong, pass, wrong"},
      {"coerce", Status::repaired, ""},
      {"load_crash", Status::crash, "load: signal 4 (SIGILL)"},
      {"load_hang", Status::timeout, "load: "},
      {"old", Status::unsupported, "load: operator set 6"},
  };
  Scene scene;
  scene.options.jobs = 1;
  for (const auto& [script, status, detail] : classes) scene.add(script);
  const Run run = scene.run().value();
  for (std::size_t i = 0; i < std::size(classes); ++i) {
    const auto& [script, status, detail] = classes[i];
    CAPTURE(script);
    CAPTURE(run.results[i].detail);
    CHECK(enum_text(run.results[i].status) == enum_text(status));
    CHECK(run.results[i].detail.find(detail) != std::string::npos);
  }
  CHECK(run.results[19].repair == "coerced x float32 to float64");
}

TEST_CASE("faults: running out of memory is a crash of that case alone" * doctest::skip(Scene::memory_max() == 0)) {
  Scene scene;
  scene.options.case_ms = 5000;
  scene.options.reruns = 0;
  for (const char* script : {"double", "oom", "double"}) scene.add(script);
  const Run run = scene.run().value();
  CHECK(run.results[0].status == Status::pass);
  CHECK(run.results[1].status == Status::crash);
  CHECK(run.results[1].detail.starts_with("run: signal "));  // ABRT, or SEGV when the stack could not grow
  CHECK(run.results[2].status == Status::pass);
}

TEST_CASE("faults: crashes, hangs and garbage between 400 good cases cost none of them their verdict") {
  Scene scene;
  scene.options.case_ms = 250;
  scene.options.reruns = 0;
  std::map<std::size_t, Status> bad;
  const std::pair<const char*, Status> faults[] = {{"crash", Status::crash},     {"hang", Status::timeout},
                                                   {"garbage", Status::garbage}, {"half", Status::crash},
                                                   {"drip", Status::timeout},    {"abort", Status::crash}};
  for (int i = 0; i < 400; ++i) {
    if (i % 40 == 7) {
      const auto& [script, status] = faults[(i / 40) % std::size(faults)];
      bad[scene.suite.cases.size()] = status;
      scene.add(script);
    }
    scene.add("double");
  }
  for (const int jobs : {1, 2}) {
    scene.options.jobs = jobs;
    const Run run = scene.run().value();
    for (std::size_t i = 0; i < run.results.size(); ++i)
      CHECK(enum_text(run.results[i].status) == enum_text(bad.contains(i) ? bad[i] : Status::pass));
    CHECK(run.workers_lost == static_cast<int>(bad.size()));
    MESSAGE("jobs " << jobs << ": slowest worker back after " << run.return_us_max << " us, wall " << run.wall_us
                    << " us");
    CHECK(run.return_us_max < 100'000);
  }
}

TEST_CASE("faults: a lift is tried when a model is unsupported, named, and never a plain pass") {
  Scene scene;
  for (const char* script : {"old", "double"}) scene.add(script);
  Lifter lifter(scene.opener());
  scene.options.lifter = &lifter;
  const Run run = scene.run().value();
  CHECK(run.lift_available);
  CHECK(run.results[0].status == Status::repaired);
  CHECK(run.results[0].repair == "lift to 8");
  CHECK(run.results[1].status == Status::pass);
  CHECK(run.results[1].repair.empty());
  // A converter that crashes on a model is not the backend's fault.
  scene.suite.cases[0].model = {'r', 'e', 'f', 'u', 's', 'e'};
  Lifter crashing(scene.opener());
  scene.options.lifter = &crashing;
  CHECK(scene.run()->results[0].status == Status::unsupported);
  // No converter at all: plain unsupported.
  Lifter absent({});
  scene.options.lifter = &absent;
  const Run without = scene.run().value();
  CHECK_FALSE(without.lift_available);
  CHECK(without.results[0].status == Status::unsupported);
}

TEST_CASE("faults: a backend that declines or dies at once fails the run with its own words") {
  Scene scene;
  scene.add("double");
  scene.command.argv = {FAULT_WORKER, "/dev/null", "decline"};
  auto declined = scene.run();
  REQUIRE_FALSE(declined);
  CHECK(declined.error().reason->slug == "standards.worker");
  CHECK(declined.error().detail == "library not found");
  scene.command.argv = {FAULT_WORKER, "/dev/null", "stillborn"};
  auto stillborn = scene.run();
  REQUIRE_FALSE(stillborn);
  CHECK(stillborn.error().detail.find("cannot open shared object") != std::string::npos);
}

TEST_CASE("faults: verdicts follow: wrong answers fail an operator, refusals do not, repairs limit it") {
  Scene scene;
  for (const char* script : {"double", "refuse", "constant", "coerce", "crash", "flaky"}) scene.add(script);
  scene.add("mixed");
  scene.suite.cases.back().model = {'d', 'o', 'u', 'b', 'l', 'e'};
  scene.add("mixed");
  scene.suite.cases.back().model = {'r', 'e', 'f', 'u', 's', 'e'};
  scene.add("outvoted");
  scene.suite.cases.back().model = {'e', 'c', 'h', 'o'};
  for (int i = 0; i < 9; ++i) {
    scene.add("outvoted");
    scene.suite.cases.back().model = {'d', 'o', 'u', 'b', 'l', 'e'};
  }
  const Run run = scene.run().value();
  std::map<std::string, OperatorVerdict> rows;
  for (auto& row : judge_operators(scene.suite, run)) rows[row.key.op_type] = row;
  CHECK(rows["double"].verdict == Verdict::strict);
  CHECK(rows["double"].worst.empty());
  CHECK(rows["refuse"].verdict == Verdict::untested);
  CHECK(rows["constant"].verdict == Verdict::failed);
  CHECK(rows["coerce"].verdict == Verdict::basic_only);
  CHECK(rows["crash"].verdict == Verdict::failed);
  CHECK(rows["flaky"].verdict == Verdict::failed);
  CHECK(rows["mixed"].verdict == Verdict::basic_only);
  CHECK(rows["outvoted"].verdict == Verdict::failed);
  CHECK(rows["outvoted"].passed == 9);
  CHECK(rows["outvoted"].worst.find("wrong: output 0: [2] is 3, should be 6") != std::string::npos);
}

TEST_CASE("faults: a product's model is judged by what the backend does with its golden set") {
  Scene scene;
  Golden golden;
  golden.product = "toy";
  golden.cases = 100;
  golden.input_name = "x";
  golden.shape = {2};
  golden.classes = {"a", "b"};
  std::vector<float> inputs;
  for (int i = 0; i < 100; ++i) {
    const float v = 1.0f + static_cast<float>(i % 9);
    inputs.insert(inputs.end(), {i % 2 == 0 ? v : -v, i % 2 == 0 ? -v : v});
    golden.labels.push_back(static_cast<std::uint16_t>(i % 2));
  }
  golden.inputs.resize(inputs.size() * 4);
  std::memcpy(golden.inputs.data(), inputs.data(), golden.inputs.size());
  for (const float v : inputs) golden.reference.push_back(2 * v);
  const Product product{"toy", "Toy", "m", "g", "backend:fault", 900, ""};
  ProductOptions options;
  options.call_ms = 300;
  const std::tuple<const char*, Verdict, const char*> expected[] = {
      {"double", Verdict::strict, ""},
      {"coerce", Verdict::basic_only, ""},
      {"echo", Verdict::failed, "the answer repeats the input"},
      {"constant", Verdict::failed, "does not depend on the input"},
      {"crash", Verdict::failed, "crash: cases 0 to 63: signal 11 (SIGSEGV)"},
      {"hang", Verdict::failed, "timeout: cases 0 to 63"},
      {"garbage", Verdict::failed, "garbage: cases 0 to 63"},
      {"shape", Verdict::failed, "wrong_shape: cases 0 to 63"},
      {"dtype", Verdict::failed, "wrong_dtype: cases 0 to 63"},
      {"load_crash", Verdict::failed, "crash: load: signal 4 (SIGILL)"},
      {"refuse", Verdict::untested, "unsupported: cases 0 to 63: no such operator"},
      {"old", Verdict::untested, "unsupported: load: operator set 6"},
  };
  for (const auto& [script, verdict, worst] : expected) {
    CAPTURE(script);
    const std::string text = script;
    const ModelResult r = test_product(product, Bytes(text.begin(), text.end()), golden, scene.opener(), {}, options);
    CAPTURE(r.worst);
    CHECK(enum_text(r.verdict) == enum_text(verdict));
    CHECK(r.worst.find(worst) != std::string::npos);
  }
  const ModelResult good = test_product(product, {'d', 'o', 'u', 'b', 'l', 'e'}, golden, scene.opener(), {}, options);
  CHECK(good.quality_milli == 1000);
  CHECK(good.agreement_milli == 1000);
  CHECK(good.batch == 64);
  ConformOut out;
  CHECK_FALSE(answer_is_no(out));
  out.incumbent_failed = true;
  CHECK(answer_is_no(out));
}
