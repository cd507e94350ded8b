#include "alliance/test_alliance.h"

#include "alliance/keys.h"
#include "alliance/reasons.h"
#include "sql/db.h"

namespace hz::alliance::test {
namespace {

Result<void> replay_fact(sql::Db& views, const statement::Statement& s, const Fact& fact) {
  HZ_TRY(
      views.exec("INSERT OR REPLACE INTO test_fact VALUES(?,?,?,?)", {s.issuer, fact.name, fact.number, s.id_text()}));
  if (fact.number < 0) return fail(why("alliance.name"), "{} is {}", fact.name, fact.number);
  return {};
}

log::Entry signed_entry(const statement::NamedSigner& key, std::string_view issuer, std::string_view origin,
                        SeededRng& rng) {
  const json::Value body = to_json(Fact{"planted", 1});
  statement::Idem idem;
  rng.fill(idem);
  const std::string payload =
      statement::build_payload(
          {.kind = Fact::kind, .issuer = issuer, .log = origin, .role = "author", .idem = idem, .body = &body})
          .value();
  const statement::NamedSigner* signers[] = {&key};
  auto made = statement::sign(payload, signers).value();
  return {std::move(made.leaf), made.id, idem};
}

}  // namespace

Alliance::Alliance(std::size_t count, std::uint64_t seed) : rng(seed) {
  for (std::size_t i = 0; i < count; ++i) {
    members.push_back(join(fmt::format("hezong.example/m{}", i), i > 0));
    if (i == 0) REQUIRE(members[0].append(draft(default_charter("Test", members[0].origin()))));
  }
}

Mounted Alliance::mounted() {
  static const statement::Kind kinds[] = {statement::kind<Fact, &replay_fact>({.number = 0x0f01, .doc = "A fact."})};
  static const std::string_view schemas[] = {
      "CREATE TABLE test_fact(member TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL, statement TEXT NOT "
      "NULL, PRIMARY KEY(member, name)) STRICT;"};
  return {kinds, schemas};
}

Member Alliance::join(const std::string& origin, bool admitted) {
  auto made = Member::create(dir.path() / origin.substr(origin.rfind('/') + 1), {origin, origin}, mounted(), seams());
  REQUIRE(made);
  if (members.empty()) return *std::move(made);
  const std::string root = root_fingerprint(members[0].authority().genesis);
  REQUIRE(made->append(draft(JoinRequest{members[0].origin(), root, "", "", "", ""})));
  if (admitted)
    REQUIRE(members[0].append(draft(Admit{origin, root_fingerprint(made->authority().genesis), "member", 0, "", ""})));
  return *std::move(made);
}

Admit Alliance::admission(std::size_t member, std::int64_t from) {
  return {members[member].origin(), root_fingerprint(members[member].authority().genesis), "member", from, "", ""};
}

void Alliance::rotate(std::size_t member, Role role) {
  Member& m = members[member];
  const auto next = load_or_create_key_file(next_key_path(m.keys_folder(), role), m.origin(), role, rng).value();
  std::optional<std::string> replaces;
  if (role == Role::root) replaces = hex(m.authority().key(Role::root)->key.id);
  REQUIRE(m.append(draft(KeyRotate{role, verifier_text(next.named_key(), role), replaces})));
  REQUIRE(m.adopt_next_keys());
}

void Alliance::append_raw(std::size_t into, std::vector<log::Entry> entries) {
  Member& m = members[into];
  REQUIRE(m.become_writer());
  REQUIRE(m.log().append(entries));
}

void Alliance::plant(std::size_t into, std::size_t of, SeededRng& random) {
  const std::string a = members[into].origin(), b = members[of].origin();
  const auto mine = load_key(members[into].keys_folder(), Role::author).value();
  const auto theirs = load_key(members[of].keys_folder(), Role::author).value();
  append_raw(into,
             {signed_entry(theirs, b, into == of ? "hezong.example/nobody" : b, random),
              into == of ? signed_entry(mine, a, "hezong.example/nobody", random) : signed_entry(theirs, a, a, random),
              signed_entry(mine, "hezong.example/nobody", a, random)});
}

void Alliance::plant_bad_signature(std::size_t into) {
  const auto key = load_key(members[into].keys_folder(), Role::author).value();
  log::Entry entry = signed_entry(key, members[into].id(), members[into].origin(), rng);
  const statement::LeafView good = statement::decode_leaf(entry.leaf).value();
  entry.leaf[static_cast<std::size_t>(good.signatures()[0].bytes.data() - entry.leaf.data())] ^= 1;
  append_raw(into, {std::move(entry)});
}

void Alliance::plant_again(std::size_t into, std::uint64_t index) {
  log::Entry entry{members[into].log().leaf(index).value(), {}, {}};
  rng.fill(entry.id);
  rng.fill(entry.idem);
  append_raw(into, {std::move(entry)});
}

Replayer::Replayer(Alliance& alliance, std::size_t asks) : alliance_(alliance), verified_(alliance.members.size()) {
  views_.emplace(
      Views::open(dir_.path() / "views.sqlite", Alliance::mounted(), alliance.members[asks].origin()).value());
}

void Replayer::catch_up(const std::vector<std::uint64_t>& sizes) {
  std::vector<Source> logs;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) continue;
    Source source = source_of(alliance_.members[i].log(), verified_[i]);
    source.size = sizes[i];
    source.root = alliance_.members[i].log().root_at(sizes[i]).value();
    source.refresh = [](Source&) -> Result<void> { return {}; };
    logs.push_back(std::move(source));
  }
  const auto done = views_->catch_up(std::move(logs), silent_progress());
  if (!done) FAIL(done.error().text());
}

void Replayer::catch_up() {
  std::vector<std::uint64_t> sizes;
  for (Member& member : alliance_.members) sizes.push_back(member.log().head().size);
  catch_up(sizes);
}

void Replayer::rebuild() {
  REQUIRE(views_->clear());
  catch_up();
}

}  // namespace hz::alliance::test
