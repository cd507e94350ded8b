// A change of keys on its way to the log: the exact payload, and the root signatures collected so far.
//
// Root keys live on machines without a network, each with another person. So a change travels as a file: the node
// writes the payload, each holder adds a signature, the node appends. Every holder signs the same bytes and sees what
// they say. The file is a DSSE envelope that may lack signatures: docs/formats/key_change.md.
#pragma once
#include <string>
#include <vector>

#include "alliance/member.h"
#include "statement/sign.h"

namespace hz::alliance {

struct KeyProposal {
  std::string payload;
  struct Signature {
    Digest key_id{};
    Bytes bytes;
    bool operator==(const Signature&) const = default;
  };
  std::vector<Signature> signatures;  // ascending by key id
};

inline constexpr std::size_t proposal_size_bytes_max = 128 << 10;

// Errors of parse: alliance.key_proposal, base.*. What is accepted has one text.
std::string format_proposal(const KeyProposal& proposal);
Result<KeyProposal> parse_proposal(std::string_view text);

// The statement it would become: a change of keys, signed as root. Its index stays 0. Errors: alliance.key_proposal,
// statement.*.
Result<statement::Statement> read_proposal(const KeyProposal& proposal);

// The payload of a change, as this member's root keys would sign it now. Errors: alliance.unknown_kind,
// base.json_field, statement.*.
Result<KeyProposal> propose(Member& member, const Draft& change);

// Adds the signature of a root key; a second one of the same key changes nothing. Errors: alliance.key_proposal when
// the key's name is not of this log's root keys, or four have signed.
Result<void> sign_proposal(KeyProposal& proposal, const statement::NamedSigner& root);

// The leaf of a signed proposal. Errors: statement.leaf when nobody has signed.
Result<Bytes> leaf_of(const KeyProposal& proposal);

}  // namespace hz::alliance
