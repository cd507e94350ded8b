// Where each bom-ref stands. A BOM of 100,000 components asks half a million times, at random places of a table larger
// than the cache: a third of the reading time with std::unordered_map. Here an entry is 24 bytes beside its hash in one
// array, and a caller who knows what it asks next has the line fetched ahead (docs/decisions/0100).
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace hz::supply {

class RefTable {
 public:
  // False when the ref is there already. The text must outlive the table; `hash` is text_hash of it.
  bool add(std::string_view ref, std::uint64_t hash, std::uint32_t position) {
    if ((used_ + 1) * 2 > slots_.size()) grow();
    Slot* slot = probe(ref, hash);
    if (slot->text) return false;
    *slot = {hash, ref.data(), static_cast<std::uint32_t>(ref.size()), position};
    ++used_;
    return true;
  }
  std::optional<std::uint32_t> find(std::string_view ref, std::uint64_t hash) {
    if (slots_.empty()) return std::nullopt;
    const Slot* slot = probe(ref, hash);
    if (!slot->text) return std::nullopt;
    return slot->position;
  }
  void fetch(std::uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    const char* text = nullptr;  // null: free
    std::uint32_t size = 0, position = 0;
  };
  Slot* probe(std::string_view ref, std::uint64_t hash) {
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at].text && !(slots_[at].hash == hash && ref == std::string_view(slots_[at].text, slots_[at].size)))
      at = (at + 1) & (slots_.size() - 1);
    return &slots_[at];
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.text) *probe({slot.text, slot.size}, slot.hash) = slot;
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace hz::supply
