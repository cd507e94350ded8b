// npm: lock files (version 2 and 3) and installed packages.
#pragma once
#include "supply/facts.h"

namespace hz::supply {

// One installed package, wherever its facts come from.
struct NpmPackage {
  std::string path;  // "node_modules/a/node_modules/b"; "" is the project itself
  std::string name;
  std::string version;
  std::string licence, repository, author;
  bool dev = false;
  std::vector<std::pair<std::string, bool>> needs;  // name, optional
};

// A lock file's packages, the project itself first if present. Errors: supply.npm and base.json_*, with the JSON path;
// supply.limit beyond 100,000 packages.
Result<std::vector<NpmPackage>> parse_npm_lock(std::string_view text);
// One package.json below node_modules at `path`. Errors as above.
Result<NpmPackage> parse_npm_package(std::string_view text, std::string path);

// Nodes and needs of `of`, resolved among all `installed` the way Node does: the nearest node_modules going up.
// The project itself is no component (it is the member's own).
Facts npm_facts(const std::vector<NpmPackage>& of, const std::vector<NpmPackage>& installed);
std::string npm_node(const NpmPackage& package);

}  // namespace hz::supply
