// The DSSE JSON envelope: an export of a leaf that in-toto and DSSE tools read.
//
// {"payload":"<base64>","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"<hex>","sig":"<base64>"}]}
//
// It is derived byte for byte: the same leaf always gives the same text, and decoding accepts only that text. So an
// envelope proves exactly as much as its leaf. Only Ed25519 signatures are exported; DSSE has no place for the
// algorithm.
#pragma once
#include <string>

#include "statement/leaf.h"

namespace hz::statement {

// Errors: statement.envelope when no Ed25519 signature is there.
Result<std::string> envelope(const LeafView& leaf);

// The leaf of an envelope. Errors: statement.envelope, base.* from its JSON and base64, statement.leaf.
Result<Bytes> leaf_of_envelope(std::string_view text);

}  // namespace hz::statement
