#include "share/lineage.h"

#include <map>

namespace hz::share {

Lineage trace(const Release& release, const ReleasesOf& releases_of) {
  Lineage out;
  std::map<std::string, Ancestor, std::less<>> found;
  std::vector<std::string> ahead;
  const auto meet = [&](const Release& child) {
    for (const Parent& parent : child.parents) {
      if (parent.sha256 == release.sha256) {
        out.circle = true;
        continue;
      }
      auto at = found.find(parent.sha256);
      if (at == found.end()) {
        if (found.size() == ancestors_max) {
          out.cut = true;
          return;
        }
        at = found.emplace(parent.sha256, Ancestor{parent.sha256}).first;
        ahead.push_back(parent.sha256);
      }
      if (parent.licence != "unknown") at->second.licences.insert(parent.licence);
    }
  };
  meet(release);
  while (!ahead.empty()) {
    const std::string digest = std::move(ahead.back());
    ahead.pop_back();
    Ancestor& ancestor = found.find(digest)->second;
    for (const Release* said : releases_of(digest)) {
      if (said->licence != "unknown") ancestor.licences.insert(said->licence);
      ancestor.controls.insert(said->control);
      meet(*said);
    }
  }
  // A circle among the ancestors alone is as impossible: whoever is on it waits for itself. Ancestors without a parent
  // outside the done ones are taken off until nothing moves (Kahn); what stays is a circle.
  std::map<std::string, std::set<std::string>, std::less<>> parents;
  for (const auto& [digest, ancestor] : found)
    for (const Release* said : releases_of(digest))
      for (const Parent& parent : said->parents)
        if (found.contains(parent.sha256)) parents[digest].insert(parent.sha256);
  for (bool moved = true; moved;) {
    moved = false;
    for (auto at = parents.begin(); at != parents.end();) {
      std::erase_if(at->second, [&](const std::string& p) { return !parents.contains(p); });
      if (at->second.empty()) {
        at = parents.erase(at);
        moved = true;
      } else {
        ++at;
      }
    }
  }
  if (!parents.empty()) out.circle = true;
  for (auto& [digest, ancestor] : found) out.ancestors.push_back(std::move(ancestor));
  return out;
}

}  // namespace hz::share
