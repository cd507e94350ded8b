#include "models.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <new>

#include "base/fs.h"
#include "base/seams.h"
#include "reasons.h"

namespace hz::host {
namespace {

using Timer = std::chrono::steady_clock;
std::uint64_t ns_since(Timer::time_point from) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(Timer::now() - from).count());
}

constexpr std::size_t model_bytes_max = 512u << 20;

}  // namespace

bool valid_model_name(std::string_view name) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
  return !name.empty() && name.size() <= 128 && name.front() != '.' &&
         name.find_first_not_of(allowed) == std::string_view::npos;
}

Result<oip::Encoded> ServedModel::attempt(ByteView body, std::optional<std::size_t> json_length,
                                          std::size_t body_bytes_max, ModelStats& spent) {
  auto from = Timer::now();
  oip::InferRequest request = HZ_TRY(oip::decode_infer(body, json_length, body_bytes_max));
  const std::vector<onnx::Value> inputs = HZ_TRY(oip::arrange(request, signature()));
  for (const oip::WantedOutput& wanted : request.outputs) {
    const auto& outputs = signature().outputs;
    if (std::none_of(outputs.begin(), outputs.end(), [&](const auto& port) { return port.name == wanted.name; }))
      return fail(why("host.invalid"), "the model has no output {}", wanted.name);
  }
  spent.compute_input.add(ns_since(from));
  from = Timer::now();
  std::unique_lock running(running_);
  spent.queue.add(ns_since(from));
  from = Timer::now();
  Outcome outcome = HZ_TRY(model_->run(inputs));
  running.unlock();
  spent.compute_infer.add(ns_since(from));
  from = Timer::now();
  auto encoded = oip::encode_infer(
      {card_.name, card_.version, request.id, std::move(outcome.note), std::move(outcome.outputs)}, request);
  spent.compute_output.add(ns_since(from));
  return encoded;
}

Result<oip::Encoded> ServedModel::infer(ByteView body, std::optional<std::size_t> json_length,
                                        std::size_t body_bytes_max) {
  const auto from = Timer::now();
  ModelStats spent;
  Result<oip::Encoded> out = fail(why("host.resource"), "out of memory");
  try {
    out = attempt(body, json_length, body_bytes_max, spent);
  } catch (const std::bad_alloc&) {  // the answer is already written
  } catch (const std::exception& e) {
    out = fail(why("host.internal"), "{}", e.what());
  }
  const std::lock_guard lock(counting_);
  if (!out) {
    stats_.failure.add(ns_since(from));
    return out;
  }
  stats_.success.add(ns_since(from));
  stats_.queue.add(spent.queue.ns);
  stats_.compute_input.add(spent.compute_input.ns);
  stats_.compute_infer.add(spent.compute_infer.ns);
  stats_.compute_output.add(spent.compute_output.ns);
  stats_.last_inference_ms = system_clock().now_ms();
  return out;
}

ModelStats ServedModel::stats() const {
  const std::lock_guard lock(counting_);
  return stats_;
}

namespace {

// The highest-numbered version of a model in the folder.
Result<oip::LoadRequest> read_from_folder(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  std::int64_t newest = 0;
  for (const auto& entry : fs::directory_iterator(folder / name, ignored)) {
    const std::string text = entry.path().filename().string();
    std::int64_t version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error == std::errc{} && end == text.data() + text.size()) newest = std::max(newest, version);
  }
  if (newest == 0) return fail(why("host.not_found"), "{}: no numbered version in the model repository", name);
  oip::LoadRequest out;
  out.version = std::to_string(newest);
  auto bytes = read_file(folder / name / out.version / "model.onnx", model_bytes_max);
  if (!bytes) return fail(why("host.not_found"), "{}", bytes.error().detail);
  out.model = std::move(*bytes);
  return out;
}

}  // namespace

Result<void> Models::load(const std::string& name, oip::LoadRequest request) {
  if (!valid_model_name(name)) return fail(why("host.invalid"), "model name \"{}\"", name);
  if (!request.model) {
    if (folder_.empty())
      return fail(why("host.not_found"), "{}: no file in the request, and no --model-repository", name);
    const std::string digest = std::move(request.digest);
    request = HZ_TRY(read_from_folder(folder_, name));
    request.digest = digest;
  }
  if (request.model->size() > model_bytes_max)
    return fail(why("host.too_large"), "{}: a model of {} bytes, at most {}", name, request.model->size(),
                model_bytes_max);
  const std::string digest = bytes_digest(*request.model);
  if (!request.digest.empty() && request.digest != digest)
    return fail(why("host.invalid"), "{}: the model's digest is {}, parameters.hz_digest says {}", name, digest,
                request.digest);
  const std::lock_guard one_at_a_time(loading_);
  Result<std::unique_ptr<LoadedModel>> loaded = fail(why("host.resource"), "out of memory");
  try {
    loaded = engine_.load(*request.model);
  } catch (const std::exception&) {  // only bad_alloc crosses an adapter; the answer is already written
  }
  if (!loaded) return within(name, std::move(loaded).error());
  oip::ModelCard card{name, request.version, facts_.engine + "_onnx", digest, facts_.engine, facts_.version};
  if (auto speakable = oip::model_metadata(card, (*loaded)->signature()); !speakable)
    return within(name, std::move(speakable).error());
  auto served = std::make_shared<ServedModel>(std::move(card), std::move(*loaded));
  const std::lock_guard lock(table_);
  models_[name] = std::move(served);
  return {};
}

Result<void> Models::unload(const std::string& name) {
  const std::lock_guard lock(table_);
  if (models_.erase(name) == 0) return fail(why("host.not_found"), "model {} is not loaded", name);
  return {};
}

Result<std::shared_ptr<ServedModel>> Models::find(const std::string& name, const std::string& version) const {
  const std::lock_guard lock(table_);
  const auto found = models_.find(name);
  if (found == models_.end()) return fail(why("host.not_found"), "model {} is not loaded", name);
  if (!version.empty() && found->second->card().version != version)
    return fail(why("host.not_found"), "model {} has version {}, not {}", name, found->second->card().version, version);
  return found->second;
}

std::vector<std::shared_ptr<ServedModel>> Models::all() const {
  const std::lock_guard lock(table_);
  std::vector<std::shared_ptr<ServedModel>> out;
  for (const auto& [name, model] : models_) out.push_back(model);
  return out;
}

std::vector<std::string> Models::names_in_folder() const {
  std::vector<std::string> out;
  std::error_code ignored;
  if (folder_.empty()) return out;
  for (const auto& entry : fs::directory_iterator(folder_, ignored))
    if (valid_model_name(entry.path().filename().string())) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace hz::host
