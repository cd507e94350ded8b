#include "alliance/head_keys.h"

#include <algorithm>
#include <ranges>

namespace hz::alliance {
namespace {

log::NoteKey note_key(const KeySpan& span) { return {span.key.name, log::KeyType::ed25519, span.key.key}; }

class FollowedKeys : public log::HeadKeys {
 public:
  FollowedKeys(Authority authority, std::uint64_t next) : authority_(std::move(authority)), next_(next) {}
  std::unique_ptr<log::HeadKeys> copy() const override { return std::make_unique<FollowedKeys>(authority_, next_); }
  std::uint64_t next() const override { return next_; }
  void read(std::uint64_t index, ByteView leaf) override {
    // A leaf that is no statement changes no key; replay lists it.
    if (index > 0) (void)follow_keys(authority_, index, leaf);
    next_ = std::max(next_, index + 1);
  }
  std::vector<log::NoteKey> at(std::uint64_t size) const override { return head_keys(authority_, size); }
  bool named(const log::NoteKey& key) const override {
    return std::ranges::any_of(authority_.keys,
                               [&](const KeySpan& s) { return s.role == Role::log && note_key(s) == key; });
  }

 private:
  Authority authority_;
  std::uint64_t next_;
};

}  // namespace

std::vector<log::NoteKey> head_keys(const Authority& authority, std::uint64_t size) {
  std::vector<log::NoteKey> out;
  for (const KeySpan& span : authority.keys | std::views::reverse)
    if (span.role == Role::log && authority.signs_heads(note_key(span), size)) out.push_back(note_key(span));
  return out;
}

std::unique_ptr<log::HeadKeys> followed_keys(Authority authority, std::uint64_t next) {
  return std::make_unique<FollowedKeys>(std::move(authority), next);
}

}  // namespace hz::alliance
