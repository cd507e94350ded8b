// Do the rows of the views still say what the logs say?
//
// Views are a pure function of the logs, but their file outlives reboots, and a byte of it may change: then answers are
// wrong, and equal frontiers do not give equal views any more. SQLite's own check looks at how pages hang together and
// at indices, not at values. A digest kept beside the rows, the simpler idea, would have to move with every replayed
// statement and would believe itself. So the views are replayed once more, into a file beside them, and compared.
//
// Both move: the views go on while the copy is made. The copy is replayed up to the heads that the views stood on when
// it was begun; then one read of the views is opened (a snapshot: nobody waits for it), the copy follows to the heads
// of that, and the two are compared there. Sealed bodies are opened where the views say that they opened them: bodies
// that came since are not in the rows yet, and that is no damage.
//
// What differs is replaced page by page in one transaction, so that every connection of every process sees it, old rows
// or new ones and nothing between; a process that dies before it commits has changed nothing. The simpler idea, another
// file under the same name, would leave a running node with the file it has open.
#pragma once
#include <string>
#include <vector>

#include "alliance/member.h"

namespace hz::sql {
class Db;
}

namespace hz::alliance {

struct ViewsFault {
  std::string table;   // or `file` when SQLite cannot read it, or `schema`
  std::string detail;  // which row, by its key; never what else stands in it
};
struct ViewsCheck {
  std::uint64_t statements = 0;    // that the rows stand on
  std::int64_t size_bytes = 0;     // of both files
  std::vector<ViewsFault> faults;  // found, and put right
};

// What of `here` is not as in `right`: SQLite's check of each table with its indices, then the schema and every row. At
// most one fault a table. Errors: sql.*; a table of `here` that cannot be read is a fault.
Result<std::vector<ViewsFault>> compare_views(sql::Db& here, sql::Db& right);

}  // namespace hz::alliance
