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
    {"api.target", Code::usage, "The address of the request is not well formed.",
     "Percent-encode every character but letters, digits and -._~ in path parts and query values."},
    {"api.no_route", Code::not_found, "There is nothing at this address.",
     "See spec/openapi.json or `hezong document openapi` for all addresses."},
    {"api.method", Code::usage, "This address has other methods.", "Use one of the methods in the Allow header."},
    {"api.token", Code::denied, "The operator's token is missing or wrong.",
     "Send `Authorization: Bearer TOKEN` with the text of the file api_token in the member's folder."},
    {"api.foreign", Code::denied, "The request was made in the name of another site.",
     "Ask by address, by localhost or by a name given to `hezong up --host`."},
    {"api.media", Code::usage, "The body is not JSON by its media type.", "Send `Content-Type: application/json`."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::api
