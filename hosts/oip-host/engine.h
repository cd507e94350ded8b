// The one interface every inference engine is adapted to. One file per engine; nothing else knows the engine's own
// types.
//
// Errors of every call: host.unsupported (the engine cannot express it), host.invalid (model or inputs are wrong),
// host.resource (out of memory), host.internal (it failed). Adapters catch the engine's exceptions.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "onnx/model.h"

namespace hz::host {

// What the engine is, for evidence. The library is the file that computes; its digest is SHA-256 in hex, "" when
// unreadable.
struct Facts {
  std::string engine, version, library_path, library_digest;
};

// Inputs without initializers and outputs, in graph order. A dim of -1 is symbolic or unknown.
struct Signature {
  std::vector<onnx::ValueInfo> inputs, outputs;
};

// The answer of a run. `note` names every repair the adapter made to the inputs ("coerced x int64 to float32"), else
// "".
struct Outcome {
  std::vector<onnx::Value> outputs;
  std::string note;
};

class LoadedModel {
 public:
  virtual ~LoadedModel() = default;
  virtual const Signature& signature() const = 0;
  // One value per input of the signature, in its order. Blocks until done. Not safe for two threads at once.
  virtual Result<Outcome> run(const std::vector<onnx::Value>& inputs) = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Facts facts() = 0;  // reads the whole library file once for its digest
  // The model keeps nothing of `model` and may not outlive the engine.
  virtual Result<std::unique_ptr<LoadedModel>> load(ByteView model) = 0;
  // The same model converted to operator set `opset` of the default domain.
  virtual Result<Bytes> lift(ByteView model, std::int64_t opset);
};

// What the command line says about an engine.
struct EngineOptions {
  std::string name;                 // ort, opencv, refrt, echo, lift, faulty
  std::string library;              // ort: path of the shared library
  std::vector<std::string> search;  // ort: folders that may hold node_modules
  int intra_threads = 1;
  std::string optimise = "basic";     // ort: off, basic, extended, all
  std::string fault, inner = "echo";  // faulty
  int every = 1;                      // faulty: the fault strikes on every n-th run
  int slow_ms = 200;                  // faulty
};

// Each is defined in its engine's file. Errors: host.library, host.usage.
Result<std::unique_ptr<Engine>> open_ort(const EngineOptions& options);
Result<std::unique_ptr<Engine>> open_opencv(const EngineOptions& options);
Result<std::unique_ptr<Engine>> open_refrt(const EngineOptions& options);
Result<std::unique_ptr<Engine>> open_lift(const EngineOptions& options);
Result<std::unique_ptr<Engine>> open_echo(const EngineOptions& options);
Result<std::unique_ptr<Engine>> open_faulty(const EngineOptions& options);

// The engine with this name, if this program has it. Errors: host.usage, host.library, host.unsupported.
// Defined once per program, because each links only what it needs (engines_main.cc and its siblings).
Result<std::unique_ptr<Engine>> open_engine(const EngineOptions& options);

// The signature that a model itself declares. Of bytes: host.invalid when they are no model.
Signature signature_of(const onnx::Model& model);
Result<Signature> declared_signature(ByteView model);
// SHA-256 in hex; of a file that cannot be read, "".
std::string bytes_digest(ByteView bytes);
std::string file_digest(const std::string& path);

}  // namespace hz::host
