// One case of the official operator suite, as values.
#pragma once
#include <fmt/core.h>

#include "base/fs.h"
#include "onnx/model.h"

namespace hz::host {

inline constexpr std::string_view suite_folder = "/usr/share/libonnx-testdata/data";

struct OfficialCase {
  std::string name;
  Bytes model;
  std::vector<onnx::Value> inputs, outputs;
};

// Errors: those of the file reader and of the ONNX decoder.
inline Result<OfficialCase> read_official_case(const fs::path& folder) {
  OfficialCase out;
  out.name = folder.filename().string();
  out.model = HZ_TRY(read_file(folder / "model.onnx", 64u << 20));
  const onnx::Model model = HZ_TRY(onnx::decode_model(out.model));
  std::vector<onnx::ValueInfo> inputs;
  for (const auto& input : model.graph.inputs) {
    bool given = false;
    for (const auto& t : model.graph.initializers) given = given || t.name == input.name;
    if (!given) inputs.push_back(input);
  }
  const auto values = [&](const char* what, const auto& infos, std::vector<onnx::Value>& to) -> Result<void> {
    for (std::size_t i = 0; i < infos.size(); ++i) {
      const fs::path file = folder / "test_data_set_0" / fmt::format("{}_{}.pb", what, i);
      to.push_back(HZ_TRY(onnx::decode_value(HZ_TRY(read_file(file, 64u << 20)), infos[i])));
      to.back().name = infos[i].name;
    }
    return {};
  };
  HZ_TRY(values("input", inputs, out.inputs));
  HZ_TRY(values("output", model.graph.outputs, out.outputs));
  return out;
}

}  // namespace hz::host
