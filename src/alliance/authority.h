// Which keys speak for a member at a position of its log. Pure: everything comes from the log itself.
//
// The chain has two links: root keys sign the genesis statement and every change of keys, and these name the log,
// author and witness keys. A key speaks for a span of positions, so a change never touches what was said before it; a
// revocation may reach back to the position where a theft began. That the root keys belong to the company one thinks of
// is not in any log; people compare their fingerprint over another channel.
#pragma once
#include <limits>
#include <string>
#include <vector>

#include "alliance/kinds.h"
#include "base/bytes.h"
#include "log/note.h"
#include "statement/sign.h"

namespace hz::alliance {

inline constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

// A key and the positions [from, until) it speaks for.
struct KeySpan {
  Role role;
  statement::NamedKey key;
  std::uint64_t from = 0;
  std::uint64_t until = no_end;
  bool revoked = false;
  statement::StatementId named_by{};

  bool speaks(std::uint64_t index) const { return from <= index && index < until; }
};

struct Authority {
  std::string origin;
  Genesis genesis;
  statement::StatementId genesis_id{};
  std::vector<KeySpan> keys;        // in the order in which they were named
  std::uint64_t end = no_end;       // statements from here on do not count
  std::uint64_t ended_at = no_end;  // position of the log_end statement: no key statement after it is heard

  // The key of a role at a position; null when none speaks. For root, any of them.
  const KeySpan* key(Role role, std::uint64_t index = no_end - 1) const;
  // The key that signs heads of this size. A head whose size is the position of a change may carry either.
  const KeySpan* log_key(std::uint64_t size) const { return key(Role::log, size); }
  bool signs_heads(const log::NoteKey& key, std::uint64_t size) const;
};

// Reads statement 0 of a log: enough of its own root keys must have signed it, every key it names must be acceptable
// and carry the name of its role, and the member's id must be the log's origin. Errors: alliance.genesis.
Result<Authority> read_genesis(ByteView leaf, std::string_view origin);

// Root keys as one text to compare over another channel: SHA-256 of the verifier key, or of "k-of-n" and all of them.
std::string root_fingerprint(const Genesis& genesis);

// Takes over a key statement that check_authority accepts. Errors: alliance.key_change when it makes no sense at its
// position; the authority is unchanged then. Other kinds change nothing.
Result<void> apply(Authority& authority, const statement::Statement& s);

// Walks on in the own log: applies the leaf at `index` when it is a key statement with the signatures it needs, ignores
// everything else. A leaf that no statement of the alliance has is not decoded.
Result<void> follow_keys(Authority& authority, std::uint64_t index, ByteView leaf);

// The leaf may be a statement that changes keys or ends the log: a cheap first look, wrong for few others.
bool may_change_keys(ByteView leaf);

// The text that stands in every leaf of an alliance kind, and hardly in others: a cheap first look.
bool may_be_act(ByteView leaf);

// The statement is by this member and carries the key ids its role needs at this position: by author, the speaking
// key's; by root, those of root_threshold of them. No signature is computed. Errors: alliance.role, alliance.revoked,
// statement.no_signature.
Result<void> check_key_ids(const Authority& authority, const statement::LeafView& leaf, const statement::Statement& s);
// Every signature under a key that this log had named for the role holds, whatever was revoked since: so the verdict
// depends on the log up to this statement only, and stays. Errors: statement.signature.
Result<void> check_signatures(const Authority& authority, const statement::LeafView& leaf,
                              const statement::Statement& s);
// Both.
Result<void> check_authority(const Authority& authority, const statement::LeafView& leaf,
                             const statement::Statement& s);

// Decodes and checks one statement of the log completely. Errors: statement.*, alliance.role, alliance.revoked.
Result<statement::Statement> check_statement(const Authority& authority, ByteView leaf, std::uint64_t index);

}  // namespace hz::alliance
