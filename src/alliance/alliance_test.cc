#include <doctest/doctest.h>
#include <sys/stat.h>

#include "alliance/authority.h"
#include "alliance/keys.h"
#include "alliance/member.h"
#include "alliance/reasons.h"
#include "alliance/replay.h"
#include "base/test_result.h"
#include "crypto/hash.h"
#include "log/store.h"
#include "statement/canonical.h"

using namespace hz;
using namespace hz::alliance;

namespace {

int facts_replayed = 0;

// A pillar as small as it can be: facts by name, the newest stands; a negative number contradicts its rule, which is
// found out before anything is written below -100 only.
struct Fact {
  static constexpr std::string_view kind = "test.fact";
  std::string name;
  std::int64_t number = 0;
  static constexpr auto fields() {
    return rows(row("name", &Fact::name, "name"), row("number", &Fact::number, "number"));
  }
};
struct RootFact : Fact {
  static constexpr std::string_view kind = "test.root_fact";
  static constexpr auto fields() {
    return rows(row("name", &RootFact::name, "name"), row("number", &RootFact::number, "number"));
  }
};
Result<void> replay_fact(sql::Db& views, const statement::Statement& s, const Fact& fact) {
  ++facts_replayed;
  if (fact.number < -100) return fail(hz::alliance::why("alliance.name"), "{} is {}", fact.name, fact.number);
  HZ_TRY(views.exec("INSERT OR REPLACE INTO test_fact VALUES(?,?,?)", {fact.name, fact.number, s.id_text()}));
  if (fact.number < 0) return fail(hz::alliance::why("alliance.name"), "{} is {}", fact.name, fact.number);
  return {};
}
Result<void> replay_root_fact(sql::Db& views, const statement::Statement& s, const RootFact& fact) {
  return replay_fact(views, s, fact);
}

constexpr std::string_view schema =
    "CREATE TABLE test_fact(name TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL, statement TEXT NOT NULL) STRICT;";

Mounted mounted() {
  static const statement::Kind kinds[] = {
      statement::kind<Fact, &replay_fact>({.number = 0x0f01, .doc = "A fact."}),
      statement::kind<RootFact, &replay_root_fact>(
          {.number = 0x0f02, .may_sign = statement::Signer::root, .doc = "A fact of the root key."}),
  };
  static const std::string_view schemas[] = {schema};
  return {kinds, schemas};
}

struct World {
  explicit World(std::uint64_t seed = 1) : rng(seed) {}
  TempDir dir;
  ManualClock clock{1795442706123};
  SeededRng rng;
  CreateOptions options{"Acme", "hezong.example/acme"};

  fs::path home() const { return dir.path() / "home"; }
  Seams seams() { return {&clock, &rng, &silent_progress()}; }
  Result<Member> create() { return Member::create(home(), options, mounted(), seams()); }
  Result<Member> open(Mounted with = mounted()) { return Member::open(home(), with, seams()); }
};

Draft fact(std::string name, std::int64_t number) { return draft(Fact{std::move(name), number}); }
std::int64_t count(Member& member, std::string_view sql) {
  return member.views().value()->integer(sql).value().value_or(-1);
}
Digest digest_of(std::string_view text) { return crypto::sha256(as_bytes(text)); }

}  // namespace

TEST_CASE("keys: a file is read back, and one that others may read, or that was altered, is refused") {
  const TempDir dir;
  SeededRng rng(3);
  const auto made = load_or_create_key(dir.path(), "a.example/m", Role::author, rng).value();
  CHECK(made.name == "a.example/m/author");
  CHECK(load_or_create_key(dir.path(), "a.example/m", Role::author, rng).value().id == made.id);
  CHECK(slug(load_or_create_key(dir.path(), "a.example/other", Role::author, rng)) == "alliance.unfinished");
  const fs::path path = key_path(dir.path(), Role::author);
  struct stat facts{};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  CHECK(slug(load_key(dir.path(), Role::author)) == "alliance.key_open");
  const std::string good = read_text(path, 1000).value();
  for (std::size_t i = 0; i < good.size(); ++i) {
    CAPTURE(i);
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    REQUIRE(write_file_durably(path, as_bytes(bad), 0600));
    const auto loaded = load_key(dir.path(), Role::author);
    CHECK(slug(loaded) == "alliance.key");
    // A message never shows the secret.
    if (!loaded) CHECK(loaded.error().detail.find(good.substr(good.size() - 30, 20)) == std::string::npos);
  }
}

TEST_CASE("keys: a verifier key has one role's type and its own id") {
  SeededRng rng(4);
  const statement::NamedSigner key("a.example/m/witness", crypto::SigningKey::generate(rng));
  const std::string text = verifier_text(key.named_key(), Role::witness);
  CHECK(parse_verifier(text, Role::witness).value().id == key.id);
  CHECK(slug(parse_verifier(text, Role::author)) == "alliance.key");
  std::string bad = text;
  bad[text.find('+') + 1] ^= 1;
  CHECK_FALSE(parse_verifier(bad, Role::witness));
}

TEST_CASE("member: created, opened, and never created over") {
  World world;
  CHECK(slug(world.open()) == "alliance.no_member");
  {
    const auto made = world.create();
    REQUIRE(made);
    CHECK(made->id() == "hezong.example/acme");
    CHECK(made->frontier().logs.at(0).size == 1);
  }
  CHECK(slug(world.create()) == "alliance.exists");
  world.options.origin = "hezong.example/other";
  CHECK(slug(world.create()) == "alliance.exists");
  auto member = world.open().value();
  CHECK(count(member, "SELECT count(*) FROM public_alliance_member WHERE name = 'Acme'") == 1);
  CHECK(count(member, "SELECT count(*) FROM public_alliance_key") == 4);
}

TEST_CASE("member: names and origins that cannot be shown are refused before anything is written") {
  World world;
  for (const char* bad : {"", "https://a.example/m", "a.example/m/", "a b", "a+b", "a\nb"}) {
    CAPTURE(bad);
    world.options.origin = bad;
    CHECK(slug(world.create()) == "alliance.origin");
  }
  world.options.origin = "a.example/m";
  for (const std::string& bad : {std::string(), std::string("a\nb"), std::string("\xff"), std::string(201, 'x')}) {
    world.options.name = bad;
    CHECK(slug(world.create()) == "alliance.name");
  }
  CHECK_FALSE(fs::exists(world.home()));
}

TEST_CASE("member: a creation cut short is named by open and finished by create with the same keys") {
  World world;
  fs::create_directories(world.home() / "keys");
  const auto key = load_or_create_key(world.home() / "keys", world.options.origin, Role::log, world.rng).value();
  CHECK(slug(world.open()) == "alliance.unfinished");
  {
    // The log is there and still without its genesis.
    fs::create_directories(world.home() / "mark");
    REQUIRE(log::Log::create(world.home() / "log", world.home() / "mark", world.options.origin, key.key.duplicate()));
  }
  CHECK(slug(world.open()) == "alliance.unfinished");
  const std::string right = world.options.origin;
  world.options.origin = "hezong.example/other";
  CHECK(slug(world.create()) == "alliance.unfinished");
  world.options.origin = right;
  const auto made = world.create();
  REQUIRE(made);
  CHECK(made->authority().log_key(1)->key.key == key.key.verifying_key());
}

TEST_CASE("append: on return the statements stand in the log and in the views") {
  World world;
  auto member = world.create().value();
  const Draft drafts[] = {fact("a", 1), fact("b", 2), fact("a", 3)};
  const auto receipts = member.append(drafts).value();
  REQUIRE(receipts.size() == 3);
  CHECK(receipts[2].index == 3);
  CHECK_FALSE(receipts[2].repeated);
  CHECK(count(member, "SELECT number FROM test_fact WHERE name = 'a'") == 3);
  CHECK(count(member, "SELECT count(*) FROM public_alliance_statement WHERE kind = 'test.fact'") == 3);
  const auto found = member.find(receipts[1].id).value();
  CHECK(found.index == 2);
  CHECK(found.issued_ms == world.clock.now_ms());
  CHECK(found.body == to_json(Fact{"b", 2}));
  CHECK(slug(member.find(std::string(64, '0'))) == "alliance.no_statement");
  CHECK(slug(member.find("not hex")) == "alliance.no_statement");
  CHECK(slug(member.leaf(4)) == "alliance.no_index");
  for (std::uint64_t i = 0; i < 4; ++i) CHECK(check_statement(member.authority(), member.leaf(i).value(), i));
}

TEST_CASE("append: all or nothing") {
  World world;
  auto member = world.create().value();
  const auto refused = [&](Draft bad) {
    const Draft drafts[] = {fact("a", 1), std::move(bad)};
    const auto r = member.append(drafts);
    REQUIRE_FALSE(r);
    CHECK(member.frontier().logs[0].size == 1);
    return r.error().text();
  };
  CHECK(refused({.kind = "test.unknown", .body = json::Value(json::Object{})}) ==
        "alliance.unknown_kind: test.unknown");
  CHECK(refused({.kind = "test.fact", .body = json::Value(json::Object{{"name", "x"}})}) ==
        "base.json_field: $.predicate.body.number is missing");
  CHECK(refused(fact(std::string(40000, 'x'), 1)).starts_with("statement.too_large"));
  CHECK(refused(fact("\xff", 1)).starts_with("statement.not_canonical: at $.name"));
  CHECK(refused(fact("x", std::int64_t{1} << 60)).starts_with("statement.not_canonical: at $.number"));
}

TEST_CASE("append: a repeat with the same idempotency key is the first statement; other content is a conflict") {
  World world;
  auto member = world.create().value();
  Draft first = fact("a", 1);
  first.idem = digest_of("order 7");
  const auto receipt = member.append(first).value();
  world.clock.advance_ms(60'000);
  const auto again = member.append(first).value();
  CHECK(again.repeated);
  CHECK(again.id == receipt.id);
  CHECK(again.index == receipt.index);
  Draft other = fact("a", 2);
  other.idem = first.idem;
  CHECK(slug(member.append(other)) == "alliance.idem_conflict");
  const Draft twice[] = {fact("z", 1), fact("z", 1)};
  CHECK(member.append(twice).value()[1].index == 3);  // without a key, a repeat is a new statement
}

TEST_CASE("dry run: the exact payloads are shown and nothing is appended") {
  World world;
  auto member = world.create().value();
  member.set_dry_run(true);
  const auto receipt = member.append(fact("a", 1)).value();
  CHECK(receipt.index == 1);
  REQUIRE(member.dry_run_payloads().size() == 1);
  const std::string& payload = member.dry_run_payloads()[0];
  CHECK(statement::check_canonical(payload));
  CHECK(hex(statement::statement_id(payload)) == receipt.id);
  CHECK(member.frontier().logs[0].size == 1);
  CHECK(count(member, "SELECT count(*) FROM test_fact") == 0);
}

TEST_CASE("append: a root kind needs the root key, and any other key is not taken for it") {
  World world;
  auto member = world.create().value();
  CHECK(member.append(draft(RootFact{{"r", 1}})));
  CHECK(member.find(member.append(draft(RootFact{{"r", 2}})).value().id).value().role == "root");
  const fs::path root = world.home() / "keys" / "root";
  fs::rename(root, world.dir.path() / "offline");
  CHECK(slug(member.append(draft(RootFact{{"r", 3}}))) == "alliance.no_root_key");
  CHECK(member.append(fact("a", 1)));
  REQUIRE(load_or_create_key(world.home() / "keys", world.options.origin, Role::root, world.rng));
  CHECK(slug(member.append(draft(RootFact{{"r", 3}}))) == "alliance.key_mismatch");
}

TEST_CASE("append: the author key of another member is not used") {
  World world, other(99);
  REQUIRE(world.create());
  REQUIRE(other.create());
  fs::copy_file(other.home() / "keys" / "author", world.home() / "keys" / "author",
                fs::copy_options::overwrite_existing);
  auto member = world.open().value();
  CHECK(slug(member.append(fact("a", 1))) == "alliance.key_mismatch");
}

TEST_CASE("genesis: another log's, a re-signed and an altered genesis are refused") {
  World world, other(99);
  auto member = world.create().value();
  const Bytes leaf = member.leaf(0).value();
  CHECK(read_genesis(leaf, world.options.origin));
  CHECK(slug(read_genesis(leaf, "hezong.example/other")) == "alliance.genesis");
  CHECK(slug(read_genesis(other.create()->leaf(0).value(), world.options.origin)).empty());  // same name, other keys
  // Somebody else's root key signs acme's words.
  const statement::NamedSigner stranger(key_name(world.options.origin, Role::root),
                                        crypto::SigningKey::generate(world.rng));
  const statement::NamedSigner* keys[] = {&stranger};
  const auto forged = statement::sign(statement::decode_leaf(leaf)->payload, keys).value();
  CHECK(read_genesis(forged.leaf, world.options.origin).error().detail ==
        "hezong.example/acme[0]: signed by 0 of its root keys, 1 needed");
  for (std::size_t i = 0; i < leaf.size(); i += 7) {
    CAPTURE(i);
    Bytes bad = leaf;
    bad[i] ^= 1;
    CHECK(slug(read_genesis(bad, world.options.origin)) == "alliance.genesis");
  }
}

TEST_CASE(
    "authority: a statement signed by another key, in a role that does not exist, or by another member is refused") {
  World world;
  auto member = world.create().value();
  const auto author = load_key(world.home() / "keys", Role::author).value();
  const auto witness = load_key(world.home() / "keys", Role::witness).value();
  const auto checked = [&](const statement::NamedSigner& key, std::string_view issuer, std::string_view role) {
    const json::Value body = to_json(Fact{"a", 1});
    const std::string payload =
        statement::build_payload(
            {.kind = "test.fact", .issuer = issuer, .log = world.options.origin, .role = role, .body = &body})
            .value();
    const statement::NamedSigner* keys[] = {&key};
    return std::string(slug(check_statement(member.authority(), statement::sign(payload, keys)->leaf, 1)));
  };
  CHECK(checked(author, member.id(), "author").empty());
  CHECK(checked(witness, member.id(), "author") == "statement.no_signature");
  CHECK(checked(author, member.id(), "root") == "statement.no_signature");
  CHECK(checked(author, member.id(), "king") == "alliance.role");
  CHECK(checked(author, "hezong.example/other", "author") == "alliance.role");
}

TEST_CASE("views: equal frontiers give equal bytes, replayed at once, in steps, or after the file was lost") {
  for (const std::uint64_t seed : {11, 12, 13}) {
    CAPTURE(seed);
    World world(seed);
    auto member = world.create().value();
    SeededRng rng(seed);
    for (int round = 0; round < 12; ++round) {
      std::vector<Draft> drafts;
      for (auto n = rng.below(40); n > 0; --n)
        drafts.push_back(fact(fmt::format("n{}", rng.below(30)), static_cast<std::int64_t>(rng.below(100)) - 3));
      REQUIRE(member.append(drafts));
      if (rng.below(2) == 0) REQUIRE(member.views());
    }
    const std::string in_steps = view_digest(*member.views().value()).value();
    CHECK(member.rebuild_views().value().own == in_steps);
    CHECK(member.rebuild_views().value().own == in_steps);
    const std::string frontier = member.frontier().digest;
    for (const std::string_view damage : {"gone", "garbage", "cut"}) {
      CAPTURE(damage);
      member = world.open().value();  // closes the file
      const fs::path file = world.home() / "views.sqlite";
      for (const char* side : {"-wal", "-shm"}) fs::remove(file.string() + side);
      if (damage == "gone") fs::remove(file);
      if (damage == "garbage") REQUIRE(write_file_durably(file, as_bytes(std::string(5000, 'x'))));
      if (damage == "cut") fs::resize_file(file, 4096);
      CHECK(view_digest(*member.views().value()).value() == in_steps);
      CHECK(member.frontier().digest == frontier);
    }
  }
}

TEST_CASE("views: another frontier gives another digest") {
  World world;
  auto member = world.create().value();
  const std::string before = member.rebuild_views().value().own, frontier = member.frontier().digest;
  REQUIRE(member.append(fact("a", 1)));
  CHECK(member.rebuild_views().value().own != before);
  CHECK(member.frontier().digest != frontier);
}

TEST_CASE("views: a statement that contradicts its kind leaves no row, is listed, and stops nobody") {
  World world;
  auto member = world.create().value();
  const Draft drafts[] = {fact("a", 1), fact("a", -5), fact("b", 2)};
  REQUIRE(member.append(drafts));
  CHECK(count(member, "SELECT number FROM test_fact WHERE name = 'a'") == 1);
  CHECK(count(member, "SELECT number FROM test_fact WHERE name = 'b'") == 2);
  CHECK(member.views().value()->text("SELECT idx || kind || reason || detail FROM public_alliance_refused").value() ==
        "2test.factalliance.namea is -5");
}

TEST_CASE("views: only a statement that left rows behind has the others replayed again, and its rows are undone") {
  World world;
  auto member = world.create().value();
  const auto replayed = [&](std::int64_t bad) {
    const Draft drafts[] = {fact("a", 1), fact("a", bad), fact("b", 2)};
    REQUIRE(member.append(drafts));
    facts_replayed = 0;
    CHECK(count(member, "SELECT number FROM test_fact WHERE name = 'a'") == 1);
    CHECK(count(member, "SELECT number FROM test_fact WHERE name = 'b'") == 2);
    return facts_replayed;
  };
  CHECK(replayed(-101) == 3);
  CHECK(replayed(-1) == 2 + 3);
  CHECK(count(member, "SELECT count(*) FROM public_alliance_refused") == 2);
}

TEST_CASE(
    "views: leaves that are no statements, of another log, or signed in the wrong role are listed and not counted") {
  World world;
  REQUIRE(world.create());
  const fs::path keys = world.home() / "keys";
  const auto author = load_key(keys, Role::author).value();
  const auto entry = [&](std::string_view kind, std::string_view origin, std::string_view role, std::uint8_t idem) {
    const json::Value body = to_json(Fact{"x", 1});
    const std::string payload =
        statement::build_payload(
            {.kind = kind, .issuer = world.options.origin, .log = origin, .role = role, .body = &body})
            .value();
    const statement::NamedSigner* signers[] = {&author};
    auto made = statement::sign(payload, signers).value();
    return log::Entry{std::move(made.leaf), made.id, {idem}};
  };
  {
    // What a broken or hostile program could put into a log with the right log key.
    auto log =
        log::Log::open(world.home() / "log", world.home() / "mark", load_key(keys, Role::log)->key.duplicate()).value();
    const log::Entry entries[] = {{Bytes{1, 2, 3}, Digest{1}, {1}},
                                  entry("test.fact", "hezong.example/other", "author", 2),
                                  entry("test.root_fact", world.options.origin, "author", 3),
                                  entry("test.fact", world.options.origin, "root", 4),
                                  entry("test.fact", world.options.origin, "author", 5)};
    REQUIRE(log.append(entries));
  }
  auto member = world.open().value();
  std::vector<std::string> refused;
  REQUIRE(member.views().value()->query("SELECT reason FROM public_alliance_refused ORDER BY idx", {},
                                        [&](const sql::Row& r) {
                                          refused.push_back(r.text(0));
                                          return true;
                                        }));
  CHECK(refused ==
        std::vector<std::string>{"statement.leaf", "statement.wrong_log", "alliance.role", "statement.no_signature"});
  CHECK(count(member, "SELECT count(*) FROM test_fact") == 1);
}

TEST_CASE("views: a kind of a newer program is kept and ignored, and counts once the program knows it") {
  World world;
  {
    auto member = world.create().value();
    REQUIRE(member.append(fact("a", 1)));
  }
  auto older = world.open({{}, {}}).value();
  CHECK(count(older, "SELECT count(*) FROM public_alliance_statement") == 2);
  CHECK(slug(older.append(fact("b", 1))) == "alliance.unknown_kind");
  auto newer = world.open().value();
  CHECK(count(newer, "SELECT count(*) FROM test_fact") == 1);
}

TEST_CASE("members: many read while one writes, and a reader that lags behind catches up") {
  World world;
  auto writer = world.create().value();
  REQUIRE(writer.append(fact("a", 1)));
  auto reader = world.open().value();
  CHECK(count(reader, "SELECT count(*) FROM test_fact") == 1);
  REQUIRE(writer.append(fact("b", 2)));
  CHECK(count(writer, "SELECT count(*) FROM test_fact") == 2);
  // The shared views are ahead of the head that the reader opened with.
  CHECK(count(reader, "SELECT count(*) FROM test_fact") == 2);
  CHECK(reader.frontier().digest == writer.frontier().digest);
}

TEST_CASE("views: held, every read and the frontier are of one moment, whatever another process signs or replays") {
  World w;
  Member reader = w.create().value();
  REQUIRE(reader.append(fact("a", 1)));
  REQUIRE(reader.rest());
  Member writer = w.open().value();
  constexpr const char* facts = "SELECT count(*) FROM test_fact";
  const std::string before = reader.frontier().digest;
  reader.hold_views(true);
  CHECK(count(reader, facts) == 1);
  REQUIRE(writer.append(fact("b", 2)));
  REQUIRE(writer.rest());
  CHECK(count(writer, facts) == 2);
  CHECK(count(reader, facts) == 1);
  CHECK(reader.frontier().digest == before);
  // Not with rows that another process replayed and this one does not know of: its heads go with the rows.
  reader.hold_views(false);
  reader.hold_views(true);
  CHECK(count(reader, facts) == 2);
  CHECK(reader.frontier().digest == writer.frontier().digest);

  SUBCASE("an append moves them on") {
    REQUIRE(reader.append(fact("c", 3)));
    CHECK(count(reader, facts) == 3);
    REQUIRE(reader.rest());
    REQUIRE(writer.refresh());
    CHECK(count(writer, facts) == 3);
    CHECK(reader.frontier().digest == writer.frontier().digest);
  }
  SUBCASE("refresh() moves them on") {
    REQUIRE(writer.append(fact("c", 3)));
    REQUIRE(writer.rest());
    CHECK(count(reader, facts) == 2);
    REQUIRE(reader.refresh());
    CHECK(count(reader, facts) == 3);
  }
  SUBCASE("a rebuild by another process leaves the read as it is") {
    REQUIRE(writer.rebuild_views());
    CHECK(count(reader, facts) == 2);
    REQUIRE(reader.rest());
    CHECK(count(reader, facts) == 2);
  }
}

TEST_CASE("member: a changed byte in the stored log is found when it is opened") {
  World world;
  {
    auto member = world.create().value();
    REQUIRE(member.append(fact("needle", 1)));
  }
  for (const auto& entry : fs::directory_iterator(world.home() / "log")) {
    const Bytes content = read_file(entry.path(), 1 << 24).value();
    std::string bytes(as_text(content));
    for (auto at = bytes.find("needle"); at != std::string::npos; at = bytes.find("needle", at + 1)) bytes[at] = 'N';
    REQUIRE(write_file_durably(entry.path(), as_bytes(bytes)));
  }
  CHECK(slug(world.open()) == "log.leaf_corrupt");
}
