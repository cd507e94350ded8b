// The package database of Debian systems: which package ships a file, and what that package is.
// Format: deb-control(5), dpkg-query(1); `<root>/status` and `<root>/info/*.list`.
#pragma once
#include <map>
#include <set>

#include "base/fs.h"
#include "supply/facts.h"

namespace hz::supply {

struct DebPackage {
  std::string package, architecture, source, source_version, version, maintainer, homepage, section;
  std::string stanza_digest;  // SHA-256 of the stanza's bytes, hex
};

// Installed packages of a status file, keyed "name:arch". Size limit 64 MiB, 200,000 packages.
// Errors: supply.dpkg (with the line), supply.limit.
Result<std::map<std::string, DebPackage>> parse_dpkg_status(std::string_view text);

class DpkgDatabase {
 public:
  // Reads `<root>/status` once. A system without dpkg (no such file) gives an empty database.
  static Result<DpkgDatabase> open(const fs::path& root);

  // Absolute path -> key of the package that ships it, for those of `paths` that a package ships. Reads each list once.
  // "/usr/lib/x" is also found as "/lib/x": merged-/usr systems record either.
  std::map<std::string, std::string> owners(const std::set<std::string>& paths) const;

  const DebPackage* find(const std::string& key) const;

 private:
  fs::path root_;
  std::map<std::string, DebPackage> packages_;
};

// The facts of one package: its node (the source package) and the files of it that something needs.
Facts dpkg_facts(const DebPackage& package, const std::vector<std::string>& file_nodes);
std::string deb_node(const DebPackage& package);

}  // namespace hz::supply
