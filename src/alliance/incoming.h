// Statements that were signed elsewhere with this member's keys (a signing machine, another program), on their way into
// its log.
//
// Checking costs about 80 us a statement and needs no turn; appending a batch costs one sync. So the first is a pure
// function that any number of threads run, and only Member::append_incoming waits for the writer's turn.
#pragma once
#include <vector>

#include "alliance/authority.h"
#include "alliance/member.h"

namespace hz::alliance {

inline constexpr std::size_t incoming_max = 1000;  // statements a batch: what one transaction takes

struct Incoming {
  Bytes leaf;
  statement::Statement statement;  // without its body
  std::size_t keys_known = 0;      // so many keys were known when its signatures were checked
};

// Each leaf is a whole frame in canonical form, made for this log, of a kind that is mounted, with the fields of its
// kind, in the role that may sign it, and every signature under a key of this member holds. Whether that key speaks is
// asked when it is appended. All or none. Errors, with the leaf's place in the batch: statement.*, base.json_*,
// alliance.incoming, alliance.unknown_kind, alliance.role, alliance.key_change for changes of keys, which go alone
// (append_signed), alliance.batch when there are none or more than incoming_max.
Result<std::vector<Incoming>> check_incoming(const Authority& authority, const Mounted& mounted,
                                             std::vector<Bytes> leaves);

}  // namespace hz::alliance
