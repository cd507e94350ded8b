#include "supply/backends_file.h"

#include <set>

#include "supply/reasons.h"
#include "supply/text_lines.h"
#include "supply/toml_tree.h"

namespace hz::supply {

namespace {

// A list of file names without folders; empty when the key is absent.
Result<std::vector<std::string>> file_names(TomlTable& table, std::string_view key) {
  std::vector<std::string> out;
  const Toml* list = table.any(key);
  if (!list) return out;
  const Toml::Array* items = list->array();
  if (!items || items->size() > 32) return table.refuse(*list, key, "should be a list of at most 32 file names");
  for (const Toml& item : *items) {
    const std::string* name = item.text();
    if (!name || name->empty() || name->find('/') != std::string::npos)
      return table.refuse(item, key, "should be a file name without folders");
    out.push_back(*name);
  }
  return out;
}

}  // namespace

bool looks_like_backends(std::string_view text) { return has_line_starting(text, "[[backend]]"); }

Result<std::vector<BackendDeclaration>> parse_backends(std::string_view text) {
  const Toml document = HZ_TRY(parse_toml(text));
  TomlTable root = HZ_TRY(TomlTable::of(document, "backends"));
  std::vector<BackendDeclaration> out;
  std::set<std::string> names;
  for (TomlTable& table : HZ_TRY(root.tables("backend", 256))) {
    BackendDeclaration backend;
    backend.name = HZ_TRY(table.text("name", 64));
    if (!valid_id(backend.name) || !names.insert(backend.name).second)
      return table.refuse(*table.any("name"), "name", "should be an id that appears once");
    backend.title = HZ_TRY(table.text("title", 200));
    backend.npm = HZ_TRY(table.text_if("npm", 214)).value_or("");
    backend.library = HZ_TRY(file_names(table, "library"));
    backend.program = HZ_TRY(file_names(table, "program"));
    if (backend.library.empty() && backend.program.empty())
      return fail(why("supply.field"), "line {}: [[backend]] needs library = [...] or program = [...]", table.line());
    HZ_TRY(table.done());
    out.push_back(std::move(backend));
  }
  HZ_TRY(root.done());
  return out;
}

std::string_view known_backends() {
  return R"([[backend]]
name = "ort"
title = "ONNX Runtime"
library = ["libonnxruntime.so*"]
[[backend]]
name = "opencv"
title = "OpenCV DNN"
library = ["libopencv_dnn.so.*"]
[[backend]]
name = "refrt"
title = "Hezong reference runtime"
program = ["oip-host"]
[[backend]]
name = "cuda"
title = "CUDA runtime"
library = ["libcudart.so.*"]
[[backend]]
name = "tensorrt"
title = "TensorRT"
library = ["libnvinfer.so.*"]
[[backend]]
name = "rocm"
title = "ROCm HIP"
library = ["libamdhip64.so.*"]
[[backend]]
name = "cann"
title = "Ascend CANN"
library = ["libascendcl.so*"]
[[backend]]
name = "openvino"
title = "OpenVINO"
library = ["libopenvino.so*"]
[[backend]]
name = "tflite"
title = "TensorFlow Lite"
library = ["libtensorflowlite_c.so*"]
[[backend]]
name = "torch"
title = "LibTorch"
library = ["libtorch_cpu.so*"]
)";
}

}  // namespace hz::supply
