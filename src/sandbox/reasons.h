// Why a child process could not be started or talked to.
#pragma once
#include "base/reason.h"

namespace hz::sandbox {

inline constexpr Reason reasons[] = {
    {"sandbox.start", Code::unavailable, "A child process could not be started.",
     "Check that the program exists, is executable and that process limits are not reached."},
    {"sandbox.ended", Code::unavailable, "The child process ended before it answered.",
     "See how it ended in the message; the work it was given is recorded as a crash."},
    {"sandbox.timeout", Code::timeout, "The child process did not answer before its deadline.",
     "Raise the deadline when the work is known to be long; otherwise the backend hangs."},
    {"sandbox.frame", Code::invalid, "The child process sent bytes that are no frame.",
     "The program does not speak the worker line, or its output is mixed with other text."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::sandbox
