#include "supply/cyclonedx.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/bytes.h"
#include "supply/json_pull.h"
#include "supply/purl.h"
#include "supply/reasons.h"
#include "supply/service_host.h"

namespace hz::supply {

namespace {

constexpr std::size_t size_bytes_max = 256u << 20, components_max = 1'000'000;

struct TypeWord {
  std::string_view cyclonedx, ours;
};
constexpr TypeWord component_types[] = {
    {"application", "package"},
    {"framework", "package"},
    {"library", "package"},
    {"container", "package"},
    {"platform", "package"},
    {"operating-system", "package"},
    {"device", "board"},
    {"device-driver", "driver"},
    {"firmware", "driver"},
    {"file", "file"},
    {"machine-learning-model", "model"},
    {"data", "file"},
    {"cryptographic-asset", "file"},
};
constexpr std::string_view aggregates[] = {"complete",
                                           "incomplete",
                                           "incomplete_first_party_only",
                                           "incomplete_first_party_proprietary_only",
                                           "incomplete_first_party_opensource_only",
                                           "incomplete_third_party_only",
                                           "incomplete_third_party_proprietary_only",
                                           "incomplete_third_party_opensource_only",
                                           "unknown",
                                           "not_specified"};
constexpr std::string_view scopes[] = {"required", "optional", "excluded"};
constexpr std::string_view hash_names[] = {"MD5",         "SHA-1",    "SHA-256",      "SHA-384",     "SHA-512",
                                           "SHA3-256",    "SHA3-384", "SHA3-512",     "BLAKE2b-256", "BLAKE2b-384",
                                           "BLAKE2b-512", "BLAKE3",   "Streebog-256", "Streebog-512"};
constexpr std::string_view root_members[] = {
    "$schema",      "bomFormat",       "specVersion", "serialNumber",       "version",
    "metadata",     "components",      "services",    "externalReferences", "dependencies",
    "compositions", "vulnerabilities", "annotations", "formulation",        "declarations",
    "definitions",  "properties",      "signature",   "citations"};
constexpr std::string_view component_members[] = {"type",
                                                  "mime-type",
                                                  "bom-ref",
                                                  "supplier",
                                                  "manufacturer",
                                                  "authors",
                                                  "author",
                                                  "publisher",
                                                  "group",
                                                  "name",
                                                  "version",
                                                  "versionRange",
                                                  "isExternal",
                                                  "description",
                                                  "scope",
                                                  "hashes",
                                                  "licenses",
                                                  "copyright",
                                                  "patentAssertions",
                                                  "cpe",
                                                  "purl",
                                                  "omniborId",
                                                  "swhid",
                                                  "swid",
                                                  "modified",
                                                  "pedigree",
                                                  "externalReferences",
                                                  "components",
                                                  "evidence",
                                                  "releaseNotes",
                                                  "modelCard",
                                                  "data",
                                                  "cryptoProperties",
                                                  "properties",
                                                  "tags",
                                                  "signature"};

template <std::size_t N>
bool one_of(const std::string_view (&words)[N], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

std::string_view our_type(std::string_view type) {
  for (const TypeWord& row : component_types)
    if (row.cyclonedx == type) return row.ours;
  return {};
}

// What a component's members say, before its id is known.
struct Part {
  std::string_view type, name, group, version, ref, purl, supplier, manufacturer, publisher, author, licence;
};

class BomReader {
 public:
  explicit BomReader(std::string_view text) : in_(text) {}

  Result<Facts> read() {
    in_.object([&](std::string_view key) { root_member(key); });
    HZ_TRY(in_.finish());
    if (format_ != "CycloneDX") return fail(why("supply.bom"), "$.bomFormat should be \"CycloneDX\"");
    if (spec_.size() != 3 || !spec_.starts_with("1.") || spec_[2] < '2' || spec_[2] > '7')
      return fail(why("supply.bom"), "$.specVersion should be 1.2 to 1.7, not \"{}\"", spec_);
    if (spec_[2] <= '3' && !has_version_) return fail(why("supply.bom"), "$.version is missing");
    if (spec_[2] <= '3' && lacks_version_) return fail(why("supply.bom"), "{}.version is missing", *lacks_version_);
    link();
    return std::move(out_);
  }

 private:
  void bom(std::string_view what) { in_.refuse(why("supply.bom"), what); }

  void root_member(std::string_view key) {
    if (key == "bomFormat")
      format_ = in_.string();
    else if (key == "specVersion")
      spec_ = in_.string();
    else if (key == "serialNumber")
      serial(in_.string());
    else if (key == "version")
      version();
    else if (key == "metadata")
      metadata();
    else if (key == "components")
      in_.array([&](std::int64_t) {
        component();
        children_.clear();
      });
    else if (key == "services")
      in_.array([&](std::int64_t) { service(); });
    else if (key == "dependencies")
      in_.array([&](std::int64_t) { dependency(); });
    else if (key == "compositions")
      in_.array([&](std::int64_t) { composition(); });
    else if (one_of(root_members, key))
      in_.skip();
    else
      bom("is not a member of a BOM");
  }

  void serial(std::string_view text) {
    constexpr std::string_view form = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool good = text.size() == form.size() && text.starts_with("urn:uuid:");
    for (std::size_t i = 9; good && i < form.size(); ++i)
      good = form[i] == '-' ? text[i] == '-'
                            : std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
    if (!in_.failed() && !good) bom("should be urn:uuid: and a UUID");
  }

  void version() {
    has_version_ = true;
    if (in_.integer() < 1 && !in_.failed()) bom("should be 1 or more");
  }

  void metadata() {
    in_.object([&](std::string_view key) {
      if (key == "component")
        component();
      else
        in_.skip();
    });
  }

  // {"name": ..., ...} of an organisation
  std::string_view organisation() {
    std::string_view name;
    in_.object([&](std::string_view key) {
      if (key == "name")
        name = in_.string();
      else
        in_.skip();
    });
    return name;
  }

  std::string_view authors() {
    std::string_view first;
    in_.array([&](std::int64_t) {
      const std::string_view name = organisation();
      if (first.empty()) first = name;
    });
    return first;
  }

  // [{"license": {"id" or "name"}} or {"expression"}, ...]: the first one is the note.
  std::string_view licences() {
    std::string_view first;
    in_.array([&](std::int64_t) {
      int forms = 0;
      in_.object([&](std::string_view key) {
        if (key == "expression") {
          ++forms;
          keep(first, in_.string());
        } else if (key == "license") {
          ++forms;
          keep(first, licence());
        } else {
          in_.skip();
        }
      });
      if (!in_.failed() && forms != 1) bom("should have either license or expression");
    });
    return first;
  }
  std::string_view licence() {
    std::string_view named;
    int names = 0;
    in_.object([&](std::string_view field) {
      if (field == "id" || field == "name") {
        ++names;
        named = in_.string();
      } else {
        in_.skip();
      }
    });
    if (!in_.failed() && names != 1) bom("should have either id or name");
    return named;
  }

  void hashes() {
    in_.array([&](std::int64_t) {
      bool algorithm = false, content = false;
      in_.object([&](std::string_view key) {
        if (key == "alg") {
          algorithm = true;
          if (!one_of(hash_names, in_.string()) && !in_.failed()) bom("is not a hash the schema names");
        } else if (key == "content") {
          content = true;
          const std::string_view digits = in_.string();
          const auto is_hex = [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
          };
          const std::size_t size = digits.size();
          const bool length = size == 32 || size == 40 || size == 64 || size == 96 || size == 128;
          if (!in_.failed() && !(length && std::all_of(digits.begin(), digits.end(), is_hex)))
            bom("should be 32, 40, 64, 96 or 128 hex digits");
        } else {
          bom("is not a member of a hash");
        }
      });
      if (!in_.failed() && !(algorithm && content)) bom("should have alg and content");
    });
  }

  static void keep(std::string_view& first, std::string_view text) {
    if (first.empty()) first = text;
  }

  // One component with those nested in it: an assembly needs its parts.
  void component() {
    if (++components_ > components_max) return in_.refuse(why("supply.limit"), "is one component too many (1,000,000)");
    Part part;
    // Nested components may stand before the members that give the id, so they are linked afterwards.
    const std::size_t children_from = children_.size();
    in_.object([&](std::string_view key) { component_member(key, part); });
    if (in_.failed()) return;
    if (part.type.empty()) return bom("has no type");
    if (part.name.data() == nullptr) return bom("has no name");
    if (part.version.data() == nullptr && !lacks_version_) lacks_version_ = in_.path();
    const std::string& id = add(part);
    for (std::size_t i = children_from; i < children_.size(); ++i)
      if (children_[i] != id) out_.edges.push_back({id, std::move(children_[i]), "components (assembly)"});
    children_.resize(children_from);
    children_.push_back(id);
  }

  void component_member(std::string_view key, Part& part) {
    switch (key.empty() ? 0 : key[0]) {
      case 't':
        if (key != "type") break;
        part.type = our_type(in_.string());
        if (part.type.empty() && !in_.failed()) bom("is not a component type");
        return;
      case 'n':
        if (key != "name") break;
        part.name = in_.string();
        return;
      case 'g':
        if (key != "group") break;
        part.group = in_.string();
        return;
      case 'v':
        if (key != "version") break;
        part.version = in_.string();
        return;
      case 'b':
        if (key != "bom-ref") break;
        part.ref = in_.string();
        if (part.ref.empty() && !in_.failed()) bom("should not be empty");
        return;
      case 'p':
        if (key == "purl") {
          part.purl = in_.string();
          return;
        }
        if (key == "publisher") {
          part.publisher = in_.string();
          return;
        }
        break;
      case 'h':
        if (key != "hashes") break;
        hashes();
        return;
      case 's':
        if (key == "scope") {
          if (!one_of(scopes, in_.string()) && !in_.failed()) bom("should be required, optional or excluded");
          return;
        }
        if (key != "supplier") break;
        part.supplier = organisation();
        return;
      case 'm':
        if (key != "manufacturer") break;
        part.manufacturer = organisation();
        return;
      case 'a':
        if (key == "author") {
          part.author = in_.string();
          return;
        }
        if (key == "authors") {
          part.author = authors();
          return;
        }
        break;
      case 'l':
        if (key != "licenses") break;
        part.licence = licences();
        return;
      case 'c':
        if (key != "components") break;
        in_.array([&](std::int64_t) { component(); });
        return;
      default:
        break;
    }
    if (one_of(component_members, key))
      in_.skip();
    else
      bom("is not a member of a component");
  }

  void name_ref(std::string_view ref, std::size_t position) {
    if (!ref.empty() && !refs_.emplace(ref, static_cast<std::uint32_t>(position)).second)
      bom("has a bom-ref that appears twice");
  }
  const std::string& id_at(std::uint32_t position) const { return out_.nodes[position].node; }

  const std::string& add(const Part& part) {
    for (const std::string_view text : {part.name, part.group, part.version, part.purl})
      if (text.size() > 1024) bom("has a name, group, version or purl longer than 1024 bytes");
    const auto purl = part.purl.empty() ? std::nullopt : parse_purl(part.purl);
    NodeFact node;
    if (purl) {
      node.node = node_of(*purl);
    } else {
      node.node = "bom:";
      if (!part.group.empty()) node.node.append(part.group).append("/");
      node.node.append(part.name);
      if (!part.version.empty()) node.node.append("@").append(part.version);
    }
    node.node = id_text(std::move(node.node));
    node.type = part.type;
    node.name = part.name;
    node.notes.reserve(2);
    if (!part.version.empty()) node.version = std::string(part.version);
    const auto note = [&](std::string_view key, std::string_view value, std::string_view basis) {
      if (value.empty()) return;
      node.notes.push_back({std::string(key), std::string(value), {}});
      if (!basis.empty()) node.notes.back().basis = std::string(basis);
    };
    note("supplier", part.supplier, "declared");
    note("manufacturer", part.manufacturer, "declared");
    note("publisher", part.publisher, "declared");
    if (part.supplier.empty() && part.manufacturer.empty() && part.publisher.empty()) {
      if (!part.group.empty())
        note("supplier", part.group, "inferred");
      else if (purl && !purl->space.empty())
        note("supplier", purl->space, "inferred");
    }
    note("author", part.author, "");
    note("licence", part.licence, "");
    name_ref(part.ref, out_.nodes.size());
    out_.nodes.push_back(std::move(node));
    return out_.nodes.back().node;
  }

  void service() {
    std::string_view name, ref, provider;
    bool named = false;
    std::vector<std::string_view> endpoints;
    in_.object([&](std::string_view key) {
      if (key == "name") {
        name = in_.string();
        named = true;
      } else if (key == "bom-ref")
        ref = in_.string();
      else if (key == "provider")
        provider = organisation();
      else if (key == "endpoints")
        in_.array([&](std::int64_t) { endpoints.push_back(in_.string()); });
      else if (key == "services")
        in_.array([&](std::int64_t) { service(); });
      else
        in_.skip();
    });
    if (in_.failed()) return;
    if (!named) return bom("has no name");
    std::vector<std::string> ids;
    for (const std::string_view endpoint : endpoints)
      if (const auto host = service_host(endpoint)) ids.push_back("service:" + *host);
    if (ids.empty()) ids.push_back(id_text("bom:service/" + std::string(name)));
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    for (const std::string& id : ids) {
      NodeFact node;
      node.node = id;
      node.type = "service";
      node.name = std::string(name);
      if (!provider.empty()) node.notes.push_back({"supplier", std::string(provider), "declared"});
      out_.nodes.push_back(std::move(node));
    }
    name_ref(ref, out_.nodes.size() - ids.size());
  }

  void dependency() {
    std::string_view ref;
    const std::size_t first = needs_.size();
    in_.object([&](std::string_view key) {
      if (key == "ref")
        ref = in_.string();
      else if (key == "dependsOn")
        in_.array([&](std::int64_t) { needs_.push_back({{}, in_.string()}); });
      else if (key == "provides")
        in_.skip();
      else
        bom("is not a member of a dependency");
    });
    if (in_.failed()) return;
    if (ref.empty()) return bom("has no ref");
    for (std::size_t i = first; i < needs_.size(); ++i) needs_[i].ref = ref;
  }

  void composition() {
    std::string_view aggregate;
    std::vector<std::string_view> refs;
    const auto collect = [&](std::int64_t) { refs.push_back(in_.string()); };
    in_.object([&](std::string_view key) {
      if (key == "aggregate") {
        aggregate = in_.string();
        if (!in_.failed() && !one_of(aggregates, aggregate)) bom("is not a completeness word");
      } else if (key == "assemblies" || key == "dependencies") {
        in_.array(collect);
      } else {
        in_.skip();
      }
    });
    if (in_.failed()) return;
    if (aggregate.empty()) return bom("has no aggregate");
    if (aggregate == "complete" || aggregate == "not_specified") return;
    for (const std::string_view ref : refs) open_.push_back({ref, aggregate});
    if (refs.empty()) open_.push_back({{}, aggregate});
  }

  // References become edges once every component has its id.
  void link() {
    out_.edges.reserve(out_.edges.size() + needs_.size());
    for (const Need& need : needs_) {
      const auto from = refs_.find(need.ref), to = refs_.find(need.on);
      if (from == refs_.end()) continue;
      if (to == refs_.end())
        out_.unknowns.push_back(
            {id_at(from->second), "dependency", fmt::format("the BOM names a part \"{}\" it does not list", need.on)});
      else if (id_at(from->second) != id_at(to->second))
        out_.edges.push_back({id_at(from->second), id_at(to->second), "dependencies"});
    }
    for (const Need& open : open_) {
      const auto found = refs_.find(open.ref);
      if (found != refs_.end())
        out_.unknowns.push_back(
            {id_at(found->second), "completeness", fmt::format("the BOM calls its parts {}", open.on)});
      else if (open.ref.empty() && !out_.nodes.empty())
        out_.unknowns.push_back(
            {out_.nodes.front().node, "completeness", fmt::format("the BOM calls itself {}", open.on)});
    }
  }

  struct Need {
    std::string_view ref, on;
  };

  JsonPull in_;
  Facts out_;
  std::string_view format_, spec_;
  bool has_version_ = false;
  std::optional<std::string> lacks_version_;  // path of the first component without one (allowed from 1.4 on)
  std::size_t components_ = 0;
  std::unordered_map<std::string_view, std::uint32_t> refs_;  // bom-ref -> position in out_.nodes
  std::vector<Need> needs_, open_;
  std::vector<std::string> children_;
};

}  // namespace

Result<Facts> parse_cyclonedx(std::string_view text) {
  if (text.size() > size_bytes_max)
    return fail(why("supply.limit"), "{} bytes, at most {}", text.size(), size_bytes_max);
  if (!valid_utf8(text)) return fail(hz::why("base.utf8"), "the BOM");
  return BomReader(text).read();
}

bool looks_like_cyclonedx(std::string_view name, std::string_view text) {
  if (name.ends_with(".cdx.json")) return true;
  return text.find("\"bomFormat\"") != std::string_view::npos && text.find("\"CycloneDX\"") != std::string_view::npos;
}

}  // namespace hz::supply
