#include "drill/exit_plan.h"
#include "drill/item.h"
#include "drill/kinds.h"
#include "drill/live.h"
#include "drill/sql_text.h"
#include "sql/db.h"
#include "statement/statement.h"

namespace hz::drill {
namespace {

Result<void> replay_plan(sql::Db& db, const statement::Statement& from, const RecordedPlan& said) {
  const std::string id = from.id_text();
  std::string targets;
  for (const std::string& target : said.targets) targets += (targets.empty() ? "" : " ") + target;
  HZ_TRY(db.exec(sql_text::write_plan, {id, from.issuer, static_cast<std::int64_t>(from.index), from.issued_ms, targets,
                                        said.control_bp, said.frontier}));
  for (const PlannedProduct& p : said.products)
    HZ_TRY(db.exec(sql_text::write_plan_line,
                   {id, p.product, p.outcome, p.backend, p.site, p.price_fen_per_hour_min, p.price_fen_per_hour_max,
                    p.switch_minutes_min, p.switch_minutes_max, p.evidence}));
  for (const PlannedWork& work : said.rd)
    for (const std::string& product : work.products)
      HZ_TRY(db.exec(sql_text::write_plan_work, {id, work.backend, work.op, product}));
  return {};
}

// The columns every table begins with, its own, and the body as it was said.
template <class T, class... More>
Result<void> write(sql::Db& db, std::string_view query, const statement::Statement& from, const T& said,
                   const More&... more) {
  const std::string id = from.id_text(), body = json::dump(to_json(said));
  return db.exec(query, {id, from.issuer, static_cast<std::int64_t>(from.index), from.issued_ms, more..., body});
}

Result<void> replay_opened(sql::Db& db, const statement::Statement& from, const DrillOpened& said) {
  return write(db, sql_text::write_drill, from, said, enum_text(said.mode));
}
Result<void> replay_step(sql::Db& db, const statement::Statement& from, const DrillStep& said) {
  return write(db, sql_text::write_step, from, said, said.drill, said.product, enum_text(said.stage));
}
Result<void> replay_watched(sql::Db& db, const statement::Statement& from, const DrillWatched& said) {
  return write(db, sql_text::write_watched, from, said, said.drill, said.product);
}
Result<void> replay_block(sql::Db& db, const statement::Statement& from, const DrillBlock& said) {
  return write(db, sql_text::write_block, from, said, said.drill, std::int64_t{said.lifted});
}
Result<void> replay_item(sql::Db& db, const statement::Statement& from, const DrillItem& said) {
  return write(db, sql_text::write_item, from, said, said.drill);
}
Result<void> replay_item_closed(sql::Db& db, const statement::Statement& from, const DrillItemClosed& said) {
  return write(db, sql_text::write_item_closed, from, said, said.item);
}
Result<void> replay_report(sql::Db& db, const statement::Statement& from, const DrillReport& said) {
  return write(db, sql_text::write_report, from, said, said.drill);
}

}  // namespace

std::span<const statement::Kind> kinds() {
  static const statement::Kind table[] = {
      statement::kind<RecordedPlan, &replay_plan>(
          {.number = 0x0701,
           .audience = "owner",
           .doc = "The signer rehearsed this loss on these log heads and recorded this continuity plan."}),
      statement::kind<DrillOpened, &replay_opened>(
          {.number = 0x0702, .audience = "owner", .doc = "The signer drills the loss of these targets from now on."}),
      statement::kind<DrillStep, &replay_step>(
          {.number = 0x0703, .audience = "owner", .doc = "A product of the signer reached this step of its drill."}),
      statement::kind<DrillItem, &replay_item>(
          {.number = 0x0704,
           .audience = "owner",
           .doc = "A drill of the signer left this to do, by this owner until this day."}),
      statement::kind<DrillItemClosed, &replay_item_closed>(
          {.number = 0x0705, .audience = "owner", .doc = "The signer holds this item of a drill for done."}),
      statement::kind<DrillBlock, &replay_block>(
          {.number = 0x0706,
           .audience = "owner",
           .doc = "A drill of the signer takes these files and hosts away from its own servers, or gives them back."}),
      statement::kind<DrillReport, &replay_report>(
          {.number = 0x0707,
           .audience = "owner",
           .doc = "The signer reports a drill in the files with these digests."}),
      statement::kind<DrillWatched, &replay_watched>(
          {.number = 0x0708,
           .audience = "owner",
           .doc = "The signer's node saw this of a product whose traffic is at a substitute in a drill."}),
  };
  return table;
}

std::string_view view_schema() { return sql_text::views; }

}  // namespace hz::drill
