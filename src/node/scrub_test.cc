#include "node/scrub_pass.h"

#include <future>

#include "alliance/peers.h"
#include "blob/store.h"
#include "node/metrics.h"
#include "node/scrub_watch.h"
#include "node/test_three.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::node;
using node::test::Three;

namespace {

// A member with two mirrors, a blob and a log of several pieces.
struct World : Three {
  fs::path home = at(0).home;
  Digest blob = member(0).blobs().put(as_bytes("some bytes")).value();
  World() {
    std::vector<alliance::Draft> drafts;
    for (int i = 0; i < 2500; ++i)
      drafts.push_back(alliance::draft(talent::Need{fmt::format("backend:b{}", i), "skill:k", 1, 2, 3}));
    for (std::size_t from = 0; from < drafts.size(); from += 500)
      REQUIRE(member(0).append(std::span(drafts).subspan(from, 500)));
    REQUIRE(member(0).views());  // replayed: what is damaged later is read by nobody else
    REQUIRE(member(0).rest());
  }
  static void change(const fs::path& log, std::string_view statement) {
    sql::Db db = sql::Db::open(log / "log.db", sql::Mode::writer).value();
    REQUIRE(db.exec(statement));
    REQUIRE(db.changes() > 0);
  }
  void flip(const fs::path& log, std::uint64_t index) {
    change(log, fmt::format("UPDATE entry SET leaf = CAST('#' || substr(leaf, 2) AS BLOB) WHERE idx = {}", index));
  }
  fs::path mirror() { return alliance::peer_folder(home, member(1).origin()); }
  std::int64_t statements() {
    std::int64_t out = static_cast<std::int64_t>(member(0).log().head().size);
    for (log::Log* log : member(0).peer_logs()) out += static_cast<std::int64_t>(log->head().size);
    return out;
  }
  static ScrubReport whole(ScrubPass& pass) {
    while (!pass.step([](std::uint64_t) { return true; })) {
    }
    return pass.report();
  }
  std::string ask(std::string_view id, bool& is_no) {
    for (const api::Op* op : ops())
      if (op->id == id) {
        const auto answer = op->call(at(0).ctx, json::parse("{}").value(), {});
        REQUIRE(answer);
        is_no = answer->is_no;
        return answer->text;
      }
    return "";
  }
};

}  // namespace

TEST_CASE("scrub pass: it reads every statement of every log and every blob, and says when it did") {
  World w;
  ScrubPass pass(w.home, w.clock);
  const ScrubReport report = World::whole(pass);
  REQUIRE(report.last);
  CHECK(report.last->leaves == w.statements());
  CHECK(report.last->logs == 3);
  CHECK(report.last->blobs >= 1);
  CHECK(report.last->damage.empty());
  CHECK(report.last->ended_ms == w.clock.now_ms());
  CHECK_FALSE(report.running);
  CHECK(scrub_text(report).starts_with("stored bytes: all read again by 2026-"));
}

TEST_CASE("scrub pass: damage to any log or blob is named, and status and peers say what to do") {
  World w;
  w.flip(w.home / "log", 1500);
  World::change(w.home / "log", "UPDATE entry SET id = zeroblob(32) WHERE idx = 7");
  w.flip(w.mirror(), 1);
  const fs::path blob = w.home / "blobs" / hex(w.blob).substr(0, 2) / hex(w.blob).substr(2);
  fs::permissions(blob, fs::perms::owner_all);
  REQUIRE(write_file_durably(blob, as_bytes("some other bytes")));
  ScrubPass pass(w.home, w.clock);
  const ScrubReport report = World::whole(pass);
  std::string all;
  for (const Damage& one : report.damage()) all += fmt::format("{}: {}: {}\n", one.place, one.reason, one.detail);
  INFO(all);
  CHECK(report.damage().size() == 4);
  CHECK(all.find(w.member(0).origin() + ": log.leaf_corrupt: entry 1500 ") != std::string::npos);
  CHECK(all.find(w.member(0).origin() + ": log.index_corrupt: entry 7: ") != std::string::npos);
  CHECK(all.find(w.member(1).origin() + ": log.leaf_corrupt: entry 1 ") != std::string::npos);
  CHECK(all.find("blobs: blob.corrupt: " + hex(w.blob)) != std::string::npos);
  pass.keep();
  for (const char* id : {"member.status", "node.peers"}) {
    bool is_no = false;
    const std::string text = w.ask(id, is_no);
    INFO(text);
    CHECK(text.find("log.leaf_corrupt: entry 1500 ") != std::string::npos);
    CHECK(text.find("hezong log scrub --repair") != std::string::npos);
    CHECK(is_no == (std::string_view(id) == "member.status"));
  }
  // Put right by whoever repaired it, but not the blob.
  pass.mark_repaired({{"blobs", "blob.corrupt", "still", false}});
  CHECK(pass.report().damage().size() == 1);
}

TEST_CASE("scrub pass: one that is cut goes on where it was, in another process, and reads nothing twice") {
  World w;
  std::int64_t steps = 0;
  for (bool ended = false; !ended; ++steps) {
    ScrubPass pass(w.home, w.clock);  // each piece a process of its own
    ended = pass.step([](std::uint64_t) { return true; });
    pass.keep();
  }
  const auto report = kept_scrub(w.home);
  REQUIRE(report);
  REQUIRE(report->last);
  CHECK(steps > 5);
  CHECK(report->last->leaves == w.statements());
  CHECK(report->last->damage.empty());
  // A damaged state file is one that never was.
  REQUIRE(write_file_durably(w.home / "scrub.json", as_bytes("{\"running\":7}")));
  CHECK_FALSE(kept_scrub(w.home));
  ScrubPass again(w.home, w.clock);
  CHECK(World::whole(again).last->leaves == w.statements());
}

TEST_CASE("scrub watch: a node reads by itself, and repairs only where that is configured") {
  World w;
  w.flip(w.home / "log", 2000);
  std::promise<void> asked;
  const auto repair = [&]() -> std::vector<Damage> {
    asked.set_value();
    return {};
  };
  auto told = asked.get_future();
  {
    const ScrubWatch watch(w.home, w.clock, {.mb_per_s = 1000, .core_share = 1, .begin_ms = 0}, repair);
    REQUIRE(told.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
  }
  const auto report = kept_scrub(w.home);
  REQUIRE(report);
  REQUIRE(report->last);
  REQUIRE(report->last->damage.size() == 1);
  CHECK(report->last->damage[0].repaired);
  CHECK(report->damage().empty());
  fs::remove(w.home / "scrub.json");
  {  // switched off, nothing is read
    const ScrubWatch none(w.home, w.clock, {.mb_per_s = 0, .begin_ms = 0}, repair);
  }
  CHECK_FALSE(kept_scrub(w.home));
}

TEST_CASE("scrub: a byte that changed in the views is found and put right, by the command and by the node's pass") {
  for (const bool by_command : {true, false}) {
    CAPTURE(by_command);
    World w;
    const auto people = [](alliance::Member& of) {
      return of.views()
          .value()
          ->integer("SELECT people_min FROM talent_need WHERE component = 'backend:b1700'")
          .value();
    };
    alliance::Member open = alliance::Member::open(w.home, node::mounted(), w.at(0).ctx.seams).value();
    const auto right = people(open);
    REQUIRE(right);
    {
      sql::Db db = sql::Db::open(w.home / "views.sqlite", sql::Mode::scratch).value();
      REQUIRE(db.exec("UPDATE talent_need SET people_min = people_min + 1 WHERE component = 'backend:b1700'"));
    }
    REQUIRE(people(open) != right);
    bool is_no = true;
    if (by_command) {
      const std::string text = w.ask("log.scrub", is_no);
      INFO(text);
      CHECK(text.find("repaired views talent_need: alliance.views_differ: 1 of 2500 rows") != std::string::npos);
      CHECK_FALSE(is_no);
      CHECK(w.ask("log.scrub", is_no).find("nothing is damaged") != std::string::npos);
    } else {
      ScrubPass pass(w.home, w.clock, views_checker(w.home, node::mounted(), w.at(0).ctx.seams));
      const ScrubReport report = World::whole(pass);
      pass.keep();
      REQUIRE(report.last->views);
      CHECK(report.last->views->statements == w.statements());
      CHECK(report.last->views->not_compared.empty());
      CHECK(report.damage().empty());
      const std::string text = w.ask("member.status", is_no);
      INFO(text);
      CHECK(text.find("repaired: views talent_need: alliance.views_differ: 1 of 2500 rows") != std::string::npos);
      CHECK_FALSE(is_no);
      CHECK(metrics_text(*kept_scrub(w.home)).find("\nhezong_scrub_views_replaced_total 1\n") != std::string::npos);
      World::whole(pass);
      CHECK(pass.report().views_replaced == 1);
      CHECK(scrub_text(pass.report()).find("the views are as the logs say") != std::string::npos);
    }
    CHECK(people(open) == right);
  }
}

TEST_CASE("scrub: views are not compared where the logs they follow from are damaged, and that is said") {
  World w;
  w.flip(w.home / "log", 1500);
  ScrubPass pass(w.home, w.clock, views_checker(w.home, node::mounted(), w.at(0).ctx.seams));
  const ScrubReport report = World::whole(pass);
  REQUIRE(report.last->views);
  CHECK(report.last->views->not_compared == "what they follow from is damaged");
  CHECK(report.views_replaced == 0);
}
