// Schema steps, applied once each and counted in the file itself.
#pragma once
#include <span>
#include <string_view>

#include "sql/db.h"

namespace hz::sql {

// Brings the file to steps.size() by running the steps it has not seen, all in one transaction. The count is PRAGMA
// user_version. A step never changes after it was released; a new one is added behind it. Errors: sql.newer, and what
// the steps cause.
Result<void> migrate(Db& db, std::span<const std::string_view> steps);

// SQLite's own page and index check: the whole file is read. Errors: sql.corrupt names the first findings.
Result<void> check_pages(Db& db);

}  // namespace hz::sql
