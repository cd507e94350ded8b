// Every way an operation can fail, declared once per module and looked up at compile time.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace hz {

// The canonical classes of failure. Each maps once to an exit code and once to an HTTP status (base/reason.cc).
enum class Code : std::uint8_t {
  usage,        // the command line or request itself is wrong
  invalid,      // the input was read and refused
  not_found,    // a named thing does not exist
  conflict,     // the thing exists in another state, or twice
  denied,       // the caller may not
  unavailable,  // a peer, backend or file system did not answer; trying again may help
  exhausted,    // a stated limit was reached
  corrupt,      // bytes contradict their digest, signature or proof
  unsupported,  // understood, and not something this build does
  timeout,
  cancelled,
  internal,  // a bug
};

std::string_view name(Code code);
int exit_code(Code code);
int http_status(Code code);

// One registered reason. `slug` is `<module>.<words>`; `what` is one sentence for the person; `next` says what to do.
struct Reason {
  std::string_view slug;
  Code code;
  std::string_view what;
  std::string_view next;
};

// The row with this slug. A slug that is not in the table does not compile.
//
// Each module declares `inline constexpr Reason reasons[] = {...}` in its reasons.h, and
// `consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }`.
consteval const Reason& registered(std::span<const Reason> table, std::string_view slug) {
  for (const Reason& row : table)
    if (row.slug == slug) return row;
  throw "this reason is not in the module's table";
}

inline constexpr Reason base_reasons[] = {
    {"base.read", Code::unavailable, "A file could not be read.",
     "Check that the path exists and that you may read it."},
    {"base.write", Code::unavailable, "A file could not be written.",
     "Check free space and permissions of the folder."},
    {"base.too_large", Code::exhausted, "The input is larger than the stated limit.",
     "Split the input, or leave the large part out."},
    {"base.json_syntax", Code::invalid, "The text is not JSON.", "Correct the text at the line and column named."},
    {"base.json_depth", Code::exhausted, "The JSON is nested deeper than the stated limit.", "Flatten the document."},
    {"base.json_field", Code::invalid, "A JSON field is missing, unknown or of the wrong type.",
     "Compare the named path with the schema: `hezong <verb> --help`."},
    {"base.utf8", Code::invalid, "The text is not valid UTF-8.", "Save the file as UTF-8."},
    {"base.text_form", Code::invalid, "A text value does not have the form its type needs.",
     "Correct the value; the message names the form."},
    {"base.cancelled", Code::cancelled, "The work was stopped on request.",
     "Run the command again; finished steps are kept."},
};
consteval const Reason& why(std::string_view slug) { return registered(base_reasons, slug); }

}  // namespace hz
