#pragma once
#include "base/reason.h"

namespace hz::cli {

inline constexpr Reason reasons[] = {
    {"cli.unknown_command", Code::usage, "There is no such command.", "Run `hezong --help` to see all commands."},
    {"cli.unknown_flag", Code::usage, "The command has no such flag.", "Run the command with --help to see its flags."},
    {"cli.missing", Code::usage, "A required argument is missing.",
     "Run the command with --help to see its arguments."},
    {"cli.extra", Code::usage, "There are more arguments than the command takes.",
     "Run the command with --help to see its arguments."},
    {"cli.bad_value", Code::usage, "An argument has the wrong form.",
     "Run the command with --help to see its arguments."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::cli
