#pragma once
#include "base/reason.h"

namespace hz::node {

inline constexpr Reason reasons_table[] = {
    {"node.unknown_reason", Code::not_found, "No reason with this slug is registered.",
     "List them all with `hezong explain`."},
    {"node.unknown_document", Code::usage, "There is no generated document with this name.",
     "Choose cli, reasons, kinds, openapi or man."},
    {"node.evidence_syntax", Code::corrupt, "The file is not a whole evidence file.",
     "Ask for the file again; docs/formats/evidence.md draws its form."},
    {"node.unknown_shell", Code::usage, "Completion is written for bash, zsh and fish only.",
     "Run `hezong completion bash`, `zsh` or `fish`."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons_table, slug); }

}  // namespace hz::node
