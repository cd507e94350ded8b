// ONNX Runtime, loaded at run time from the library that the npm package onnxruntime-node ships.
#include <locale.h>

#include <algorithm>
#include <cstdlib>

#include "base/fs.h"
#include "engine.h"
#include "ort_library.h"
#include "reasons.h"

namespace hz::host {
namespace {

using ort::Library;
constexpr auto loading = Library::Phase::load;

class OrtModel final : public LoadedModel {
 public:
  OrtModel(const Library& library, ort::Session* session) : library_(library), session_(session) {}
  ~OrtModel() override { library_.call(ort::release_session, session_); }

  Result<void> read_signature() {
    std::size_t inputs = 0, outputs = 0;
    HZ_TRY(library_.attempt(loading, ort::input_count, session(), &inputs));
    HZ_TRY(library_.attempt(loading, ort::output_count, session(), &outputs));
    for (std::size_t i = 0; i < inputs; ++i)
      signature_.inputs.push_back(HZ_TRY(port(i, ort::input_name, ort::input_type)));
    for (std::size_t i = 0; i < outputs; ++i)
      signature_.outputs.push_back(HZ_TRY(port(i, ort::output_name, ort::output_type)));
    for (const auto& p : signature_.inputs) input_names_.push_back(p.name.c_str());
    for (const auto& p : signature_.outputs) output_names_.push_back(p.name.c_str());
    return {};
  }

  const Signature& signature() const override { return signature_; }

  Result<Outcome> run(const std::vector<onnx::Value>& inputs) override {
    if (inputs.size() != input_names_.size())
      return fail(why("host.invalid"), "{} inputs, the model has {}", inputs.size(), input_names_.size());
    std::vector<Library::OwnedValue> given;
    std::vector<const ort::Value*> pointers;
    for (const onnx::Value& input : inputs) {
      given.push_back(HZ_TRY(library_.give(input)));
      pointers.push_back(given.back().get());
    }
    std::vector<ort::Value*> raw(output_names_.size(), nullptr);
    auto ran = library_.attempt(Library::Phase::run, ort::run_session, session_,
                                static_cast<const ort::RunOptions*>(nullptr), input_names_.data(), pointers.data(),
                                pointers.size(), output_names_.data(), output_names_.size(), raw.data());
    std::vector<Library::OwnedValue> owned;
    for (ort::Value* value : raw) owned.push_back(library_.own(value));
    if (!ran) return std::unexpected(std::move(ran).error());
    Outcome out;
    for (std::size_t i = 0; i < owned.size(); ++i)
      out.outputs.push_back(HZ_TRY(library_.take(owned[i].get(), signature_.outputs[i].name)));
    return out;
  }

 private:
  const ort::Session* session() const { return session_; }

  template <class Name, class Type>
  Result<onnx::ValueInfo> port(std::size_t index, Name name_slot, Type type_slot) {
    onnx::ValueInfo out;
    char* name = nullptr;
    HZ_TRY(library_.attempt(loading, name_slot, session(), index, library_.allocator(), &name));
    out.name = name;
    HZ_TRY(library_.attempt(loading, ort::allocator_free, library_.allocator(), static_cast<void*>(name)));
    ort::TypeFacts* type = nullptr;
    HZ_TRY(library_.attempt(loading, type_slot, session(), index, &type));
    const auto release = [this](ort::TypeFacts* t) { library_.call(ort::release_type, t); };
    const std::unique_ptr<ort::TypeFacts, decltype(release)> owner(type, release);
    const ort::TypeFacts* facts = type;
    int kind = 0;
    HZ_TRY(library_.attempt(loading, ort::kind_of_type, facts, &kind));
    out.is_tensor = kind == ort::kind_tensor;
    if (!out.is_tensor) return out;
    const ort::ShapeFacts* shape = nullptr;
    int dtype = 0;
    std::size_t rank = 0;
    HZ_TRY(library_.attempt(loading, ort::tensor_facts, facts, &shape));
    HZ_TRY(library_.attempt(loading, ort::element_type, shape, &dtype));
    HZ_TRY(library_.attempt(loading, ort::rank, shape, &rank));
    out.dtype = static_cast<onnx::Dtype>(dtype);
    out.has_shape = true;
    out.shape.resize(rank);
    HZ_TRY(library_.attempt(loading, ort::dims, shape, out.shape.data(), rank));
    return out;
  }

  const Library& library_;
  ort::Session* session_;
  Signature signature_;
  std::vector<const char*> input_names_, output_names_;
};

class OrtEngine final : public Engine {
 public:
  OrtEngine(std::unique_ptr<Library> library, ort::SessionOptions* options)
      : library_(std::move(library)), options_(options) {}
  ~OrtEngine() override { library_->call(ort::release_options, options_); }

  Facts facts() override { return {"ort", library_->version(), library_->path(), file_digest(library_->path())}; }

  Result<std::unique_ptr<LoadedModel>> load(ByteView model) override {
    ort::Session* session = nullptr;
    HZ_TRY(library_->attempt(loading, ort::create_session, static_cast<const ort::Env*>(library_->env()),
                             static_cast<const void*>(model.data()), model.size(),
                             static_cast<const ort::SessionOptions*>(options_), &session));
    auto out = std::make_unique<OrtModel>(*library_, session);
    HZ_TRY(out->read_signature());
    return std::unique_ptr<LoadedModel>(std::move(out));
  }

 private:
  std::unique_ptr<Library> library_;
  ort::SessionOptions* options_;
};

#if defined(__aarch64__)
constexpr std::string_view machine = "arm64";
#else
constexpr std::string_view machine = "x64";
#endif

// StringNormalizer asks the C library for en_US.UTF-8 and its models do not load without it. Where the system has no
// such locale, the one that `./dev deps` compiles is offered; without either, those models stay unsupported.
void offer_locale() {
  constexpr const char* name = "en_US.UTF-8";
  if (const locale_t found = ::newlocale(LC_ALL_MASK, name, nullptr)) return ::freelocale(found);
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  for (const fs::path& folder : {program.parent_path() / "../../locale", fs::path("build/locale")})
    if (fs::exists(folder / name, ignored)) {
      ::setenv("LOCPATH", folder.c_str(), 0);
      return;
    }
}

// --library, then $HEZONG_ORT_LIBRARY, then node_modules under each folder to search and beside the program's build
// folder.
Result<std::string> find_library(const EngineOptions& options) {
  if (!options.library.empty()) return options.library;
  if (const char* named = std::getenv("HEZONG_ORT_LIBRARY"); named != nullptr && *named != '\0') return named;
  std::vector<fs::path> roots(options.search.begin(), options.search.end());
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  roots.insert(roots.end(), {".", "build/npm", program.parent_path() / "../../npm"});
  for (const fs::path& root : roots) {
    const fs::path bin = root / "node_modules/onnxruntime-node/bin";
    for (const char* api : {"napi-v3", "napi-v6"}) {
      const fs::path folder = bin / api / "linux" / machine;
      std::vector<fs::path> found;
      for (const auto& entry : fs::directory_iterator(folder, ignored))
        if (entry.path().filename().string().starts_with("libonnxruntime.so")) found.push_back(entry.path());
      if (!found.empty()) return std::max_element(found.begin(), found.end())->string();
    }
  }
  return fail(why("host.library"),
              "ONNX Runtime is not here: no --library, no $HEZONG_ORT_LIBRARY, and no "
              "node_modules/onnxruntime-node under {} folders searched",
              roots.size());
}

}  // namespace

Result<std::unique_ptr<Engine>> open_ort(const EngineOptions& options) {
  int level = 0;
  if (options.optimise == "off")
    level = ort::optimise_off;
  else if (options.optimise == "basic")
    level = ort::optimise_basic;
  else if (options.optimise == "extended")
    level = ort::optimise_extended;
  else if (options.optimise == "all")
    level = ort::optimise_all;
  else
    return fail(why("host.usage"), "--optimise {}: off, basic, extended or all", options.optimise);
  offer_locale();
  auto library = HZ_TRY(Library::open(HZ_TRY(find_library(options))));
  ort::SessionOptions* session = nullptr;
  HZ_TRY(library->attempt(loading, ort::create_options, &session));
  const Library& l = *library;
  auto engine = std::make_unique<OrtEngine>(std::move(library), session);
  HZ_TRY(l.attempt(loading, ort::set_optimisation, session, level));
  HZ_TRY(l.attempt(loading, ort::set_intra_threads, session, options.intra_threads));
  HZ_TRY(l.attempt(loading, ort::set_inter_threads, session, 1));
  HZ_TRY(l.attempt(loading, ort::set_log_level, session, ort::log_fatal));
  // Short-lived sessions: an arena and a planned memory pattern cost more than they save.
  HZ_TRY(l.attempt(loading, ort::disable_arena, session));
  HZ_TRY(l.attempt(loading, ort::disable_memory_pattern, session));
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace hz::host
