// Views of which bytes changed on the disk are held against the log and replaced: cut short anywhere, the rows are the
// wrong ones or the right ones, never a mixture, and the next check puts right what is left.
#include <fcntl.h>

#include "alliance/check_views.h"
#include "alliance/replay.h"
#include "log/store.h"
#include "member_story.h"
#include "sql/db.h"

namespace hz::fault {
namespace {

constexpr int sites = 40;

std::int64_t count(alliance::Member& member, std::string_view where) {
  return need(need(member.views())->integer(fmt::format("SELECT count(*) FROM public_pool_site WHERE {}", where)))
      .value_or(-1);
}
std::int64_t all(alliance::Member& member) { return count(member, "name LIKE 'place-%'"); }
std::int64_t right(alliance::Member& member) { return count(member, "name = 'place-' || substr(site, 7)"); }

}  // namespace

void prepare(const fs::path& folder) {
  fs::create_directories(folder);
  {
    auto member = need(create(folder));
    std::vector<alliance::Draft> drafts;
    for (int i = 0; i < sites; ++i) drafts.push_back(site(i, fmt::format("place-{}", i)));
    need(member.append(drafts));
    // Of the sort that outlives a reboot.
    need(alliance::Views::open(folder / "home" / "views.sqlite", mounted(), member.origin(), true));
    require(right(member) == sites, "the views show every site");
    need(need(member.views())->run("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  const fs::path file = folder / "home" / "views.sqlite";
  const Bytes bytes = need(read_file(file, 64u << 20));
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  const std::string_view text = as_text(bytes);
  int flipped = 0;
  for (auto at = text.find("place-17"); at != std::string_view::npos; at = text.find("place-17", at + 1))
    flipped += ::pwrite(fd.get(), "9", 1, static_cast<off_t>(at) + 7) == 1;
  auto member = open(folder);
  require(flipped > 0 && right(member) == sites - 1, "a flipped byte gives a wrong answer");
}

void run(const fs::path& folder) {
  auto member = open(folder);
  need(member.check_views({}));
  acknowledge("mended");
  need(member.append(site(sites, "one more")));
  need(member.views());
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  auto member = open(folder);
  require(all(member) == sites, "no row is lost");
  const std::int64_t now = right(member);
  require(now == sites || (now == sites - 1 && acknowledged.empty()), "the rows are the old ones or the right ones");
  require(need(member.check_views({})).faults.empty() == (now == sites), "the next check finds what is left");
  require(right(member) == sites, "and puts it right");
  require(!fs::exists(folder / "home" / "views.beside.sqlite"), "no copy stays");
  require(need(need(member.views())->text("PRAGMA integrity_check")) == "ok", "SQLite finds no damage");
}

}  // namespace hz::fault
