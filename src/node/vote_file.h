// A secret vote as its voter keeps it: votes/<ballot> in the member's folder, mode 0600 (docs/formats/ballot.md).
#pragma once
#include <string>
#include <string_view>

#include "base/fs.h"

namespace hz::node {

struct VoteFile {
  std::string choice;
  std::string salt;  // 32 bytes, hex
};
// Durable; replaces an earlier vote in this ballot, which does not count any more. Errors: base.write.
Result<void> keep_vote(const fs::path& home, std::string_view ballot, const VoteFile& vote);
// Errors: node.no_vote.
Result<VoteFile> kept_vote(const fs::path& home, std::string_view ballot);

}  // namespace hz::node
