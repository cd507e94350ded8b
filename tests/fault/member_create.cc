// Creating a member and its first statement: cut short anywhere, the same command finishes it, and keys that were used
// once stay the keys.
#include "alliance/authority.h"
#include "alliance/keys.h"
#include "blob/store.h"
#include "log/store.h"
#include "member_story.h"
#include "sql/db.h"

namespace hz::fault {
namespace {

alliance::Draft one_site() {
  alliance::Draft draft = site(1, "A");
  draft.idem = Digest{7};
  return draft;
}

}  // namespace

void prepare(const fs::path& folder) { fs::create_directories(folder); }

void run(const fs::path& folder) {
  auto member = need(create(folder));
  acknowledge("created " + alliance::fingerprint(member.authority().genesis.roots.front()));
  const auto receipt = need(member.append(one_site()));
  acknowledge("appended " + receipt.id);
  need(member.views());
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  // Whoever was told nothing types the command again: either it finishes the member, or the member is there.
  auto again = create(folder);
  require(again || again.error().reason->slug == "alliance.exists", "a creation cut short can be finished");
  auto member = open(folder);
  if (acknowledged.starts_with("created "))
    require(acknowledged.find(alliance::fingerprint(member.authority().genesis.roots.front())) == 8,
            "the keys that were shown are the keys");
  const auto receipt = need(member.append(one_site()));
  const auto told = acknowledged.find("appended ");
  if (told != std::string::npos) {
    require(receipt.repeated, "an acknowledged statement is there");
    require(acknowledged.find(receipt.id) == told + 9, "and it is the same statement");
  }
  require(member.frontier().logs.at(0).size == 2, "the statement stands once");
  const auto rows = need(need(member.views())->integer("SELECT count(*) FROM public_pool_site"));
  require(rows == 1, "the views show it once");
  const std::string first = need(member.rebuild_views()).own;
  require(first == need(member.rebuild_views()).own, "rebuilt views are equal");
}

}  // namespace hz::fault
