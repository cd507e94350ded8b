#include "supply/npm.h"

#include <algorithm>
#include <unordered_map>

#include "supply/reasons.h"

namespace hz::supply {

namespace {

constexpr std::size_t packages_max = 100'000;
const json::Limits json_limits{.size_bytes_max = 64u << 20, .depth_max = 32};

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > 214) return false;
  for (const char c : name)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '*' || c == '"')
      return false;
  return name.find('@', 1) == std::string_view::npos;
}
bool valid_version(std::string_view version) {
  return !version.empty() && version.size() <= 256 && std::all_of(version.begin(), version.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f && c != '/' && c != '@';
  });
}

// "node_modules/a/node_modules/@s/b" -> "@s/b"
std::string_view name_in_path(std::string_view path) {
  constexpr std::string_view folder = "node_modules/";
  const auto at = path.rfind(folder);
  return at == std::string_view::npos ? std::string_view() : path.substr(at + folder.size());
}

// A text that may also be an object with the text under `key` (npm's older forms).
std::string text_or(const json::Value& value, std::string_view field, std::string_view key) {
  const json::Value* member = value.find(field);
  if (!member) return {};
  if (const std::string* s = member->string()) return *s;
  return std::string(member->text(key));
}

Result<void> add_needs(const json::Value& entry, std::string_view field, bool optional, const std::string& where,
                       NpmPackage& out) {
  const json::Value* needs = entry.find(field);
  if (!needs) return {};
  const json::Object* members = needs->object();
  if (!members) return fail(why("supply.npm"), "{}.{} should be an object", where, field);
  for (const auto& [name, range] : *members) {
    if (!valid_name(name)) return fail(why("supply.npm"), "{}.{} has the package name \"{}\"", where, field, name);
    const auto same = [&](const auto& need) { return need.first == name; };
    const auto known = std::find_if(out.needs.begin(), out.needs.end(), same);
    if (known == out.needs.end())
      out.needs.emplace_back(name, optional);
    else
      known->second = optional;
  }
  return {};
}

Result<NpmPackage> read_entry(const json::Value& entry, std::string path, const std::string& where) {
  if (!entry.object()) return fail(why("supply.npm"), "{} should be an object", where);
  NpmPackage out;
  out.path = std::move(path);
  out.name = std::string(entry.text("name"));
  if (out.name.empty()) out.name = std::string(name_in_path(out.path));
  out.version = std::string(entry.text("version"));
  out.licence = text_or(entry, "license", "type");
  out.repository = text_or(entry, "repository", "url");
  out.author = text_or(entry, "author", "name");
  const json::Value* dev = entry.find("dev");
  out.dev = dev && dev->boolean() && *dev->boolean();
  HZ_TRY(add_needs(entry, "dependencies", false, where, out));
  HZ_TRY(add_needs(entry, "optionalDependencies", true, where, out));
  HZ_TRY(add_needs(entry, "peerDependencies", true, where, out));
  if (out.path.empty()) return out;
  if (!valid_name(out.name)) return fail(why("supply.npm"), "{}: \"{}\" is no package name", where, out.name);
  if (!valid_version(out.version)) return fail(why("supply.npm"), "{}.version is missing or no version", where);
  return out;
}

std::string key(std::string_view folder, std::string_view name) {
  return folder.empty() ? fmt::format("node_modules/{}", name) : fmt::format("{}/node_modules/{}", folder, name);
}

// The folder whose node_modules is asked next, or npos-like "" once and then done.
bool up(std::string& folder) {
  if (folder.empty()) return false;
  const auto at = folder.rfind("node_modules/");
  folder = at == std::string::npos || at == 0 ? std::string() : folder.substr(0, at - 1);
  return true;
}

}  // namespace

std::string npm_node(const NpmPackage& package) { return "npm:" + package.name + "@" + package.version; }

Result<std::vector<NpmPackage>> parse_npm_lock(std::string_view text) {
  const json::Value lock = HZ_TRY(json::parse(text, json_limits));
  const json::Value* version = lock.find("lockfileVersion");
  if (!version || !version->integer()) return fail(why("supply.npm"), "$.lockfileVersion is missing");
  if (*version->integer() != 2 && *version->integer() != 3)
    return fail(why("supply.npm"), "$.lockfileVersion is {}, only 2 and 3 are read", *version->integer());
  const json::Value* packages = lock.find("packages");
  const json::Object* members = packages ? packages->object() : nullptr;
  if (!members) return fail(why("supply.npm"), "$.packages should be an object");
  if (members->size() > packages_max)
    return fail(why("supply.limit"), "$.packages has {} entries, at most {}", members->size(), packages_max);
  std::vector<NpmPackage> out;
  for (const auto& [path, entry] : *members) {
    const json::Value* link = entry.find("link");
    if (link && link->boolean() && *link->boolean()) continue;  // a workspace of the project itself
    if (!path.empty() && name_in_path(path).empty()) continue;
    out.push_back(HZ_TRY(read_entry(entry, path, fmt::format("$.packages[\"{}\"]", path))));
  }
  return out;
}

Result<NpmPackage> parse_npm_package(std::string_view text, std::string path) {
  const json::Value value = HZ_TRY(json::parse(text, json_limits));
  return read_entry(value, std::move(path), "$");
}

Facts npm_facts(const std::vector<NpmPackage>& of, const std::vector<NpmPackage>& installed) {
  std::unordered_map<std::string, const NpmPackage*> by_path;
  for (const NpmPackage& package : installed) by_path.emplace(package.path, &package);
  Facts out;
  for (const NpmPackage& package : of) {
    if (package.path.empty()) continue;
    NodeFact node;
    node.node = npm_node(package);
    node.type = "package";
    node.name = package.name;
    node.version = package.version;
    if (!package.licence.empty()) node.notes.push_back({"licence", package.licence, {}});
    if (!package.repository.empty()) node.notes.push_back({"repository", package.repository, {}});
    if (!package.author.empty()) node.notes.push_back({"author", package.author, {}});
    if (package.dev) node.notes.push_back({"use", "development only", {}});
    for (const auto& [name, optional] : package.needs) {
      const NpmPackage* found = nullptr;
      std::string folder = package.path;
      do {
        const auto hit = by_path.find(key(folder, name));
        if (hit != by_path.end()) found = hit->second;
      } while (!found && up(folder));
      if (found)
        out.edges.push_back({node.node, npm_node(*found), "dependencies." + name});
      else if (!optional)
        out.unknowns.push_back({node.node, "dependency", "needs npm:" + name + ", which is not installed"});
    }
    out.nodes.push_back(std::move(node));
  }
  return out;
}

}  // namespace hz::supply
