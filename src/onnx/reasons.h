// Why a model, a tensor or a frame of the worker line is refused.
#pragma once
#include "base/reason.h"

namespace hz::onnx {

inline constexpr Reason reasons[] = {
    {"onnx.truncated", Code::invalid, "An ONNX file ends inside a field.",
     "Fetch or export the file again; the message names the byte offset."},
    {"onnx.malformed", Code::invalid, "An ONNX file breaks the protobuf or ONNX rules.",
     "Export the file again; the message names the byte offset and field."},
    {"onnx.limit", Code::exhausted, "An ONNX file exceeds a stated limit of size, nodes or depth.",
     "Split the model, or simplify it before use."},
    {"onnx.external_data", Code::unsupported, "An ONNX file keeps tensors in other files.",
     "Save the model with its tensors inside the file."},
    {"onnx.wire", Code::invalid, "A frame on the line to an engine process is not valid.",
     "The engine process is restarted; report the engine if this repeats."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::onnx
