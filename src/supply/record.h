// From evidence to statements: what is new or changed is signed, what is unchanged is left alone, what vanished is
// withdrawn.
#pragma once
#include "alliance/member.h"
#include "supply/evidence.h"

namespace hz::supply {

struct Recorded {
  std::int64_t sources_new = 0;
  std::int64_t sources_changed = 0;
  std::int64_t sources_unchanged = 0;
  std::int64_t sources_gone = 0;
  std::int64_t statements = 0;
  static constexpr auto fields() {
    return rows(row("sources_new", &Recorded::sources_new, "evidence sources seen for the first time"),
                row("sources_changed", &Recorded::sources_changed, "sources that say something else now"),
                row("sources_unchanged", &Recorded::sources_unchanged, "sources that say what they said"),
                row("sources_gone", &Recorded::sources_gone, "sources that are no longer there"),
                row("statements", &Recorded::statements, "statements appended"));
  }
};

// Appends one all-or-nothing batch for a scan of `scope`. A scan with refused files withdraws nothing, because what it
// did not reach is not known to be gone. Only the member itself is in the audience. Errors: what Member::append says.
Result<Recorded> record(alliance::Member& member, const std::string& scope, const Collected& collected,
                        std::int64_t observed_ms);

// Appends the parts of a list; `repeated` when this very list stands already.
struct ListRecorded {
  std::vector<alliance::Receipt> receipts;
  bool repeated = false;
};
Result<ListRecorded> record(alliance::Member& member, const EntityList& list);

}  // namespace hz::supply
