// A folder's files, sorted, with installed npm packages and libraries picked out of node_modules.
#pragma once
#include <string>
#include <vector>

#include "base/fs.h"

namespace hz::supply {

struct Folder {
  std::vector<std::string> files;          // relative, '/' between; nothing below node_modules or hidden folders
  std::vector<std::string> npm_packages;   // relative paths of installed packages' folders
  std::vector<std::string> unreadable;     // folders this user may not list
  std::vector<std::string> npm_libraries;  // relative paths of *.so* files below node_modules
};

// Links to folders are not followed, so a folder cannot contain itself. Limits: 1,000,000 entries, 64 levels.
// Errors: base.read, supply.limit.
Result<Folder> list_folder(const fs::path& root);

// "a/node_modules/@s/b/lib/x.so" -> "a/node_modules/@s/b"; "" when the path is in no installed package.
std::string npm_package_of(std::string_view path);

}  // namespace hz::supply
