#pragma once
#include "base/reason.h"

namespace hz::crypto {

inline constexpr Reason reasons[] = {
    {"crypto.public_key", Code::invalid, "The public key is not an acceptable Ed25519 key.",
     "Ask its owner for the key again: it must be a canonical point of prime order (docs/formats/log.md, signatures)."},
    {"crypto.proof_range", Code::invalid, "A proof was asked for a position outside the tree.",
     "Use an index below the tree size, and an old size no larger than the new one."},
    {"crypto.bech32", Code::invalid, "The text is not Bech32 with the name it should have.",
     "Copy it again from where it is shown; one wrong character is always noticed."},
    {"crypto.age_key", Code::invalid, "An age key cannot be used.",
     "Ask its owner for the recipient text again: it begins with age1 and has 62 characters."},
    {"crypto.age_syntax", Code::invalid, "The bytes are not an age v1 file.",
     "Fetch the file again; docs/formats/sealed.md draws its form."},
    {"crypto.age_not_for_us", Code::denied, "The file is encrypted to other readers.",
     "Ask its author to encrypt it to this member's box key as well."},
    {"crypto.age_corrupt", Code::corrupt, "An encrypted file was changed after it was made.",
     "Fetch the file again from its author or another reader."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::crypto
