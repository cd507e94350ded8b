#include "refrt/suite.h"

#include <algorithm>
#include <cstdlib>
#include <tuple>

namespace hz::refrt::suite {

namespace {

constexpr std::size_t file_bytes_max = 256u << 20;

Result<onnx::Value> read_value(const fs::path& path, const onnx::ValueInfo& declared) {
  const Bytes bytes = HZ_TRY(read_file(path, file_bytes_max));
  auto value = onnx::decode_value(bytes, declared);
  if (!value) return std::unexpected(within(path.string(), std::move(value).error()));
  return value;
}

}  // namespace

fs::path default_root() {
  const char* root = std::getenv("HZ_ONNX_SUITE");
  return root ? root : "/usr/share/libonnx-testdata/data";
}

std::vector<Case> list(const fs::path& root) {
  std::vector<Case> out;
  std::error_code ignored;
  for (const char* kind : {"node", "pytorch-converted", "pytorch-operator", "simple"})
    for (const auto& entry : fs::directory_iterator(root / kind, ignored)) {
      const std::string folder = entry.path().filename().string();
      if (folder.starts_with("test_") && fs::exists(entry.path() / "model.onnx"))
        out.push_back({kind, folder.substr(5), entry.path()});
    }
  std::ranges::sort(out, {}, [](const Case& c) { return std::tie(c.kind, c.name); });
  return out;
}

Result<Content> read(const Case& c) {
  const Bytes bytes = HZ_TRY(read_file(c.folder / "model.onnx", file_bytes_max));
  auto model = onnx::decode_model(bytes);
  if (!model) return std::unexpected(within((c.folder / "model.onnx").string(), std::move(model).error()));
  Content out{.model = std::move(*model), .inputs = {}, .outputs = {}};
  const fs::path data = c.folder / "test_data_set_0";
  const auto file = [&](std::string_view stem, std::size_t i) { return data / fmt::format("{}_{}.pb", stem, i); };
  for (const onnx::ValueInfo& info : out.model.graph.inputs) {
    // Models of IR version 3 list their initializers among the inputs; files exist for the others only.
    if (std::ranges::count(out.model.graph.initializers, info.name, &onnx::Tensor::name) != 0) continue;
    out.inputs.push_back(HZ_TRY(read_value(file("input", out.inputs.size()), info)));
  }
  for (const onnx::ValueInfo& info : out.model.graph.outputs)
    out.outputs.push_back(HZ_TRY(read_value(file("output", out.outputs.size()), info)));
  return out;
}

}  // namespace hz::refrt::suite
