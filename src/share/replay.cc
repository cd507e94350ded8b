#include "share/kinds.h"
#include "share/rules.h"
#include "share/sql_text.h"
#include "sql/db.h"
#include "statement/statement.h"

namespace hz::share {
namespace {

// A member's newest release of a digest stands.
Result<void> replay_release(sql::Db& views, const statement::Statement& s, const Release& release) {
  HZ_TRY(check(release));
  return views.exec("INSERT OR REPLACE INTO share_release VALUES(?,?,?,?,?,?,?)",
                    {s.issuer, release.sha256, release.name, release.licence, enum_text(release.audience),
                     release.size_bytes, s.id_text()});
}

}  // namespace

std::span<const statement::Kind> kinds() {
  static const statement::Kind table[] = {
      statement::kind<Release, &replay_release>(
          {.number = 0x0201,
           .retention = statement::Retention::until_superseded,
           .doc = "The signer has these bytes and may give them to the audience under the licence."}),
  };
  return table;
}

std::string_view view_schema() { return sql_text::views; }

}  // namespace hz::share
