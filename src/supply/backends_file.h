// backends.toml: which files make up each inference backend.
//
//   [[backend]]
//   name = "ort"                          # the component is backend:ort
//   title = "ONNX Runtime"
//   library = ["libonnxruntime.so*"]      # file names, * for any text; the first one found counts
//   npm = "onnxruntime-node"              # optional: only inside this npm package
//
//   program = ["triton"]                  # executables of that name, beside or instead of `library`
//
// What is named is needed: one library of the list and one program of the list.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace hz::supply {

struct BackendDeclaration {
  std::string name, title;
  std::vector<std::string> library, program;
  std::string npm;
};

// Errors: supply.toml, supply.field, supply.limit, base.utf8, with the line.
Result<std::vector<BackendDeclaration>> parse_backends(std::string_view text);

bool looks_like_backends(std::string_view text);

// What a scan looks for when the folder has no backends.toml, in the same format.
std::string_view known_backends();

}  // namespace hz::supply
