// A secretariat that lies, and what the commands say to it and about it.
#include <doctest/doctest.h>

#include "alliance/judge.h"
#include "alliance/peers.h"
#include "node/ballot_cache.h"
#include "node/mount.h"
#include "node/vote_file.h"

using namespace hz;
using namespace hz::alliance;

namespace {

struct Town {
  TempDir dir;
  ManualClock clock{1795442706123};
  SeededRng rng{5};
  std::vector<std::string> names{"founder", "hall", "observer"};

  Seams seams() { return {&clock, &rng, &silent_progress()}; }
  fs::path home(const std::string& name) { return dir.path() / name; }
  Member open(const std::string& name) { return Member::open(home(name), node::mounted(), seams()).value(); }

  Town() {
    for (const std::string& name : names)
      REQUIRE(Member::create(home(name), {name, "x.example/" + name}, node::mounted(), seams()));
    {
      Member founder = open("founder");
      REQUIRE(founder.append(draft(default_charter("Town", founder.origin()))));
      for (const char* name : {"hall", "observer"}) {
        Member m = open(name);
        const std::string root = root_fingerprint(m.authority().genesis);
        REQUIRE(m.append(draft(JoinRequest{founder.origin(), "", "", "", "", ""})));
        const std::string tier = m.origin() == "x.example/hall" ? "member" : "observer";
        REQUIRE(founder.append(draft(Admit{m.origin(), root, tier, 0, "", ""})));
      }
    }
    copy();
  }
  void copy() {
    for (const std::string& from : names)
      for (const std::string& to : names) {
        if (from == to) continue;
        const fs::path folder = peer_folder(home(to), "x.example/" + from);
        fs::remove_all(folder);  // a journal of before would undo the copy
        fs::create_directories(folder);
        for (const auto& file : fs::directory_iterator(home(from) / "log"))
          fs::copy_file(file.path(), folder / file.path().filename(), fs::copy_options::overwrite_existing);
      }
  }
  Result<api::Answer> run(const std::string& name, std::string_view id, std::string_view in) {
    api::Ctx ctx{home(name), node::mounted(), seams()};
    for (const api::Op* op : node::ops())
      if (op->id == id) return op->call(ctx, json::parse(in).value(), {});
    FAIL("no such operation");
    return api::Answer{};
  }
  std::string refusal(const std::string& name, std::string_view id, std::string_view in) {
    const auto got = run(name, id, in);
    return got ? "done" : std::string(got.error().reason->slug);
  }
  std::string one(const std::string& id) { return fmt::format(R"({{"ballot":"{}"}})", id); }
  std::string vote(const std::string& id, std::string_view choice) {
    return fmt::format(R"({{"ballot":"{}","choice":"{}"}})", id, choice);
  }
  std::string question() {
    const auto opened =
        run("founder", "ballot.open", R"({"act":"specification","text":"Draft 7?","subject":"draft 7"})");
    REQUIRE(opened);
    copy();
    return std::string(opened->json.text("ballot"));
  }
};

struct BallotCacheCounter {
  node::BallotCache cache;
  int counts = 0;
  bool fails = false;
  // How often was counted in all; -1 when that failed.
  int ask(const std::string& home, const std::string& frontier) {
    const auto got = cache.at(home, frontier, [&]() -> Result<std::vector<node::BallotOut>> {
      ++counts;
      if (fails) return fail(hz::why("base.read"), "test");
      return std::vector<node::BallotOut>(1);
    });
    return got ? counts : -1;
  }
};

}  // namespace

TEST_CASE("ballot: a lying secretariat is caught by recount on every node, and its charter does not bind") {
  Town t;
  Charter next = default_charter("Coup", "x.example/founder");
  const fs::path file = t.dir.path() / "next.json";
  REQUIRE(write_file_durably(file, as_bytes(json::dump(to_json(next)))));
  const auto opened =
      t.run("founder", "ballot.open", fmt::format(R"({{"act":"charter","text":"Coup?","file":"{}"}})", file.string()));
  REQUIRE(opened);
  const std::string id(opened->json.text("ballot"));
  t.copy();
  REQUIRE(t.run("founder", "ballot.vote", t.vote(id, "yes")));
  REQUIRE(t.run("hall", "ballot.vote", t.vote(id, "no")));
  t.copy();
  t.clock.advance_ms(8 * 86'400'000);
  {
    Member founder = t.open("founder");
    const Judgement now = judge_anew(founder).value();
    BallotClose said = now.next_closing(now.ballots().front()).value();
    said.tally.yes = 2;
    said.tally.no = 0;
    said.tally.passes = true;
    REQUIRE(founder.append(draft(said)));
    next.version = 2;
    REQUIRE(founder.append(draft(next, {{"depends-on", id}})));
  }
  t.copy();
  for (const std::string& name : t.names) {
    const auto recount = t.run(name, "ballot.recount", t.one(id));
    REQUIRE(recount);
    CHECK(recount->is_no);
    CHECK(recount->text.find("refuted: counted again: yes 1, said 2; no 1, said 0; passes false, said true") !=
          std::string::npos);
    CHECK(t.run(name, "charter.show", "{}")->json.find("charter")->text("name") == "Town");
  }
  CHECK(t.refusal("founder", "charter.adopt", fmt::format(R"({{"ballot":"{}"}})", id)) == "alliance.no_ballot");
  // The truth holds still, and fails.
  REQUIRE(t.run("founder", "ballot.close", t.one(id)));
  t.copy();
  const auto recount = t.run("hall", "ballot.recount", t.one(id));
  CHECK_FALSE(recount->is_no);
  CHECK(recount->json.find("tally")->find("no")->integer()[0] == 1);
}

TEST_CASE("ballot: commands refuse what would count nowhere, by name") {
  Town t;
  CHECK(t.refusal("observer", "ballot.open", R"({"act":"specification","text":"x","subject":"y"})") ==
        "alliance.not_voter");
  const std::string id = t.question();
  CHECK(t.refusal("observer", "ballot.vote", t.vote(id, "yes")) == "alliance.not_voter");
  CHECK(t.refusal("hall", "ballot.vote", t.vote("abcdef", "yes")) == "alliance.no_such_ballot");
  CHECK(t.refusal("hall", "ballot.show", t.one(id.substr(0, 5))) == "alliance.no_such_ballot");
  CHECK(t.refusal("hall", "ballot.vote", t.vote(id, "perhaps")) == "alliance.ballot");
  CHECK(t.refusal("hall", "ballot.reveal", t.one(id)) == "alliance.ballot_state");
  CHECK(t.refusal("hall", "ballot.challenge", fmt::format(R"({{"ballot":"{}","cause":"left_out"}})", id)) ==
        "alliance.ballot_state");
  CHECK(t.refusal("founder", "ballot.close", t.one(id)) == "alliance.ballot_early");
  CHECK(t.refusal("founder", "ballot.open", R"({"act":"specification","text":"x","subject":"y","open_ms":1000})") ==
        "alliance.ballot");
  CHECK(t.refusal("founder", "ballot.open", R"({"act":"charter","text":"x"})") == "alliance.ballot");
  CHECK(t.refusal("founder", "member.expel", R"({"origin":"x.example/hall","cause":"spite"})") == "alliance.no_ballot");
}

TEST_CASE("ballot: all of one mind end it at once, and the expulsion follows by itself") {
  Town t;
  const auto opened = t.run("hall", "ballot.open", R"({"act":"expel","text":"Out?","subject":"x.example/observer"})");
  REQUIRE(opened);
  const std::string id(opened->json.text("ballot"));
  t.copy();
  for (const char* who : {"founder", "hall"}) REQUIRE(t.run(who, "ballot.vote", t.vote(id, "yes")));
  t.copy();
  CHECK(t.run("hall", "ballot.close", t.one(id))->json.text("state") == "passed");
  t.copy();
  REQUIRE(t.run("founder", "member.expel", R"({"origin":"x.example/observer","cause":"as decided"})"));
  t.copy();
  CHECK(t.run("hall", "member.list", "{}")->text.find("expelled") != std::string::npos);
  CHECK(t.refusal("founder", "member.expel", R"({"origin":"x.example/observer","cause":"again"})") ==
        "alliance.no_ballot");
}

TEST_CASE("ballot: the file of a secret vote is private, and a damaged one is none") {
  TempDir dir;
  const std::string salt(64, 'a');
  REQUIRE(node::keep_vote(dir.path(), "b1", {"yes", salt}));
  CHECK(node::kept_vote(dir.path(), "b1")->choice == "yes");
  CHECK(node::kept_vote(dir.path(), "b1")->salt == salt);
  const fs::path file = dir.path() / "votes" / "b1";
  CHECK((fs::status(file).permissions() & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
  const std::string good = read_text(file, 1000).value();
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    REQUIRE(write_file_durably(file, as_bytes(good).first(cut)));
    CHECK(node::kept_vote(dir.path(), "b1").error().reason->slug == "node.no_vote");
  }
  CHECK(node::kept_vote(dir.path(), "b2").error().reason->slug == "node.no_vote");
}

TEST_CASE("ballot: it is counted once for a frontier, and again when anything was said") {
  BallotCacheCounter counter;
  CHECK(counter.ask("home", "f1") == 1);
  CHECK(counter.ask("home", "f1") == 1);
  CHECK(counter.ask("home", "f2") == 2);
  CHECK(counter.ask("other", "f2") == 3);
  CHECK(counter.ask("other", "f2") == 3);
  for (int i = 0; i < 40; ++i) counter.ask(fmt::format("home{}", i), "f");  // many members in one process
  CHECK(counter.ask("other", "f2") == 44);
  counter.fails = true;
  CHECK(counter.ask("home", "f9") == -1);
  counter.fails = false;
  CHECK(counter.ask("home", "f9") == 46);

  Town t;
  const std::string id = t.question();
  const auto shown = [&] {
    const auto out = t.run("founder", "ballot.show", t.one(id));
    REQUIRE(out);
    return json::dump(out->json);
  };
  const std::string before = shown();
  CHECK(shown() == before);
  REQUIRE(t.run("hall", "ballot.vote", t.vote(id, "yes")));
  t.copy();
  CHECK(shown() != before);
  CHECK(t.refusal("founder", "ballot.show", t.one("ffffffffff")) == "alliance.no_such_ballot");
}
