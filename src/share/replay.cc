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
  const std::string audience = HZ_TRY(audience_of(release)).format();
  HZ_TRY(views.exec("INSERT OR REPLACE INTO share_release VALUES(?,?,?,?,?,?,?,?,?,?)",
                    {s.issuer, release.sha256, release.name, release.licence, audience, release.size_bytes,
                     release.media_type, enum_text(release.control), release.rights_held ? 1 : 0, s.id_text()}));
  HZ_TRY(views.exec("DELETE FROM share_parent WHERE member = ? AND model_sha256 = ?", {s.issuer, release.sha256}));
  for (const Parent& parent : release.parents)
    HZ_TRY(views.exec("INSERT INTO share_parent VALUES(?,?,?,?,?)",
                      {s.issuer, release.sha256, parent.sha256, enum_text(parent.relation), parent.licence}));
  return {};
}

Result<void> replay_decision(sql::Db& views, const statement::Statement& s, const GateDecision& decision) {
  std::string reasons;
  for (const std::string& reason : decision.reasons) reasons += reason + "\n";
  return views.exec("INSERT INTO share_gate_decision VALUES(?,?,?,?,?,?)",
                    {s.id_text(), s.issuer, decision.sha256, decision.audience, decision.allowed ? 1 : 0, reasons});
}

}  // namespace

std::span<const statement::Kind> kinds() {
  static const statement::Kind table[] = {
      statement::kind<Release, &replay_release>(
          {.number = 0x0201,
           .retention = statement::Retention::until_superseded,
           .doc = "The signer has these bytes and may give them to the audience under the licence."}),
      statement::kind<GateDecision, &replay_decision>(
          {.number = 0x0202,
           .doc = "The signer's release gate allowed or refused bytes to an audience, with every "
                  "reason."}),
  };
  return table;
}

std::string_view view_schema() { return sql_text::views; }

}  // namespace hz::share
