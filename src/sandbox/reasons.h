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
    {"sandbox.isolation", Code::unsupported, "This machine does not grant the isolation that is asked for.",
     "Ask for less, or allow user namespaces and control groups to the user that runs the site."},
    {"sandbox.cgroup", Code::unavailable, "A control group could not be made.",
     "Delegate a group with the controllers memory and pids to the user that runs the site; see the message."},
    {"sandbox.user", Code::invalid, "The local account of a job does not exist, or may not be used.",
     "Name an existing account in the site's configuration; only root can run jobs as another user."},
    {"sandbox.no_engine", Code::unavailable, "The program that runs inference engines is missing.",
     "Build the target oip-host, or install it beside hezong."},
    {"sandbox.http", Code::unavailable, "A server on a plain HTTP connection did not answer as it should.",
     "See the message; the server may have ended, or speaks another protocol."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::sandbox
