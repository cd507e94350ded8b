// The official ONNX test cases as Debian's libonnx-testdata ships them: <kind>/<case>/model.onnx beside
// test_data_set_0/{input_N,output_N}.pb. Kinds read: node, pytorch-converted, pytorch-operator, simple (1,072 cases in
// 1.12.0-2). `real` holds only links to models elsewhere and is left out.
#pragma once
#include <string>
#include <vector>

#include "base/fs.h"
#include "onnx/model.h"
#include "standards/errata.h"

namespace hz::standards {

// What a case is evidence about. Empty op_type: several operators, so that no single one can be praised or blamed.
struct OperatorKey {
  std::string op_type;
  std::string domain;      // "" is ai.onnx
  std::string dtype;       // of the first tensor that flows in, else of the first that flows out; "" when there is none
  std::int64_t opset = 0;  // imported version of the domain
  auto operator<=>(const OperatorKey&) const = default;
};

struct Case {
  std::string name;                   // "node/test_abs"
  Bytes model;                        // the file's bytes
  std::vector<onnx::Value> inputs;    // in the order of the graph's non-initializer inputs
  std::vector<onnx::Value> expected;  // in graph order
  OperatorKey key;
  std::int64_t opset = 0;    // of ai.onnx; 0 when the model does not import it
  bool tensors_only = true;  // no sequence, optional or bfloat16: expressible in Open Inference Protocol v2
  std::vector<onnx::ValueInfo> graph_inputs, graph_outputs;  // for transports that name tensors
  const Erratum* erratum = nullptr;                          // points into the Errata given to read_suite
};

struct Suite {
  fs::path folder;
  std::vector<Case> cases;   // sorted by name
  std::string digest;        // SHA-256 over "<sha256> <path>\n" of every file read, sorted by path, hex
  std::size_t bytes = 0;     // of all files
  std::int64_t read_us = 0;  // wall time of reading and decoding
};

struct SuiteLimits {
  std::size_t cases_max = 65536;
  std::size_t file_bytes_max = 64u << 20;
  std::size_t total_bytes_max = 1u << 30;
  std::size_t values_max = 64;  // inputs or outputs of one case
};

inline constexpr std::string_view suite_folder_debian = "/usr/share/libonnx-testdata/data";

// Reads with `jobs` threads. `only`: glob patterns over case names; empty takes all. The digest covers what was read.
// Errata repairs (class encoding) are applied to the values. Cost: 1,072 cases in about 0.1 s with two threads.
// Errors: standards.no_suite, standards.suite (file and reason), standards.pattern.
Result<Suite> read_suite(const fs::path& folder, const std::vector<std::string>& only, const Errata& errata,
                         int jobs = 2, const SuiteLimits& limits = {});

}  // namespace hz::standards
