// Where a member's node runs, as the member says it. No rule of membership reads it, so it is no act (fold.h): it is
// replayed like any pillar's statement. It answers which losses a quorum survives (log/survival.h).
#pragma once
#include "statement/kind.h"

namespace hz::alliance {

// The signer's node runs under this jurisdiction, operated by this entity. The newest statement of a log speaks.
struct NodePlace {
  static constexpr std::string_view kind = "alliance.node";
  std::string jurisdiction;
  std::string entity = "unknown";
  static constexpr auto fields() {
    return rows(row("jurisdiction", &NodePlace::jurisdiction, "two capital letters (ISO 3166-1), or unknown"),
                row("entity", &NodePlace::entity, "entity:<id> that operates the node, or unknown", or_default));
  }
};

// Errors: alliance.node_place.
Result<void> check(const NodePlace& place);
Result<void> replay_node_place(sql::Db& views, const statement::Statement& from, const NodePlace& said);

}  // namespace hz::alliance
