// Ballots as rows of the views.
#pragma once
#include <span>

#include "alliance/ballot_fold.h"
#include "sql/db.h"

namespace hz::alliance {

// Rewrites the tables of ballots. Errors: sql.*.
Result<void> write_ballots(sql::Db& db, std::span<const Ballot> ballots);

}  // namespace hz::alliance
