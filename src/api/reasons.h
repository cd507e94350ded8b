#pragma once
#include "base/reason.h"

namespace hz::api {

inline constexpr Reason reasons[] = {
    {"api.unknown_command", Code::usage, "There is no such command.", "Run `hezong --help` to see all commands."},
    {"api.unknown_flag", Code::usage, "The command has no such flag.", "Run the command with --help to see its flags."},
    {"api.missing", Code::usage, "A required argument is missing.",
     "Run the command with --help to see its arguments."},
    {"api.extra", Code::usage, "There are more arguments than the command takes.",
     "Run the command with --help to see its arguments."},
    {"api.bad_value", Code::usage, "An argument has the wrong form.",
     "Run the command with --help to see its arguments."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::api
