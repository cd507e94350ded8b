// Operations about the program itself: version, explain, and the documents projected from the tables.
#pragma once
#include <span>

#include "api/op.h"

namespace hz::node {

std::span<const api::Op> self_ops();

// Generated documents; committed copies are tested for drift (tests/generated.sh).
std::string cli_reference();                     // docs/cli.md
std::string reason_reference();                  // docs/reasons.md
std::string kinds_json();                        // spec/kinds.json
std::string openapi_json();                      // spec/openapi.json
std::string man_page();                          // hezong.1, troff
std::string completion(std::string_view shell);  // bash, zsh or fish

}  // namespace hz::node
