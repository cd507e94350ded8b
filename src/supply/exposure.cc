#include "supply/exposure.h"

#include <set>

#include "supply/sql_text.h"

namespace hz::supply {

Result<std::vector<UnknownLine>> unknown_lines(sql::Db& views) {
  std::vector<UnknownLine> out;
  HZ_TRY(views.query(sql_text::list_unknown, {}, [&](const sql::Row& row) {
    out.push_back({row.text(0), row.text(1), row.text(2), row.text(3)});
    return true;
  }));
  return out;
}

Result<Exposure> exposure(sql::Db& views) {
  Exposure out;
  HZ_TRY(views.query(sql_text::list_products, {}, [&](const sql::Row& row) {
    out.products.push_back({row.text(0), row.text(1), row.text(2), row.text(4), row.text(10)});
    return true;
  }));
  out.unknown = HZ_TRY(unknown_lines(views));
  std::set<std::string, std::less<>> open;
  for (const UnknownLine& line : out.unknown)
    if (line.what == "entity") open.insert(line.node);
  HZ_TRY(views.query(sql_text::node_types, {}, [&](const sql::Row& row) {
    const std::string type = row.text(1);
    if (out.types.empty() || out.types.back().type != type) out.types.push_back({type, 0, 0});
    ++out.types.back().components;
    out.types.back().unattributed += open.contains(row.text_view(0));
    return true;
  }));
  HZ_TRY(views.query(sql_text::count_by_entity, {}, [&](const sql::Row& row) {
    out.entities.push_back({row.text(0), row.text(1), row.text(2), row.integer(3)});
    return true;
  }));
  HZ_TRY(views.query(sql_text::list_services, {}, [&](const sql::Row& row) {
    out.services.push_back({row.text(0), row.text(1), row.text(2), row.integer(3)});
    return true;
  }));
  out.unattributed = static_cast<std::int64_t>(open.size());
  out.attributable = out.unattributed;
  for (const EntityLine& line : out.entities) out.attributable += line.components;
  if (out.attributable > 0) out.unknown_share_milli = out.unattributed * 1000 / out.attributable;
  return out;
}

}  // namespace hz::supply
