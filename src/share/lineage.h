// What bytes were made from, through everything that is known. Pure.
//
// Digests cannot form a circle by honest work: bytes exist before what is made from them. But statements can say
// anything, in any order, so circles are looked for and end the walk.
#pragma once
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "share/kinds.h"

namespace hz::share {

inline constexpr std::size_t ancestors_max = 256;

// All that is said of one ancestor, by the releases of it and by those who name it as their parent.
struct Ancestor {
  std::string sha256;
  std::set<std::string> licences = {};  // without `unknown`; empty: nobody knows one
  std::set<Control> controls = {};      // of its releases
  bool operator==(const Ancestor&) const = default;
};

struct Lineage {
  std::vector<Ancestor> ancestors;  // by digest
  bool circle = false;              // the bytes are their own ancestor
  bool cut = false;                 // more than ancestors_max: the rest was not looked at
  bool operator==(const Lineage&) const = default;
};

// Every release of a digest that the asking node knows, of any member.
using ReleasesOf = std::function<std::vector<const Release*>(std::string_view sha256)>;

// Cost: linear in the releases of the ancestors.
Lineage trace(const Release& release, const ReleasesOf& releases_of);

}  // namespace hz::share
