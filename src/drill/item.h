// What a drill leaves to do: a port or a model to get right (research), a skill that is missing (training). Each is
// opened as a statement with an owner, a day, and what would close it, and is closed by another.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "drill/plan.h"
#include "sql/db.h"
#include "statement/kind.h"

namespace hz::drill {

enum class ItemSort : std::uint8_t { research, training };
constexpr auto enum_names(ItemSort) {
  return std::array<EnumName<ItemSort>, 2>{{{ItemSort::research, "research"}, {ItemSort::training, "training"}}};
}

struct DrillItem {
  static constexpr std::string_view kind = "drill.item";
  std::string drill = {};  // statement id of the drill that found it
  ItemSort sort = ItemSort::research;
  std::string subject = {};  // "Softmax on backend:opencv", "skill:kernels for backend:refrt"
  std::vector<std::string> products = {};
  std::string why = {}, owner = {}, due = {}, closes = {};
  std::string evidence = {};  // statement that shows the gap, or ""
  static constexpr auto fields() {
    return rows(row("drill", &DrillItem::drill, "statement id of the drill that found it"),
                row("sort", &DrillItem::sort, "research or training"),
                row("subject", &DrillItem::subject, "what is missing, and where"),
                row("products", &DrillItem::products, "products that wait for it"),
                row("why", &DrillItem::why, "what was seen"), row("owner", &DrillItem::owner, "who does it"),
                row("due", &DrillItem::due, "until which day, YYYY-MM-DD"),
                row("closes", &DrillItem::closes, "what would close it"),
                row("evidence", &DrillItem::evidence, "statement that shows the gap, or empty", or_default));
  }
};

struct DrillItemClosed {
  static constexpr std::string_view kind = "drill.item_closed";
  std::string item, because;
  std::string evidence;  // statement, or ""
  static constexpr auto fields() {
    return rows(row("item", &DrillItemClosed::item, "statement id of the item, hex"),
                row("because", &DrillItemClosed::because, "what was done"),
                row("evidence", &DrillItemClosed::evidence, "statement that shows it, or empty", or_default));
  }
};

struct KnownItem {
  std::string id;
  DrillItem said;
  std::int64_t opened_ms = 0;
  std::optional<DrillItemClosed> closed;
  std::int64_t closed_ms = -1;
  static constexpr auto fields() {
    return rows(row("id", &KnownItem::id, "statement id, hex"), row("said", &KnownItem::said, "the item"),
                row("opened_ms", &KnownItem::opened_ms, "when, ms since 1970"),
                row("closed", &KnownItem::closed, "how it was closed; absent while it is open"),
                row("closed_ms", &KnownItem::closed_ms, "when; -1: it is open"));
  }
};

// This member's items, oldest first; of one drill only when `drill` is not "". Errors: sql.*.
Result<std::vector<KnownItem>> known_items(sql::Db& views, std::string_view drill);

// What the plan leaves to do, most waited-for first, without owner and day.
std::vector<DrillItem> items_of(const Plan& plan);

// A day of the Gregorian calendar as YYYY-MM-DD.
bool is_day(std::string_view text);

}  // namespace hz::drill
