// The keys that sign a log's heads, as its statements name them, for code that follows the log (log::HeadKeys).
#pragma once
#include <memory>

#include "alliance/authority.h"
#include "log/head_keys.h"

namespace hz::alliance {

// Those that may sign a head of this size, the newest first. A head whose size is the position of a change may carry
// either.
std::vector<log::NoteKey> head_keys(const Authority& authority, std::uint64_t size);

// `authority` was read from the statements before `next` of its log; further ones move it on.
std::unique_ptr<log::HeadKeys> followed_keys(Authority authority, std::uint64_t next);

}  // namespace hz::alliance
