// Statements to rows. The rows of a source are replaced as a whole, so the views never mix two readings of one file.
#pragma once
#include "sql/db.h"
#include "statement/statement.h"
#include "supply/kinds.h"

namespace hz::supply {

Result<void> replay_observation(sql::Db& db, const statement::Statement& from, const Observation& said);
Result<void> replay_product(sql::Db& db, const statement::Statement& from, const Product& said);
Result<void> replay_entity_list(sql::Db& db, const statement::Statement& from, const EntityList& said);
Result<void> replay_gone(sql::Db& db, const statement::Statement& from, const Gone& said);

}  // namespace hz::supply
