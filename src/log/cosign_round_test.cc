#include "log/cosign_round.h"

#include <doctest/doctest.h>

#include "log/cosignature.h"
#include "log/test_world.h"
#include "log/witness.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

namespace {

void one_by_one(std::span<const std::function<void()>> tasks) {
  for (const auto& task : tasks) task();
}

// A log and witnesses that answer in memory; `asked` counts requests of each.
struct World {
  TempDir dir;
  Log log = create_log(dir.path());
  ManualClock clock{1'800'000'000'000};
  std::vector<std::unique_ptr<Witness>> witnesses;
  std::vector<int> asked;
  std::vector<WitnessPeer> peers;

  explicit World(int count) : asked(static_cast<std::size_t>(count)) {
    for (int i = 0; i < count; ++i) {
      witnesses.push_back(std::make_unique<Witness>(
          Witness::open(dir.path() / fmt::format("w{}.db", i), fmt::format("w{}.example", i), key_of(100 + i), clock)
              .value()));
      Witness& witness = *witnesses.back();
      witness.watch({log.key()});
      int& times = asked[static_cast<std::size_t>(i)];
      peers.push_back({witness.key(),
                       [&witness, &times](const http::Request& request) -> Result<http::Response> {
                         ++times;
                         return witness.answer(request, "/witness");
                       },
                       "/witness"});
    }
  }
  Policy policy(int quorum) const {
    std::string text, names;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      text += fmt::format("witness w{} {}\n", i, format_vkey(peers[i].key));
      names += fmt::format(" w{}", i);
    }
    return parse_policy(fmt::format("log {}\n{}group q {}{}\nquorum q\n", format_vkey(log.key()), text, quorum, names))
        .value();
  }
  CosignRound round(int quorum, WithoutQuorum rule = WithoutQuorum::withhold) {
    return cosign_round(log, peers, policy(quorum), rule, one_by_one).value();
  }
};

http::Exchange always(Result<http::Response> response) {
  return [response](const http::Request&) { return response; };
}

}  // namespace

TEST_CASE("cosign round: the quorum's cosignatures are published and survive reopening") {
  World w(3);
  REQUIRE(w.log.append(entries_of(0, 300)));
  const CosignRound first = w.round(3);
  CHECK((first.quorum && first.published));
  CHECK(open_witnessed(w.log.published().value().note, w.policy(3)).value().size == 300);
  REQUIRE(w.log.append(entries_of(300, 1000)));
  CHECK(w.log.published().value().size == 300);
  w.asked = {0, 0, 0};
  CHECK(w.round(3).published);
  CHECK(w.asked == std::vector{1, 1, 1});  // the size each knows is read from the note
  Log reader = Log::open_reader(w.dir.path() / "log").value();
  CHECK(open_witnessed(reader.published().value().note, w.policy(3)).value().size == 1000);
  CHECK(reader.fsck(silent_progress()).value().faults.empty());
}

TEST_CASE("cosign round: a witness that knows another size is asked again from that one") {
  World w(2);
  REQUIRE(w.log.append(entries_of(0, 300)));
  std::vector<WitnessPeer> both = w.peers;
  w.peers.pop_back();
  REQUIRE(w.round(1).published);
  REQUIRE(w.log.append(entries_of(300, 700)));
  w.peers = {both[1]};
  REQUIRE(w.round(1).published);  // witness 0 still knows 300, and the note no longer says so
  REQUIRE(w.log.append(entries_of(700, 800)));
  w.peers = both;
  w.asked = {0, 0};
  CHECK(w.round(2).quorum);
  CHECK(w.asked == std::vector{2, 1});
}

TEST_CASE("cosign round: slow, lying and garbage witnesses are named and change nothing else") {
  World w(3);
  REQUIRE(w.log.append(entries_of(0, 50)));
  const auto peer = [&](int i, http::Exchange exchange) {
    w.peers.push_back(
        {{fmt::format("bad{}.example", i), KeyType::cosignature_v1, key_of(200 + i).verifying_key()}, exchange, ""});
  };
  const std::string text = format_checkpoint({std::string(origin), 50, w.log.head().root});
  const auto line = [&](const SignatureLine& s) { return format_note({"\n", {s}}).substr(2); };
  const std::string stranger = line(cosign(text, "stranger.example", key_of(300), 9));
  const std::string of_other_text = line(cosign("x\n", "bad4.example", key_of(204), 9));
  const std::string timeless = line(cosign(text, "bad5.example", key_of(205), 0));
  static constexpr Reason timeout{"test.timeout", Code::timeout, "Slow.", "Wait."};
  peer(0, always(fail(timeout, "no answer")));
  peer(1, always(http::Response{200, {}, "garbage\n\n\xff"}));
  peer(2, always(http::Response{200, {}, ""}));
  peer(3, always(http::Response{200, {}, stranger}));
  peer(4, always(http::Response{200, {}, of_other_text}));
  peer(5, always(http::Response{200, {}, timeless}));
  peer(6, always(http::Response{409, {}, "many\n"}));
  peer(7, always(http::Response{409, {}, "0\n"}));
  peer(8, always(http::Response{500, {}, ""}));
  peer(9, always(http::Response{200, {}, std::string(1'000'000, 'x')}));
  int flips = 0;
  peer(10, [&](const http::Request&) -> Result<http::Response> {
    return http::Response{409, {}, ++flips % 2 == 1 ? "7\n" : "9\n"};
  });
  const CosignRound round = cosign_round(w.log, w.peers, w.policy(3), WithoutQuorum::withhold, one_by_one).value();
  CHECK(round.quorum);
  for (std::size_t i = 0; i < round.answers.size(); ++i) {
    CAPTURE(i);
    CHECK(round.answers[i].time_s.has_value() == (i < 3));
    CHECK(round.answers[i].fault.has_value() == (i >= 3));
    if (i == 3) CHECK(round.answers[i].fault->reason->slug == "test.timeout");
    if (i > 3) CHECK(round.answers[i].fault->reason->slug == "log.witness_answer");
  }
  CHECK(flips == 3);
  CHECK(parse_note(w.log.published().value().note).value().signatures.size() == 4);
}

TEST_CASE("cosign round: below the quorum the older head stays public, unless the policy is to go on") {
  World w(2);
  REQUIRE(w.log.append(entries_of(0, 10)));
  REQUIRE(w.round(2).published);
  REQUIRE(w.log.append(entries_of(10, 20)));
  const auto down = w.peers[1].exchange;
  w.peers[1].exchange = always(http::Response{503, {}, ""});
  const CosignRound held = w.round(2);
  CHECK_FALSE(held.quorum);
  CHECK_FALSE(held.published);
  CHECK(w.log.published().value().size == 10);
  const CosignRound open = w.round(2, WithoutQuorum::publish);
  CHECK_FALSE(open.quorum);
  CHECK(w.log.published().value().size == 20);
  CHECK(slug(open_witnessed(w.log.published().value().note, w.policy(2))) == "log.quorum");
  // The late witness completes what the published note holds already.
  const auto early = w.peers[0].exchange;
  w.peers[0].exchange = always(http::Response{503, {}, ""});
  w.peers[1].exchange = down;
  CHECK(w.round(2).quorum);
  CHECK(open_witnessed(w.log.published().value().note, w.policy(2)).value().size == 20);
}

TEST_CASE("cosign round: a refreshed head keeps its earliest times beside the newest") {
  World w(1);
  REQUIRE(w.log.append(entries_of(0, 10)));
  REQUIRE(w.round(1).published);
  w.clock.advance_ms(30'000);
  CHECK(w.round(1).answers[0].time_s == 1'800'000'030);
  const Published published = w.log.published().value();
  const auto time = [](const std::string& note) {
    return parse_cosignature(parse_note(note).value().signatures.at(1).signature).value().time_s;
  };
  CHECK(time(published.note) == 1'800'000'030);
  CHECK(time(published.first_note) == 1'800'000'000);
  CHECK(parse_note(published.note).value().signatures.size() == 2);
}

TEST_CASE("cosign round: a restored backup is stopped by a witness that shows the larger head") {
  World w(1);
  REQUIRE(w.log.append(entries_of(0, 10)));
  REQUIRE(w.log.append(entries_of(10, 20)));
  REQUIRE(w.round(1).published);
  Log old = create_log(w.dir.path() / "old");
  REQUIRE(old.append(entries_of(0, 10)));
  const auto round = cosign_round(old, w.peers, w.policy(1), WithoutQuorum::publish, one_by_one);
  CHECK(slug(round) == "log.witness_ahead");
  // A peer that only says so is no proof.
  w.peers[0].exchange = always(http::Response{409, {}, "1000\n"});
  const auto claimed = cosign_round(old, w.peers, w.policy(1), WithoutQuorum::publish, one_by_one).value();
  CHECK(claimed.answers[0].fault->reason->slug == "log.witness_ahead");
}

TEST_CASE("cosign round: in threads each witness is asked and none twice") {
  World w(7);
  REQUIRE(w.log.append(entries_of(0, 10)));
  CHECK(cosign_round(w.log, w.peers, w.policy(5), WithoutQuorum::withhold).value().quorum);
  CHECK(w.asked == std::vector<int>(7, 1));
}
