#include "supply/library_scan.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/text_match.h"

namespace hz::supply {

namespace {

bool inside(const fs::path& path, const fs::path& folder) {
  const auto [at, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return at == folder.end();
}

}  // namespace

LibraryScan::LibraryScan(const ScanOptions& options, const std::string& scope, const fs::path* root,
                         const Folder* folder)
    : options_(options),
      scope_(scope),
      root_(root),
      folder_(folder),
      catalogue_(options.system_root, options.library_dirs) {
  std::error_code gone;
  if (root_) real_root_ = fs::canonical(*root_, gone);
}

// "node_modules/x/libx.so" inside the scanned folder, "/usr/lib/libx.so" outside it.
std::string LibraryScan::shown(const fs::path& path) const {
  if (root_ && inside(path, real_root_)) return path.lexically_relative(real_root_).generic_string();
  return ("/" / path.lexically_relative(options_.system_root)).lexically_normal().generic_string();
}

std::optional<fs::path> LibraryScan::find_library(const BackendDeclaration& backend) {
  if (backend.library.empty()) return std::nullopt;
  if (folder_) {
    for (const auto* list : {&folder_->npm_libraries, &folder_->files})
      for (const std::string& path : *list) {
        const std::string name = path.substr(path.rfind('/') + 1);
        const auto match = [&](const std::string& pattern) { return glob(pattern, name); };
        if (std::none_of(backend.library.begin(), backend.library.end(), match)) continue;
        const auto package = npm_.find(npm_package_of(path));
        const bool wanted =
            backend.npm.empty() || (package != npm_.end() && bare_id(package->second) == "npm:" + backend.npm);
        if (!wanted) continue;
        // Packages carry builds for other systems too.
        const auto library = catalogue_.read(*root_ / path);
        if (library && (*library)->elf.machine == LibraryCatalogue::machine()) return *root_ / path;
      }
  }
  return backend.npm.empty() ? catalogue_.find(backend.library) : std::nullopt;
}

std::optional<fs::path> LibraryScan::find_program(const BackendDeclaration& backend) const {
  if (backend.program.empty()) return std::nullopt;
  const auto wanted = [&](const std::string& name) {
    return std::any_of(backend.program.begin(), backend.program.end(),
                       [&](const std::string& pattern) { return glob(pattern, name); });
  };
  if (folder_)
    for (const std::string& path : folder_->files)
      if (wanted(path.substr(path.rfind('/') + 1))) return *root_ / path;
  std::vector<fs::path> folders = options_.program_dirs;
  for (const char* folder : {"usr/local/bin", "usr/bin"}) folders.push_back(options_.system_root / folder);
  std::error_code gone;
  for (const fs::path& folder : folders) {
    std::optional<fs::path> first;
    for (fs::directory_iterator at(folder, gone), end; !gone && at != end; at.increment(gone))
      if (at->is_regular_file(gone) && wanted(at->path().filename().string()) && (!first || at->path() < *first))
        first = at->path();
    if (first) return first;
  }
  return std::nullopt;
}

void LibraryScan::take(const Library& library) {
  if (taken_.contains(&library)) return;
  for (LibraryNeeds& needs : catalogue_.closure(library)) taken_.try_emplace(needs.library, std::move(needs));
}

Result<void> LibraryScan::add_library(const fs::path& path) {
  const Library* library = HZ_TRY(catalogue_.read(path));
  if (library->elf.machine == LibraryCatalogue::machine()) take(*library);
  return {};
}

Facts LibraryScan::backends(const std::vector<BackendDeclaration>& declared, bool only_found) {
  Facts out;
  for (const BackendDeclaration& backend : declared) {
    NodeFact node;
    node.node = "backend:" + backend.name;
    node.type = "runtime";
    node.name = backend.title;
    bool seen = false;
    const auto need = [&](std::string_view what, const std::vector<std::string>& names,
                          const std::optional<fs::path>& path) {
      if (names.empty()) return;
      const auto file = path ? catalogue_.read(*path) : Result<const Library*>(nullptr);
      if (!file || !*file) {
        out.unknowns.push_back(
            {node.node, std::string(what), fmt::format("no {} was found", fmt::join(names, " or "))});
        return;
      }
      seen = true;
      take(**file);
      out.edges.push_back({node.node, (*file)->node, fmt::format("{} {}", what, shown((*file)->path))});
    };
    const std::size_t unknowns = out.unknowns.size();
    need("library", backend.library, find_library(backend));
    need("program", backend.program, find_program(backend));
    if (!seen && only_found) {
      out.unknowns.resize(unknowns);
      continue;
    }
    node.mention = !seen;
    out.nodes.push_back(std::move(node));
  }
  return out;
}

Result<void> LibraryScan::finish(Collected& out) {
  std::map<std::string, const LibraryNeeds*> by_path;  // sorted, so that a rescan says the same in the same order
  std::set<std::string> system_paths;
  for (const auto& [library, needs] : taken_) {
    const std::string path = shown(library->path);
    by_path.emplace(path, &needs);
    if (path.starts_with('/')) system_paths.insert(path);
  }
  for (const auto& [path, needs] : by_path) {
    const auto package = npm_.find(npm_package_of(path));
    const auto within = package == npm_.end() ? std::nullopt : std::optional(package->second);
    out.evidence.push_back({{scope_, path, "elf", needs->library->digest}, library_facts(*needs, path, within)});
    ++out.files_read;
  }
  if (system_paths.empty()) return {};
  const DpkgDatabase database = HZ_TRY(DpkgDatabase::open(options_.dpkg_root));
  std::map<std::string, std::vector<std::string>> files_of;
  for (const auto& [path, key] : database.owners(system_paths)) files_of[key].push_back(by_path[path]->library->node);
  for (auto& [key, nodes] : files_of) {
    const DebPackage* package = database.find(key);
    std::sort(nodes.begin(), nodes.end());
    out.evidence.push_back(
        {{scope_, "/var/lib/dpkg/status " + key, "dpkg", package->stanza_digest}, dpkg_facts(*package, nodes)});
  }
  return {};
}

}  // namespace hz::supply
