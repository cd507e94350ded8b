#include "drill/names.h"

namespace hz::drill {
namespace {

// FNV-1a with a final mix: short ids, no adversary gains anything by making them collide beyond a slow lookup.
std::uint64_t hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ull;
  for (const char c : text) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ull;
  return h ^ (h >> 29);
}

}  // namespace

std::string_view Names::text(std::uint32_t handle) const {
  const std::uint64_t begin = handle == 0 ? 0 : end_[handle - 1];
  return std::string_view(arena_).substr(begin, end_[handle] - begin);
}

std::size_t Names::slot(std::string_view wanted) const {
  const std::size_t mask = table_.size() - 1;
  std::size_t at = hash(wanted) & mask;
  while (table_[at] != 0 && text(table_[at] - 1) != wanted) at = (at + 1) & mask;
  return at;
}

void Names::grow() {
  std::vector<std::uint32_t> old(table_.empty() ? 64 : table_.size() * 2);
  old.swap(table_);
  for (const std::uint32_t entry : old)
    if (entry != 0) table_[slot(text(entry - 1))] = entry;
}

std::uint32_t Names::intern(std::string_view wanted) {
  if (2 * (end_.size() + 1) > table_.size()) grow();
  const std::size_t at = slot(wanted);
  if (table_[at] != 0) return table_[at] - 1;
  arena_.append(wanted);
  end_.push_back(arena_.size());
  table_[at] = size();
  return size() - 1;
}

std::optional<std::uint32_t> Names::find(std::string_view wanted) const {
  if (table_.empty()) return std::nullopt;
  const std::uint32_t entry = table_[slot(wanted)];
  if (entry == 0) return std::nullopt;
  return entry - 1;
}

}  // namespace hz::drill
