// What the loss of a drill means for processes of this host: which files are the lost libraries, which hosts the lost
// services.
//
// A library is known by its soname from the scan, and by its digest; the same bytes may lie here under another name,
// and a stripped or repacked copy keeps its linker's build id. So files are matched by all three, among those that a
// room shows: the system's library folders, and what sites and engines add to them.
#pragma once
#include "api/op.h"
#include "drill/block.h"
#include "drill/rehearsal.h"
#include "pool/job.h"

namespace hz::node {

// Of one library that is lost.
struct LostLibrary {
  std::string node, because;
  std::string soname;
  std::vector<std::string> sha256;  // as scans found it, hex
};
struct LostParts {
  std::vector<LostLibrary> libraries;
  std::vector<std::string> hosts;
  std::vector<std::string> others;  // nothing that can be denied to a process
};
// The lost nodes, and the libraries that lost runtimes and packages consist of. `digests`: (file node, sha256). Pure.
LostParts lost_parts(const drill::Rehearsal& drill, const std::vector<std::pair<std::string, std::string>>& digests);

// Fills in files, and build ids from the first of them. Unreadable folders are passed over: a room cannot show them.
void find_files(std::vector<drill::BlockedLibrary>& libraries, const std::vector<LostLibrary>& lost,
                const std::vector<fs::path>& roots);

// Of this member's loss on this host. Errors: sql.*.
Result<drill::DrillBlock> deny_list(api::Ctx& ctx, const drill::Rehearsal& drill);

// As a job is told it.
pool::Denied denied_of(const drill::DrillBlock& block);

}  // namespace hz::node
