#include "alliance/kinds.h"

#include "alliance/reasons.h"
#include "sql/db.h"
#include "statement/statement.h"

namespace hz::alliance {
namespace {

Result<void> replay_genesis(sql::Db& views, const statement::Statement& s, const Genesis& genesis) {
  if (s.index != 0 || genesis.member != s.issuer)
    return fail(why("alliance.genesis"), "{}[{}] by {} names member {}", s.origin, s.index, s.issuer, genesis.member);
  const std::string id = s.id_text();
  HZ_TRY(views.exec("INSERT INTO alliance_member VALUES(?,?,?,?)", {genesis.member, genesis.name, s.origin, id}));
  const auto key = [&](std::string_view role, std::string_view text) {
    return views.exec("INSERT INTO alliance_key VALUES(?,?,?,0,NULL,?)", {genesis.member, role, text, id});
  };
  for (const std::string& root : genesis.roots) HZ_TRY(key("root", root));
  HZ_TRY(key("log", genesis.log_key));
  HZ_TRY(key("author", genesis.author_key));
  return key("witness", genesis.witness_key);
}

}  // namespace

std::span<const statement::Kind> kinds() {
  static const statement::Kind table[] = {
      statement::kind<Genesis, &replay_genesis>({.number = 0x0101,
                                                 .may_sign = statement::Signer::root,
                                                 .doc = "A member begins: its name and the keys that speak for it."}),
  };
  return table;
}

}  // namespace hz::alliance
