#include "node/drill_watch.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>

#include "log/mark.h"
#include "log/store.h"
#include "node/gateway.h"
#include "node/gateway_table.h"
#include "node/live_drill.h"
#include "pool/gate_table.h"
#include "sql/db.h"

namespace hz::node {
namespace {

constexpr std::size_t mark_bytes_max = 64u << 10;

}  // namespace

ShadowRoute::To incumbent_at(const pool::Serving& server) {
  ShadowRoute::To out{server.address, server.port, path_part(server.model)};
  if (!server.secret.empty()) out.authorization = "Bearer " + server.secret;
  if (const auto pin = parse_digest(server.pin); pin && !server.pin.empty()) out.pin = *pin;
  return out;
}

void DrillWatch::run(int pause_ms) {
  looking_ = every("drill watch", pause_ms, [this](std::stop_token) { return look(); });
}

void DrillWatch::stop() {
  looking_.request_stop();
  if (looking_.joinable()) looking_.join();
}

Result<void> DrillWatch::on_member(bool writes, const std::function<Result<void>(api::Ctx&)>& act) {
  api::Ctx ctx = world_.ctx();
  ctx.opened = HZ_TRY(world_.members->borrow_for_round());
  auto done = act(ctx);
  if (!done || !ctx.opened) return done;
  ctx.opened->hold_views(false);
  world_.members->give_back(*std::exchange(ctx.opened, std::nullopt), writes);
  return done;
}

Result<void> DrillWatch::look() {
  HZ_TRY(read_drills());
  while (!last_words_.empty() && HZ_TRY(say(last_words_.back()))) last_words_.pop_back();
  if (ours_.empty() && left_.empty()) {
    if (!std::exchange(told_, {}).empty()) shadow_.use({});
    return keep();
  }
  servers_ = pool::read_serving_folder(world_.home / "serving").servers;
  if (!left_.empty()) HZ_TRY(end_left());
  tell_shadow();
  Result<void> done;
  for (One& one : ours_)
    if (auto looked = look_at(one); !looked) done = std::move(looked);
  if (auto kept = keep(); done) done = std::move(kept);
  return done;
}

// Only when the log moved, and only when something of a drill is among what is new.
Result<void> DrillWatch::read_drills() {
  if (!mark_path_.empty()) {
    const auto mark = read_file(mark_path_, mark_bytes_max);
    if (!mark || *mark == mark_) return {};
  }
  return on_member(false, [&](api::Ctx& ctx) -> Result<void> {
    alliance::Member& member = *ctx.opened;
    mark_path_ = log::Mark::path_of(world_.home / "mark", member.origin());
    auto mark = HZ_TRY(read_file(mark_path_, mark_bytes_max));
    HZ_TRY(member.refresh());
    const std::uint64_t head = member.log().head().size;
    bool told = !known_ || head < read_to_;
    static constexpr std::string_view ours = "https://hezong.example/drill/";
    if (!told)
      HZ_TRY(member.log().visit(read_to_, head, [&](auto, ByteView leaf) -> Result<void> {
        told |= ::memmem(leaf.data(), leaf.size(), ours.data(), ours.size()) != nullptr;
        return {};
      }));
    if (told) {
      std::map<std::string, std::pair<const drill::KnownDrill*, const drill::ProductState*>> moved;
      const auto drills = HZ_TRY(drill::known_drills(*HZ_TRY(member.views())));
      left_.clear();
      for (const drill::KnownDrill& one : drills) {
        if (one.said.mode != drill::Mode::live) continue;
        for (const drill::ProductState& state : one.products) {
          if (state.stage == drill::Stage::rolled_back && !state.claim.empty())
            left_.push_back({one.id, state.product, state.claim});
          if (!drill::is_over_there(state.stage)) continue;
          moved[state.product] = {&one, &state};  // the newest drill has it
        }
      }
      std::vector<One> next;
      for (const auto& [product, at] : moved) {
        One one;
        const auto known = std::ranges::find_if(ours_, [&](const One& o) {
          return o.drill == at.first->id && o.state.product == product && o.state.claim == at.second->claim;
        });
        if (known != ours_.end()) {
          one = std::move(*known);
          known->drill.clear();
        } else {
          one = taken_up(*at.first, *at.second);
        }
        one.state = *at.second;
        if (one.before.empty() && !one.state.route_before.empty())
          if (auto s = member.find(one.state.route_before); s && member.open(*s))
            if (const auto route = from_json<pool::Route>(s->body, "$")) one.before = route->targets;
        next.push_back(std::move(one));
      }
      // What was counted of those that went back.
      for (One& gone : ours_)
        if (!gone.drill.empty()) {
          auto counts = counts_of(gone, shadow_.take(gone.state.product));
          if (is_worth_saying(counts, gone.said, std::numeric_limits<std::int64_t>::max()))
            last_words_.push_back(std::move(counts));
        }
      ours_ = std::move(next);
    }
    known_ = true;
    read_to_ = head;
    mark_ = std::move(mark);
    return {};
  });
}

// As the log says it, and as a node before this one left it.
DrillWatch::One DrillWatch::taken_up(const drill::KnownDrill& drill, const drill::ProductState& state) {
  if (!std::exchange(read_kept_, true)) kept_ = read_watches(world_.home);
  One one;
  const std::int64_t now_ms = steady_clock().now_ms();
  one.drill = drill.id;
  one.said_at_ms = one.here_at_ms = now_ms;
  one.wrong = drill::must_go_back(state);
  if (state.watched && state.watched->claim == state.claim) one.base = *state.watched;
  one.base.drill = drill.id;
  one.base.product = state.product;
  one.base.claim = state.claim;
  if (one.base.from_ms == 0) one.base.from_ms = world_.seams.clock->now_ms();
  one.said = one.base;
  std::int64_t until_canary_ms = options_.canary_ms;
  if (const KeptWatch* kept = kept_of(kept_, one.base)) {
    one.newest = read_pairs(kept->pairs);
    // Counts only grow: smaller ones are from before the statement.
    if (kept->counts.requests >= one.base.requests && kept->counts.canaries >= one.base.canaries) {
      one.base = kept->counts;
      one.base.wrong = one.said.wrong;  // decided is what was said
    }
    until_canary_ms =
        std::clamp<std::int64_t>(kept->canary_at_ms - world_.seams.clock->now_ms(), 0, options_.canary_ms);
  }
  one.canary_at_ms = now_ms + until_canary_ms;
  return one;
}

// What is known and not said, when it is not in the file yet.
Result<void> DrillWatch::keep() {
  std::vector<KeptWatch> now;
  const std::int64_t ahead_ms = world_.seams.clock->now_ms() - steady_clock().now_ms();
  for (const One& one : ours_)
    now.push_back({counts_of(one, one.seen), one.canary_at_ms + ahead_ms, pairs_text(one.newest)});
  const auto same = [](const KeptWatch& a, const KeptWatch& b) {
    // Two clocks do not go at one rate to the millisecond.
    constexpr std::int64_t apart_ms = 1'000;
    return a.counts == b.counts && a.pairs == b.pairs && std::abs(a.canary_at_ms - b.canary_at_ms) < apart_ms;
  };
  if (std::ranges::equal(now, kept_, same)) return {};
  HZ_TRY(keep_watches(world_.home, now));
  kept_ = std::move(now);
  return {};
}

// The route before the drill says which servers; those that still serve, here or at another member's site under a
// lease, get the copies.
void DrillWatch::tell_shadow() {
  std::vector<ShadowRoute> routes;
  for (const One& one : ours_) {
    ShadowRoute route{one.state.product, one.drill, one.state.claim, {}};
    for (const pool::Target& t : one.before)
      for (const pool::Serving& server : servers_)
        if (server.claim == t.claim && server.product == route.product && server.site == t.site)
          route.incumbents.push_back(incumbent_at(server));
    routes.push_back(std::move(route));
  }
  if (routes == told_) return;
  told_ = routes;
  shadow_.use(std::move(routes));
}

drill::DrillWatched DrillWatch::counts_of(const One& one, const Shadow::Seen& seen) const {
  drill::DrillWatched out = one.base;
  out.drill = one.drill;
  out.product = one.state.product;
  out.claim = one.state.claim;
  const auto add = [&](std::int64_t drill::DrillWatched::* field) { out.*field += seen.counts.*field; };
  using W = drill::DrillWatched;
  for (const auto field : {&W::requests, &W::drawn, &W::skipped, &W::compared, &W::agreed, &W::disagreed, &W::within,
                           &W::unanswered, &W::incomparable})
    add(field);
  out.canaries += one.canaries.canaries;
  out.canaries_short += one.canaries.canaries_short;
  if (one.canaries.canaries > 0) {
    out.answers = one.canaries.answers;
    out.incumbent = one.canaries.incumbent;
  }
  out.wrong = one.wrong;
  return out;
}

Result<void> DrillWatch::look_at(One& one) {
  const std::int64_t now_ms = steady_clock().now_ms();
  const Shadow::Seen seen = shadow_.take(one.state.product);
  one.newest.insert(one.newest.end(), seen.reruns.begin(), seen.reruns.end());
  while (one.newest.size() > reruns_kept_max) one.newest.pop_front();
  one.seen = {seen.counts, {}};
  // Before anything is decided: whoever is killed now knows it.
  if (!seen.reruns.empty()) HZ_TRY(keep());
  if (one.wrong.empty() && !one.newest.empty()) {
    if (!one.terms)
      HZ_TRY(on_member(false, [&](api::Ctx& ctx) -> Result<void> {
        auto known = HZ_TRY(drill::find_drill(*HZ_TRY(ctx.opened->views()), one.drill));
        one.terms = HZ_TRY(LiveDrill::of(ctx, std::move(known), {})).terms(one.state.product);
        return {};
      }));
    one.wrong = falls_short(one.newest, {one.state.proof.agreement_milli, one.terms->drop_max_milli});
  }
  if (options_.canary_ms > 0 && one.wrong.empty()) {
    const bool here = std::ranges::find(servers_, one.state.claim, &pool::Serving::claim) != servers_.end();
    if (here) one.here_at_ms = now_ms;
    if (now_ms - one.here_at_ms > options_.absent_ms_max)
      one.wrong = one.state.claim + " does not serve";
    else if (here && now_ms >= one.canary_at_ms)
      one.wrong = HZ_TRY(ask(one));
  }
  auto counts = counts_of(one, seen);
  if (!one.wrong.empty()) return now_ms < one.try_at_ms ? Result<void>() : go_back(one, std::move(counts));
  if (!is_worth_saying(counts, one.said, now_ms - one.said_at_ms)) return {};
  if (HZ_TRY(say(counts))) {
    one.said = std::move(counts);
    one.said_at_ms = now_ms;
  }
  return {};
}

// A sample that falls a little short is asked again on the whole set, which no noise excuses and which let the server
// in.
Result<std::string> DrillWatch::ask(One& one) {
  std::string wrong;
  HZ_TRY(on_member(false, [&](api::Ctx& ctx) -> Result<void> {
    auto known = HZ_TRY(drill::find_drill(*HZ_TRY(ctx.opened->views()), one.drill));
    LiveDrill live = HZ_TRY(LiveDrill::of(ctx, std::move(known), {}));
    auto seen = HZ_TRY(live.look(one.state.product, options_.canary_cases));
    if (!seen) return {};
    ++one.canaries.canaries;
    if (!seen->bad.empty()) {
      ++one.canaries.canaries_short;
      const WatchTerms terms{one.state.proof.agreement_milli, live.terms(one.state.product).drop_max_milli};
      if (!is_beyond_noise(seen->answers, terms)) seen = HZ_TRY(live.look(one.state.product, 0));
      if (seen && !seen->bad.empty()) wrong = "known answers: " + seen->bad;
      if (!seen) return {};
    }
    one.canaries.answers = seen->answers;
    one.canaries.incumbent = seen->incumbent;
    return {};
  }));
  one.canary_at_ms = steady_clock().now_ms() + options_.canary_ms;
  return wrong;
}

// In a turn, so that no report falls between two things it says. False: a command has the turn.
Result<bool> DrillWatch::say(const drill::DrillWatched& counts) {
  const auto turn = DrillTurn::take(world_.home, 0);
  if (!turn) return false;
  HZ_TRY(on_member(true, [&](api::Ctx& ctx) -> Result<void> {
    HZ_TRY(ctx.opened->append(alliance::draft(counts, {{"depends-on", counts.drill}})));
    return {};
  }));
  return true;
}

Result<void> DrillWatch::go_back(One& one, drill::DrillWatched counts) {
  const auto turn = DrillTurn::take(world_.home, 0);
  if (!turn) return {};  // a command moves a drill: the next look sees where it led
  one.try_at_ms = steady_clock().now_ms() + options_.retry_ms;
  return on_member(true, [&](api::Ctx& ctx) -> Result<void> {
    HZ_TRY(ctx.opened->refresh());
    auto known = HZ_TRY(drill::find_drill(*HZ_TRY(ctx.opened->views()), one.drill));
    const drill::ProductState& state = drill::state_of(known, one.state.product);
    if (!drill::is_over_there(state.stage) || state.claim != one.state.claim) return {};
    if (drill::must_go_back(state) != one.wrong) {
      HZ_TRY(ctx.opened->append(alliance::draft(counts, {{"depends-on", one.drill}})));
      HZ_TRY(ctx.opened->rest());  // others may sign while the incumbent is asked
      one.said = std::move(counts);
      fmt::print(stderr, "drill {}: {} goes back: {}\n", one.drill.substr(0, 12), one.state.product, one.wrong);
    }
    LiveDrill live = HZ_TRY(LiveDrill::of(ctx, std::move(known), {}));
    HZ_TRY(live.roll_back(one.state.product, one.wrong));
    return {};
  });
}

// A node that was killed after the traffic had gone left a server behind.
Result<void> DrillWatch::end_left() {
  std::vector<Left> left = std::exchange(left_, {});
  std::erase_if(left, [&](const Left& one) {
    return std::ranges::find(servers_, one.claim, &pool::Serving::claim) == servers_.end();
  });
  if (left.empty()) return {};
  return on_member(false, [&](api::Ctx& ctx) -> Result<void> {
    sql::Db& views = *HZ_TRY(ctx.opened->views());
    const auto table = HZ_TRY(pool::read_gate_table(views, ctx.opened->id()));
    for (const Left& one : left) {
      const auto route = table.routes.find(one.product);
      const bool routed = route != table.routes.end() &&
                          std::ranges::find(route->second.route.targets, one.claim, &pool::Target::claim) !=
                              route->second.route.targets.end();
      if (routed) continue;
      const auto turn = DrillTurn::take(world_.home, 0);
      if (!turn) {
        left_.push_back(one);  // whoever moves it may be ending it
        continue;
      }
      LiveDrill live = HZ_TRY(LiveDrill::of(ctx, HZ_TRY(drill::find_drill(views, one.drill)), {}));
      HZ_TRY(live.end_left(one.product));
    }
    return {};
  });
}

}  // namespace hz::node
