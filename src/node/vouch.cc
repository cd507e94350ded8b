#include "node/vouch.h"

#include <algorithm>

#include "alliance/reasons.h"
#include "log/store.h"
#include "node/evidence.h"
#include "statement/sign.h"

namespace hz::node {
namespace {

bool is_change(std::string_view kind) { return kind == alliance::KeyRotate::kind || kind == alliance::KeyRevoke::kind; }

}  // namespace

Result<std::optional<std::string>> own_vouch(alliance::Member& member) {
  std::optional<statement::Statement> newest;
  HZ_TRY(member.log().visit(1, member.log().head().size, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
    if (!alliance::may_be_act(leaf)) return {};
    auto s = statement::read_leaf(leaf, member.origin(), index);
    if (s && s->role == "root" && is_change(s->kind)) newest = *std::move(s);
    return {};
  }));
  if (!newest) return std::optional<std::string>();
  std::string text = HZ_TRY(make_evidence(member, *newest));
  if (text.size() > vouch_size_bytes_max) return std::optional<std::string>();
  return std::optional(std::move(text));
}

Result<Vouch> check_vouch(std::string_view text) {
  if (text.size() > vouch_size_bytes_max)
    return fail(hz::why("base.too_large"), "{} bytes, limit {}", text.size(), vouch_size_bytes_max);
  Checked checked = HZ_TRY(check_evidence(HZ_TRY(parse_evidence(text))));
  const statement::Statement& s = checked.statement;
  if (!is_change(s.kind) || s.role != "root")
    return fail(alliance::why("alliance.key_change"), "{} signed as {} changes no key", s.kind, s.role);
  HZ_TRY(alliance::apply(checked.authority, s));
  return Vouch{std::move(checked.authority), s.index};
}

bool goes_on(const Vouch& vouch, const alliance::Authority& known, std::uint64_t mirrored) {
  return vouch.index >= mirrored && vouch.authority.origin == known.origin &&
         vouch.authority.genesis_id == known.genesis_id &&
         std::ranges::all_of(known.keys, [&](const alliance::KeySpan& old) {
           return std::ranges::any_of(vouch.authority.keys, [&](const alliance::KeySpan& k) {
             return k.role == old.role && k.key.id == old.key.id && k.from == old.from && k.until <= old.until;
           });
         });
}

}  // namespace hz::node
