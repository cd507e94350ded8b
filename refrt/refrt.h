// The alliance's reference runtime for ONNX: the executable definition of an operator, readable before fast.
//
// Every real number is computed in double and rounded once at the end of each node. It is the tie-breaker between two
// runtimes that disagree and the last engine left when every foreign one is gone.
#pragma once
#include <memory>
#include <span>

#include "onnx/model.h"

namespace hz::refrt {

// What one run may use. A hostile model reaches a limit, never the end of memory or of the day.
struct Limits {
  std::int64_t elements_max = std::int64_t{1} << 28;  // of one tensor
  std::int64_t bytes_max = std::int64_t{4} << 30;     // all tensors made in one run, together
  double work_max = 1e13;                             // elementary steps (multiply-adds, copied elements) in one run
  int depth_max = 16;                                 // subgraphs within subgraphs
};

class Session {
 public:
  // Checks once that every operator is known and every edge defined. Errors: refrt.unsupported (operator, domain,
  // opset), refrt.invalid.
  static Result<Session> load(onnx::Model model, const Limits& limits = {});
  // Inputs in the order of the graph's inputs that are not initializers; outputs in graph order. Safe to call from many
  // threads at once. Errors: refrt.invalid (node and shapes), refrt.unsupported (a mode or element type), refrt.limit.
  Result<std::vector<onnx::Value>> run(std::span<const onnx::Value> inputs) const;

 private:
  std::shared_ptr<const std::vector<onnx::Value>> weights_;  // the main graph's initializers, moved out of the model
  std::shared_ptr<const onnx::Model> model_;
  Limits limits_;
  std::int64_t element_bytes_ = 16;  // what the limits charge for one element
};

// What it implements, sorted: "Abs", "Add", ..., with the domain in front when it is not ai.onnx.
std::span<const std::string> operators();

}  // namespace hz::refrt
