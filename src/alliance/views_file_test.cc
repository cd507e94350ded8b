// What becomes of the file of the views, and what objects of one member need not do twice.
#include "alliance/reasons.h"
#include "alliance/test_alliance.h"
#include "log/store.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::alliance;
using namespace hz::alliance::test;

namespace {

Draft fact(std::int64_t number) { return draft(Fact{fmt::format("n{}", number % 7), number}); }
void append(Member& member, std::int64_t count) {
  std::vector<Draft> drafts;
  for (std::int64_t i = 0; i < count; ++i) drafts.push_back(fact(i));
  REQUIRE(member.append(drafts));
}

struct File {
  TempDir dir;
  Alliance all{1, 5};
  Verified verified;
  Member& member = all.members[0];
  File() { append(member, 30); }
  std::vector<Source> logs() { return {source_of(member.log(), verified)}; }
  Views open(bool lasting, const std::string& boot) const {
    return Views::open(dir.path() / "views.sqlite", Alliance::mounted(), all.members[0].origin(), lasting, boot)
        .value();
  }
};

}  // namespace

TEST_CASE("views file: in another boot a lasting one stands where it stood, a small one on nothing") {
  for (const bool lasting : {false, true}) {
    CAPTURE(lasting);
    File file;
    const std::uint64_t size = file.member.log().head().size;
    std::string digest;
    {
      Views views = file.open(lasting, "first");
      CHECK(views.lasting() == lasting);
      CHECK(views.behind(file.logs()).value() == size);
      REQUIRE(views.catch_up(file.logs(), silent_progress()).value());
      digest = view_digest(views.db()).value();
    }
    CHECK(file.open(lasting, "first").behind(file.logs()).value() == 0);
    Views views = file.open(lasting, "second");
    CHECK(views.behind(file.logs()).value() == (lasting ? 0 : size));
    CHECK(views.catch_up(file.logs(), silent_progress()).value() == !lasting);
    CHECK(view_digest(views.db()).value() == digest);
  }
}

TEST_CASE("views file: where a lasting one is asked for a small one is made anew; a lasting one stays one") {
  File file;
  REQUIRE(file.open(false, "first").catch_up(file.logs(), silent_progress()));
  Views views = file.open(true, "first");
  CHECK(views.lasting());
  CHECK(views.behind(file.logs()).value() > 0);
  REQUIRE(views.catch_up(file.logs(), silent_progress()));
  REQUIRE(views.clear());
  REQUIRE(views.catch_up(file.logs(), silent_progress()));
  Views again = file.open(false, "second");
  CHECK(again.lasting());
  CHECK(again.behind(file.logs()).value() == 0);
}

TEST_CASE("views: from lasting_from statements on a member's views outlive the boot, and below they do not") {
  Alliance all(1, 6);
  Member& member = all.members[0];
  const fs::path path = member.home() / "views.sqlite";
  const auto lasts = [&] {
    return Views::open(path, Alliance::mounted(), member.origin(), false, this_boot()).value().lasting();
  };
  REQUIRE(member.views());
  CHECK(!lasts());
  while (member.log().head().size < lasting_from) append(member, 1000);
  REQUIRE(member.views());
  CHECK(lasts());
}

TEST_CASE("views: a replay that may not go on is an error and keeps nothing; the next one does it all") {
  Alliance all(1, 7);
  Member& member = all.members[0];
  REQUIRE(member.views());
  append(member, 2500);
  const std::uint64_t behind = member.views_behind().value();
  CHECK(behind >= 2500);
  int asked = 0;
  member.ask_before_views([&]() -> Result<void> {
    if (++asked < 3) return {};
    return fail(alliance::why("alliance.replaying"), "enough");
  });
  const auto refused = member.views();
  REQUIRE(!refused);
  CHECK(refused.error().reason->slug == "alliance.replaying");
  CHECK(asked == 3);  // before it began, after 1,000 statements and after 2,000
  member.ask_before_views({});
  CHECK(member.views_behind().value() == behind);
  REQUIRE(member.views());
  CHECK(member.views_behind().value() == 0);
}

TEST_CASE("verdicts: what an object signed and appended another need not check; of another history nothing is learnt") {
  Alliance all(2, 8);
  Member& writer = all.members[0];
  append(writer, 20);
  const auto verdicts = writer.verdicts();
  REQUIRE(verdicts);
  CHECK(verdicts->size == writer.log().head().size);
  fs::remove(writer.home() / "verified");

  Member reader = Member::open(writer.home(), Alliance::mounted(), all.seams()).value();
  CHECK(!reader.verdicts());
  Verified other = *verdicts;
  other.root[0] ^= 1;
  reader.learn(other);
  CHECK(!reader.verdicts());
  reader.learn(*verdicts);
  CHECK(reader.verdicts());
  // A part of what is here counts as well, at the root it had; more than is here does not.
  append(writer, 5);
  Member later = Member::open(writer.home(), Alliance::mounted(), all.seams()).value();
  later.learn(*verdicts);
  CHECK(!later.verdicts());
  REQUIRE(reader.verdicts());
  reader.learn(*writer.verdicts());
  CHECK(reader.verdicts()->size == verdicts->size);
}
