// C2SP tlog-policy: which logs are known, who may witness them, and how many cosignatures make a head count.
//
//   log <vkey> [<url>]
//   witness <name> <vkey> [<url>]
//   group <name> all|any|<k> <member>...        members: witnesses and groups of lines above, each used once
//   quorum <name>|none                          exactly one
//
// Because every name is a member at most once, groups form a forest: "is the quorum met" is one walk, and "which single
// loss breaks it" is one walk per witness.
#pragma once
#include <optional>

#include "log/checkpoint.h"

namespace hz::log {

struct PolicyLog {
  NoteKey key;  // type 0x01; its name is the origin
  std::string url;
};
struct PolicyWitness {
  std::string name;  // used inside the policy only; the key has a name of its own
  NoteKey key;       // type 0x04
  std::string url;
};
// A name's place: one of the witnesses or one of the groups.
struct PolicyMember {
  bool group = false;
  std::size_t at = 0;
};
struct PolicyGroup {
  std::string name;
  std::size_t threshold = 1;  // 1 to members.size()
  std::vector<PolicyMember> members;
};
struct Policy {
  std::vector<PolicyLog> logs;
  std::vector<PolicyWitness> witnesses;
  std::vector<PolicyGroup> groups;     // each group's members stand before it
  std::optional<PolicyMember> quorum;  // nullopt: `quorum none`

  std::vector<NoteKey> witness_keys() const;  // in the order of `witnesses`
};

inline constexpr std::size_t policy_size_bytes_max = 256 * 1024;
inline constexpr std::size_t policy_names_max = 1000;  // logs, and witnesses and groups together

// A key that stands twice, also once as a log's and once as a witness's, is refused: one party would count as two.
// Errors: log.policy (names the line), base.too_large.
Result<Policy> parse_policy(std::string_view text);

// The quorum over those that cosigned. Keys that are not witnesses of the policy count for nothing.
[[nodiscard]] bool quorum_met(const Policy& policy, std::span<const NoteKey* const> cosigners);
// The quorum can still be met when the named witnesses are gone and all others cosign. Unknown names change nothing.
[[nodiscard]] bool survives(const Policy& policy, std::span<const std::string> lost_witnesses);
// Every witness whose loss alone makes the quorum impossible, in the policy's order. Empty for `quorum none`.
std::vector<std::string> breaking_losses(const Policy& policy);

// A head that counts: signed by a log of the policy and cosigned by its quorum.
// Errors: log.note, log.checkpoint, log.checkpoint_origin, log.note_signature, log.note_unsigned, log.quorum.
Result<Checkpoint> open_witnessed(std::string_view message, const Policy& policy);

}  // namespace hz::log
