#include "supply/entity_file.h"

#include <algorithm>
#include <map>
#include <set>

#include "crypto/hash.h"
#include "supply/reasons.h"
#include "supply/text_lines.h"
#include "supply/toml_tree.h"

namespace hz::supply {

namespace {

constexpr std::size_t rows_max = 100'000;

bool digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool valid_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  if (!digits(text.substr(0, 4)) || !digits(text.substr(5, 2)) || !digits(text.substr(8, 2))) return false;
  const int month = (text[5] - '0') * 10 + text[6] - '0', day = (text[8] - '0') * 10 + text[9] - '0';
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

bool valid_jurisdiction(std::string_view text) {
  if (text == "unknown") return true;
  return text.size() == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z';
}

Result<std::string> id_field(TomlTable& table, std::string_view key) {
  std::string id = HZ_TRY(table.text(key, 64));
  if (!valid_id(id))
    return table.refuse(*table.any(key), key, "should be an id: lower-case letters, digits, '-', '_' and '.'");
  return id;
}

Result<std::string> declared(TomlTable& table, std::string_view key, const std::set<std::string>& entities) {
  std::string id = HZ_TRY(id_field(table, key));
  if (!entities.contains(id))
    return table.refuse(*table.any(key), key, fmt::format("names {}, which is no [[entity]]", id));
  return id;
}

Result<Entity> read_entity(TomlTable& table) {
  Entity out;
  out.id = HZ_TRY(id_field(table, "id"));
  out.name = HZ_TRY(table.text("name", 300));
  out.jurisdiction = HZ_TRY(table.text("jurisdiction", 16));
  if (!valid_jurisdiction(out.jurisdiction))
    return table.refuse(*table.any("jurisdiction"), "jurisdiction",
                        "should be two capital letters (ISO 3166-1) or unknown");
  out.lei = HZ_TRY(table.text_if("lei", 20));
  if (out.lei && !valid_lei(*out.lei))
    return table.refuse(*table.any("lei"), "lei", "is no LEI: 20 characters with a correct check number");
  out.source = HZ_TRY(table.text("source"));
  HZ_TRY(table.done());
  return out;
}

Result<Attribution> read_attribution(TomlTable& table, const std::set<std::string>& entities) {
  Attribution out;
  out.match = HZ_TRY(table.text("match", 300));
  const auto space = id_namespace(out.match);
  if (type_of(out.match).empty() || out.match.size() == space.size() + 1)
    return table.refuse(*table.any("match"), "match", "should be <namespace>:<name>, e.g. npm:left-pad or deb:opencv");
  if (bare_id(out.match) != out.match)
    return table.refuse(*table.any("match"), "match", "should not carry a version: entities control all versions");
  out.entity = HZ_TRY(declared(table, "entity", entities));
  out.source = HZ_TRY(table.text("source"));
  HZ_TRY(table.done());
  return out;
}

}  // namespace

bool looks_like_entity_list(std::string_view text) {
  return has_line_starting(text, "[[entity]]") || has_line_starting(text, "[[attribution]]");
}

bool valid_lei(std::string_view lei) {
  if (lei.size() != 20) return false;
  int rest = 0;
  for (const char c : lei) {
    if (c >= '0' && c <= '9')
      rest = (rest * 10 + (c - '0')) % 97;
    else if (c >= 'A' && c <= 'Z')
      rest = (rest * 100 + (c - 'A' + 10)) % 97;
    else
      return false;
  }
  return rest == 1;
}

Result<EntityList> parse_entity_list(std::string_view text) {
  const Toml document = HZ_TRY(parse_toml(text));
  TomlTable root = HZ_TRY(TomlTable::of(document, "entity list"));
  EntityList out;
  {
    TomlTable head = HZ_TRY(TomlTable::of(*HZ_TRY(root.required("list")), "[list]"));
    out.list = HZ_TRY(id_field(head, "id"));
    out.as_of = HZ_TRY(head.text("as_of", 10));
    if (!valid_date(out.as_of))
      return head.refuse(*head.any("as_of"), "as_of", "should be a date in quotes, YYYY-MM-DD");
    out.note = HZ_TRY(head.text_if("note", 2000)).value_or("");
    HZ_TRY(head.done());
  }
  std::set<std::string> ids;
  for (TomlTable& table : HZ_TRY(root.tables("entity", rows_max))) {
    out.entities.push_back(HZ_TRY(read_entity(table)));
    if (!ids.insert(out.entities.back().id).second) return table.refuse(*table.any("id"), "id", "appears twice");
  }
  std::map<std::string, std::int64_t> held_bp;
  for (TomlTable& table : HZ_TRY(root.tables("owner", rows_max))) {
    Owner owner;
    owner.entity = HZ_TRY(declared(table, "entity", ids));
    owner.owner = HZ_TRY(declared(table, "owner", ids));
    owner.share_bp = HZ_TRY(table.integer("share_bp", 1, 10000));
    owner.source = HZ_TRY(table.text("source"));
    HZ_TRY(table.done());
    if (owner.owner == owner.entity) return table.refuse(*table.any("owner"), "owner", "is the entity itself");
    if ((held_bp[owner.entity] += owner.share_bp) > 10000)
      return table.refuse(*table.any("share_bp"), "share_bp",
                          fmt::format("brings the owners of {} above 10000", owner.entity));
    out.owners.push_back(std::move(owner));
  }
  std::map<std::string, std::string> matched;
  for (TomlTable& table : HZ_TRY(root.tables("attribution", rows_max))) {
    out.attributions.push_back(HZ_TRY(read_attribution(table, ids)));
    if (!matched.emplace(out.attributions.back().match, out.attributions.back().entity).second)
      return table.refuse(*table.any("match"), "match", "appears twice");
  }
  HZ_TRY(root.done());
  return out;
}

Result<EntityList> read_entity_list(const fs::path& path) {
  const Bytes bytes = HZ_TRY(read_file(path, 1u << 20));
  auto list = parse_entity_list(as_text(bytes));
  if (!list) return within(path.string(), std::move(list).error());
  list->digest = hex(crypto::sha256(bytes));
  return list;
}

std::vector<EntityList> split_entity_list(const EntityList& list, std::size_t size_max) {
  EntityList head = list;
  head.entities.clear();
  head.owners.clear();
  head.attributions.clear();
  const std::size_t overhead = json::dump(to_json(head)).size() + 64;
  std::vector<EntityList> out = {head};
  std::size_t used = overhead;
  const auto place = [&](const auto& row, auto member) {
    const std::size_t size = json::dump(to_json(row)).size() + 1;
    if (used + size > size_max && used > overhead) {
      out.push_back(head);
      used = overhead;
    }
    (out.back().*member).push_back(row);
    used += size;
  };
  for (const Entity& row : list.entities) place(row, &EntityList::entities);
  for (const Owner& row : list.owners) place(row, &EntityList::owners);
  for (const Attribution& row : list.attributions) place(row, &EntityList::attributions);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].part = static_cast<std::int64_t>(i) + 1;
    out[i].parts = static_cast<std::int64_t>(out.size());
  }
  return out;
}

}  // namespace hz::supply
