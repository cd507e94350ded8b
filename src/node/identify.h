// The id columns of a leaf, for a log's full check and for mirrors.
#pragma once
#include "log/store.h"
#include "statement/sign.h"

namespace hz::node {

// Errors: what reading the leaf says.
inline Result<log::Identity> identify(std::string_view origin, ByteView leaf) {
  const statement::Statement s = HZ_TRY(statement::read_leaf(leaf, origin, 0));
  return log::Identity{s.id, s.idem};
}

}  // namespace hz::node
