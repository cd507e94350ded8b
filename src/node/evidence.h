// Evidence files: everything a stranger needs to check one statement offline. Format: docs/formats/evidence.md.
#pragma once
#include "alliance/authority.h"
#include "alliance/member.h"
#include "log/policy.h"
#include "log/proof.h"
#include "statement/statement.h"

namespace hz::node {

// C2SP tlog-proofs with their leaves: the genesis statement, which names the first keys, the statements that changed
// keys before the statement, in order, and the statement itself.
struct Evidence {
  std::string genesis;
  std::vector<std::string> key_changes;
  std::string statement;
};

inline constexpr std::size_t key_changes_max = 64;
inline constexpr std::size_t evidence_size_bytes_max = 4 * log::proof_size_bytes_max;

std::string format_evidence(const Evidence& evidence);
// Errors: node.evidence_syntax, base.too_large.
Result<Evidence> parse_evidence(std::string_view text);

// A change of keys takes effect: signed by enough root keys, and by them as root. An author's key may be on a machine
// that was broken into, so what it signs under the kind of a key change changes nothing. Errors: statement.*,
// alliance.role, alliance.key_change.
Result<void> take_key_change(alliance::Authority& authority, ByteView leaf, std::uint64_t index);

struct Checked {
  alliance::Authority authority;
  statement::Statement statement;
  std::uint64_t log_size = 0;
};
// Genesis signed by its own root keys, and key changes too; all leaves in the tree whose head the log key signed; the
// statement signed by a key that spoke at its position. What is not checked: that the root key belongs to the company
// one thinks of, witnesses, and later key changes. Errors: node.evidence_syntax, log.*, alliance.*, statement.*.
Result<Checked> check_evidence(const Evidence& evidence);

// The auditor's own policy holds for the head: its quorum cosigned it, and when the policy names logs, this is one.
// Errors: log.quorum, log.checkpoint_origin, log.note*.
Result<void> check_quorum(const Evidence& evidence, const log::Policy& policy);

// The file of a member's own statement, checked as a stranger would. Errors: log.*, and what check_evidence says.
Result<std::string> make_evidence(alliance::Member& member, const statement::Statement& s);

}  // namespace hz::node
