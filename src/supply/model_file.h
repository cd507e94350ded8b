// ONNX model files: which operators a model needs, how often, at which opset.
#pragma once
#include "onnx/model.h"
#include "supply/facts.h"

namespace hz::supply {

// The node `model:<digest>` with producer and opsets as notes, and its operators counted through nested graphs.
Facts model_facts(const onnx::Model& model, const std::string& digest, const std::string& file_name);

}  // namespace hz::supply
