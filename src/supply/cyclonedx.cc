#include "supply/cyclonedx.h"

#include <algorithm>

#include "base/bytes.h"
#include "supply/purl.h"
#include "supply/reasons.h"
#include "supply/ref_table.h"
#include "supply/ruled_json.h"
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
std::string_view our_type(std::string_view type) {
  for (const TypeWord& row : component_types)
    if (row.cyclonedx == type) return row.ours;
  return {};
}

// What a component's members say, before its id is known.
struct Part {
  std::string_view type, name, group, version, ref, purl, supplier, manufacturer, publisher, author, licence;
  std::uint64_t ref_hash = 0;
};

class BomReader {
 public:
  BomReader(std::string_view text, const Rule& rule) : in_(text, rule, why("supply.bom")) {}

  Result<Facts> read() {
    in_.object([&](std::string_view key) { root_member(key); });
    HZ_TRY(in_.finish());
    link();
    return std::move(out_);
  }

 private:
  void bom(std::string_view what) { in_.refuse(why("supply.bom"), what); }

  void root_member(std::string_view key) {
    if (key == "metadata")
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
    else
      in_.skip();
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
      in_.object([&](std::string_view key) {
        if (key == "expression")
          keep(first, in_.string());
        else if (key == "license")
          in_.object([&](std::string_view field) {
            if (field == "id" || field == "name")
              keep(first, in_.string());
            else
              in_.skip();
          });
        else
          in_.skip();
      });
    });
    return first;
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
    const std::string& id = add(part);
    for (std::size_t i = children_from; i < children_.size(); ++i)
      if (children_[i] != id) out_.edges.push_back({id, std::move(children_[i]), "components (assembly)"});
    children_.resize(children_from);
    children_.push_back(id);
  }

  void component_member(std::string_view key, Part& part) {
    struct Row {
      std::string_view key;
      std::string_view Part::* text;
    };
    static constexpr Row rows[] = {
        {"bom-ref", &Part::ref}, {"group", &Part::group},         {"name", &Part::name},    {"version", &Part::version},
        {"purl", &Part::purl},   {"publisher", &Part::publisher}, {"author", &Part::author}};
    for (const Row& row : rows)
      if (row.key == key) {
        part.*row.text = in_.string();
        if (row.text == &Part::ref) part.ref_hash = in_.value_hash();
        return;
      }
    if (key == "type")
      part.type = our_type(in_.string());
    else if (key == "supplier")
      part.supplier = organisation();
    else if (key == "manufacturer")
      part.manufacturer = organisation();
    else if (key == "authors")
      part.author = authors();
    else if (key == "licenses")
      part.licence = licences();
    else if (key == "components")
      in_.array([&](std::int64_t) { component(); });
    else
      in_.skip();
  }

  void name_ref(std::string_view ref, std::uint64_t hash, std::size_t position) {
    if (!ref.empty() && !refs_.add(ref, hash, static_cast<std::uint32_t>(position)))
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
    name_ref(part.ref, part.ref_hash, out_.nodes.size());
    out_.nodes.push_back(std::move(node));
    return out_.nodes.back().node;
  }

  void service() {
    std::string_view name, ref, provider;
    std::uint64_t ref_hash = 0;
    std::vector<std::string_view> endpoints;
    in_.object([&](std::string_view key) {
      if (key == "name")
        name = in_.string();
      else if (key == "bom-ref") {
        ref = in_.string();
        ref_hash = in_.value_hash();
      } else if (key == "provider")
        provider = organisation();
      else if (key == "endpoints")
        in_.array([&](std::int64_t) { endpoints.push_back(in_.string()); });
      else if (key == "services")
        in_.array([&](std::int64_t) { service(); });
      else
        in_.skip();
    });
    if (in_.failed()) return;
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
    name_ref(ref, ref_hash, out_.nodes.size() - ids.size());
  }

  void dependency() {
    Needing needing;
    in_.object([&](std::string_view key) {
      if (key == "ref")
        needing.ref = read_ref();
      else if (key == "dependsOn")
        in_.array([&](std::int64_t) {
          needs_.push_back(read_ref());
          ++needing.needs;
        });
      else
        in_.skip();
    });
    needing_.push_back(needing);
  }

  void composition() {
    std::string_view aggregate;
    std::vector<Ref> refs;
    const auto collect = [&](std::int64_t) { refs.push_back(read_ref()); };
    in_.object([&](std::string_view key) {
      if (key == "aggregate") {
        aggregate = in_.string();
      } else if (key == "assemblies" || key == "dependencies") {
        in_.array(collect);
      } else {
        in_.skip();
      }
    });
    if (in_.failed()) return;
    if (aggregate == "complete" || aggregate == "not_specified") return;
    for (const Ref& ref : refs) open_.push_back({ref, aggregate});
    if (refs.empty()) open_.push_back({{}, aggregate});
  }

  // References become edges once every component has its id.
  void link() {
    constexpr std::size_t ahead = 8;
    out_.edges.reserve(out_.edges.size() + needs_.size());
    std::size_t at = 0;
    for (const Needing& needing : needing_) {
      const auto from = find(needing.ref);
      for (const std::size_t end = at + needing.needs; at < end; ++at) {
        if (at + ahead < needs_.size()) refs_.fetch(needs_[at + ahead].hash);
        if (!from) continue;
        const auto to = find(needs_[at]);
        if (!to)
          out_.unknowns.push_back({id_at(*from), "dependency",
                                   fmt::format("the BOM names a part \"{}\" it does not list", needs_[at].text)});
        else if (*from != *to && id_at(*from) != id_at(*to))
          out_.edges.push_back({id_at(*from), id_at(*to), "dependencies"});
      }
    }
    for (const Open& open : open_) {
      const auto found = find(open.ref);
      if (found)
        out_.unknowns.push_back(
            {id_at(*found), "completeness", fmt::format("the BOM calls its parts {}", open.aggregate)});
      else if (open.ref.text.empty() && !out_.nodes.empty())
        out_.unknowns.push_back(
            {out_.nodes.front().node, "completeness", fmt::format("the BOM calls itself {}", open.aggregate)});
    }
  }

  struct Ref {
    std::string_view text;
    std::uint64_t hash = 0;
  };
  struct Needing {
    Ref ref;
    std::size_t needs = 0;  // how many of needs_, in order
  };
  struct Open {
    Ref ref;
    std::string_view aggregate;
  };
  Ref read_ref() {
    const std::string_view text = in_.string();
    return {text, in_.value_hash()};
  }
  std::optional<std::uint32_t> find(const Ref& ref) { return refs_.find(ref.text, ref.hash); }

  RuledJson in_;
  Facts out_;
  std::size_t components_ = 0;
  RefTable refs_;  // bom-ref -> position in out_.nodes
  std::vector<Needing> needing_;
  std::vector<Ref> needs_;
  std::vector<Open> open_;
  std::vector<std::string> children_;
};

// The version decides which rule holds, so it is looked for first; it stands near the front of every BOM we know.
Result<std::string> spec_version(std::string_view text) {
  JsonPull in(text);
  std::string format, version;
  const auto stop = [&] {
    if (!format.empty() && !version.empty()) in.refuse(why("supply.bom"), "");  // ends the reading
  };
  in.object([&](std::string_view key) {
    if (key == "bomFormat" || key == "specVersion") {
      (key == "bomFormat" ? format : version) = std::string(in.string());
      stop();
    } else {
      in.skip();
    }
  });
  if (format.empty() || version.empty()) HZ_TRY(in.finish());
  if (format != "CycloneDX") return fail(why("supply.bom"), "$.bomFormat should be \"CycloneDX\"");
  return version;
}

}  // namespace

Result<Facts> parse_cyclonedx(std::string_view text) {
  if (text.size() > size_bytes_max)
    return fail(why("supply.limit"), "{} bytes, at most {}", text.size(), size_bytes_max);
  if (!valid_utf8(text)) return fail(hz::why("base.utf8"), "the BOM");
  const std::string version = HZ_TRY(spec_version(text));
  const Rule* rule = bom_rule(version);
  if (!rule) return fail(why("supply.bom"), "$.specVersion should be 1.2 to 1.7, not \"{}\"", version);
  return BomReader(text, *rule).read();
}

bool looks_like_cyclonedx(std::string_view name, std::string_view text) {
  if (name.ends_with(".cdx.json")) return true;
  return text.find("\"bomFormat\"") != std::string_view::npos && text.find("\"CycloneDX\"") != std::string_view::npos;
}

}  // namespace hz::supply
