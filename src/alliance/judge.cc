#include "alliance/judge.h"

#include <algorithm>

#include "alliance/fork_evidence.h"
#include "alliance/peers.h"
#include "alliance/sql_text.h"

namespace hz::alliance {

Result<Judgement> judge_anew(Member& member) {
  Verified unused;  // of pillars' statements, which are not read here
  std::vector<Source> logs{source_of(member.log(), unused)};
  for (log::Log* log : member.peer_logs()) logs.push_back(source_of(*log, unused));
  std::ranges::sort(logs, {}, &Source::origin);
  sql::Db db = HZ_TRY(sql::Db::open(":memory:", sql::Mode::scratch));
  HZ_TRY(db.run(sql_text::views));
  Judgement out = HZ_TRY(Judgement::load(db, member.origin(), &read_fork));
  Sizes sizes;
  for (const Source& log : logs) {
    HZ_TRY(out.scan(db, log, 0));
    sizes[log.origin] = log.size;
  }
  HZ_TRY(out.finish(logs, sizes));
  return out;
}

}  // namespace hz::alliance
