// What key statements do to an authority.
#include <algorithm>
#include <cstring>

#include "alliance/authority.h"
#include "alliance/reasons.h"
#include "statement/ids.h"

namespace hz::alliance {
namespace {

template <class... Args>
std::unexpected<Error> refuse(const statement::Statement& s, fmt::format_string<Args...> format, Args&&... args) {
  return fail(why("alliance.key_change"), "{}[{}]: {}", s.origin, s.index,
              fmt::format(format, std::forward<Args>(args)...));
}

Result<void> rotate(Authority& a, const statement::Statement& s, const KeyRotate& said) {
  auto key = HZ_TRY(parse_verifier(said.key, said.role));
  if (key.name != key_name(a.origin, said.role))
    return refuse(s, "key {} in the role {}", key.name, enum_text(said.role));
  if (std::ranges::any_of(a.keys, [&](const KeySpan& k) { return k.key.key == key.key; }))
    return refuse(s, "key {} was named before", hex(key.id));
  if (said.replaces.has_value() != (said.role == Role::root))
    return refuse(s, "`replaces` goes with a root key, and only with it");
  const std::uint64_t from = s.index + 1;
  bool replaced = false;
  for (KeySpan& k : a.keys) {
    if (k.role != said.role || !k.speaks(from) || (said.replaces && hex(k.key.id) != *said.replaces)) continue;
    k.until = from;
    replaced = true;
  }
  if (said.replaces && !replaced) return refuse(s, "no speaking root key has the id {}", *said.replaces);
  a.keys.push_back({said.role, std::move(key), from, no_end, false, s.id});
  return {};
}

Result<void> revoke(Authority& a, const statement::Statement& s, const KeyRevoke& said) {
  const auto from = static_cast<std::uint64_t>(said.from);
  if (said.from < 1 || from > s.index + 1) return refuse(s, "from {}, should be 1 to {}", said.from, s.index + 1);
  const auto found = std::ranges::find_if(a.keys, [&](const KeySpan& k) { return hex(k.key.id) == said.key_id; });
  if (found == a.keys.end()) return refuse(s, "no key has the id {}", said.key_id);
  if (found->role == Role::root) {
    // Root keys sign this very statement: reaching back would pull the ground from under it.
    if (from <= s.index) return refuse(s, "a root key is revoked from {} on", s.index + 1);
    const auto speaking =
        std::ranges::count_if(a.keys, [&](const KeySpan& k) { return k.role == Role::root && k.speaks(from); });
    if (found->speaks(from) && speaking <= a.genesis.root_threshold)
      return refuse(s, "{} root keys speak and {} are needed: replace one instead", speaking, a.genesis.root_threshold);
  }
  found->until = std::min(found->until, std::max(found->from, from));
  found->revoked = true;
  return {};
}

constexpr std::string_view act_type = "https://hezong.example/alliance/";
// How the predicate types of KeyRotate, KeyRevoke and LogEnd go on.
constexpr std::string_view key_act = "https://hezong.example/alliance/key_",
                           end_act = "https://hezong.example/alliance/log_end";

bool holds(ByteView leaf, std::string_view text) {
  return ::memmem(leaf.data(), leaf.size(), text.data(), text.size()) != nullptr;
}

}  // namespace

bool may_be_act(ByteView leaf) { return holds(leaf, act_type); }

bool may_change_keys(ByteView leaf) { return holds(leaf, key_act) || holds(leaf, end_act); }

Result<void> follow_keys(Authority& authority, std::uint64_t index, ByteView leaf) {
  if (!may_change_keys(leaf)) return {};
  const auto s = check_statement(authority, leaf, index);
  if (s && s->role == "root") (void)apply(authority, *s);  // what is refused changes nothing, and is listed by replay
  return {};
}

Result<void> apply(Authority& a, const statement::Statement& s) {
  if (s.index > a.ended_at) return refuse(s, "the log ended at {}", a.ended_at);
  if (s.kind == Genesis::kind && s.index > 0) return refuse(s, "a second genesis");
  if (s.kind == KeyRotate::kind) return rotate(a, s, HZ_TRY(from_json<KeyRotate>(s.body, "$.predicate.body")));
  if (s.kind == KeyRevoke::kind) return revoke(a, s, HZ_TRY(from_json<KeyRevoke>(s.body, "$.predicate.body")));
  if (s.kind == LogEnd::kind) {
    const LogEnd said = HZ_TRY(from_json<LogEnd>(s.body, "$.predicate.body"));
    if (said.size < 1 || static_cast<std::uint64_t>(said.size) > s.index + 1)
      return refuse(s, "end at {}, should be 1 to {}", said.size, s.index + 1);
    a.end = static_cast<std::uint64_t>(said.size);
    a.ended_at = s.index;
  }
  return {};
}

}  // namespace hz::alliance
