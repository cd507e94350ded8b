#include "supply/kinds.h"

#include "supply/replay.h"
#include "supply/sql_text.h"

namespace hz::supply {

std::span<const statement::Kind> kinds() {
  using statement::kind;
  using statement::Retention;
  using statement::Signer;
  static const statement::Kind table[] = {
      kind<Observation, &replay_observation>({.number = 0x0401,
                                              .may_sign = Signer::self,
                                              .retention = Retention::until_superseded,
                                              .audience = "owner",
                                              .doc = "The signer read this file or package entry and found these "
                                                     "components, needs and open questions in it."}),
      kind<Product, &replay_product>(
          {.number = 0x0402,
           .may_sign = Signer::self,
           .retention = Retention::until_superseded,
           .doc = "The signer runs this product; the manifest states what it requires and which loss it tolerates."}),
      kind<EntityList, &replay_entity_list>(
          {.number = 0x0403,
           .may_sign = Signer::self,
           .retention = Retention::until_superseded,
           .audience = "owner",
           .doc = "The signer uses this list of legal entities, owners and attributions for its own answers."}),
      kind<Gone, &replay_gone>({.number = 0x0404,
                                .may_sign = Signer::self,
                                .retention = Retention::until_superseded,
                                .audience = "owner",
                                .doc = "The signer scanned again and this source is no longer there."}),
  };
  return table;
}

std::string_view view_schema() { return sql_text::views; }

}  // namespace hz::supply
