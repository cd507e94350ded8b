#include "alliance/authority.h"

#include <algorithm>

#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "statement/reasons.h"

namespace hz::alliance {
namespace {

std::unexpected<Error> bad(std::string_view origin, std::string_view what) {
  return fail(why("alliance.genesis"), "{}[0]: {}", origin, what);
}

Result<Authority> read(ByteView leaf, std::string_view origin) {
  const auto frame = HZ_TRY(statement::decode_leaf(leaf));
  const statement::Statement s = HZ_TRY(statement::read_leaf(leaf, origin, 0));
  if (s.kind != Genesis::kind || s.role != "root")
    return bad(origin, fmt::format("kind {} signed as {}", s.kind, s.role));
  Authority out{std::string(origin), HZ_TRY(from_json<Genesis>(s.body, "$.predicate.body")), s.id, {}, no_end, no_end};
  const Genesis& genesis = out.genesis;
  if (genesis.member != s.issuer)
    return bad(origin, fmt::format("issuer {} names member {}", s.issuer, genesis.member));
  if (genesis.member != origin) return bad(origin, fmt::format("it speaks for {}", genesis.member));
  const auto roots_count = static_cast<std::int64_t>(genesis.roots.size());
  if (genesis.roots.empty() || genesis.roots.size() > root_keys_max || genesis.root_threshold < 1 ||
      genesis.root_threshold > std::min<std::int64_t>(roots_count, statement::signatures_max))
    return bad(origin, fmt::format("{} of {} root keys", genesis.root_threshold, roots_count));
  const auto name = [&](std::string_view text, Role role) -> Result<void> {
    auto key = HZ_TRY(parse_verifier(text, role));
    if (key.name != key_name(origin, role))
      return bad(origin, fmt::format("key {} in the role {}", key.name, role_text(role)));
    out.keys.push_back({role, std::move(key), 0, no_end, false, s.id});
    return {};
  };
  std::int64_t signed_by = 0;
  for (const std::string& text : genesis.roots) {
    HZ_TRY(name(text, Role::root));
    for (std::size_t i = 0; i + 1 < out.keys.size(); ++i)
      if (out.keys[i].key.id == out.keys.back().key.id) return bad(origin, "a root key is listed twice");
    signed_by += statement::verify(frame, out.keys.back().key).has_value();
  }
  if (signed_by < genesis.root_threshold)
    return bad(origin, fmt::format("signed by {} of its root keys, {} needed", signed_by, genesis.root_threshold));
  HZ_TRY(name(genesis.log_key, Role::log));
  HZ_TRY(name(genesis.author_key, Role::author));
  HZ_TRY(name(genesis.witness_key, Role::witness));
  return out;
}

bool carries(const statement::LeafView& leaf, const statement::NamedKey& key) {
  return std::ranges::any_of(leaf.signatures(), [&](const statement::SignatureView& s) {
    return s.algorithm == statement::Algorithm::ed25519 && s.key_id == key.id;
  });
}

// The role that a statement was signed in, when it is one that signs statements.
std::optional<Role> signing_role(const statement::Statement& s) {
  if (s.role == "author") return Role::author;
  if (s.role == "root") return Role::root;
  return std::nullopt;
}

}  // namespace

const KeySpan* Authority::key(Role role, std::uint64_t index) const {
  const auto found =
      std::find_if(keys.rbegin(), keys.rend(), [&](const KeySpan& s) { return s.role == role && s.speaks(index); });
  return found == keys.rend() ? nullptr : &*found;
}

bool Authority::signs_heads(const log::NoteKey& key, std::uint64_t size) const {
  return std::ranges::any_of(keys, [&](const KeySpan& s) {
    return s.role == Role::log && key.type == log::KeyType::ed25519 && s.key.name == key.name && s.key.key == key.key &&
           s.from <= size && size <= s.until;
  });
}

Result<Authority> read_genesis(ByteView leaf, std::string_view origin) {
  auto out = read(leaf, origin);
  if (!out && out.error().reason->slug != "alliance.genesis") return bad(origin, out.error().text());
  return out;
}

std::string root_fingerprint(const Genesis& genesis) {
  if (genesis.roots.size() == 1) return fingerprint(genesis.roots.front());
  std::string text = fmt::format("{}-of-{}\n", genesis.root_threshold, genesis.roots.size());
  for (const std::string& root : genesis.roots) text += root + "\n";
  return hex(crypto::sha256(as_bytes(text)));
}

Result<void> check_key_ids(const Authority& authority, const statement::LeafView& leaf, const statement::Statement& s) {
  if (s.issuer != authority.genesis.member)
    return fail(why("alliance.role"), "{}[{}] is issued by {}, the log is {}'s", s.origin, s.index, s.issuer,
                authority.genesis.member);
  const auto role = signing_role(s);
  if (!role) return fail(why("alliance.role"), "{}[{}]: unknown role {}", s.origin, s.index, s.role);
  const std::int64_t needed = *role == Role::root ? authority.genesis.root_threshold : 1;
  std::int64_t count = 0;
  const KeySpan* silent = nullptr;
  for (const KeySpan& span : authority.keys) {
    if (span.role != *role || !carries(leaf, span.key)) continue;
    if (span.speaks(s.index))
      ++count;
    else
      silent = &span;
  }
  if (count >= needed) return {};
  if (silent)
    return fail(why("alliance.revoked"), "{}[{}]: {} key {} speaks for {} to {}{}", s.origin, s.index, s.role,
                hex(silent->key.id), silent->from, silent->until - 1, silent->revoked ? ", revoked" : "");
  const KeySpan* wanted = authority.key(*role, s.index);
  std::string found;
  for (const auto& signature : leaf.signatures()) found += " " + hex(signature.key_id);
  return fail(hz::statement::why("statement.no_signature"), "{}[{}]: {} of {} {} signatures{}; signed by{}", s.origin,
              s.index, count, needed, s.role, wanted ? fmt::format(", key {}", hex(wanted->key.id)) : "", found);
}

Result<void> check_signatures(const Authority& authority, const statement::LeafView& leaf,
                              const statement::Statement& s) {
  const auto role = signing_role(s);
  for (const KeySpan& span : authority.keys) {
    if (span.role != role || span.from > s.index || !carries(leaf, span.key)) continue;
    if (auto held = statement::verify(leaf, span.key); !held)
      return within(fmt::format("{}[{}]", s.origin, s.index), std::move(held).error());
  }
  return {};
}

Result<void> check_authority(const Authority& authority, const statement::LeafView& leaf,
                             const statement::Statement& s) {
  HZ_TRY(check_key_ids(authority, leaf, s));
  return check_signatures(authority, leaf, s);
}

Result<statement::Statement> check_statement(const Authority& authority, ByteView leaf, std::uint64_t index) {
  const auto frame = HZ_TRY(statement::decode_leaf(leaf));
  auto s = HZ_TRY(statement::read_leaf(leaf, authority.origin, index));
  HZ_TRY(check_authority(authority, frame, s));
  return s;
}

}  // namespace hz::alliance
