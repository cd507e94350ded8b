#include <doctest/doctest.h>

#include "alliance/keys.h"
#include "alliance/node_place.h"
#include "alliance/test_alliance.h"

using namespace hz;
using namespace hz::alliance;
using namespace hz::alliance::test;

namespace {

// Everything that may stand in an alliance's logs, at random: facts, contradictions, new keys, revocations, leaving,
// suspensions and readmissions, statements copied from another log or signed by another member's key.
void happen(Alliance& a, SeededRng& rng, int steps) {
  for (int i = 0; i < steps; ++i) {
    const std::size_t who = rng.below(a.members.size());
    Member& m = a.members[who];
    const auto other = static_cast<std::int64_t>(rng.below(a.members.size()));
    const std::string& target = a.members[static_cast<std::size_t>(other)].origin();
    const auto size_of = [&](std::int64_t n) {
      return static_cast<std::int64_t>(a.members[static_cast<std::size_t>(n)].log().head().size);
    };
    switch (rng.below(24)) {
      case 0:
        a.rotate(who, Role::author);
        break;
      case 1: {  // reaches back
        std::vector<std::string> authors;
        for (const KeySpan& k : m.authority().keys)
          if (k.role == Role::author) authors.push_back(hex(k.key.id));
        const auto from = static_cast<std::int64_t>(1 + rng.below(m.log().head().size));
        REQUIRE(m.append(draft(KeyRevoke{authors[rng.below(authors.size())], from, "lost"})));
        a.rotate(who, Role::author);
        break;
      }
      case 2:
        if (other != 0) {
          // Of its log as it is or will be, and now and then of another history.
          const auto size = rng.below(static_cast<std::uint64_t>(size_of(other)) + 3);
          const auto root = a.members[static_cast<std::size_t>(other)].log().root_at(size);
          REQUIRE(a.members[0].append(draft(
              Suspend{target, static_cast<std::int64_t>(size), root && rng.below(3) > 0 ? hex(*root) : "", "late"})));
        }
        break;
      case 3:
        REQUIRE(a.members[0].append(draft(a.admission(static_cast<std::size_t>(other), size_of(other)))));
        break;
      case 4:
        if (who != 0) REQUIRE(m.append(draft(Leave{"bye"})));
        break;
      case 5:  // not the secretariat, once it is another's turn
        REQUIRE(m.append(draft(Expel{target, 1, "", "spite"})));
        break;
      case 6:
        a.plant(who, static_cast<std::size_t>(other), rng);
        break;
      case 7:
        REQUIRE(m.append(draft(NodePlace{std::string(std::array{"CN", "DE", "unknown"}[rng.below(3)]), "unknown"})));
        break;
      default: {
        std::vector<Draft> drafts;
        for (auto n = 1 + rng.below(5); n > 0; --n)
          drafts.push_back(draft(Fact{fmt::format("n{}", rng.below(8)), static_cast<std::int64_t>(rng.below(50)) - 2}));
        REQUIRE(m.append(drafts));
      }
    }
  }
}

}  // namespace

TEST_CASE("many logs: equal frontiers give byte-equal views, whatever the order of arrival and whoever asks") {
  for (const std::uint64_t seed : {101, 102, 103, 104, 105, 106}) {
    CAPTURE(seed);
    SeededRng rng(seed);
    Alliance a(4, seed);
    happen(a, rng, 60);
    std::map<std::string, std::string> first;  // by standing of the one who asks
    for (int order = 0; order < 6; ++order) {
      CAPTURE(order);
      const std::size_t asks = order % a.members.size();
      Replayer views(a, asks);
      // Each log arrives in random pieces, the pieces of all logs in random turns.
      std::vector<std::uint64_t> at(a.members.size(), 0);
      if (order > 0) {
        for (int turn = 0; turn < 25; ++turn) {
          const std::size_t log = rng.below(at.size());
          const std::uint64_t size = a.members[log].log().head().size;
          at[log] = std::min(size, at[log] + 1 + rng.below(12));
          views.catch_up(at);
        }
      }
      for (std::size_t log = 0; log < at.size(); ++log) at[log] = a.members[log].log().head().size;
      views.catch_up(at);
      const std::string digest = view_digest(views.db()).value();
      const auto state =
          views.db().text("SELECT state FROM public_alliance_member WHERE member = ?", {a.members[asks].id()}).value();
      // Who is no member sees its own words too; all members see the same.
      const std::string key = state == "member" ? "member" : a.members[asks].id();
      const auto [known, added] = first.emplace(key, digest);
      CHECK(known->second == digest);
      if (order == 0) CHECK(views.count("SELECT count(*) FROM test_fact") > 0);
    }
  }
}

TEST_CASE("many logs: each member's rows stand beside the others'") {
  Alliance a(3, 7);
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(a.members[i].append(draft(Fact{"same", static_cast<std::int64_t>(i)})));
  Replayer views(a, 1);
  views.catch_up();
  CHECK(views.count("SELECT count(*) FROM test_fact WHERE name = 'same'") == 3);
  CHECK(views.count("SELECT number FROM test_fact WHERE member = 'hezong.example/m2'") == 2);
}

TEST_CASE("many logs: what is copied from another log, or signed by another member's key, is listed and not counted") {
  Alliance a(2, 8);
  SeededRng rng(8);
  a.plant(0, 1, rng);
  Replayer views(a, 0);
  views.catch_up();
  CHECK(views.text("SELECT group_concat(reason, ' ') FROM (SELECT reason FROM public_alliance_refused ORDER BY idx)") ==
        "statement.wrong_log statement.no_signature alliance.role");
  CHECK(views.count("SELECT count(*) FROM test_fact") == 0);
}

TEST_CASE("many logs: a statement that stands in a log twice stops nobody, and is as if its author had said it again") {
  Alliance a(3, 13);
  const std::uint64_t first = a.members[1].log().head().size;
  const Draft drafts[] = {draft(Fact{"x", 1}), draft(Fact{"x", 2})};
  REQUIRE(a.members[1].append(drafts));
  REQUIRE(a.members[2].append(draft(Fact{"y", 3})));
  Replayer views(a, 0);
  views.catch_up();
  CHECK(views.count("SELECT number FROM test_fact WHERE name = 'x'") == 2);
  a.plant_again(1, first);
  views.catch_up();
  CHECK(views.count("SELECT number FROM test_fact WHERE name = 'x'") == 1);
  CHECK(views.count("SELECT number FROM test_fact WHERE name = 'y'") == 3);
  // A sealed one too.
  Draft sealed = draft(Fact{"z", 4});
  sealed.audience = Audience::parse("owner").value();
  const std::uint64_t at = a.members[1].log().head().size;
  REQUIRE(a.members[1].append(sealed));
  a.plant_again(1, at);
  REQUIRE(a.members[1].append(draft(Fact{"after", 5})));
  views.catch_up();
  CHECK(views.count("SELECT count(*) FROM public_alliance_sealed") == 1);
  CHECK(views.count("SELECT number FROM test_fact WHERE name = 'after'") == 5);
  CHECK(views.count("SELECT count(*) FROM public_alliance_refused") == 0);
  const std::string digest = view_digest(views.db()).value();
  views.rebuild();
  CHECK(view_digest(views.db()).value() == digest);
}

TEST_CASE("many logs: a signature is checked once, and a bad one is refused again after every rebuild") {
  Alliance a(2, 9);
  a.plant_bad_signature(1);
  REQUIRE(a.members[1].append(draft(Fact{"good", 1})));
  Replayer views(a, 0);
  views.catch_up();
  const std::string digest = view_digest(views.db()).value();
  CHECK(views.count("SELECT count(*) FROM test_fact") == 1);
  CHECK(views.text("SELECT reason FROM public_alliance_refused") == "statement.signature");
  CHECK(views.verified(1).size == a.members[1].log().head().size);
  views.rebuild();
  CHECK(view_digest(views.db()).value() == digest);
  // A file of verdicts of another log, or a damaged one, is no verdict.
  const fs::path file = a.dir.path() / "verified";
  REQUIRE(write_verified(file, "x.example/y", views.verified(1)));
  CHECK(read_verified(file, "x.example/y").bad == views.verified(1).bad);
  CHECK(read_verified(file, "x.example/z").size == 0);
  const std::string text = read_text(file, 4096).value();
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    REQUIRE(write_file_durably(file, as_bytes(text).first(cut)));
    CHECK(read_verified(file, "x.example/y").size == 0);
  }
}

TEST_CASE("many logs: a log that is no member's shows who it is, and counts only on its own node") {
  Alliance a(2, 10);
  auto outsider = a.join("hezong.example/out", false);
  REQUIRE(outsider.append(draft(Fact{"out", 1})));
  a.members.push_back(std::move(outsider));
  Replayer views(a, 0);
  views.catch_up();
  CHECK(views.count("SELECT count(*) FROM test_fact WHERE name = 'out'") == 0);
  CHECK(views.text("SELECT state FROM public_alliance_member WHERE member = 'hezong.example/out'") == "applicant");
  Replayer own(a, 2);
  own.catch_up();
  CHECK(own.count("SELECT count(*) FROM test_fact WHERE name = 'out'") == 1);
}

TEST_CASE("many logs: a mirrored log in peers/ is in frontier and views, and a broken one stops nobody") {
  Alliance a(2, 11);
  REQUIRE(a.members[1].append(draft(Fact{"there", 1})));
  const auto mirror = [&](std::size_t from, std::size_t to) {
    const fs::path folder = peer_folder(a.members[to].home(), a.members[from].origin());
    fs::create_directories(folder);
    fs::copy(a.members[from].home() / "log", folder,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  };
  mirror(1, 0);
  Member& m = a.members[0];
  CHECK(m.views().value()->integer("SELECT number FROM test_fact WHERE name = 'there'").value() == 1);
  REQUIRE(m.frontier().logs.size() == 2);
  CHECK(m.frontier().logs[0].origin < m.frontier().logs[1].origin);
  CHECK(m.peer_logs().size() == 1);
  const auto again = Member::open(m.home(), a.mounted(), a.seams()).value();
  CHECK(again.frontier().digest == m.frontier().digest);
  // Somebody else's log under its name, and garbage.
  const fs::path other = peer_folder(m.home(), "hezong.example/else");
  fs::create_directories(other);
  fs::copy(a.members[1].home() / "log", other, fs::copy_options::recursive);
  REQUIRE(write_file_durably(m.home() / "peers" / "zz" / "log.db", as_bytes("garbage")).has_value() == false);
  fs::create_directories(m.home() / "peers" / "zz");
  REQUIRE(write_file_durably(m.home() / "peers" / "zz" / "log.db", as_bytes(std::string(5000, 'g'))));
  CHECK(m.views().value()->integer("SELECT count(*) FROM test_fact").value() == 1);
  CHECK(m.peer_faults().size() == 2);
  // A peer that is taken away is out of the views.
  fs::remove_all(peer_folder(m.home(), a.members[1].origin()));
  CHECK(m.views().value()->integer("SELECT count(*) FROM test_fact").value() == 0);
  CHECK(m.frontier().logs.size() == 1);
}

TEST_CASE("many logs: a suspension of another history counts until its log is here that far, then it is refused") {
  Alliance a(2, 12);
  const auto size = static_cast<std::int64_t>(a.members[1].log().head().size) + 1;
  REQUIRE(a.members[0].append(draft(Suspend{a.members[1].origin(), size, std::string(64, 'a'), "late"})));
  const auto heads = [&] { return std::vector{a.members[0].log().head().size, a.members[1].log().head().size}; };
  Replayer views(a, 0);
  views.catch_up(heads());
  const auto state = [&] {
    return views.text("SELECT state FROM public_alliance_member WHERE origin = '" + a.members[1].origin() + "'");
  };
  CHECK(state() == "suspended");
  REQUIRE(a.members[1].append(draft(Fact{"a", 1})));
  views.catch_up(heads());
  CHECK(state() == "member");
  CHECK(views.count("SELECT count(*) FROM public_alliance_refused WHERE reason = 'alliance.other_history'") == 1);
  CHECK(views.count("SELECT count(*) FROM test_fact WHERE name = 'a'") == 1);
  // And the true one is believed.
  const auto root = hex(a.members[1].log().root_at(static_cast<std::uint64_t>(size)).value());
  REQUIRE(a.members[0].append(draft(Suspend{a.members[1].origin(), size, root, "late"})));
  REQUIRE(a.members[1].append(draft(Fact{"b", 1})));
  views.catch_up(heads());
  CHECK(state() == "suspended");
  CHECK(views.count("SELECT count(*) FROM test_fact") == 1);
  const std::string digest = view_digest(views.db()).value();
  views.rebuild();
  CHECK(view_digest(views.db()).value() == digest);
}

TEST_CASE("many logs: a mirror whose stored entry was changed stops nobody, is named, and counts again once repaired") {
  Alliance a(3, 77);
  for (Member& m : a.members) REQUIRE(m.append(draft(Fact{"x", 1})));
  // Member 0 mirrors the log of member 1, as a pull leaves it.
  const fs::path mirror = peer_folder(a.members[0].home(), a.members[1].origin());
  fs::create_directories(mirror);
  REQUIRE(a.members[1].rest());
  fs::copy(a.members[1].home() / "log", mirror, fs::copy_options::recursive);
  const auto facts = [&] {
    return a.members[0].views().value()->integer("SELECT count(*) FROM public_alliance_statement").value().value_or(-1);
  };
  const auto all = facts();
  const auto own = static_cast<std::int64_t>(a.members[0].log().head().size);
  REQUIRE(all > own);
  const auto change = [&](std::string_view from, std::string_view to) {
    sql::Db db = sql::Db::open(mirror / "log.db", sql::Mode::writer).value();
    REQUIRE(
        db.exec("UPDATE entry SET leaf = CAST(? || substr(leaf, 5) AS BLOB) WHERE idx = 0 AND substr(leaf, 1, 4) = "
                "CAST(? AS BLOB)",
                {to, from}));
    REQUIRE(db.changes() == 1);
  };
  change("HZL1", "HZL2");
  REQUIRE(a.members[0].rebuild_views());
  CHECK(facts() == own);
  REQUIRE(a.members[0].peer_faults().size() == 1);
  CHECK(a.members[0].peer_faults().front().text().starts_with("log.leaf_corrupt: " + a.members[1].origin()));
  CHECK(facts() == own);
  change("HZL2", "HZL1");
  CHECK(facts() == all);
  CHECK(a.members[0].peer_faults().empty());
}
