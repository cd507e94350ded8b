// A log as replay reads it: this member's own, or a mirrored one.
#pragma once
#include <functional>
#include <string>

#include "alliance/verified.h"
#include "log/note.h"
#include "statement/statement.h"

namespace hz::alliance {

struct Source {
  std::string origin;
  std::uint64_t size = 0;
  Digest root{};
  // Entries [begin, end) in order.
  std::function<Result<void>(std::uint64_t begin, std::uint64_t end,
                             const std::function<Result<void>(std::uint64_t, ByteView)>&)>
      visit;
  std::function<Result<Digest>(std::uint64_t size)> root_at;
  // Moves size, root and key to the newest head, when this is a reader beside a writer.
  std::function<Result<void>(Source&)> refresh;
  log::NoteKey head_key;         // signed the head
  Verified* verified = nullptr;  // replay moves it on; the owner stores it
  // The sealed body of a statement, when it is here and this member is among its readers. Errors: a blob that does not
  // hold what the statement committed to.
  std::function<Result<std::optional<json::Value>>(const statement::Statement&)> open = {};
};

}  // namespace hz::alliance
