// What drills leave to do: open it with an owner and a day, list it, close it.
#include <algorithm>

#include "crypto/hash.h"
#include "drill/item.h"
#include "drill/reasons.h"
#include "node/drill_rows.h"
#include "node/live_drill.h"
#include "node/ops.h"
#include "sql/db.h"

namespace hz::node {
namespace {

using drill::DrillItem;
using drill::DrillItemClosed;
using drill::KnownItem;

constexpr std::size_t words_max = 2'000;

struct Items {
  std::optional<std::string> id;
  bool all = false;
  static constexpr auto fields() {
    return rows(row("id", &Items::id, "of this drill only, its first 6 digits are enough"),
                row("all", &Items::all, "also those that are closed", or_default));
  }
};
struct ItemsOut {
  std::vector<KnownItem> items;
  std::int64_t closed = 0;
  static constexpr auto fields() {
    return rows(row("items", &ItemsOut::items, "oldest first"),
                row("closed", &ItemsOut::closed, "how many are closed"));
  }
};
Result<ItemsOut> list_items(api::Ctx& ctx, const Items& in) {
  sql::Db& views = *HZ_TRY(HZ_TRY(ctx.member())->views());
  const std::string drill = in.id ? HZ_TRY(find_drill(ctx, in.id)).id : "";
  ItemsOut out;
  for (KnownItem& one : HZ_TRY(drill::known_items(views, drill))) {
    out.closed += one.closed.has_value();
    if (!one.closed || in.all) out.items.push_back(std::move(one));
  }
  return out;
}
std::string text(const ItemsOut& out, const api::Style& style) {
  if (out.items.empty())
    return out.closed > 0 ? fmt::format("nothing is open, {} closed (--all shows them)\n", out.closed)
                          : "nothing is open: hezong drill item open --owner NAME --due YYYY-MM-DD\n";
  std::vector<std::vector<std::string>> cells{{"item", "sort", "what", "products", "owner", "due", "closed by"}};
  for (const KnownItem& one : out.items)
    cells.push_back({one.id.substr(0, 12), std::string(enum_text(one.said.sort)), one.said.subject,
                     joined(one.said.products), one.said.owner, one.said.due,
                     one.closed ? style.green("closed: ") + one.closed->because : one.said.closes});
  return api::table(cells, style);
}

struct OpenItems {
  std::optional<std::string> id;
  std::string owner, due;
  std::optional<std::string> subject;
  static constexpr auto fields() {
    return rows(
        row("id", &OpenItems::id, "drill, its first 6 digits are enough; the newest when absent"),
        row("owner", &OpenItems::owner, "who does it"), row("due", &OpenItems::due, "until which day, YYYY-MM-DD"),
        row("subject", &OpenItems::subject, "only the gap with exactly these words; else every gap of the plan"));
  }
};
struct OpenedItems {
  std::vector<KnownItem> items;
  static constexpr auto fields() { return rows(row("items", &OpenedItems::items, "opened now")); }
};
Result<OpenedItems> open_items(api::Ctx& ctx, const OpenItems& in) {
  if (in.owner.empty() || in.owner.size() > words_max || !drill::is_day(in.due))
    return fail(drill::why("drill.item"), "owner \"{}\", due \"{}\"", in.owner, in.due);
  alliance::Member& member = *HZ_TRY(ctx.member());
  const drill::KnownDrill known = HZ_TRY(find_drill(ctx, in.id));
  const auto rehearsal =
      HZ_TRY(drill::Rehearsal::of(HZ_TRY(world_of(ctx, known.said.mode)), known.said.targets, known.said.control_bp));
  const auto there = HZ_TRY(drill::known_items(*HZ_TRY(member.views()), ""));
  OpenedItems out;
  std::vector<alliance::Draft> drafts;
  for (DrillItem& item : drill::items_of(HZ_TRY(rehearsal->plan()))) {
    if (in.subject && *in.subject != item.subject) continue;
    // Open already, whichever drill found it first.
    if (std::ranges::any_of(there,
                            [&](const KnownItem& one) { return !one.closed && one.said.subject == item.subject; }))
      continue;
    item.drill = known.id;
    item.owner = in.owner;
    item.due = in.due;
    std::vector<statement::Ref> refs{{"depends-on", known.id}};
    if (!item.evidence.empty()) refs.push_back({"depends-on", item.evidence});
    drafts.push_back(alliance::draft(item, std::move(refs)));
    out.items.push_back({"", std::move(item), ctx.clock().now_ms(), {}, -1});
  }
  if (drafts.empty()) return fail(drill::why("drill.nothing_to_do"), "every gap of this plan has an open item");
  const auto receipts = HZ_TRY(member.append(drafts));
  for (std::size_t i = 0; i < receipts.size(); ++i) out.items[i].id = receipts[i].id;
  return out;
}
std::string text(const OpenedItems& out, const api::Style& style) {
  return fmt::format("{} {} items\n{}", style.green("opened"), out.items.size(), text(ItemsOut{out.items, 0}, style));
}

struct CloseItem {
  std::string item, because;
  std::optional<std::string> evidence;
  static constexpr auto fields() {
    return rows(row("item", &CloseItem::item, "its first 6 digits are enough"),
                row("because", &CloseItem::because, "what was done"),
                row("evidence", &CloseItem::evidence, "statement that shows it"));
  }
};
struct ClosedItem {
  KnownItem item;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("item", &ClosedItem::item, "the item"), row("receipt", &ClosedItem::receipt, "where it stands"));
  }
};
Result<ClosedItem> close_item(api::Ctx& ctx, const CloseItem& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  if (in.because.empty() || in.because.size() > words_max)
    return fail(drill::why("drill.item"), "--because is empty or over {} bytes", words_max);
  if (in.evidence) HZ_TRY(member.find(*in.evidence));
  for (KnownItem& one : HZ_TRY(drill::known_items(*HZ_TRY(member.views()), ""))) {
    if (in.item.size() < 6 || !one.id.starts_with(in.item) || one.closed) continue;
    DrillItemClosed said{one.id, in.because, in.evidence.value_or("")};
    std::vector<statement::Ref> refs{{"depends-on", one.id}};
    if (in.evidence) refs.push_back({"depends-on", *in.evidence});
    const alliance::Receipt receipt =
        HZ_TRY(member.append(alliance::draft(said, std::move(refs), crypto::sha256(as_bytes("close " + one.id)))));
    one.closed = std::move(said);
    one.closed_ms = ctx.clock().now_ms();
    return ClosedItem{std::move(one), receipt};
  }
  return fail(drill::why("drill.no_item"), "\"{}\"", in.item);
}
std::string text(const ClosedItem& out, const api::Style& style) {
  return fmt::format("{} {}: {}\n", style.green("closed"), out.item.said.subject, out.item.closed->because);
}

}  // namespace

std::span<const api::Op> drill_item_ops() {
  static const api::Op table[] = {
      api::op<&list_items>({.id = "drill.items",
                            .http = "GET /v1/drill-items",
                            .cli = "drill items [id]",
                            .may = api::May::reader,
                            .fails = {"drill.no_drill"},
                            .doc = "What drills left to do and is not done.",
                            .example = "hezong drill items"}),
      api::op<&open_items>(
          {.id = "drill.item_open",
           .http = "POST /v1/drill-items",
           .cli = "drill item open [id]",
           .may = api::May::author,
           .emits = {DrillItem::kind},
           .fails = {"drill.no_drill", "drill.item", "drill.nothing_to_do"},
           .doc = "Open an item for every gap of a drill's plan: who does it, until when, what closes it.",
           .example = "hezong drill item open --owner kernels --due 2027-03-31",
           .more = "Operators to port and models to get right are research items, missing skills "
                   "training items. A gap that has an open item is left alone, whichever drill found "
                   "it."}),
      api::op<&close_item>({.id = "drill.item_close",
                            .http = "POST /v1/drill-items/close",
                            .cli = "drill item close <item>",
                            .may = api::May::author,
                            .emits = {DrillItemClosed::kind},
                            .fails = {"drill.item", "drill.no_item", "alliance.no_statement"},
                            .doc = "Close an item, with what was done and the statement that shows it.",
                            .example = "hezong drill item close 0c1d2e --because \"ported, conform run is STRICT\""}),
  };
  return table;
}

}  // namespace hz::node
