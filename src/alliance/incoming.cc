#include "alliance/incoming.h"

#include "alliance/reasons.h"
#include "alliance/replay.h"
#include "statement/reasons.h"

namespace hz::alliance {
namespace {

Result<Incoming> check_one(const Authority& authority, const Mounted& mounted, Bytes leaf) {
  if (leaf.size() > statement::leaf_policy_size_max)
    return fail(hz::statement::why("statement.too_large"), "{} bytes; this member writes at most {}", leaf.size(),
                statement::leaf_policy_size_max);
  Incoming out{std::move(leaf), {}, authority.keys.size()};
  const auto frame = HZ_TRY(statement::decode_leaf(out.leaf));
  out.statement = HZ_TRY(statement::read_leaf(out.leaf, authority.origin, no_end - 1));
  const statement::Statement& s = out.statement;
  const statement::Kind* kind = find_kind(mounted, s.kind);
  if (!kind) return fail(why("alliance.unknown_kind"), "{}", s.kind);
  for (const std::string_view change : {Genesis::kind, KeyRotate::kind, KeyRevoke::kind, LogEnd::kind})
    if (s.kind == change) return fail(why("alliance.key_change"), "{}: use `hezong key submit`", s.kind);
  const std::string_view role = kind->may_sign == statement::Signer::root ? "root" : "author";
  if (s.role != role) return fail(why("alliance.role"), "{} signed as {}, must be {}", s.kind, s.role, role);
  if (s.issuer != authority.genesis.member)
    return fail(why("alliance.role"), "issued by {}, the log is {}'s", s.issuer, authority.genesis.member);
  if (!s.seal) HZ_TRY(kind->check(s.body));
  if (const auto held = check_signatures(authority, frame, s); !held)
    return fail(why("alliance.incoming"), "{}", held.error().detail);
  out.statement.body = {};  // stands in the leaf; what waits in a queue should be small
  return out;
}

}  // namespace

Result<std::vector<Incoming>> check_incoming(const Authority& authority, const Mounted& mounted,
                                             std::vector<Bytes> leaves) {
  if (leaves.empty() || leaves.size() > incoming_max)
    return fail(why("alliance.batch"), "{} statements", leaves.size());
  std::vector<Incoming> out;
  out.reserve(leaves.size());
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    auto one = check_one(authority, mounted, std::move(leaves[i]));
    if (!one) return within(fmt::format("leaf {}", i), std::move(one).error());
    out.push_back(*std::move(one));
  }
  return out;
}

}  // namespace hz::alliance
