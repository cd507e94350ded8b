// Lasting views: whatever a power cut leaves of the file is the state after one of its transactions, at or after the
// last checkpoint that returned, and replaying from there gives the rows of a replay from nothing.
#include "alliance/kinds.h"
#include "alliance/peers.h"
#include "alliance/replay.h"
#include "log/store.h"
#include "member_story.h"
#include "sql/db.h"

namespace hz::fault {
namespace {

constexpr int rounds = 8, each = 15;  // statements

// Rows that change more often than they are added, so that pages are written again and again.
alliance::Draft changing_site(int number) {
  return alliance::draft(pool::Site{fmt::format("site:s{}", number % 40),
                                    fmt::format("place {}", number),
                                    "unknown",
                                    "unknown",
                                    {{"backend:refrt", 1, 2, 3, number + 1}}});
}
alliance::Views lasting(const fs::path& folder, const alliance::Member& member, const std::string& boot) {
  return need(alliance::Views::open(folder / "views.sqlite", mounted(), member.origin(), true, boot));
}
void replay(alliance::Views& views, alliance::Member& member, std::uint64_t size) {
  alliance::Verified verified;
  alliance::Source source = alliance::source_of(member.log(), verified);
  source.size = size;
  source.root = need(member.log().root_at(size));
  source.refresh = [](alliance::Source&) -> Result<void> { return {}; };
  need(views.catch_up({source}, silent_progress()));
}
std::int64_t standing_on(alliance::Views& views) {
  return need(views.db().integer("SELECT size FROM alliance_log")).value_or(0);
}

}  // namespace

void prepare(const fs::path& folder) {
  fs::create_directories(folder);
  auto member = need(create(folder));
  std::vector<alliance::Draft> drafts;
  for (int i = 0; i < rounds * each; ++i) drafts.push_back(changing_site(i));
  need(member.append(drafts));
}

void run(const fs::path& folder) {
  auto member = open(folder);
  auto views = lasting(folder, member, "first boot");
  need(views.db().run("PRAGMA wal_autocheckpoint=20"));
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    replay(views, member, 1 + round * each);
    if (round % 3 != 0) continue;
    need(views.db().run("PRAGMA wal_checkpoint(TRUNCATE)"));
    acknowledge(fmt::format("kept {}", standing_on(views)));
  }
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  auto member = open(folder);
  auto views = lasting(folder, member, "second boot");
  require(need(views.db().text("PRAGMA integrity_check")) == "ok", "SQLite finds no damage");
  std::int64_t kept = 0;
  if (const auto at = acknowledged.rfind("kept "); at != std::string::npos)
    kept = std::strtoll(acknowledged.c_str() + at + 5, nullptr, 10);
  require(standing_on(views) >= kept, "what a checkpoint put into the file is there after the cut");
  replay(views, member, member.log().head().size);
  auto fresh = need(alliance::Views::in_memory(mounted(), member.origin()));
  replay(fresh, member, member.log().head().size);
  require(need(alliance::view_digest(views.db())) == need(alliance::view_digest(fresh.db())),
          "what is left, replayed on, has the rows of a replay from nothing");
}

}  // namespace hz::fault
