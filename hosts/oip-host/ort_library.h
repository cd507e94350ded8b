// One loaded ONNX Runtime library: its table, its environment, and owners for what it hands out.
#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "onnx/model.h"
#include "ort_api.h"

namespace hz::host::ort {

class Library {
 public:
  // Errors: host.library (no such file, no entry point, table too old).
  static Result<std::unique_ptr<Library>> open(const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const std::string& path() const { return path_; }
  const std::string& version() const { return version_; }
  Env* env() const { return env_; }
  MemoryFacts* memory() const { return memory_; }
  Allocator* allocator() const { return allocator_; }

  template <class R, class... P, class... A>
  R call(Slot<R(P...)> slot, A... arguments) const {
    return reinterpret_cast<R (*)(P...)>(const_cast<void*>(table_[slot.at]))(arguments...);
  }
  // A call that may fail. `while_doing` goes in front of the library's message.
  enum class Phase : std::uint8_t { load, run };
  template <class... P, class... A>
  Result<void> attempt(Phase phase, Slot<Status*(P...)> slot, A... arguments) const {
    Status* status = call(slot, arguments...);
    if (status == nullptr) return {};
    return failure(phase, status);
  }

  // A value owned by us.
  struct Release {
    const Library* library;
    void operator()(Value* value) const { library->call(release_value, value); }
  };
  using OwnedValue = std::unique_ptr<Value, Release>;
  OwnedValue own(Value* value) const { return {value, Release{this}}; }

  // Our value as the library's. Numbers are wrapped, not copied: `value` must outlive the result.
  Result<OwnedValue> give(const onnx::Value& value) const;
  // The library's value as ours (a copy).
  Result<onnx::Value> take(const Value* value, const std::string& name) const;

 private:
  Library() = default;
  std::unexpected<Error> failure(Phase phase, Status* status) const;
  Result<OwnedValue> give_tensor(const onnx::Tensor& tensor) const;
  Result<OwnedValue> give_sequence(const onnx::Value& value) const;
  Result<onnx::Tensor> take_tensor(const Value* value, const std::string& name) const;

  std::string path_, version_;
  const void* const* table_ = nullptr;
  Env* env_ = nullptr;
  MemoryFacts* memory_ = nullptr;
  Allocator* allocator_ = nullptr;
};

}  // namespace hz::host::ort
