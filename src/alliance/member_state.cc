#include "alliance/member_state.h"

#include <algorithm>

#include "alliance/reasons.h"

namespace hz::alliance {

Result<void> Member::State::load_author() {
  const KeySpan* speaks = authority.key(Role::author, log.head().size);
  if (!speaks) return fail(why("alliance.key_mismatch"), "no author key of {} speaks any more", authority.origin);
  if (author && author->id == speaks->key.id) return {};
  auto key = HZ_TRY(load_key(places.keys, Role::author));
  if (key.id != speaks->key.id)
    return fail(why("alliance.key_mismatch"), "{} is {}, the log names {}",
                key_path(places.keys, Role::author).string(), hex(key.id), hex(speaks->key.id));
  author = std::move(key);
  return {};
}

Result<std::vector<statement::NamedSigner>> Member::State::load_roots() const {
  std::vector<statement::NamedSigner> out;
  const auto needed = static_cast<std::size_t>(authority.genesis.root_threshold);
  for (std::size_t i = 1; i <= root_keys_max && out.size() < needed; ++i) {
    const fs::path path = root_key_path(places.keys, i);
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    auto key = HZ_TRY(load_key_file(path, Role::root));
    const auto is_it = [&](const KeySpan& k) {
      return k.role == Role::root && k.key.id == key.id && k.speaks(log.head().size);
    };
    if (std::ranges::none_of(authority.keys, is_it))
      return fail(why("alliance.key_mismatch"), "{} is {}, which the log does not name", path.string(), hex(key.id));
    out.push_back(std::move(key));
  }
  if (out.size() < needed)
    return fail(why("alliance.no_root_key"), "{}: {} of {} root keys are here",
                key_path(places.keys, Role::root).string(), out.size(), needed);
  return out;
}

Result<void> Member::State::read_authority(std::uint64_t from) {
  return log.visit(from, log.head().size, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
    if (may_change_keys(leaf) && (landmarks.empty() || landmarks.back() < index)) landmarks.push_back(index);
    return follow_keys(authority, index, leaf);
  });
}

Result<void> Member::State::read_authority_by_record() {
  const log::Checked* record = log.checked();
  if (!record) return read_authority(1);
  for (const std::uint64_t at : record->landmarks)
    HZ_TRY(
        log.visit(at, at + 1, [&](std::uint64_t index, ByteView leaf) { return follow_keys(authority, index, leaf); }));
  landmarks = record->landmarks;
  recorded = record->size;
  return read_authority(std::max<std::uint64_t>(1, record->size));
}

void Member::State::keep_checked() {
  const std::uint64_t size = log.head().size;
  if (size <= log::always_checked_max || size < recorded + log::checked_every) return;
  if (const auto key = load_key(places.keys, Role::log)) log.keep_checked(landmarks, key->key);
  recorded = size;
}

void Member::State::appended(std::uint64_t before) {
  if (appended_from == no_end || appended_to != before) appended_from = before;
  appended_to = log.head().size;
  join_verified();
}

void Member::State::join_verified() {
  if (appended_to != log.head().size) return;  // somebody else appended since
  // Genesis was checked when it was read.
  if (std::max<std::uint64_t>(verified.size, 1) >= appended_from) verified.size = std::max(verified.size, appended_to);
}

Result<void> Member::State::keep_verified() {
  keep_checked();
  HZ_TRY(peers.store_verified());
  if (verified.size == 0 || verified.size > log.head().size) return {};
  const Digest root = HZ_TRY(log.root_at(verified.size));
  verified_kept = verified.size;
  if (root == verified.root) return {};
  verified.root = root;
  return write_verified(places.verified, authority.origin, verified);
}

Result<std::string> Member::State::payload(const Draft& draft, const statement::Kind& kind, const statement::Idem& idem,
                                           std::int64_t issued_ms, const statement::Seal* seal) const {
  const std::vector<std::string> readers = HZ_TRY(audience_of(draft, kind)).header(authority.genesis.member);
  return statement::build_payload({.kind = kind.slug,
                                   .issuer = authority.genesis.member,
                                   .log = authority.origin,
                                   .role = kind.may_sign == statement::Signer::root ? "root" : "author",
                                   .issued_ms = issued_ms,
                                   .idem = idem,
                                   .audience = readers,
                                   .refs = draft.refs,
                                   .subjects = seal ? std::span<const statement::Subject>() : draft.subjects,
                                   .body = seal ? nullptr : &draft.body,
                                   .seal = seal});
}

Result<Audience> Member::State::audience_of(const Draft& draft, const statement::Kind& kind) const {
  const Audience everyone{.kind = Audience::Kind::everyone, .parties = {}};
  if (is_act(kind.slug) || kind.may_sign == statement::Signer::root) {
    if (draft.audience && draft.audience->sealed())
      return fail(why("alliance.audience"), "{} for {}: what decides about others is for everyone", kind.slug,
                  draft.audience->format());
    return everyone;
  }
  if (draft.audience) return *draft.audience;
  if (audience) return *audience;
  return kind.audience == "public" ? everyone : HZ_TRY(Audience::parse(kind.audience));
}

Result<statement::Statement> Member::State::at(std::uint64_t index) {
  return statement::read_leaf(HZ_TRY(log.leaf(index)), authority.origin, index);
}

Result<std::optional<Receipt>> Member::State::repeated(const Draft& draft, const statement::Kind& kind,
                                                       const statement::Idem& idem) {
  const auto index = HZ_TRY(log.find_idem(idem));
  if (!index) return std::optional<Receipt>();
  const auto known = HZ_TRY(at(*index));
  const std::string same = HZ_TRY(payload(draft, kind, idem, known.issued_ms));
  if (statement::statement_id(same) != known.id)
    return fail(why("alliance.idem_conflict"), "{} stands for statement {} at {}", hex(idem), known.id_text(), *index);
  return std::optional(Receipt{known.id_text(), *index, true});
}

}  // namespace hz::alliance
