// DSSE pre-authentication encoding: the bytes that are signed and hashed.
//
// Signing the payload alone would let a signature over one type be shown as a signature over another; signing the whole
// envelope would need a canonical envelope. DSSE signs "DSSEv1 <len> <type> <len> <payload>" instead
// (github.com/secure-systems-lab/dsse, protocol.md).
#pragma once
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace hz::statement {

using StatementId = Digest;  // SHA-256 of the PAE, so independent of signatures

inline constexpr std::string_view payload_type = "application/vnd.in-toto+json";

std::string pae(std::string_view type, std::string_view payload);

// SHA-256 of the PAE of an in-toto payload.
StatementId statement_id(std::string_view payload);

}  // namespace hz::statement
