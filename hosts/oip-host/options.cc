#include "options.h"

#include <charconv>

#include "reasons.h"

namespace hz::host {
namespace {

Result<std::int64_t> number(std::string_view name, std::string_view text, std::int64_t low, std::int64_t high) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
    return fail(why("host.usage"), "{} {}: a number from {} to {}", name, text, low, high);
  return value;
}

Result<void> set(Options& out, std::string_view name, std::string_view value) {
  EngineOptions& engine = out.engine;
  if (name == "--engine")
    engine.name = value;
  else if (name == "--library")
    engine.library = value;
  else if (name == "--search")
    engine.search.emplace_back(value);
  else if (name == "--optimise")
    engine.optimise = value;
  else if (name == "--fault")
    engine.fault = value;
  else if (name == "--inner")
    engine.inner = value;
  else if (name == "--intra-threads")
    engine.intra_threads = static_cast<int>(HZ_TRY(number(name, value, 1, 256)));
  else if (name == "--every")
    engine.every = static_cast<int>(HZ_TRY(number(name, value, 1, 1 << 30)));
  else if (name == "--slow-ms")
    engine.slow_ms = static_cast<int>(HZ_TRY(number(name, value, 0, 3600000)));
  else if (name == "--port")
    out.port = static_cast<std::uint16_t>(HZ_TRY(number(name, value, 0, 65535)));
  else if (name == "--model-repository")
    out.model_repository = value;
  else if (name == "--body-bytes-max")
    out.body_bytes_max = static_cast<std::size_t>(HZ_TRY(number(name, value, 1024, std::int64_t{1} << 30)));
  else
    return fail(why("host.usage"), "{}: no such option", name);
  return {};
}

}  // namespace

Result<Options> parse_options(std::span<char* const> arguments) {
  Options out;
  if (arguments.empty()) return fail(why("host.usage"), "say worker or serve");
  const std::string_view verb = arguments[0];
  if (verb == "--help" || verb == "-h" || verb == "help") return out;
  if (verb == "worker")
    out.verb = Options::Verb::worker;
  else if (verb == "serve")
    out.verb = Options::Verb::serve;
  else
    return fail(why("host.usage"), "{}: say worker or serve", verb);
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name == "--exit-with-parent") {
      out.exit_with_parent = true;
      continue;
    }
    if (name == "--print-port") continue;  // the port is always printed
    if (i + 1 >= arguments.size()) return fail(why("host.usage"), "{} needs a value", name);
    HZ_TRY(set(out, name, arguments[++i]));
  }
  if (out.engine.name.empty()) return fail(why("host.usage"), "--engine is missing");
  return out;
}

std::string_view help_text() {
  return R"(oip-host worker --engine E [options]   frames on stdin and stdout (docs/formats/worker_line.md)
oip-host serve  --engine E [options]   Open Inference Protocol v2 over HTTP on 127.0.0.1

engines: ort opencv refrt lift (worker only) echo faulty
  --intra-threads N        threads inside one run (1)
  --library PATH           ort: the shared library; else $HEZONG_ORT_LIBRARY, else a node_modules folder
  --search DIR             ort: a folder that may hold node_modules (repeatable)
  --optimise LEVEL         ort: off, basic, extended, all (basic)
  --fault F --inner E --every N --slow-ms N      faulty: see hosts/README.md
serve:
  --port N                 0 picks a free one (0); the first line of stdout is {"port":N,...}
  --model-repository DIR   loads DIR/<name>/<version>/model.onnx
  --body-bytes-max N       largest request (268435456)
  --exit-with-parent       ends when stdin closes

exit codes: 0 done, 1 the line broke, 2 usage, 7 the engine's library is not here
)";
}

}  // namespace hz::host
