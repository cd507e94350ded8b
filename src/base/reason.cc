#include "base/reason.h"

#include <array>

namespace hz {
namespace {

struct CodeRow {
  std::string_view name;
  int exit_code;
  int http_status;
};

// In the order of enum Code. Exit code 3 is not here: it means "checked, and the answer is no", which is no error.
constexpr std::array<CodeRow, 12> code_rows = {{
    {"usage", 2, 400},
    {"invalid", 1, 422},
    {"not_found", 5, 404},
    {"conflict", 6, 409},
    {"denied", 4, 403},
    {"unavailable", 7, 503},
    {"exhausted", 1, 413},
    {"corrupt", 8, 500},
    {"unsupported", 1, 501},
    {"timeout", 124, 504},
    {"cancelled", 130, 499},
    {"internal", 1, 500},
}};

const CodeRow& row(Code code) { return code_rows[static_cast<std::size_t>(code)]; }

}  // namespace

std::string_view name(Code code) { return row(code).name; }
int exit_code(Code code) { return row(code).exit_code; }
int http_status(Code code) { return row(code).http_status; }

}  // namespace hz
