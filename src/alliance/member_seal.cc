// Sealed bodies: whom they are sealed to, opening, sharing, erasing.
//
// The log holds a commitment; the body lies beside it, encrypted, as a blob. So a reader needs the log, the blob and
// its box key, and deleting the blob everywhere deletes the body while the tree stays whole.
//
// Idempotency must not tell what it hides: the plain key of a draft is often the hash of its body, and bodies like
// prices can be guessed. So the key in the log is an HMAC of it under keys/idem, and "the same draft" is decided by
// opening the earlier body. An erased body cannot be compared; saying it again makes a new statement under the next key
// of the row.
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "alliance/body.h"
#include "alliance/box_key.h"
#include "alliance/member_state.h"
#include "alliance/reasons.h"
#include "blob/reasons.h"
#include "crypto/hash.h"
#include "crypto/hkdf.h"
#include "sql/db.h"
#include "statement/canonical.h"

namespace hz::alliance {
namespace {

// Of what a later key cannot open, and of what is damaged: the next blob, or nobody, has the body.
bool is_for_others(const Error& error) {
  return error.reason->slug == "crypto.age_not_for_us" || error.reason->slug == "blob.missing" ||
         error.reason->slug == "blob.corrupt" || error.reason->slug == "base.too_large";
}

std::string random_text(Rng& rng) {
  std::array<std::uint8_t, 16> bytes{};
  rng.fill(bytes);
  return hex(bytes);
}

}  // namespace

Result<const std::vector<crypto::AgeIdentity>*> Member::State::identities() {
  // A new key moves files in the folder, maybe by another process.
  std::error_code ignored;
  const auto changed = fs::last_write_time(places.keys, ignored);
  if (!boxes || changed != boxes_read) {
    boxes = HZ_TRY(load_boxes(places.keys));
    boxes_read = changed;
  }
  return &*boxes;
}

Result<std::vector<crypto::AgeRecipient>> Member::State::readers(Member& member, const Audience& wanted) {
  const auto& own = *HZ_TRY(identities());
  std::vector<crypto::AgeRecipient> out;
  if (own.empty()) {  // a member made before there were box keys
    out.push_back(HZ_TRY(load_or_create_box(box_path(places.keys), *seams.rng)).recipient());
    boxes.reset();
  } else {
    out.push_back(own.front().recipient());
  }
  if (wanted.kind == Audience::Kind::owner || wanted.kind == Audience::Kind::sealed_until) return out;
  sql::Db& db = *HZ_TRY(member.views());
  const MembershipFacts facts = HZ_TRY(membership_facts(db));
  std::map<std::string, std::string> known;
  HZ_TRY(
      db.query("SELECT m.member, coalesce(b.key, '') FROM public_alliance_member m LEFT JOIN public_alliance_box b "
               "ON b.member = m.member ORDER BY m.member",
               {}, [&](const sql::Row& r) {
                 known[r.text(0)] = r.text(1);
                 return true;
               }));
  for (const auto& [reader, key] : known) {
    if (reader == authority.genesis.member) continue;
    if (!may_read(wanted, authority.genesis.member, reader, facts, 0)) continue;
    // Where the class does not name its readers, one without a key must not stop the others.
    if (key.empty() && wanted.kind == Audience::Kind::members) continue;
    if (key.empty()) return fail(why("alliance.no_box_key"), "{} of {}", reader, wanted.format());
    out.push_back(HZ_TRY(crypto::AgeRecipient::parse(key)));
  }
  return out;
}

Result<std::optional<statement::OpenedBody>> Member::State::open(const statement::Statement& s) {
  std::vector<std::string> names = s.seal->blobs;
  const auto [first, last] = shared.equal_range(s.id_text());
  for (auto at = first; at != last; ++at) names.push_back(at->second);
  for (const std::string& name : names) {
    const Digest digest = HZ_TRY(parse_digest(name));
    if (!blobs.has(digest)) continue;
    const auto bytes = blobs.get(digest, statement::sealed_blob_max);
    if (!bytes && is_for_others(bytes.error())) continue;
    if (!bytes) return std::unexpected(bytes.error());
    for (const crypto::AgeIdentity& identity : *HZ_TRY(identities())) {
      auto body = statement::open_body(*s.seal, *bytes, identity);
      if (body) return std::optional(*std::move(body));
      if (!is_for_others(body.error())) return std::unexpected(std::move(body).error());
    }
  }
  return std::optional<statement::OpenedBody>();
}

Result<std::optional<json::Value>> Member::State::open_for_replay(const statement::Statement& s) {
  auto body = HZ_TRY(open(s));
  if (!body) return std::optional<json::Value>();
  return std::optional(std::move(body->body));
}

Result<statement::Idem> Member::State::sealed_idem(const statement::Idem& idem, std::uint32_t attempt) {
  const fs::path file = places.keys / "idem";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    Digest secret{};
    seams.rng->fill(secret);
    HZ_TRY(write_file_durably(file, as_bytes(hex(secret) + "\n"), 0600));
  }
  const std::string text = HZ_TRY(read_text(file, 100));
  if (text.size() != 65) return fail(why("alliance.key"), "{}: not 64 hex digits", file.string());
  const Digest secret = HZ_TRY(parse_digest(std::string_view(text).substr(0, 64)));
  Bytes number;
  put_be(number, attempt);
  return idem_of(crypto::hmac_sha256(secret, {idem, number}));
}

Result<Member::State::SealedPlace> Member::State::sealed_place(const Draft& draft, const statement::Kind& kind,
                                                               const Audience& readers_class,
                                                               const statement::Idem& plain) {
  for (std::uint32_t attempt = 0;; ++attempt) {
    SealedPlace out{HZ_TRY(sealed_idem(plain, attempt))};
    const auto index = HZ_TRY(log.find_idem(out.idem));
    if (!index) return out;
    const auto known = HZ_TRY(at(*index));
    const auto body = known.seal ? HZ_TRY(open(known)) : std::optional<statement::OpenedBody>();
    if (!body) continue;  // erased
    const bool same = known.kind == kind.slug &&
                      HZ_TRY(statement::canonical(body->body)) == HZ_TRY(statement::canonical(draft.body)) &&
                      known.audience == readers_class.header(authority.genesis.member) &&
                      to_json(known.refs) == to_json(draft.refs);
    if (!same)
      return fail(why("alliance.idem_conflict"), "{} stands for statement {} at {}", hex(out.idem), known.id_text(),
                  *index);
    out.known = Receipt{known.id_text(), *index, true};
    return out;
  }
}

std::string Member::State::bodies_text() const {
  const auto text = read_text(places.bodies, 100);
  return text ? *text : std::string();
}

Result<void> Member::note_bodies_changed() {
  return write_file_durably(state_->places.bodies, as_bytes(random_text(*state_->seams.rng) + "\n"));
}

Result<bool> Member::State::settle_bodies() {
  sql::Db& db = views->db();
  // Blobs of later statements: the sealed one was replayed before them.
  bool again = false;
  HZ_TRY(
      db.query("SELECT b.statement, b.blob, b.opened FROM public_alliance_sealed_blob b WHERE EXISTS(SELECT 1 FROM "
               "alliance_sealed_blob s WHERE s.blob = b.blob AND s.statement = b.statement AND s.shared = 1)",
               {}, [&](const sql::Row& r) {
                 const auto [first, last] = shared.equal_range(r.text(0));
                 if (std::any_of(first, last, [&](const auto& one) { return one.second == r.text(1); })) return true;
                 shared.emplace(r.text(0), r.text(1));
                 const auto digest = parse_digest(r.text(1));
                 again |= r.integer(2) == 0 && digest && blobs.has(*digest);
                 return true;
               }));
  std::vector<Digest> gone;
  HZ_TRY(
      db.query("SELECT b.blob FROM alliance_sealed_blob b JOIN public_alliance_erased e ON e.statement = b.statement "
               "AND e.issuer = b.issuer",
               {}, [&](const sql::Row& r) {
                 if (const auto digest = parse_digest(r.text(0)); digest && blobs.has(*digest)) gone.push_back(*digest);
                 return true;
               }));
  for (const Digest& digest : gone) HZ_TRY(blobs.erase(digest));
  if (!gone.empty() || again) HZ_TRY(write_file_durably(places.bodies, as_bytes(random_text(*seams.rng) + "\n")));
  crypto::Sha256 hash;
  bool any = false;
  HZ_TRY(
      db.query("SELECT statement FROM alliance_sealed WHERE opened = 1 ORDER BY statement", {}, [&](const sql::Row& r) {
        any = true;
        hash.update(as_bytes(r.text(0) + "\n"));
        return true;
      }));
  opened = any ? std::optional(hex(hash.finish())) : std::nullopt;
  return !gone.empty() || again;
}

Result<void> Member::open(statement::Statement& s) {
  if (!s.seal) return {};
  auto body = HZ_TRY(state_->open(s));
  if (!body) return fail(why("alliance.body_gone"), "{} of {}", s.id_text(), s.issuer);
  s.body = std::move(body->body);
  return {};
}

Result<std::string> Member::disclose(const statement::Statement& s, std::span<const std::string> paths) {
  if (!s.seal) return fail(why("alliance.not_sealed"), "{}: its body is public", s.id_text());
  if (s.seal->type != statement::Commitment::fields)
    return fail(why("alliance.not_sealed"), "{}: its body has more than {} fields and is committed as a whole",
                s.id_text(), statement::tree_fields_max);
  const auto body = HZ_TRY(state_->open(s));
  if (!body) return fail(why("alliance.body_gone"), "{} of {}", s.id_text(), s.issuer);
  return statement::format_disclosure(HZ_TRY(HZ_TRY(statement::FieldTree::of(body->body, body->salt)).show(paths)));
}

Result<std::string> Member::reveal(const statement::Statement& s) {
  if (!s.seal) return fail(why("alliance.not_sealed"), "{}: its body is public", s.id_text());
  const auto body = HZ_TRY(state_->open(s));
  if (!body) return fail(why("alliance.body_gone"), "{} of {}", s.id_text(), s.issuer);
  return statement::format_opening(*body);
}

Result<Receipt> Member::share(const statement::Statement& s, const Audience& audience) {
  State& state = *state_;
  if (!s.seal || s.origin != origin()) return fail(why("alliance.not_sealed"), "{}", s.id_text());
  const auto body = HZ_TRY(state.open(s));
  if (!body) return fail(why("alliance.body_gone"), "{}", s.id_text());
  const auto readers = HZ_TRY(state.readers(*this, audience));
  const auto blobs = HZ_TRY(statement::wrap_body(*body, readers, *state.seams.rng));
  BodyShared said{s.id_text(), audience.format(), {}};
  for (const Bytes& blob : blobs) said.blobs.push_back(hex(crypto::sha256(blob)));
  if (!state.dry_run) HZ_TRY(state.blobs.put_all(blobs));
  Draft made = draft(said, {{"supersedes", s.id_text()}});
  made.audience = Audience{.kind = Audience::Kind::everyone, .parties = {}};
  return append(made);
}

Result<Receipt> Member::erase(const statement::Statement& s, std::string_view reason) {
  State& state = *state_;
  if (!s.seal || s.origin != origin()) return fail(why("alliance.not_sealed"), "{}", s.id_text());
  Draft made = draft(BodyErased{s.id_text(), std::string(reason)}, {{"revokes", s.id_text()}},
                     crypto::sha256(as_bytes("hezong/erase\n" + s.id_text())));
  made.audience = Audience{.kind = Audience::Kind::everyone, .parties = {}};
  const Receipt receipt = HZ_TRY(append(made));
  if (!state.dry_run) HZ_TRY(views());  // deletes the blobs
  return receipt;
}

}  // namespace hz::alliance
