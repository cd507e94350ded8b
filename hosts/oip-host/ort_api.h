// The part of ONNX Runtime's C interface that we call, declared by us.
//
// The library hands out one table of function pointers. The table only ever grows at its end: a function keeps its
// place in every later release, so a place number and a function type are all that is needed to call it. Written from
// the public documentation; no foreign header is copied (docs/decisions/0050). Names are ours, the comment gives the
// public one.
#pragma once
#include <cstddef>
#include <cstdint>

namespace hz::host::ort {

// The newest table this file relies on. A library asked for a version it does not have returns null.
inline constexpr std::uint32_t table_version = 13;

struct Status;
struct Env;
struct MemoryFacts;
struct Session;
struct Value;
struct TypeFacts;
struct ShapeFacts;
struct SessionOptions;
struct RunOptions;
struct Allocator;

// OrtGetApiBase() returns this.
struct Entry {
  const void* const* (*table)(std::uint32_t version);
  const char* (*version)();
};

// Place `at` of the table holds a function of type F.
template <class F>
struct Slot {
  std::size_t at;
};

inline constexpr Slot<int(const Status*)> error_code{1};                // GetErrorCode
inline constexpr Slot<const char*(const Status*)> error_message{2};     // GetErrorMessage
inline constexpr Slot<Status*(int, const char*, Env**)> create_env{3};  // CreateEnv
inline constexpr Slot<Status*(const Env*, const void*, std::size_t, const SessionOptions*, Session**)> create_session{
    8};  // CreateSessionFromArray
inline constexpr Slot<Status*(Session*, const RunOptions*, const char* const*, const Value* const*, std::size_t,
                              const char* const*, std::size_t, Value**)>
    run_session{9};                                                             // Run
inline constexpr Slot<Status*(SessionOptions**)> create_options{10};            // CreateSessionOptions
inline constexpr Slot<Status*(SessionOptions*)> disable_memory_pattern{17};     // DisableMemPattern
inline constexpr Slot<Status*(SessionOptions*)> disable_arena{19};              // DisableCpuMemArena
inline constexpr Slot<Status*(SessionOptions*, int)> set_log_level{22};         // SetSessionLogSeverityLevel
inline constexpr Slot<Status*(SessionOptions*, int)> set_optimisation{23};      // SetSessionGraphOptimizationLevel
inline constexpr Slot<Status*(SessionOptions*, int)> set_intra_threads{24};     // SetIntraOpNumThreads
inline constexpr Slot<Status*(SessionOptions*, int)> set_inter_threads{25};     // SetInterOpNumThreads
inline constexpr Slot<Status*(const Session*, std::size_t*)> input_count{30};   // SessionGetInputCount
inline constexpr Slot<Status*(const Session*, std::size_t*)> output_count{31};  // SessionGetOutputCount
inline constexpr Slot<Status*(const Session*, std::size_t, TypeFacts**)> input_type{33};   // SessionGetInputTypeInfo
inline constexpr Slot<Status*(const Session*, std::size_t, TypeFacts**)> output_type{34};  // SessionGetOutputTypeInfo
inline constexpr Slot<Status*(const Session*, std::size_t, Allocator*, char**)> input_name{36};  // SessionGetInputName
inline constexpr Slot<Status*(const Session*, std::size_t, Allocator*, char**)> output_name{
    37};  // SessionGetOutputName
inline constexpr Slot<Status*(Allocator*, const std::int64_t*, std::size_t, int, Value**)> new_tensor{
    48};  // CreateTensorAsOrtValue
inline constexpr Slot<Status*(const MemoryFacts*, void*, std::size_t, const std::int64_t*, std::size_t, int, Value**)>
    wrap_tensor{49};                                             // CreateTensorWithDataAsOrtValue
inline constexpr Slot<Status*(Value*, void**)> tensor_data{51};  // GetTensorMutableData
inline constexpr Slot<Status*(Value*, const char* const*, std::size_t)> fill_strings{52};  // FillStringTensor
inline constexpr Slot<Status*(const Value*, std::size_t*)> strings_length{53};             // GetStringTensorDataLength
inline constexpr Slot<Status*(const Value*, void*, std::size_t, std::size_t*, std::size_t)> strings_content{
    54};                                                                                 // GetStringTensorContent
inline constexpr Slot<Status*(const TypeFacts*, const ShapeFacts**)> tensor_facts{55};   // CastTypeInfoToTensorInfo
inline constexpr Slot<Status*(const TypeFacts*, int*)> kind_of_type{56};                 // GetOnnxTypeFromTypeInfo
inline constexpr Slot<Status*(const ShapeFacts*, int*)> element_type{60};                // GetTensorElementType
inline constexpr Slot<Status*(const ShapeFacts*, std::size_t*)> rank{61};                // GetDimensionsCount
inline constexpr Slot<Status*(const ShapeFacts*, std::int64_t*, std::size_t)> dims{62};  // GetDimensions
inline constexpr Slot<Status*(const Value*, ShapeFacts**)> shape_of{65};                 // GetTensorTypeAndShape
inline constexpr Slot<Status*(const Value*, int*)> kind_of_value{67};                    // GetValueType
inline constexpr Slot<Status*(int, int, MemoryFacts**)> cpu_memory{69};                  // CreateCpuMemoryInfo
inline constexpr Slot<Status*(Allocator*, void*)> allocator_free{76};                    // AllocatorFree
inline constexpr Slot<Status*(Allocator**)> default_allocator{78};  // GetAllocatorWithDefaultOptions
inline constexpr Slot<Status*(const Value*, int, Allocator*, Value**)> element_at{80};            // GetValue
inline constexpr Slot<Status*(const Value*, std::size_t*)> element_count{81};                     // GetValueCount
inline constexpr Slot<Status*(const Value* const*, std::size_t, int, Value**)> new_sequence{82};  // CreateValue
inline constexpr Slot<void(Env*)> release_env{92};
inline constexpr Slot<void(Status*)> release_status{93};
inline constexpr Slot<void(MemoryFacts*)> release_memory{94};
inline constexpr Slot<void(Session*)> release_session{95};
inline constexpr Slot<void(Value*)> release_value{96};
inline constexpr Slot<void(TypeFacts*)> release_type{98};
inline constexpr Slot<void(ShapeFacts*)> release_shape{99};
inline constexpr Slot<void(SessionOptions*)> release_options{100};
inline constexpr Slot<Status*(const Value*, int*)> has_value{192};  // HasValue

// Kinds of value (ONNXType), error codes (OrtErrorCode) and the other enumerations, by the numbers we use.
inline constexpr int kind_tensor = 1, kind_sequence = 2;
inline constexpr int code_invalid_argument = 2, code_invalid_protobuf = 7, code_not_implemented = 9;
inline constexpr int log_fatal = 4;
inline constexpr int allocator_device = 0, memory_default = 0;
inline constexpr int optimise_off = 0, optimise_basic = 1, optimise_extended = 2, optimise_all = 99;

}  // namespace hz::host::ort
