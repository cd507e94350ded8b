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
#include <charconv>
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

Result<Member::State::SealFor> Member::State::readers(Member& member, const Audience& wanted, std::int64_t now_ms) {
  const auto& own = *HZ_TRY(identities());
  SealFor out;
  if (own.empty()) {  // a member made before there were box keys
    out.keys.push_back(HZ_TRY(load_or_create_box(box_path(places.keys), *seams.rng)).recipient());
    boxes.reset();
  } else {
    out.keys.push_back(own.front().recipient());
  }
  if (wanted.kind == Audience::Kind::owner) return out;
  if (wanted.kind == Audience::Kind::sealed_until && now_ms < wanted.until_ms) return out;
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
    if (!may_read(wanted, authority.genesis.member, reader, facts, now_ms)) continue;
    // Where the class does not name its readers, one without a key must not stop the others.
    const bool named = wanted.kind != Audience::Kind::members && wanted.kind != Audience::Kind::sealed_until;
    if (key.empty() && !named) continue;
    if (key.empty()) return fail(why("alliance.no_box_key"), "{} of {}", reader, wanted.format());
    out.keys.push_back(HZ_TRY(crypto::AgeRecipient::parse(key)));
    out.others.insert(reader);
  }
  return out;
}

Result<void> Member::State::note_readers(const std::map<std::string, SealFor>& by_audience) {
  if (by_audience.empty()) return {};
  SealedTo record = SealedTo::read(places.sealed_to);
  bool changed = false;
  for (const auto& [audience_text, to] : by_audience)
    // The owner's own have no other readers, and no record.
    if (!(to.others.empty() && record.at(audience_text, log.head().size).empty()))
      changed |= record.note(audience_text, log.head().size, to.others);
  return changed ? record.write(places.sealed_to) : Result<void>();
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
  state_->move_on();
  return state_->note_bodies();
}

// The text is new each time; when it was written stands in it, by the member's own clock.
Result<void> Member::State::note_bodies() const {
  return write_file_durably(places.bodies,
                            as_bytes(fmt::format("{} {}\n", random_text(*seams.rng), seams.clock->now_ms())));
}

bool Member::bodies_settled(std::int64_t now_ms, std::int64_t for_ms) const {
  const std::string text = state_->bodies_text();
  std::int64_t at_ms = 0;
  const auto space = text.find(' ');
  if (space == std::string::npos) return true;
  std::from_chars(text.data() + space + 1, text.data() + text.size(), at_ms);
  return now_ms < at_ms || now_ms - at_ms >= for_ms;
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
  if (!gone.empty() || again) HZ_TRY(note_bodies());
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
  std::vector<Bytes> blobs;
  const Draft made = HZ_TRY(state.wrapped(s, *body, audience, readers.keys, blobs));
  if (!state.dry_run) HZ_TRY(state.blobs.put_all(blobs));
  const Receipt receipt = HZ_TRY(append(made));
  const auto own_class = Audience::of_header(s.audience, s.issuer);
  if (state.dry_run || !own_class) return receipt;
  SealedTo record = SealedTo::read(state.places.sealed_to);
  record.widen(own_class->format(), s.index, s.index + 1, readers.others);
  HZ_TRY(record.write(state.places.sealed_to));
  return receipt;
}

Result<Draft> Member::State::wrapped(const statement::Statement& s, const statement::OpenedBody& body,
                                     const Audience& readers_class, std::span<const crypto::AgeRecipient> keys,
                                     std::vector<Bytes>& to) {
  BodyShared said{s.id_text(), readers_class.format(), {}};
  for (Bytes& blob : HZ_TRY(statement::wrap_body(body, keys, *seams.rng))) {
    said.blobs.push_back(hex(crypto::sha256(blob)));
    to.push_back(std::move(blob));
  }
  Draft made = draft(said, {{"supersedes", s.id_text()}});
  made.audience = Audience{.kind = Audience::Kind::everyone, .parties = {}};
  return made;
}

// Whom each class has now is asked once a class; the bodies that lack one of them are found by their stretches.
Result<std::vector<Member::BodyDue>> Member::bodies_due(std::int64_t now_ms, std::size_t max) {
  State& state = *state_;
  sql::Db& db = *HZ_TRY(views());
  std::vector<std::string> classes;
  HZ_TRY(db.query("SELECT DISTINCT audience FROM alliance_sealed WHERE issuer = ? AND audience <> 'owner'", {id()},
                  [&](const sql::Row& r) {
                    classes.push_back(r.text(0));
                    return true;
                  }));
  if (classes.empty()) return std::vector<BodyDue>();
  const SealedTo record = SealedTo::read(state.places.sealed_to);
  std::vector<BodyDue> out;
  for (const std::string& text : classes) {
    const auto wanted = Audience::parse(text);
    if (!wanted) continue;
    const auto now = state.readers(*this, *wanted, now_ms);
    if (!now && now.error().reason->slug == "alliance.no_box_key") continue;  // asked again in the next round
    if (!now) return std::unexpected(now.error());
    if (now->others.empty()) continue;
    for (auto from = record.first_lacking(text, 0, now->others); from && out.size() < max;) {
      std::optional<std::uint64_t> at;
      std::string statement;
      HZ_TRY(
          db.query("SELECT idx, statement FROM public_alliance_sealed WHERE issuer = ? AND audience = ? AND idx >= ? "
                   "AND opened = 1 AND erased = 0 ORDER BY idx LIMIT 1",
                   {id(), text, static_cast<std::int64_t>(*from)}, [&](const sql::Row& r) {
                     at = static_cast<std::uint64_t>(r.integer(0));
                     statement = r.text(1);
                     return false;
                   }));
      if (!at) break;
      const auto lacking = record.first_lacking(text, *at, now->others);
      if (lacking == at) out.push_back({statement, *wanted, *at});
      from = lacking == at ? std::optional(*at + 1) : lacking;
      if (from) from = record.first_lacking(text, *from, now->others);
    }
    if (out.size() >= max) break;
  }
  return out;
}

Result<std::size_t> Member::give_bodies(std::span<const BodyDue> due, std::int64_t now_ms) {
  State& state = *state_;
  std::map<std::string, State::SealFor> readers_of;
  std::vector<Draft> drafts;
  std::vector<Bytes> blobs;
  SealedTo record = SealedTo::read(state.places.sealed_to);
  std::size_t given = 0;
  for (const BodyDue& one : due) {
    const std::string text = one.audience.format();
    auto [now, added] = readers_of.try_emplace(text);
    if (added) now->second = HZ_TRY(state.readers(*this, one.audience, now_ms));
    // Only for those who lack it: the others have it, under keys of then.
    const Readers& have = record.at(text, one.index);
    std::vector<crypto::AgeRecipient> keys{now->second.keys.front()};
    std::size_t at = 1;
    for (const std::string& reader : now->second.others) {
      if (!have.contains(reader)) keys.push_back(now->second.keys[at]);
      ++at;
    }
    const auto s = HZ_TRY(find(one.statement));
    const auto body = s.seal ? HZ_TRY(state.open(s)) : std::optional<statement::OpenedBody>();
    if (body && keys.size() > 1) {
      // What was sealed until a time is the members' from then on; nodes that hold it give it on as such.
      const Audience said = one.audience.kind == Audience::Kind::sealed_until
                                ? Audience{.kind = Audience::Kind::members, .parties = {}}
                                : one.audience;
      drafts.push_back(HZ_TRY(state.wrapped(s, *body, said, keys, blobs)));
      ++given;
    }
    record.widen(text, one.index, one.index + 1, now->second.others);
  }
  if (drafts.empty()) return given;
  HZ_TRY(state.blobs.put_all(blobs));
  HZ_TRY(append(drafts));
  // Last: whoever dies here gives them once more.
  HZ_TRY(record.write(state.places.sealed_to));
  return given;
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
