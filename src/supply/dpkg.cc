#include "supply/dpkg.h"

#include <algorithm>

#include "crypto/hash.h"
#include "supply/reasons.h"
#include "supply/text_lines.h"

namespace hz::supply {

namespace {

constexpr std::size_t status_bytes_max = 64u << 20, list_bytes_max = 64u << 20, packages_max = 200'000;

// "opencv (4.6.0+dfsg-12)" -> name and version; the version may be absent.
void read_source(std::string_view value, DebPackage& out) {
  const auto open = value.find(" (");
  out.source = std::string(value.substr(0, open));
  if (open != std::string_view::npos && value.ends_with(")"))
    out.source_version = std::string(value.substr(open + 2, value.size() - open - 3));
}

bool plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
  });
}

void set_field(DebPackage& out, std::string& status, std::string_view name, std::string_view value) {
  const std::string text(value);
  if (name == "Package")
    out.package = text;
  else if (name == "Status")
    status = text;
  else if (name == "Architecture")
    out.architecture = text;
  else if (name == "Version")
    out.version = text;
  else if (name == "Maintainer")
    out.maintainer = text;
  else if (name == "Homepage")
    out.homepage = text;
  else if (name == "Section")
    out.section = text;
  else if (name == "Source")
    read_source(value, out);
}

Result<void> add_stanza(std::string_view stanza, int line, std::map<std::string, DebPackage>& out) {
  DebPackage package;
  std::string status;
  std::optional<Error> error;
  int number = line;
  each_line(stanza, [&](std::string_view text, int) {
    const int at = number++;
    if (error || text.empty() || text[0] == ' ' || text[0] == '\t') return;  // continuation lines
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      error = Error{&why("supply.dpkg"), fmt::format("line {}: no field name", at)};
      return;
    }
    set_field(package, status, text.substr(0, colon), trimmed(text.substr(colon + 1)));
  });
  if (error) return std::unexpected(*error);
  if (package.package.empty()) return fail(why("supply.dpkg"), "line {}: a stanza without Package", line);
  if (!status.ends_with(" installed")) return {};
  if (package.source.empty()) package.source = package.package;
  if (package.source_version.empty()) package.source_version = package.version;
  if (!plain(package.package) || !plain(package.source) || !plain(package.source_version) ||
      package.source_version.empty())
    return fail(why("supply.dpkg"), "line {}: package {} has no usable name and version", line, package.package);
  package.stanza_digest = hex(crypto::sha256(as_bytes(stanza)));
  if (out.size() >= packages_max) return fail(why("supply.limit"), "more than {} packages", packages_max);
  out[package.package + ":" + package.architecture] = std::move(package);
  return {};
}

}  // namespace

Result<std::map<std::string, DebPackage>> parse_dpkg_status(std::string_view text) {
  if (text.size() > status_bytes_max)
    return fail(why("supply.limit"), "{} bytes, at most {}", text.size(), status_bytes_max);
  if (!valid_utf8(text)) return fail(hz::why("base.utf8"), "the status file");
  std::map<std::string, DebPackage> out;
  int line = 1;
  while (!text.empty()) {
    const auto end = text.find("\n\n");
    const std::string_view stanza = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
    if (!trimmed(stanza).empty()) HZ_TRY(add_stanza(stanza, line, out));
    if (end == std::string_view::npos) break;
    line += static_cast<int>(std::count(stanza.begin(), stanza.end(), '\n')) + 1;
    text.remove_prefix(end + 2);
  }
  return out;
}

Result<DpkgDatabase> DpkgDatabase::open(const fs::path& root) {
  DpkgDatabase out;
  out.root_ = root;
  std::error_code gone;
  if (!fs::exists(root / "status", gone)) return out;
  const Bytes text = HZ_TRY(read_file(root / "status", status_bytes_max));
  auto packages = parse_dpkg_status(as_text(text));
  if (!packages) return within((root / "status").string(), std::move(packages).error());
  out.packages_ = *std::move(packages);
  return out;
}

std::map<std::string, std::string> DpkgDatabase::owners(const std::set<std::string>& paths) const {
  std::map<std::string, std::string> out;
  if (packages_.empty() || paths.empty()) return out;
  std::set<std::string, std::less<>> wanted(paths.begin(), paths.end());
  for (const std::string& path : paths)
    if (path.starts_with("/usr/")) wanted.insert(path.substr(4));
  for (const auto& [key, package] : packages_) {
    // Multi-arch packages are listed as name:arch.list, others as name.list.
    auto text = read_file(root_ / "info" / (key + ".list"), list_bytes_max);
    if (!text) text = read_file(root_ / "info" / (package.package + ".list"), list_bytes_max);
    if (!text) continue;
    each_line(as_text(*text), [&](std::string_view line, int) {
      if (line.find(".so") == std::string_view::npos && !wanted.contains(line)) return;
      const auto found = wanted.find(line);
      if (found == wanted.end()) return;
      out.emplace(paths.contains(*found) ? *found : "/usr" + *found, key);
    });
  }
  return out;
}

const DebPackage* DpkgDatabase::find(const std::string& key) const {
  const auto found = packages_.find(key);
  return found == packages_.end() ? nullptr : &found->second;
}

std::string deb_node(const DebPackage& package) { return "deb:" + package.source + "@" + package.source_version; }

Facts dpkg_facts(const DebPackage& package, const std::vector<std::string>& file_nodes) {
  Facts out;
  NodeFact node;
  node.node = deb_node(package);
  node.type = "package";
  node.name = package.source;
  node.version = package.source_version;
  const auto note = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) node.notes.push_back({std::string(key), value, {}});
  };
  note("maintainer", package.maintainer);
  note("homepage", package.homepage);
  note("binary package", package.package + " " + package.version);
  out.nodes.push_back(std::move(node));
  for (const std::string& file : file_nodes) {
    NodeFact shipped;
    shipped.node = file;
    shipped.type = "file";
    shipped.name = file.substr(file.find(':') + 1);
    shipped.within = deb_node(package);
    shipped.mention = true;  // the library itself is the better witness of its own facts
    out.nodes.push_back(std::move(shipped));
    out.edges.push_back({file, deb_node(package), "shipped by " + package.package});
  }
  return out;
}

}  // namespace hz::supply
