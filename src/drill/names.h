// Interned texts: one 32-bit handle per distinct text, in order of first sight.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hz::drill {

class Names {
 public:
  // The handle of `text`, new or known. Amortised O(length).
  std::uint32_t intern(std::string_view text);
  std::optional<std::uint32_t> find(std::string_view text) const;
  std::string_view text(std::uint32_t handle) const;
  std::uint32_t size() const { return static_cast<std::uint32_t>(end_.size()); }

 private:
  std::size_t slot(std::string_view text) const;  // where it is, or the free slot where it belongs
  void grow();

  std::string arena_;                 // all texts, one after the other
  std::vector<std::uint64_t> end_;    // end of each text in the arena
  std::vector<std::uint32_t> table_;  // open addressing, handle + 1, 0 = free; size is a power of two
};

}  // namespace hz::drill
