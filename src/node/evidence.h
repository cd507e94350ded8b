// Evidence files: everything a stranger needs to check one statement offline. Format: docs/formats/evidence.md.
#pragma once
#include "alliance/authority.h"
#include "log/proof.h"
#include "statement/statement.h"

namespace hz::node {

// Two C2SP tlog-proofs with their leaves: the genesis statement, which names the keys, and the statement itself.
struct Evidence {
  std::string genesis;
  std::string statement;
};

inline constexpr std::size_t evidence_size_bytes_max = 2 * log::proof_size_bytes_max + 1024;

std::string format_evidence(const Evidence& evidence);
// Errors: node.evidence_syntax, base.too_large.
Result<Evidence> parse_evidence(std::string_view text);

struct Checked {
  alliance::Authority authority;
  statement::Statement statement;
  std::uint64_t log_size = 0;
};
// Genesis signed by its own root key; both leaves in trees whose heads the log key of genesis signed; the statement
// signed by a key genesis names. What is not checked: that the root key belongs to the company one thinks of,
// witnesses, and later key changes. Errors: node.evidence_syntax, log.*, alliance.*, statement.*.
Result<Checked> check_evidence(const Evidence& evidence);

}  // namespace hz::node
