#include "alliance/authority.h"

#include "alliance/keys.h"
#include "alliance/reasons.h"

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
  Genesis genesis = HZ_TRY(from_json<Genesis>(s.body, "$.predicate.body"));
  if (genesis.member != s.issuer)
    return bad(origin, fmt::format("issuer {} names member {}", s.issuer, genesis.member));
  const auto roots_count = static_cast<std::int64_t>(genesis.roots.size());
  if (genesis.roots.empty() || genesis.root_threshold < 1 || genesis.root_threshold > roots_count)
    return bad(origin, fmt::format("{} of {} root keys", genesis.root_threshold, roots_count));
  const auto named = [&](std::string_view text, Role role) -> Result<statement::NamedKey> {
    auto key = HZ_TRY(parse_verifier(text, role));
    if (key.name != key_name(origin, role))
      return bad(origin, fmt::format("key {} in the role {}", key.name, role_text(role)));
    return key;
  };
  std::vector<statement::NamedKey> roots;
  std::int64_t signed_by = 0;
  for (const std::string& text : genesis.roots) {
    roots.push_back(HZ_TRY(named(text, Role::root)));
    for (std::size_t i = 0; i + 1 < roots.size(); ++i)
      if (roots[i].id == roots.back().id) return bad(origin, "a root key is listed twice");
    signed_by += statement::verify(frame, roots.back()).has_value();
  }
  if (signed_by < genesis.root_threshold)
    return bad(origin, fmt::format("signed by {} of its root keys, {} needed", signed_by, genesis.root_threshold));
  auto log_key = HZ_TRY(named(genesis.log_key, Role::log));
  auto author = HZ_TRY(named(genesis.author_key, Role::author));
  HZ_TRY(named(genesis.witness_key, Role::witness));
  log::NoteKey note_key{log_key.name, log::KeyType::ed25519, log_key.key};
  return Authority{std::string(origin), std::move(genesis), s.id,
                   std::move(roots),    std::move(author),  std::move(note_key)};
}

}  // namespace

Result<Authority> read_genesis(ByteView leaf, std::string_view origin) {
  auto out = read(leaf, origin);
  if (!out && out.error().reason->slug != "alliance.genesis") return bad(origin, out.error().text());
  return out;
}

Result<void> check_authority(const Authority& authority, const statement::LeafView& leaf,
                             const statement::Statement& s) {
  if (s.issuer != authority.genesis.member)
    return fail(why("alliance.role"), "{}[{}] is issued by {}, the log is {}'s", s.origin, s.index, s.issuer,
                authority.genesis.member);
  const auto place = [&](Result<void> done) -> Result<void> {
    if (!done) return within(fmt::format("{}[{}]", s.origin, s.index), std::move(done).error());
    return done;
  };
  if (s.role == "author") return place(statement::verify(leaf, authority.author));
  if (s.role != "root") return fail(why("alliance.role"), "{}[{}]: unknown role {}", s.origin, s.index, s.role);
  Result<void> last;
  std::int64_t count = 0;
  for (const auto& root : authority.roots) {
    const auto checked = statement::verify(leaf, root);
    if (checked)
      ++count;
    else
      last = checked;
  }
  if (count >= authority.genesis.root_threshold) return {};
  return place(last);
}

Result<statement::Statement> check_statement(const Authority& authority, ByteView leaf, std::uint64_t index) {
  const auto frame = HZ_TRY(statement::decode_leaf(leaf));
  auto s = HZ_TRY(statement::read_leaf(leaf, authority.origin, index));
  HZ_TRY(check_authority(authority, frame, s));
  return s;
}

}  // namespace hz::alliance
