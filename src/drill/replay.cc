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

Result<void> replay_opened(sql::Db& db, const statement::Statement& from, const DrillOpened& said) {
  std::string targets;
  for (const std::string& target : said.targets) targets += (targets.empty() ? "" : " ") + target;
  return db.exec(sql_text::write_drill,
                 {from.id_text(), from.issuer, static_cast<std::int64_t>(from.index), from.issued_ms, targets,
                  said.control_bp, enum_text(said.mode), said.frontier});
}

Result<void> replay_step(sql::Db& db, const statement::Statement& from, const DrillStep& said) {
  return db.exec(sql_text::write_step,
                 {from.id_text(), from.issuer, static_cast<std::int64_t>(from.index), from.issued_ms, said.drill,
                  said.product, enum_text(said.stage), said.claim, said.site, said.backend, said.verdict, said.cases,
                  said.quality_milli, said.agreement_milli, said.route, said.route_before, said.detail});
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
  };
  return table;
}

std::string_view view_schema() { return sql_text::views; }

}  // namespace hz::drill
