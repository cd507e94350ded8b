#include "drill/kinds.h"
#include "drill/sql_text.h"
#include "sql/db.h"
#include "statement/statement.h"

namespace hz::drill {
namespace {

Result<void> replay_plan(sql::Db& db, const statement::Statement& from, const RecordedPlan& said) {
  const std::string id = from.id_text();
  std::string targets;
  for (const std::string& target : said.targets) targets += (targets.empty() ? "" : " ") + target;
  HZ_TRY(db.exec(sql_text::write_plan, {id, from.issuer, from.issued_ms, targets, said.control_bp, said.frontier}));
  for (const PlannedProduct& p : said.products)
    HZ_TRY(db.exec(sql_text::write_plan_line,
                   {id, p.product, p.outcome, p.backend, p.site, p.price_fen_per_hour_min, p.price_fen_per_hour_max,
                    p.switch_minutes_min, p.switch_minutes_max, p.evidence}));
  for (const PlannedWork& work : said.rd)
    for (const std::string& product : work.products)
      HZ_TRY(db.exec(sql_text::write_plan_work, {id, work.backend, work.op, product}));
  return {};
}

}  // namespace

std::span<const statement::Kind> kinds() {
  static const statement::Kind table[] = {
      statement::kind<RecordedPlan, &replay_plan>(
          {.number = 0x0701,
           .audience = "owner",
           .doc = "The signer rehearsed this loss on these log heads and recorded this continuity plan."}),
  };
  return table;
}

std::string_view view_schema() { return sql_text::views; }

}  // namespace hz::drill
