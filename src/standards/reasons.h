// Why a conformance run, a golden set or an errata list is refused.
#pragma once
#include "base/reason.h"

namespace hz::standards {

inline constexpr Reason reasons[] = {
    {"standards.no_suite", Code::not_found, "The official ONNX test cases are not on this machine.",
     "Install the Debian package libonnx-testdata, or name the folder with --suite DIR."},
    {"standards.suite", Code::invalid, "A case of the test suite cannot be read.",
     "Reinstall libonnx-testdata; the message names the file."},
    {"standards.no_backend", Code::unavailable, "No inference backend could be started.",
     "Run `hezong conform backends` to see which are missing and why."},
    {"standards.unknown_backend", Code::usage, "There is no backend of this name.",
     "Use one of the names that `hezong conform backends` prints."},
    {"standards.worker", Code::unavailable, "A backend's worker process cannot be kept alive.",
     "Run `hezong conform backends`; the message holds what the worker complained."},
    {"standards.errata", Code::invalid, "The errata list is not valid.",
     "Compare the named entry with docs/formats/conformance_results.md."},
    {"standards.golden", Code::invalid, "A golden set is not valid.",
     "Make it again with the product's script; docs/formats/golden.md describes the format."},
    {"standards.pattern", Code::usage, "The pattern matches no case.",
     "Patterns are matched against <kind>/<case>, with * for any text: --only 'node/test_conv*'."},
    {"standards.oip", Code::invalid, "A server's answer breaks the Open Inference Protocol.",
     "The message names the field; the server, not this command, needs correcting."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::standards
