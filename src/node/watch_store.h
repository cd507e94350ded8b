// What the watch of a drill (drill_watch.h) knows and has not said yet, kept over the death of its node.
//
// The newest pairs and the counts since the last statement would be lost with a node, and a substitute that lies would
// have as many requests again until it is rolled back. Saying every pair would fill the log with what nobody asks for
// later. So they stand in one small file, written anew when something came in: no system call waits for the disk, as a
// process that is killed has written what it wrote. After a power cut the watch begins again with what the log says.
#pragma once
#include <deque>
#include <string>
#include <vector>

#include "base/fs.h"
#include "drill/watched.h"
#include "node/watch_rule.h"

namespace hz::node {

// Of one product whose traffic is at a substitute.
struct KeptWatch {
  drill::DrillWatched counts;     // names drill, product and claim
  std::int64_t canary_at_ms = 0;  // next known answers, ms since 1970
  std::string pairs;              // pairs_text
  static constexpr auto fields() {
    return rows(row("counts", &KeptWatch::counts, "all counts so far, as they would be said"),
                row("canary_at_ms", &KeptWatch::canary_at_ms, "when known answers are due, ms since 1970"),
                row("pairs", &KeptWatch::pairs, "the newest pairs"));
  }
};

// Oldest first: `<agreeing>/<judged>`, then + where the logits rule held; one space between.
std::string pairs_text(const std::deque<Rerun>& pairs);
// Nothing when one is not in form, or there are more than reruns_kept_max.
std::deque<Rerun> read_pairs(std::string_view text);

// Of this member's folder; a file that cannot be read is an empty one.
std::vector<KeptWatch> read_watches(const fs::path& home);
// Errors: base.write.
Result<void> keep_watches(const fs::path& home, const std::vector<KeptWatch>& watches);

// Of the server that these counts are of; null when nothing was kept.
const KeptWatch* kept_of(const std::vector<KeptWatch>& watches, const drill::DrillWatched& said);

}  // namespace hz::node
