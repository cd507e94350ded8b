#include "node/receive_card.h"

#include "alliance/charter.h"
#include "node/card.h"
#include "node/dial.h"

namespace hz::node {

bool receive_card(const fs::path& home, const http::Request& request) {
  if (request.method != "POST" || request.body.size() > delivered_card_bytes_max) return false;
  auto card = parse_card(request.body);
  if (!card) return false;
  const auto checked = check_card(*card, alliance::JoinRequest::kind);
  if (!checked) return false;
  const auto asks = from_json<alliance::JoinRequest>(checked->statement.body);
  if (!asks || !code_file(home, asks->code_proof, checked->authority)) return false;
  return store_card(home, checked->authority.origin, *std::move(card)).has_value();
}

}  // namespace hz::node
