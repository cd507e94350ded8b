// What a served node does by itself: replay before the first answer, rounds with the others, accounts, repair.
#include <algorithm>
#include <condition_variable>

#include "alliance/reasons.h"
#include "alliance/reserve.h"
#include "node/dial.h"
#include "node/scrub_home.h"
#include "node/serve_state.h"
#include "node/sync.h"
#include "pool/account_round.h"

namespace hz::node {

bool Served::State::replay_first(alliance::Member first, const std::vector<Gateway*>& gateways,
                                 const std::stop_token& stop) {
  std::optional<alliance::Member> member(std::move(first));
  std::mutex waiting;
  std::condition_variable_any wake;
  std::unique_lock held(waiting);
  std::string last_fault;
  const auto replay_once = [&]() -> Result<void> {
    if (!member) member = HZ_TRY(alliance::Member::open(home, mounted, seams));
    member->seams().progress = &replay;
    member->ask_before_views([&stop]() -> Result<void> {
      if (stop.stop_requested()) return fail(alliance::why("alliance.replaying"), "the node stops");
      return {};
    });
    HZ_TRY(member->refresh());
    HZ_TRY(member->views());
    HZ_TRY(desk->know(*member));
    feed = HZ_TRY(GatewayFeed::start(home, mounted, seams, gateways));
    return {};
  };
  for (;;) {
    const auto done = replay_once();
    if (done) break;
    if (stop.stop_requested()) return false;
    member.reset();
    const std::string fault = done.error().text();
    if (fault != last_fault) fmt::print(stderr, "replaying: {}\n", fault);
    last_fault = fault;
    wake.wait_for(held, stop, std::chrono::seconds(1), [] { return false; });
  }
  replaying = false;
  member->seams().progress = &notes_only();
  member->ask_before_views({});
  notes_only().note("the views are there: everything is answered");
  members->give_back(*std::move(member));
  return true;
}

Result<void> Served::State::sync_now(std::stop_token stop) {
  alliance::Member member = HZ_TRY(members->borrow_for_round());
  Dialer dialer = HZ_TRY(Dialer::of(member, stop));
  const SyncRound round =
      HZ_TRY(sync_once(member, dialer.connect(),
                       {.turn = [this] { return std::make_shared<std::unique_lock<std::timed_mutex>>(writing); },
                        .reach = dialer.reach()}));
  HZ_TRY(member.rest());
  HZ_TRY(keep_round(home, round, seams.clock->now_ms()));
  HZ_TRY(desk->know(member));
  watch_reserve();
  if (!publish_log.empty()) HZ_TRY(member.log().publish_tree(publish_log, silent_progress()));
  members->give_back(std::move(member));
  return {};
}

void Served::State::watch_reserve() {
  const bool room = alliance::keep_reserve(home) != alliance::Reserve::no_room;
  if (room == has_reserve) return;
  has_reserve = room;
  fmt::print(stderr, "{}: {}\n", home.string(),
             room ? "there is room again, and a reserve"
                  : "the disk is nearly full: there is no reserve for what this node still has to sign");
}

Result<void> Served::State::account_now() {
  const auto settings = HZ_TRY(pool::account_settings(home));
  const std::int64_t now_ms = steady_clock().now_ms();
  if (!settings || (accounted_ms >= 0 && now_ms - accounted_ms < settings->every_s * 1000)) return {};
  accounted_ms = now_ms;
  alliance::Member reader = HZ_TRY(members->borrow());
  const auto plan = pool::plan_accounts(reader, {home, tool_dirs, seams.clock}, *settings);
  if (plan || !of_the_machine(plan.error())) members->give_back(std::move(reader));
  if (!plan) return std::unexpected(plan.error());
  std::vector<std::string> said = plan->lines;
  if (!plan->steps.empty() || !plan->done.empty()) {
    const auto turn = take_turn("accounts");
    if (!turn) return {};  // requests come first
    said = HZ_TRY(sign([&](alliance::Member& member) { return pool::carry_out(member, *plan); }));
  }
  for (const std::string& line : said)
    if (account_said.insert(line).second) fmt::print(stderr, "accounts: {}\n", line);
  if (account_said.size() > 1000) account_said.clear();
  return {};
}

Result<alliance::ViewsCheck> Served::State::check_views(const CheckViews& check, const alliance::GoOn& go_on) {
  if (replaying) return fail(alliance::why("alliance.replaying"), "{}", replay.text());
  auto found = check(go_on);
  if (!found || found->faults.empty()) return found;
  if (auto member = members->borrow_for_round()) {
    (void)desk->know(*member);
    members->give_back(*std::move(member));
  }
  std::vector<Gateway*> gateways{&*gateway};
  if (lease_gateway) gateways.push_back(&*lease_gateway);
  if (auto again = GatewayFeed::start(home, mounted, seams, std::move(gateways)))
    feed = *std::move(again);
  else
    fmt::print(stderr, "gateway: {}\n", again.error().text());
  return found;
}

std::vector<Damage> Served::State::repair() {
  api::Ctx ctx = this->ctx();
  auto done = scrub_home(ctx, {.repair = true});
  if (!done) fmt::print(stderr, "scrub: {}\n", done.error().text());
  std::vector<Damage> out = done ? std::move(done->damage) : std::vector<Damage>();
  for (const Damage& one : out)
    fmt::print(stderr, "scrub: {} {}: {}\n", one.repaired ? "repaired" : "still damaged", one.place, one.detail);
  return out;
}

void Served::State::sync_for_ever(std::stop_token stop, int pause_ms) {
  std::mutex waiting;
  std::condition_variable_any wake;
  std::unique_lock held(waiting);
  std::string last_fault, last_account_fault;
  while (!stop.stop_requested()) {
    const auto done = sync_now(stop);
    // Once, not every few seconds for as long as it lasts.
    const std::string fault = done ? "" : done.error().text();
    if (!fault.empty() && fault != last_fault && !stop.stop_requested()) fmt::print(stderr, "sync: {}\n", fault);
    last_fault = fault;
    const auto accounted = account_now();
    const std::string account_fault = accounted ? "" : accounted.error().text();
    if (!account_fault.empty() && account_fault != last_account_fault)
      fmt::print(stderr, "accounts: {}\n", account_fault);
    last_account_fault = account_fault;
    ++rounds;
    members->close_idle();
    wake.wait_for(held, stop, std::chrono::milliseconds(pause_ms), [] { return false; });
  }
}

}  // namespace hz::node
