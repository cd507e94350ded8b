// Why reading ONNX bytes can fail.
#pragma once
#include "base/reason.h"

namespace hz::onnx {

inline constexpr Reason reasons[] = {
    {"onnx.truncated", Code::invalid, "The ONNX bytes end in the middle of a field.",
     "Fetch the file again and compare its digest with the published one."},
    {"onnx.malformed", Code::invalid, "The bytes are not a valid ONNX message.",
     "Export the model again; the message names the byte offset and the path of the broken field."},
    {"onnx.limit", Code::exhausted, "The ONNX message is larger or nested deeper than the stated limit.",
     "Split the model, or raise the limit if you trust its source."},
    {"onnx.external_data", Code::unsupported, "A tensor keeps its data in another file.",
     "Save the model with all tensors inside one file."},
    {"onnx.dtype", Code::unsupported, "A tensor has an element type this build does not know.",
     "Convert the tensor to one of the types of ONNX IR version 8."},
    {"onnx.wire", Code::invalid, "A frame on the line to an engine process is not valid.",
     "The engine process is restarted; report the engine if this repeats."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::onnx
