// The official ONNX operator tests as Debian ships them (libonnx-testdata): one folder per case.
//
// Layout: <root>/<kind>/test_<name>/model.onnx and test_data_set_0/{input_N,output_N}.pb.
#pragma once
#include "base/fs.h"
#include "onnx/model.h"

namespace hz::refrt::suite {

struct Case {
  std::string kind, name;  // "node", "abs"
  fs::path folder;
};
struct Content {
  onnx::Model model;
  std::vector<onnx::Value> inputs, outputs;  // in graph order, initializers left out of the inputs
};

// $HZ_ONNX_SUITE, else where the Debian package puts it.
fs::path default_root();
// Sorted by kind and name; empty when the folder does not exist. Cases without a model file are left out.
std::vector<Case> list(const fs::path& root);
// Errors: base.read and those of onnx::decode_*; the detail names the file.
Result<Content> read(const Case& c);

}  // namespace hz::refrt::suite
