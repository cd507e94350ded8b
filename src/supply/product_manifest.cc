#include "supply/product_manifest.h"

#include <algorithm>
#include <map>

#include "supply/reasons.h"
#include "supply/service_host.h"
#include "supply/text_lines.h"

namespace hz::supply {

namespace {

void collect(const Requirement& at, std::string_view space, std::vector<std::string>& out) {
  if (at.op == Requirement::Op::leaf && id_namespace(at.component) == space) out.push_back(at.component);
  for (const Requirement& part : at.parts) collect(part, space, out);
}

Result<ServiceUse> read_service(TomlTable& table) {
  ServiceUse use;
  const std::string host = HZ_TRY(table.text("host", 255));
  const auto checked = service_host(host);
  if (!checked || *checked != host)
    return fail(why("supply.field"), "line {}: [[service]] host should be a lower-case host name, not \"{}\"",
                table.line(), host);
  use.host = host;
  use.role = HZ_TRY(table.text("role", 64));
  use.config = HZ_TRY(table.text_if("config"));
  use.key = HZ_TRY(table.text_if("key", 128));
  HZ_TRY(table.done());
  return use;
}

// A required sub-table, read by `body` and closed.
template <class F>
Result<void> section(TomlTable& root, std::string_view key, F&& body) {
  TomlTable table = HZ_TRY(TomlTable::of(*HZ_TRY(root.required(key)), fmt::format("[{}]", key)));
  HZ_TRY(body(table));
  return table.done();
}

}  // namespace

bool looks_like_product_manifest(std::string_view text) { return has_line_starting(text, "[product]"); }

Result<ProductManifest> parse_product_manifest(std::string_view text) {
  const Toml document = HZ_TRY(parse_toml(text));
  TomlTable root = HZ_TRY(TomlTable::of(document, "manifest"));
  ProductManifest out;
  HZ_TRY(section(root, "product", [&](TomlTable& t) -> Result<void> {
    out.id = HZ_TRY(t.text("id", 64));
    if (!valid_id(out.id))
      return t.refuse(*t.any("id"), "id", "should be lower-case letters, digits, '-', '_' and '.'");
    out.name = HZ_TRY(t.text("name", 200));
    out.area = HZ_TRY(t.text("area", 64));
    out.summary = HZ_TRY(t.text("summary", 2000));
    out.incumbent = HZ_TRY(t.text_if("incumbent", 64)).value_or("");
    if (!out.incumbent.empty() && (id_namespace(out.incumbent) != "backend" || !check_reference(out.incumbent, 0)))
      return t.refuse(*t.any("incumbent"), "incumbent", "should be a backend, e.g. backend:ort");
    return {};
  }));
  HZ_TRY(section(root, "model", [&](TomlTable& t) -> Result<void> {
    out.model_file = HZ_TRY(t.text("file"));
    out.licence = HZ_TRY(t.text("licence", 200));
    return {};
  }));
  HZ_TRY(section(root, "golden", [&](TomlTable& t) -> Result<void> {
    out.golden_file = HZ_TRY(t.text("file"));
    out.quality_min_milli = HZ_TRY(t.integer("quality_min_milli", 0, 1000));
    return {};
  }));
  HZ_TRY(section(root, "tolerance", [&](TomlTable& t) -> Result<void> {
    out.outage_max_s = HZ_TRY(t.integer("outage_max_s", 0, 10ll * 366 * 86400));
    out.quality_drop_max_milli = HZ_TRY(t.integer("quality_drop_max_milli", 0, 1000));
    return {};
  }));
  out.requirement = HZ_TRY(parse_requirement(*HZ_TRY(root.required("requirement"))));
  for (TomlTable& table : HZ_TRY(root.tables("service", 64))) out.services.push_back(HZ_TRY(read_service(table)));
  HZ_TRY(root.done());

  std::vector<std::string> backends;
  collect(out.requirement, "backend", backends);
  if (out.incumbent.empty()) {
    if (!backends.empty()) out.incumbent = backends.front();
  } else if (std::find(backends.begin(), backends.end(), out.incumbent) == backends.end()) {
    return fail(why("supply.field"), "line {}: the incumbent {} is no part of the requirement", out.requirement.line,
                out.incumbent);
  }
  return out;
}

std::string find_product_cycle(const std::vector<ProductManifest>& products) {
  std::map<std::string, std::vector<std::string>> needs;
  for (const ProductManifest& product : products)
    collect(product.requirement, "product", needs["product:" + product.id]);
  enum class Mark { fresh, open, closed };
  std::map<std::string, Mark> marks;
  // Depth-first over an explicit stack: a chain of products must not be able to exhaust ours.
  for (const auto& [start, ignored] : needs) {
    if (marks[start] != Mark::fresh) continue;
    std::vector<std::pair<std::string, std::size_t>> path = {{start, 0}};
    marks[start] = Mark::open;
    while (!path.empty()) {
      const std::string at = path.back().first;
      const auto found = needs.find(at);
      if (found == needs.end() || path.back().second >= found->second.size()) {
        marks[at] = Mark::closed;
        path.pop_back();
        continue;
      }
      const std::string next = found->second[path.back().second++];
      if (marks[next] == Mark::open) {
        std::string chain;
        bool inside = false;
        for (const auto& [node, position] : path) {
          inside = inside || node == next;
          if (inside) chain += node + " -> ";
        }
        return chain + next;
      }
      if (marks[next] == Mark::fresh) {
        marks[next] = Mark::open;
        path.emplace_back(next, 0);
      }
    }
  }
  return {};
}

}  // namespace hz::supply
