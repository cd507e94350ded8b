#include <doctest/doctest.h>

#include "alliance/authority.h"
#include "alliance/key_proposal.h"
#include "alliance/keys.h"
#include "alliance/test_alliance.h"
#include "base/test_result.h"
#include "log/store.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::alliance;
using namespace hz::alliance::test;

namespace {

struct Acme {
  explicit Acme(std::int64_t root_keys = 1, std::int64_t threshold = 1, std::uint64_t seed = 5) : rng(seed) {
    member.emplace(
        Member::create(home(), {"Acme", "hezong.example/acme", root_keys, threshold}, Alliance::mounted(), seams())
            .value());
  }
  TempDir dir;
  ManualClock clock{1795442706123};
  SeededRng rng;
  std::optional<Member> member;

  fs::path home() const { return dir.path() / "home"; }
  fs::path keys() const { return home() / "keys"; }
  Seams seams() { return {&clock, &rng, &silent_progress()}; }
  void reopen() {
    member.reset();
    auto opened = Member::open(home(), Alliance::mounted(), seams());
    if (!opened) FAIL(opened.error().text());
    member.emplace(*std::move(opened));
  }
  KeyProposal rotation(Role role, std::optional<std::string> replaces = {}) {
    const auto next = load_or_create_key_file(next_key_path(keys(), role), member->origin(), role, rng).value();
    return propose(*member, draft(KeyRotate{role, verifier_text(next.named_key(), role), replaces})).value();
  }
  void sign(KeyProposal& proposal, std::size_t number) {
    REQUIRE(sign_proposal(proposal, load_key_file(root_key_path(keys(), number), Role::root).value()));
  }
  Result<Receipt> submit(const KeyProposal& proposal) {
    const auto leaf = leaf_of(proposal);
    if (!leaf) return std::unexpected(leaf.error());
    auto done = member->append_signed(*leaf);
    if (done) REQUIRE(member->adopt_next_keys());
    return done;
  }
  std::string id(Role role) { return hex(member->authority().key(role)->key.id); }
};

Draft fact(std::string name) { return draft(Fact{std::move(name), 1}); }

}  // namespace

TEST_CASE("keys: two of three root holders change the author key, one cannot, and earlier statements stay valid") {
  Acme acme(3, 2);
  const auto before = acme.member->append(fact("before")).value();
  KeyProposal proposal = acme.rotation(Role::author);
  CHECK(slug(acme.submit(proposal)) == "statement.leaf");  // nobody signed
  acme.sign(proposal, 2);
  acme.sign(proposal, 2);  // the same holder again adds nothing
  CHECK(proposal.signatures.size() == 1);
  CHECK(slug(acme.submit(proposal)) == "statement.no_signature");
  CHECK(acme.member->log().head().size == 2);
  acme.sign(proposal, 3);
  CHECK(acme.submit(parse_proposal(format_proposal(proposal)).value())->index == 2);
  const auto after = acme.member->append(fact("after")).value();
  acme.reopen();
  const Authority& a = acme.member->authority();
  CHECK(a.key(Role::author, 1) != a.key(Role::author, after.index));
  for (const std::uint64_t at : {before.index, std::uint64_t{2}, after.index})
    CHECK(check_statement(a, acme.member->leaf(at).value(), at));
  CHECK(acme.member->views().value()->integer("SELECT count(*) FROM test_fact").value() == 2);
  CHECK(fs::exists(acme.keys() / "author.next") == false);
}

TEST_CASE("keys: what the old key signs after its end is refused, and what a stolen one signed is too") {
  Acme acme;
  const auto old_author = load_key(acme.keys(), Role::author).value();
  const std::string old_id = acme.id(Role::author);
  REQUIRE(acme.member->append(fact("good")));
  REQUIRE(acme.member->append(fact("stolen")));
  KeyProposal rotation = acme.rotation(Role::author);
  acme.sign(rotation, 1);
  REQUIRE(acme.submit(rotation));
  REQUIRE(acme.member->append(fact("new")));
  CHECK(acme.member->views().value()->integer("SELECT count(*) FROM test_fact").value() == 3);
  KeyProposal revocation = propose(*acme.member, draft(KeyRevoke{old_id, 2, "lost with a laptop"})).value();
  acme.sign(revocation, 1);
  REQUIRE(acme.submit(revocation));
  // Reaches back over what was replayed already.
  sql::Db& views = *acme.member->views().value();
  CHECK(views.text("SELECT group_concat(name) FROM test_fact").value() == "good,new");
  CHECK(views.text("SELECT reason || idx FROM public_alliance_refused").value() == "alliance.revoked2");
  CHECK(views.text("SELECT until_idx || ' ' || revoked FROM public_alliance_key WHERE role = 'author' AND from_idx = 0")
            .value() == "2 1");
  const std::string digest = view_digest(views).value();
  CHECK(acme.member->rebuild_views().value().own == digest);
  // Once retired, the old key cannot be used again, even by hand.
  const json::Value body = to_json(Fact{"late", 1});
  const std::string payload =
      statement::build_payload(
          {.kind = Fact::kind, .issuer = acme.member->id(), .log = acme.member->origin(), .body = &body})
          .value();
  const statement::NamedSigner* signers[] = {&old_author};
  CHECK(slug(check_statement(acme.member->authority(), statement::sign(payload, signers)->leaf, 9)) ==
        "alliance.revoked");
}

TEST_CASE("keys: the log's key changes and the log stays the same; whoever knows either key accepts the head between") {
  Acme acme;
  const log::NoteKey old_key = acme.member->log().key();
  REQUIRE(acme.member->append(fact("a")));
  KeyProposal rotation = acme.rotation(Role::log);
  acme.sign(rotation, 1);
  REQUIRE(acme.submit(rotation));
  CHECK(acme.member->log().key() != old_key);
  const std::string between = acme.member->log().checkpoint();
  CHECK(log::open_checkpoint(between, old_key)->size == 3);
  CHECK(log::open_checkpoint(between, acme.member->log().key())->size == 3);
  REQUIRE(acme.member->append(fact("b")));
  CHECK_FALSE(log::open_checkpoint(acme.member->log().checkpoint(), old_key));
  acme.reopen();
  CHECK(acme.member->origin() == "hezong.example/acme");
  CHECK(acme.member->append(fact("c")));
  CHECK(acme.member->log().fsck(silent_progress()).value().faults.empty());
  CHECK(acme.member->views().value()->integer("SELECT count(*) FROM test_fact").value() == 3);
}

TEST_CASE("keys: a change that was appended and not taken over is finished by the next writer") {
  for (const Role role : {Role::author, Role::log, Role::witness}) {
    CAPTURE(role_text(role));
    Acme acme(1, 1, 6);
    KeyProposal rotation = acme.rotation(role);
    acme.sign(rotation, 1);
    REQUIRE(acme.member->append_signed(leaf_of(rotation).value()));
    acme.reopen();  // as if the process had ended here
    CHECK(acme.member->append(fact("x")));
    CHECK_FALSE(fs::exists(next_key_path(acme.keys(), role)));
    acme.reopen();
    CHECK(acme.member->views().value()->integer("SELECT count(*) FROM test_fact").value() == 1);
  }
}

TEST_CASE("keys: a root key is replaced by its peers, and the last ones needed cannot be revoked") {
  Acme acme(2, 2);
  const std::string first = hex(load_key_file(root_key_path(acme.keys(), 1), Role::root)->id);
  CHECK(slug(propose(*acme.member, draft(KeyRevoke{first, 2, ""}))) == "alliance.key_change");
  KeyProposal rotation = acme.rotation(Role::root, first);
  acme.sign(rotation, 1);
  acme.sign(rotation, 2);
  REQUIRE(acme.submit(rotation));
  KeyProposal next = propose(*acme.member, draft(KeyRevoke{acme.id(Role::witness), 2, ""})).value();
  acme.sign(next, 1);  // the new one: it took the old one's file
  acme.sign(next, 2);
  CHECK(acme.submit(next));
}

TEST_CASE("keys: changes that make no sense at their position are not even proposed") {
  Acme acme;
  const auto refused = [&](const Draft& d) { return std::string(slug(propose(*acme.member, d))); };
  const std::string author = acme.id(Role::author);
  CHECK(refused(draft(KeyRevoke{author, 0, ""})) == "alliance.key_change");
  CHECK(refused(draft(KeyRevoke{author, 99, ""})) == "alliance.key_change");
  CHECK(refused(draft(KeyRevoke{std::string(64, '0'), 1, ""})) == "alliance.key_change");
  CHECK(refused(draft(LogEnd{9, ""})) == "alliance.key_change");
  CHECK(refused(draft(KeyRotate{Role::author, acme.member->authority().genesis.author_key, {}})) ==
        "alliance.key_change");
  CHECK(refused(draft(KeyRotate{Role::author, acme.member->authority().genesis.witness_key, {}})) == "alliance.key");
  CHECK(refused(draft(KeyRotate{Role::author, "garbage", {}})) == "log.vkey");
  CHECK(refused(fact("x")) == "alliance.key_proposal");
}

TEST_CASE("keys: after the end of a log nothing counts any more") {
  Acme acme;
  REQUIRE(acme.member->append(fact("a")));
  REQUIRE(acme.member->append(fact("b")));
  KeyProposal end = propose(*acme.member, draft(LogEnd{2, "the log key was stolen after 2"})).value();
  acme.sign(end, 1);
  REQUIRE(acme.submit(end));
  REQUIRE(acme.member->append(fact("c")));
  CHECK(acme.member->views().value()->text("SELECT group_concat(name) FROM test_fact").value() == "a");
}

TEST_CASE("proposal: a file is read back, and one with any byte changed, dropped or added is another or none") {
  Acme acme(2, 2, 8);
  KeyProposal proposal = acme.rotation(Role::author);
  acme.sign(proposal, 1);
  const std::string good = format_proposal(proposal);
  const auto same = [&](const std::string& text) {
    const auto read = parse_proposal(text);
    return read && read->payload == proposal.payload && read->signatures == proposal.signatures;
  };
  CHECK(same(good));
  SeededRng rng(9);
  for (std::size_t at = 0; at < good.size(); at += 3) {
    CAPTURE(at);
    std::string changed = good, dropped = good, added = good;
    changed[at] = static_cast<char>(changed[at] ^ (1 + rng.below(255)));
    dropped.erase(at, 1);
    added.insert(at, 1, static_cast<char>(rng.below(256)));
    CHECK_FALSE(same(changed));
    CHECK_FALSE(same(dropped));
    CHECK_FALSE(same(added));
  }
  const statement::NamedSigner stranger("hezong.example/other/root", crypto::SigningKey::generate(rng));
  CHECK(slug(sign_proposal(proposal, stranger)) == "alliance.key_proposal");
}

TEST_CASE("keys: numbers of root keys that cannot work are refused before anything is written") {
  const TempDir dir;
  ManualClock clock{1};
  SeededRng rng(1);
  for (const auto& [keys, threshold] : {std::pair{0, 1}, {1, 2}, {17, 1}, {5, 5}, {3, 0}}) {
    CAPTURE(keys);
    CHECK(slug(Member::create(dir.path() / "h", {"A", "a.example/a", keys, threshold}, Alliance::mounted(),
                              {&clock, &rng, &silent_progress()})) == "alliance.root_keys");
  }
  CHECK_FALSE(fs::exists(dir.path() / "h"));
}

TEST_CASE("keys: a long log is opened by its record, and what changed its keys long ago is known all the same") {
  Acme acme;
  const std::string old = acme.id(Role::author);
  KeyProposal rotation = acme.rotation(Role::author);
  acme.sign(rotation, 1);
  REQUIRE(acme.submit(rotation));
  const std::string now = acme.id(Role::author);
  std::vector<Draft> facts;
  for (int i = 0; i < 1000; ++i) facts.push_back(fact(fmt::format("n{}", i)));
  while (acme.member->log().head().size <= log::always_checked_max + 1000) REQUIRE(acme.member->append(facts));
  REQUIRE(acme.member->rest());
  const auto record = read_text(acme.home() / "log" / "checked", 1 << 20);
  REQUIRE(record);
  CHECK(record->find("landmark 1\n") != std::string::npos);
  acme.reopen();
  REQUIRE(acme.member->log().checked());
  CHECK(acme.id(Role::author) == now);
  const auto& keys = acme.member->authority().keys;
  CHECK(std::ranges::any_of(keys, [&](const KeySpan& k) { return hex(k.key.id) == old && !k.speaks(500); }));
  // And goes on: the record of another start, after a change that stands above it.
  KeyProposal again = acme.rotation(Role::author);
  acme.sign(again, 1);
  REQUIRE(acme.submit(again));
  acme.reopen();
  CHECK(acme.id(Role::author) != now);
  REQUIRE(acme.member->append(fact("last")));
}
