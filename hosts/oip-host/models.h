// The models that a server has loaded, by name, and what each has done.
#pragma once
#include <map>
#include <mutex>

#include "engine.h"
#include "oip_json.h"

namespace hz::host {

// Counts and nanoseconds, as the statistics extension reports them.
struct Tally {
  std::uint64_t count = 0, ns = 0;
  void add(std::uint64_t more_ns) { ++count, ns += more_ns; }
};
struct ModelStats {
  Tally success, failure, queue, compute_input, compute_infer, compute_output;
  std::int64_t last_inference_ms = 0;
};

class ServedModel {
 public:
  ServedModel(oip::ModelCard card, std::unique_ptr<LoadedModel> model)
      : card_(std::move(card)), model_(std::move(model)) {}
  const oip::ModelCard& card() const { return card_; }
  const Signature& signature() const { return model_->signature(); }

  // Decodes, runs and encodes one request; runs of one model are taken one after another. Errors: as the engine's, and
  // those of decode_infer and encode_infer.
  Result<oip::Encoded> infer(ByteView body, std::optional<std::size_t> json_length, std::size_t body_bytes_max);
  ModelStats stats() const;

 private:
  Result<oip::Encoded> attempt(ByteView body, std::optional<std::size_t> json_length, std::size_t body_bytes_max,
                               ModelStats& spent);
  const oip::ModelCard card_;
  std::unique_ptr<LoadedModel> model_;
  std::mutex running_;
  mutable std::mutex counting_;
  ModelStats stats_;
};

class Models {
 public:
  // `folder` holds <name>/<version>/model.onnx, or is "".
  Models(Engine& engine, std::string folder) : engine_(engine), folder_(std::move(folder)), facts_(engine.facts()) {}

  const Facts& facts() const { return facts_; }
  // Errors: host.invalid (a bad name, a digest that does not match), host.not_found (no such file), the engine's.
  Result<void> load(const std::string& name, oip::LoadRequest request);
  Result<void> unload(const std::string& name);  // host.not_found
  Result<std::shared_ptr<ServedModel>> find(const std::string& name,
                                            const std::string& version) const;  // host.not_found
  std::vector<std::shared_ptr<ServedModel>> all() const;
  // Names in the folder, loaded or not.
  std::vector<std::string> names_in_folder() const;

 private:
  Engine& engine_;
  const std::string folder_;
  const Facts facts_;
  std::mutex loading_;
  mutable std::mutex table_;
  std::map<std::string, std::shared_ptr<ServedModel>> models_;
};

// Letters, digits and ._:- ; at most 128; not starting with a dot.
bool valid_model_name(std::string_view name);

}  // namespace hz::host
