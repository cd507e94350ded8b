// Reading everything that is stored in one go, and putting right what is damaged.
//
// A member whose log is damaged cannot be opened, and that is when this is needed: it works on the folder, and opens
// the member only for what needs one (bytes of releases, and the views, when everything else is sound).
#pragma once
#include "api/op.h"
#include "node/scrub_pass.h"

namespace hz::node {

struct ScrubTerms {
  std::int64_t mb_per_s = 50;          // at most; 0: as fast as it goes
  bool repair = false;                 // fetch what is damaged or missing, write what leads to the signed head
  std::vector<std::string> from = {};  // folders and URLs that serve the log as static files, before the known nodes
};
struct Scrubbed {
  std::int64_t logs = 0, leaves = 0, tiles = 0, blobs = 0, size_bytes = 0;
  ViewsRead views;
  std::vector<Damage> damage;
  static constexpr auto fields() {
    return rows(row("logs", &Scrubbed::logs, "logs read: the own one and mirrors"),
                row("leaves", &Scrubbed::leaves, "statements read and hashed"),
                row("tiles", &Scrubbed::tiles, "tiles compared with what is below them"),
                row("blobs", &Scrubbed::blobs, "blobs read and hashed"),
                row("size_bytes", &Scrubbed::size_bytes, "bytes read"),
                row("views", &Scrubbed::views, "whether the views say what the logs say"),
                row("damage", &Scrubbed::damage, "what is damaged or missing, object by object"));
  }
};
// Also mirrors of other members' logs. What is damaged is in the answer. Errors: what Ctx::member() says when there is
// no log.
Result<Scrubbed> scrub_home(api::Ctx& ctx, const ScrubTerms& terms);

}  // namespace hz::node
