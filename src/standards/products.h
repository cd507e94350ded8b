// Runs a product's model over its golden set on one backend.
#pragma once
#include <map>
#include <set>

#include "standards/golden.h"
#include "standards/kinds.h"
#include "standards/session.h"

namespace hz::standards {

struct Product {
  std::string id, name;
  std::string model_sha256, golden_sha256;
  std::string incumbent;  // "backend:ort"
  std::int64_t quality_min_milli = 0;
  std::string member;  // whose product it is
};

// This member's products as recorded, then others'. Errors: sql.*.
Result<std::vector<Product>> recorded_products(sql::Db& views);

// Files below a folder by their SHA-256: *.onnx and *.golden only, at most 4 folders deep and 4,096 of them.
// Errors: base.read.
Result<std::map<std::string, fs::path>> index_files(const fs::path& folder);

struct ProductOptions {
  std::size_t batch = 64;
  std::int64_t call_ms = 30'000;
  std::int64_t start_ms = 30'000;
  Lifter* lifter = nullptr;
  std::vector<std::int64_t> lift_targets = {13, 17};
};

// Operator names of a model's own graph; empty when it cannot be decoded.
std::set<std::string> operators_of(const Bytes& model);

// Never fails for reasons of the backend: those are the result. `does_not_run` holds the operators for which the
// backend has no passing case; those that the model uses, and those that the backend names itself, are listed as
// blocking when it cannot be loaded. backend and backend_digest are filled in by the caller.
ModelResult test_product(const Product& product, const Bytes& model, const Golden& golden, const Opener& open,
                         const std::set<std::string>& does_not_run, const ProductOptions& options);

}  // namespace hz::standards
