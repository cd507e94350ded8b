// Why a statement is refused.
#pragma once
#include "base/reason.h"

namespace hz::statement {

inline constexpr Reason reasons[] = {
    {"statement.not_canonical", Code::invalid, "The text is not in the one canonical JSON form that may be signed.",
     "Write it with the canonical writer; the message names the offset and the JSON path "
     "(docs/formats/canonical_json.md)."},
    {"statement.leaf", Code::invalid, "The bytes are not a leaf frame.",
     "Compare the bytes with docs/formats/leaf.md at the offset named."},
    {"statement.too_large", Code::exhausted, "The statement is larger than a leaf may be.",
     "Put the large part into a blob and sign its digest."},
    {"statement.header", Code::invalid, "The payload is not an in-toto Statement with Hezong's header.",
     "Compare the named JSON path with docs/formats/leaf.md."},
    {"statement.signature", Code::corrupt, "A signature does not fit the statement.",
     "Do not use the statement; fetch it again from its log."},
    {"statement.no_signature", Code::invalid, "The statement carries no signature of the key asked for.",
     "Check which key the member's genesis names for this role."},
    {"statement.wrong_log", Code::invalid, "The statement names another log than the one it stands in.",
     "Read it in the log it names; a copy elsewhere is a relay, not a statement."},
    {"statement.kind", Code::invalid, "A kind slug does not have the form area.verb.",
     "Use lower-case letters, digits and underscores, with one dot."},
    {"statement.sealed", Code::corrupt, "An encrypted body is not the one its statement commits to.",
     "Do not use it; ask its author for the body again."},
    {"statement.no_field", Code::not_found, "The body has no field at this path.",
     "List its paths with `hezong log cat ID`; a path looks like a.b[2].c."},
    {"statement.disclosure", Code::invalid, "The text is not a disclosure of fields.",
     "Ask for the file again; docs/formats/sealed.md draws its form."},
    {"statement.disclosure_wrong", Code::corrupt, "A shown field is not part of the statement.",
     "Do not use it; ask its sender for the file again."},
    {"statement.envelope", Code::invalid, "The text is not a DSSE envelope as Hezong exports it.",
     "Export it again; the message names the part that differs."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::statement
