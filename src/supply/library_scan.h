// Backends to libraries to packages: the part of a scan that leaves the folder.
#pragma once
#include "supply/backends_file.h"
#include "supply/dpkg.h"
#include "supply/folder.h"
#include "supply/npm.h"
#include "supply/scan.h"

namespace hz::supply {

class LibraryScan {
 public:
  // `root` and `folder` are the scanned folder, or null for a scan of the computer.
  LibraryScan(const ScanOptions& options, const std::string& scope, const fs::path* root, const Folder* folder);

  // npm packages by folder path, so that a library inside one is known to be shipped by it.
  void add_npm(const std::string& folder_path, std::string node) { npm_[folder_path] = std::move(node); }

  // The facts of a list of backends; the libraries found join the closure. `only_found` leaves absent ones out.
  Facts backends(const std::vector<BackendDeclaration>& declared, bool only_found);
  // A library file of the scanned folder. Errors: supply.elf and what reading it says.
  Result<void> add_library(const fs::path& path);
  // One evidence item per library, then one per package that ships some of them. Errors: supply.dpkg, supply.limit.
  Result<void> finish(Collected& out);

 private:
  std::optional<fs::path> find_library(const BackendDeclaration& backend);
  std::optional<fs::path> find_program(const BackendDeclaration& backend) const;
  void take(const Library& library);
  std::string shown(const fs::path& path) const;

  const ScanOptions& options_;
  std::string scope_;
  const fs::path* root_;
  const Folder* folder_;
  fs::path real_root_;
  LibraryCatalogue catalogue_;
  std::map<std::string, std::string> npm_;
  std::map<const Library*, LibraryNeeds> taken_;
};

}  // namespace hz::supply
