#include "supply/libraries.h"

#include <algorithm>
#include <deque>
#include <set>

#include "base/text_match.h"
#include "crypto/hash.h"
#include "supply/backends_file.h"
#include "supply/text_lines.h"

namespace hz::supply {

namespace {

constexpr std::size_t file_bytes_max = 512u << 20;
constexpr std::size_t closure_max = 10'000;

void replace(std::string& text, std::string_view what, std::string_view by) {
  if (const auto at = text.find(what); at != std::string::npos) text.replace(at, what.size(), by);
}

}  // namespace

LibraryCatalogue::LibraryCatalogue(fs::path system_root, std::vector<fs::path> extra)
    : root_(std::move(system_root)), folders_(std::move(extra)) {
  for (fs::path& folder : system_folders()) folders_.push_back(std::move(folder));
}

std::uint16_t LibraryCatalogue::machine() {
#if defined(__x86_64__)
  return 62;
#elif defined(__aarch64__)
  return 183;
#elif defined(__riscv)
  return 243;
#elif defined(__loongarch__)
  return 258;
#elif defined(__powerpc64__)
  return 21;
#else
  return 0;
#endif
}

// The folders of ld.so.conf.d in the order of its files, then the built-in ones (ld.so(8)).
std::vector<fs::path> LibraryCatalogue::system_folders() const {
  std::vector<fs::path> out;
  std::error_code gone;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(root_ / "etc/ld.so.conf.d", gone), end; !gone && at != end; at.increment(gone))
    if (at->path().extension() == ".conf") files.push_back(at->path());
  std::sort(files.begin(), files.end());
  const auto add = [&](const fs::path& folder) {
    if (fs::is_directory(folder, gone) && std::find(out.begin(), out.end(), folder) == out.end()) out.push_back(folder);
  };
  for (const fs::path& file : files)
    if (const auto text = read_file(file, 1u << 20))
      each_line(as_text(*text), [&](std::string_view line, int) {
        line = trimmed(line.substr(0, line.find('#')));
        if (line.starts_with('/')) add(root_ / line.substr(1));
      });
  for (const char* folder : {"usr/local/lib", "lib64", "usr/lib64", "lib", "usr/lib"}) add(root_ / folder);
  return out;
}

Result<const Library*> LibraryCatalogue::read(const fs::path& path) {
  std::error_code gone;
  fs::path real = fs::canonical(path, gone);
  if (gone) real = path;
  if (const auto known = read_.find(real); known != read_.end()) return known->second.get();
  const Bytes bytes = HZ_TRY(read_file(real, file_bytes_max));
  auto library = std::make_unique<Library>();
  library->elf = HZ_TRY(parse_elf(bytes));
  library->path = real;
  library->digest = hex(crypto::sha256(bytes));
  library->node = "file:" + (library->elf.soname.empty() ? real.filename().string() : library->elf.soname);
  return (read_[real] = std::move(library)).get();
}

std::optional<fs::path> LibraryCatalogue::locate(const std::string& soname, const Library& from) {
  std::string own;
  for (const std::string& folder : from.elf.search) own += folder + ":";
  const std::string origin = from.path.parent_path().string();
  if (own.find("$") != std::string::npos) own += origin;
  const auto [known, fresh] = located_.try_emplace({soname, own});
  if (!fresh) return known->second;
  std::vector<fs::path> folders;
  for (std::string folder : from.elf.search) {
    replace(folder, "$ORIGIN", origin);
    replace(folder, "${ORIGIN}", origin);
    folders.emplace_back(folder);
  }
  folders.insert(folders.end(), folders_.begin(), folders_.end());
  folders.push_back(origin);  // private libraries beside the one that asks: what plug-in loaders do
  std::error_code gone;
  for (const fs::path& folder : folders) {
    const fs::path candidate = soname.find('/') == std::string::npos ? folder / soname : fs::path(soname);
    if (!fs::is_regular_file(candidate, gone)) continue;
    const auto library = read(candidate);
    if (library && (*library)->elf.machine == from.elf.machine) return known->second = candidate;
  }
  return std::nullopt;
}

std::vector<LibraryNeeds> LibraryCatalogue::closure(const Library& first) {
  std::vector<LibraryNeeds> out;
  std::set<const Library*> seen = {&first};
  std::deque<const Library*> waiting = {&first};
  while (!waiting.empty() && out.size() < closure_max) {
    LibraryNeeds needs{waiting.front(), {}, {}};
    waiting.pop_front();
    for (const std::string& soname : needs.library->elf.needed) {
      const auto path = locate(soname, *needs.library);
      const auto library = path ? read(*path) : Result<const Library*>(nullptr);
      if (!library || !*library) {
        needs.missing.push_back(soname);
        continue;
      }
      needs.found.push_back(*library);
      if (seen.insert(*library).second) waiting.push_back(*library);
    }
    out.push_back(std::move(needs));
  }
  return out;
}

std::optional<fs::path> LibraryCatalogue::find(const std::vector<std::string>& patterns) const {
  std::error_code gone;
  for (const fs::path& folder : folders_) {
    std::vector<fs::path> matches;
    for (fs::directory_iterator at(folder, gone), end; !gone && at != end; at.increment(gone)) {
      const std::string name = at->path().filename().string();
      if (std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return glob(p, name); }))
        matches.push_back(at->path());
    }
    if (!matches.empty()) return *std::min_element(matches.begin(), matches.end());
  }
  return std::nullopt;
}

Facts library_facts(const LibraryNeeds& needs, const std::string& shown_path,
                    const std::optional<std::string>& within) {
  Facts out;
  NodeFact node;
  node.node = needs.library->node;
  node.type = "file";
  node.name = node.node.substr(node.node.find(':') + 1);
  node.within = within;
  node.notes = {{"path", shown_path, {}}, {"sha256", needs.library->digest, {}}};
  out.nodes.push_back(node);
  if (within) out.edges.push_back({node.node, *within, "inside the package's folder"});
  for (const Library* library : needs.found)
    if (library->node != node.node) out.edges.push_back({node.node, library->node, "DT_NEEDED"});
  for (const std::string& soname : needs.missing) {
    NodeFact mention;
    mention.node = "file:" + soname;
    mention.type = "file";
    mention.name = soname;
    mention.mention = true;
    out.nodes.push_back(std::move(mention));
    out.edges.push_back({node.node, "file:" + soname, "DT_NEEDED"});
    out.unknowns.push_back({"file:" + soname, "library", node.name + " needs it and no library folder has it"});
  }
  return out;
}

}  // namespace hz::supply
