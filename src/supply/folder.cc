#include "supply/folder.h"

#include <unistd.h>

#include <algorithm>

#include "supply/reasons.h"

namespace hz::supply {

namespace {

constexpr std::size_t entries_max = 1'000'000;
constexpr int depth_max = 64;
constexpr std::string_view modules = "node_modules/";

bool names_library(std::string_view name) {
  return name.ends_with(".so") || name.find(".so.") != std::string_view::npos;
}

}  // namespace

std::string npm_package_of(std::string_view path) {
  auto at = path.rfind(modules);
  while (at != std::string_view::npos) {
    const bool whole = at == 0 || path[at - 1] == '/';
    const auto name = at + modules.size();
    auto end = path.find('/', name);
    if (end != std::string_view::npos && path[name] == '@') end = path.find('/', end + 1);
    if (whole && end != std::string_view::npos) return std::string(path.substr(0, end));
    if (at == 0) break;
    at = path.rfind(modules, at - 1);
  }
  return {};
}

Result<Folder> list_folder(const fs::path& root) {
  Folder out;
  std::error_code error;
  if (!fs::is_directory(root, error)) return fail(hz::why("base.read"), "{}: is no folder", root.string());
  fs::recursive_directory_iterator at(root, fs::directory_options::none, error), end;
  if (error) return fail(hz::why("base.read"), "{}: {}", root.string(), error.message());
  std::size_t entries = 0;
  for (; at != end; at.increment(error)) {
    if (error) return fail(hz::why("base.read"), "{}: {}", root.string(), error.message());
    if (++entries > entries_max)
      return fail(why("supply.limit"), "{}: more than {} entries", root.string(), entries_max);
    const std::string name = at->path().filename().string();
    if (at->is_directory(error) && !at->is_symlink(error)) {
      if (at.depth() >= depth_max)
        return fail(why("supply.limit"), "{}: more than {} levels", at->path().string(), depth_max);
      if (name.starts_with('.')) {
        at.disable_recursion_pending();
      } else if (::access(at->path().c_str(), R_OK | X_OK) != 0) {
        out.unreadable.push_back(at->path().lexically_relative(root).generic_string());
        at.disable_recursion_pending();
      }
      continue;
    }
    if (!at->is_regular_file(error)) continue;
    std::string path = at->path().lexically_relative(root).generic_string();
    const bool installed = path.starts_with(modules) || path.find("/" + std::string(modules)) != std::string::npos;
    if (!installed) {
      out.files.push_back(std::move(path));
    } else if (name == "package.json") {
      const std::string folder = npm_package_of(path);
      if (path == folder + "/package.json") out.npm_packages.push_back(folder);
    } else if (names_library(name)) {
      out.npm_libraries.push_back(std::move(path));
    }
  }
  if (error) return fail(hz::why("base.read"), "{}: {}", root.string(), error.message());
  for (auto* list : {&out.files, &out.npm_packages, &out.npm_libraries, &out.unreadable})
    std::sort(list->begin(), list->end());
  return out;
}

}  // namespace hz::supply
