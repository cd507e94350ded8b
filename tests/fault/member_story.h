// What the stories about a member start from: one pillar, the machine's own clock, one folder.
#pragma once
#include "alliance/member.h"
#include "pool/kinds.h"
#include "story.h"

namespace hz::fault {

inline alliance::Mounted mounted() {
  static const std::string_view schemas[] = {pool::view_schema()};
  return {pool::kinds(), schemas};
}
inline alliance::Seams seams() { return {&system_clock(), &system_rng(), &silent_progress()}; }

inline Result<alliance::Member> create(const fs::path& folder) {
  return alliance::Member::create(folder / "home", {"Fault", "fault.example/member"}, mounted(), seams());
}
inline alliance::Member open(const fs::path& folder) {
  return need(alliance::Member::open(folder / "home", mounted(), seams()));
}
// Site s<number>, with this name.
inline alliance::Draft site(int number, std::string name) {
  return alliance::draft(pool::Site{
      fmt::format("site:s{}", number), std::move(name), "unknown", "unknown", {{"backend:refrt", 1, 2, 3, 4}}});
}

}  // namespace hz::fault
