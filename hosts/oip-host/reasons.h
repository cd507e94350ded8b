// Why an engine process declines. The codes become the status of a worker frame and of an HTTP answer.
#pragma once
#include "base/reason.h"

namespace hz::host {

inline constexpr Reason reasons[] = {
    {"host.unsupported", Code::unsupported, "The engine cannot express or compute this.",
     "Try a model lifted to a newer operator set, or another engine."},
    {"host.invalid", Code::invalid, "The engine refuses the model or the inputs as wrong.",
     "Compare the inputs with the model's metadata."},
    {"host.resource", Code::exhausted, "The engine ran out of memory or another limit.",
     "Use smaller inputs, or raise the limit of the process."},
    {"host.internal", Code::internal, "The engine failed while computing.",
     "Run it again; if it fails again, report it to the engine's makers with the model."},
    {"host.library", Code::unavailable, "The library of an engine is not on this machine.",
     "Run `./dev deps`, or name the file with --library."},
    {"host.usage", Code::usage, "The command line is wrong.", "See `oip-host --help`."},
    {"host.not_found", Code::not_found, "No such model is loaded, or no such route exists.",
     "List the models with POST v2/repository/index."},
    {"host.denied", Code::denied, "A web page may not use this server.", "Call it from a program, not from a browser."},
    {"host.too_large", Code::exhausted, "The request is larger than the stated limit.",
     "Send a smaller batch or model."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::host
