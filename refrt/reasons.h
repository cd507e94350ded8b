// Why the reference runtime refuses a model or a run.
#pragma once
#include "base/reason.h"

namespace hz::refrt {

inline constexpr Reason reasons[] = {
    {"refrt.unsupported", Code::unsupported, "The reference runtime does not have this operator, type or mode.",
     "Run the model on another engine, or add the operator: refrt/README.md names the file of its family."},
    {"refrt.invalid", Code::invalid, "The model or its inputs break the rules of ONNX.",
     "Correct the node or input the message names."},
    {"refrt.limit", Code::exhausted, "The model asks for more memory or work than the stated limit.",
     "Use smaller inputs, or raise the limits if you trust the model."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::refrt
