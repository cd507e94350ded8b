// A founder and two members whose nodes call each other in memory: real members, logs, desks and rounds, no sockets.
#pragma once
#include <doctest/doctest.h>

#include "alliance/audience.h"
#include "alliance/charter.h"
#include "alliance/keys.h"
#include "log/store.h"
#include "node/mount.h"
#include "node/peer_call.h"
#include "node/peer_desk.h"
#include "node/sync.h"
#include "talent/kinds.h"

namespace hz::node::test {

struct Place {
  fs::path home;
  api::Ctx ctx;
  std::optional<PeerDesk> desk = {};
};

// A founder and two members, whose nodes call each other in memory; `changed` may stand between.
struct Three {
  TempDir temp;
  ManualClock clock{1'795'000'000'000};
  SeededRng rng{8};
  std::vector<std::unique_ptr<Place>> places;
  std::function<std::optional<http::Response>(std::size_t asked, const http::Request&)> changed;
  Reach reach;  // witnesses that are no node

  // The secretariat expels by itself: a ballot takes two weeks.
  Three() {
    make("a");
    alliance::Charter charter = alliance::default_charter("Three", member(0).origin());
    std::erase_if(charter.rules, [](const alliance::VoteRule& rule) { return rule.act == "expel"; });
    const fs::path file = temp.path() / "charter.json";
    REQUIRE(write_file_durably(file, as_bytes(json::dump(to_json(charter)))));
    call(at(0), "charter.adopt", fmt::format(R"({{"file":"{}"}})", file.string()));
    open_desk(0);
    join("b");
    join("c");
    rounds(4);
  }
  void make(std::string_view name) {
    const fs::path home = temp.path() / name;
    places.push_back(std::make_unique<Place>(
        Place{home, {.home = home, .mounted = mounted(), .seams = {&clock, &rng, &silent_progress()}}}));
    call(*places.back(), "member.init", fmt::format(R"({{"name":"{0}","origin":"{0}.example/log"}})", name));
  }
  void open_desk(std::size_t i) { at(i).desk.emplace(PeerDesk::open(*at(i).ctx.member().value()).value()); }
  // A further member, admitted at once.
  void join(std::string_view name) {
    make(name);
    const std::size_t i = places.size() - 1;
    const std::string invite = (temp.path() / fmt::format("invite{}", i)).string();
    const std::string card = (temp.path() / fmt::format("card{}", i)).string();
    call(at(0), "member.invite", fmt::format(R"({{"out":"{}","url":"http://node0"}})", invite));
    call(at(i), "member.join", fmt::format(R"({{"file":"{}","card":"{}","url":"http://node{}"}})", invite, card, i));
    call(at(0), "peer.add", fmt::format(R"({{"file":"{}"}})", card));
    call(at(0), "member.admit", fmt::format(R"({{"origin":"{}"}})", member(i).origin()));
    open_desk(i);
    REQUIRE(at(0).desk->know(member(0)));
  }
  // Everybody, so many times.
  void rounds(int count) {
    for (int round = 0; round < count; ++round)
      for (std::size_t i = 0; i < places.size(); ++i) sync(i);
  }
  Place& at(std::size_t i) { return *places[i]; }
  alliance::Member& member(std::size_t i) { return *at(i).ctx.member().value(); }
  static void call(Place& place, std::string_view id, const std::string& input) {
    for (const api::Op* op : ops())
      if (op->id == id) {
        const auto done = op->call(place.ctx, json::parse(input).value(), {});
        if (!done) FAIL(std::string(id) << ": " << done.error().text());
      }
  }
  void say(std::size_t who, int number) {
    call(at(who), "talent.need_add",
         fmt::format(R"({{"component":"backend:b{}","skill":"skill:k","people_min":1,"port_hours_per_operator_min":1,)"
                     R"("port_hours_per_operator_max":2}})",
                     number));
  }
  SyncRound sync(std::size_t who) {
    alliance::Member& m = member(who);
    const auto author = alliance::load_key(m.keys_folder(), alliance::Role::author).value();
    const Connect connect = [&](const Contact& contact) -> Result<http::Exchange> {
      const std::size_t asked = static_cast<std::size_t>(contact.address.url.back() - '0');
      return signing(
          [this, asked](const http::Request& request) -> Result<http::Response> {
            if (changed)
              if (auto other = changed(asked, request)) return *std::move(other);
            http::Response out = at(asked).desk->answer(request);
            if (const auto source = std::exchange(out.source, nullptr)) {
              out.body.resize(source->size());
              HZ_TRY(source->read(0, {reinterpret_cast<std::uint8_t*>(out.body.data()), out.body.size()}));
            }
            return out;
          },
          m.origin(), contact.origin, author.key, clock);
    };
    auto round = sync_once(m, connect,
                           {.run_all =
                                [](std::span<const std::function<void()>> tasks) {
                                  for (const auto& task : tasks) task();
                                },
                            .reach = reach});
    REQUIRE(round);
    REQUIRE(at(who).desk->know(m));
    return *std::move(round);
  }
  const PeerRow& row(const SyncRound& round, std::size_t of) {
    for (const PeerRow& one : round.peers)
      if (one.origin == member(of).origin()) return one;
    FAIL("no row");
    std::abort();
  }
  http::Response answer(std::size_t from, std::size_t to, std::string path) {
    alliance::Member& m = member(from);
    const auto author = alliance::load_key(m.keys_folder(), alliance::Role::author).value();
    http::Request request{.method = "GET", .path = std::move(path)};
    sign_peer_call(request, m.origin(), member(to).origin(), clock.now_ms() / 1000, author.key);
    return at(to).desk->answer(request);
  }
  int asks(std::size_t from, std::size_t to) { return answer(from, to, "/log/checkpoint").status; }
};

}  // namespace hz::node::test
