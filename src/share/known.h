// The releases in the views, as values: what the gate and the node ask about.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "share/rules.h"

namespace hz::share {

struct KnownRelease {
  std::string member;     // who signed it
  std::string statement;  // its id, hex
  Release release;
};

class KnownReleases {
 public:
  // Reads share_release and share_parent. Errors: sql.*. Cost: linear in the releases.
  static Result<KnownReleases> read(sql::Db& views);

  const std::vector<KnownRelease>& all() const { return all_; }  // by digest, then member
  std::vector<const KnownRelease*> of(std::string_view sha256) const;
  Lineage lineage(const Release& release) const;

 private:
  std::vector<KnownRelease> all_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_digest_;
};

}  // namespace hz::share
