// Who opens what: bodies sealed to their audience, shared, erased, and what the views and others see of them.
#include <sys/stat.h>

#include "alliance/body.h"
#include "alliance/box_key.h"
#include "alliance/test_alliance.h"
#include "blob/store.h"
#include "crypto/hash.h"
#include "log/store.h"
#include "statement/field_tree.h"

using namespace hz;
using namespace hz::alliance;
using namespace hz::alliance::test;

namespace {

// m0 writes; m1 is on its lists, m2 is not, m3 asked to join and was not admitted.
struct House {
  Alliance a{3, 11};
  House() {
    a.members.push_back(a.join("hezong.example/m3", false));
    mirror();
  }
  Member& at(std::size_t i) { return a.members[i]; }
  // Every log to every member, as their nodes would.
  void mirror() {
    for (Member& to : a.members)
      for (Member& from : a.members) {
        if (&to == &from) continue;
        const fs::path folder = peer_folder(to.home(), from.origin());
        fs::remove_all(folder);  // a journal of before would undo the copy
        fs::create_directories(folder);
        for (const auto& file : fs::directory_iterator(from.home() / "log"))
          fs::copy_file(file.path(), folder / file.path().filename(), fs::copy_options::overwrite_existing);
      }
    for (Member& m : a.members) m = Member::open(m.home(), Alliance::mounted(), a.seams()).value();
  }
  // Every blob to every member, whoever may have it: the key must keep them out.
  void spread() {
    for (Member& from : a.members)
      for (const auto& file : fs::recursive_directory_iterator(from.home() / "blobs")) {
        if (!file.is_regular_file()) continue;
        for (Member& to : a.members) REQUIRE(to.blobs().put(read_file(file.path(), 1 << 20).value()));
      }
    for (Member& m : a.members) REQUIRE(m.note_bodies_changed());
  }
  Receipt say(const char* audience, std::int64_t number, std::optional<Digest> idem = {}) {
    Draft d = draft(Fact{"price", number}, {}, idem);
    if (audience) d.audience = Audience::parse(audience).value();
    return at(0).append(d).value();
  }
  void group(bool clean_team) {
    Draft d = draft(Group{"g", clean_team, {at(1).id()}});
    REQUIRE(at(0).append(d));
  }
  // As m reads the statement in its mirror of m0's log.
  bool opens(std::size_t m, const Receipt& r) {
    auto s = statement::read_leaf(at(0).leaf(r.index).value(), at(0).origin(), r.index).value();
    const auto opened = at(m).open(s);
    if (!opened) CHECK(opened.error().reason->slug == "alliance.body_gone");
    return opened.has_value() && s.body.find("number") != nullptr;
  }
  std::int64_t price(std::size_t m) {
    return at(m)
        .views()
        .value()
        ->integer("SELECT number FROM test_fact WHERE member = 'hezong.example/m0'")
        .value()
        .value_or(-1);
  }
};

bool contains(const fs::path& folder, std::string_view text) {
  for (const auto& file : fs::recursive_directory_iterator(folder))
    if (file.is_regular_file() && as_text(read_file(file.path(), 64u << 20).value()).contains(text)) return true;
  return false;
}

}  // namespace

TEST_CASE("sealed: each class is opened by its readers and by nobody else, also with the blob in hand") {
  House h;
  h.group(false);
  h.group(true);
  h.mirror();
  struct Row {
    const char* audience;
    bool m1, m2;
  };
  for (const Row row :
       {Row{"owner", false, false}, Row{"members", true, true}, Row{"group:g", true, false},
        Row{"bilateral:hezong.example/m0,hezong.example/m1", true, false}, Row{"clean-team:g", true, false},
        Row{"group:nobody", false, false}, Row{"sealed-until:2030-01-01T00:00:00Z", false, false}}) {
    CAPTURE(row.audience);
    const Receipt said = h.say(row.audience, 123456789);
    h.spread();
    CHECK(h.opens(0, said));
    CHECK(h.opens(1, said) == row.m1);
    CHECK(h.opens(2, said) == row.m2);
    CHECK_FALSE(h.opens(3, said));
  }
  CHECK_FALSE(contains(h.at(0).home() / "log", "123456789"));
  CHECK_FALSE(contains(h.at(0).home() / "blobs", "123456789"));
}

TEST_CASE("sealed: rows are there for readers only, and the views without bodies are equal for all") {
  House h;
  h.say("bilateral:hezong.example/m0,hezong.example/m1", 7);
  h.mirror();
  h.spread();
  CHECK(h.price(0) == 7);
  CHECK(h.price(1) == 7);
  CHECK(h.price(2) == -1);
  CHECK(h.at(0).frontier().digest == h.at(2).frontier().digest);
  CHECK(h.at(0).frontier().opened == h.at(1).frontier().opened);
  CHECK(h.at(0).frontier().opened.has_value());
  CHECK_FALSE(h.at(2).frontier().opened.has_value());
  const auto one = h.at(0).rebuild_views().value(), two = h.at(1).rebuild_views().value(),
             three = h.at(2).rebuild_views().value();
  CHECK(one.shared == two.shared);
  CHECK(one.shared == three.shared);
  CHECK(one.own == two.own);  // the same bodies open
  CHECK(one.own != three.own);
  CHECK(three.own == three.shared);
}

TEST_CASE("sealed: a body that comes later than its statement gives the rows of one that came with it") {
  House h;
  h.say("members", 7);
  h.say("members", 8);
  h.mirror();
  CHECK(h.price(1) == -1);
  CHECK(h.at(1).views().value()->integer("SELECT count(*) FROM public_alliance_sealed WHERE opened = 0").value() == 2);
  h.spread();
  CHECK(h.price(1) == 8);
  CHECK(h.at(1).rebuild_views().value().own == h.at(0).rebuild_views().value().own);
}

TEST_CASE("sealed: the same draft under one key is one statement, and its key in the log tells nothing") {
  House h;
  const Digest idem = crypto::sha256(as_bytes("price 7"));
  const Receipt first = h.say("owner", 7, idem), again = h.say("owner", 7, idem);
  CHECK(first.id == again.id);
  CHECK(again.repeated);
  CHECK_FALSE(h.at(0).log().find_idem({}).value());
  Draft other = draft(Fact{"price", 8}, {}, idem);
  other.audience = Audience{};
  const auto refused = h.at(0).append(other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason->slug == "alliance.idem_conflict");
  Draft same = draft(Fact{"price", 9}, {}, crypto::sha256(as_bytes("x")));
  same.audience = Audience{};
  const auto twice = h.at(0).append(std::vector<Draft>{same, same}).value();
  CHECK(twice[0].id == twice[1].id);
  CHECK_FALSE(twice[0].repeated);
  CHECK(twice[1].repeated);
  const auto s = h.at(0).find(first.id).value();
  CHECK(hex(s.idem) != hex(idem).substr(0, 32));
}

TEST_CASE("sealed: an erased body is gone everywhere its erasure is read, and the log stays whole") {
  House h;
  const Digest idem = crypto::sha256(as_bytes("price 7"));
  const Receipt said = h.say("members", 7, idem);
  h.mirror();
  h.spread();
  REQUIRE(h.price(1) == 7);
  const Digest root = h.at(0).log().root_at(said.index + 1).value();
  REQUIRE(h.at(0).erase(h.at(0).find(said.id).value(), "asked for"));
  CHECK(h.price(0) == -1);
  CHECK_FALSE(h.opens(0, said));
  h.mirror();
  CHECK(h.price(1) == -1);
  CHECK_FALSE(h.opens(1, said));
  CHECK(h.at(0).log().root_at(said.index + 1).value() == root);
  CHECK(h.at(0).views().value()->text("SELECT reason FROM public_alliance_erased").value() == "asked for");
  // Said again, it is a new statement: nobody can tell whether it is the old one.
  const Receipt anew = h.say("members", 7, idem);
  CHECK(anew.id != said.id);
  CHECK_FALSE(anew.repeated);
  CHECK(h.price(0) == 7);
}

TEST_CASE("sealed: only the author erases or shares its bodies") {
  House h;
  const Receipt said = h.say("members", 7);
  h.mirror();
  h.spread();
  const auto s = statement::read_leaf(h.at(0).leaf(said.index).value(), h.at(0).origin(), said.index).value();
  CHECK(h.at(1).erase(s, "").error().reason->slug == "alliance.not_sealed");
  CHECK(h.at(1).share(s, Audience::parse("members").value()).error().reason->slug == "alliance.not_sealed");
  // Also not by saying so in its own log.
  REQUIRE(h.at(1).append(draft(BodyErased{said.id, "not mine"})));
  h.mirror();
  CHECK(h.price(0) == 7);
  CHECK(h.price(2) == 7);
}

TEST_CASE("sealed: a shared body opens for its further readers, with the statement as it was signed") {
  House h;
  const Receipt said = h.say("sealed-until:2026-12-31T00:00:00Z", 7);
  h.mirror();
  h.spread();
  REQUIRE(h.price(1) == -1);
  REQUIRE(h.at(0).share(h.at(0).find(said.id).value(), Audience::parse("members").value()));
  h.mirror();
  h.spread();
  CHECK(h.price(0) == 7);
  CHECK(h.price(1) == 7);
  CHECK(h.price(3) == -1);
  const auto digests = h.at(1).rebuild_views().value();
  CHECK(digests.own == h.at(2).rebuild_views().value().own);
}

TEST_CASE("sealed: a new box key opens what comes, the retired one what was") {
  House h;
  const Receipt before = h.say("members", 7);
  Member& m = h.at(1);
  const auto next = load_or_create_box(next_box_path(m.keys_folder()), h.a.rng).value();
  REQUIRE(m.append(draft(BoxKey{next.recipient().text()})));
  REQUIRE(adopt_next_box(m.keys_folder()));
  h.mirror();
  const Receipt after = h.say("members", 8);
  h.spread();
  CHECK(h.opens(1, before));
  CHECK(h.opens(1, after));
  // The retired secret alone does not open what came after.
  fs::remove(box_path(m.keys_folder()));
  m = Member::open(m.home(), Alliance::mounted(), h.a.seams()).value();
  CHECK(h.opens(1, before));
  CHECK_FALSE(h.opens(1, after));
}

TEST_CASE("sealed: fields are shown one by one, and a changed one does not hold") {
  House h;
  const Receipt said = h.say("owner", 7);
  const auto s = h.at(0).find(said.id).value();
  const std::vector<std::string> paths{"number"};
  const std::string text = h.at(0).disclose(s, paths).value();
  const auto shown = statement::parse_disclosure(text).value();
  const Digest commit = parse_digest(s.seal->commit).value();
  CHECK(statement::check_disclosure(shown, commit));
  CHECK_FALSE(text.contains("price"));
  auto changed = shown;
  changed.shown[0].value = json::Value(std::int64_t{8});
  CHECK_FALSE(statement::check_disclosure(changed, commit));
  CHECK(h.at(1).disclose(s, paths).error().reason->slug == "alliance.body_gone");
}

TEST_CASE("sealed: what decides about others is for everyone, and a group needs its form") {
  House h;
  Draft act = draft(Admit{h.at(3).origin(), std::string(64, '0'), "member", 0, "", ""});
  act.audience = Audience{};
  CHECK(h.at(0).append(act).error().reason->slug == "alliance.audience");
  CHECK(check(Group{"Upper", false, {}}).error().reason->slug == "alliance.group");
  CHECK(check(Group{"g", false, {"a.example/x", "a.example/x"}}).error().reason->slug == "alliance.group");
  CHECK(check(Group{"g", false, {"a.example/x"}}));
  // Its own list is for the owner alone.
  h.group(false);
  h.mirror();
  h.spread();
  CHECK(h.at(0).views().value()->integer("SELECT count(*) FROM public_alliance_group").value() == 1);
  CHECK(h.at(1).views().value()->integer("SELECT count(*) FROM public_alliance_group").value() == 0);
}

TEST_CASE("sealed: a dry run shows the body and writes nothing") {
  House h;
  const std::uint64_t size = h.at(0).log().head().size;
  h.at(0).set_dry_run(true);
  h.say("owner", 424242);
  REQUIRE(h.at(0).dry_run_payloads().size() == 1);
  CHECK(h.at(0).dry_run_payloads()[0].contains("424242"));
  CHECK(h.at(0).log().head().size == size);
  CHECK(fs::is_empty(h.at(0).home() / "blobs"));
}

TEST_CASE("sealed: secrets are files that nobody else can read, and an open one is refused") {
  House h;
  h.say("owner", 7, crypto::sha256(as_bytes("x")));
  for (const char* name : {"box", "idem"}) {
    struct stat facts{};
    REQUIRE(::stat((h.at(0).keys_folder() / name).c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
  }
  const fs::path box = box_path(h.at(0).keys_folder());
  fs::permissions(box, fs::perms::group_read, fs::perm_options::add);
  CHECK(load_boxes(h.at(0).keys_folder()).error().reason->slug == "alliance.key_open");
}

TEST_CASE("sealed: a reader that a class names and that has no box key is named, and members go on without it") {
  House h;
  h.group(false);
  h.mirror();
  // As of a program that had no box keys yet.
  REQUIRE(h.at(0).views().value()->exec("UPDATE alliance_member SET box_key = '' WHERE member = 'hezong.example/m1'"));
  Draft d = draft(Fact{"price", 7});
  d.audience = Audience::parse("group:g").value();
  const auto refused = h.at(0).append(d);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason->slug == "alliance.no_box_key");
  CHECK(refused.error().detail.contains("hezong.example/m1"));
  const Receipt said = h.say("members", 7);
  h.spread();
  CHECK_FALSE(h.opens(1, said));
  CHECK(h.opens(2, said));
}
