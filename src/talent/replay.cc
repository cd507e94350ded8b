#include "sql/db.h"
#include "statement/statement.h"
#include "talent/kinds.h"
#include "talent/rules.h"
#include "talent/sql_text.h"

namespace hz::talent {
namespace {

Result<void> replay_need(sql::Db& views, const statement::Statement& s, const Need& need) {
  HZ_TRY(check(need));
  return views.exec("INSERT OR REPLACE INTO talent_need VALUES(?,?,?,?,?,?,?)",
                    {s.issuer, need.component, need.skill, need.people_min, need.port_hours_per_operator_min,
                     need.port_hours_per_operator_max, s.id_text()});
}

}  // namespace

std::span<const statement::Kind> kinds() {
  static const statement::Kind table[] = {
      statement::kind<Need, &replay_need>(
          {.number = 0x0601,
           .retention = statement::Retention::until_superseded,
           .doc = "Working on the component needs this skill, these people and these hours per ported operator."}),
  };
  return table;
}

std::string_view view_schema() { return sql_text::views; }

}  // namespace hz::talent
