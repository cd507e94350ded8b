// Which keys speak for a member. Pure: everything comes from the log itself.
//
// The chain has two links: the root key signs the genesis statement, and genesis names the log, author and witness
// keys. That the root key belongs to the company one thinks of is not in any log; people compare its fingerprint over
// another channel.
#pragma once
#include <string>
#include <vector>

#include "alliance/kinds.h"
#include "base/bytes.h"
#include "log/note.h"
#include "statement/sign.h"

namespace hz::alliance {

struct Authority {
  std::string origin;
  Genesis genesis;
  statement::StatementId genesis_id{};
  std::vector<statement::NamedKey> roots;
  statement::NamedKey author;
  log::NoteKey log_key;
};

// Reads statement 0 of a log: its own root key must have signed it, and every key it names must be acceptable and carry
// the name of its role. Errors: alliance.genesis.
Result<Authority> read_genesis(ByteView leaf, std::string_view origin);

// The statement is by this member, in a role it has, and carries that role's signature.
// Errors: alliance.role, statement.no_signature, statement.signature.
Result<void> check_authority(const Authority& authority, const statement::LeafView& leaf,
                             const statement::Statement& s);

// Decodes and checks one statement of the log completely. Errors: statement.*, alliance.role.
Result<statement::Statement> check_statement(const Authority& authority, ByteView leaf, std::uint64_t index);

}  // namespace hz::alliance
