#include "node/lending.h"

#include <chrono>

#include "api/op.h"
#include "node/dial.h"
#include "node/fetched.h"

namespace hz::node {
namespace {

constexpr DialLimits ask_limits{.total_ms_max = 3'000, .response_bytes_max = 1u << 20};

}  // namespace

Lending::Lending(World world)
    : world_(std::move(world)),
      out_({world_.home, world_.tool_dirs, world_.seams.clock}, *world_.seams.clock),
      in_(world_.home, *world_.seams.clock) {}

void Lending::run(int pause_ms) {
  // The one look that replays whatever was appended; servers are started by the next.
  deciding_ = every("leases", pause_ms, [this](std::stop_token) {
    step_back();
    return decide();
  });
  starting_ = every("lent servers", pause_ms, [this](std::stop_token stop) { return start(std::move(stop)); });
  asking_ = every("taken servers", pause_ms, [this](std::stop_token stop) { return ask(std::move(stop)); });
}

void Lending::stop() {
  for (std::jthread* thread : {&deciding_, &starting_, &asking_}) thread->request_stop();
  for (std::jthread* thread : {&deciding_, &starting_, &asking_})
    if (thread->joinable()) thread->join();
}

Result<void> Lending::on_member(const std::function<Result<void>(alliance::Member&)>& look) {
  alliance::Member member = HZ_TRY(world_.members->borrow_for_round());
  auto done = look(member);
  if (done) world_.members->give_back(std::move(member));
  return done;
}

Result<void> Lending::decide() {
  bool claims = false;
  std::vector<alliance::Draft> ends;
  HZ_TRY(on_member([&](alliance::Member& member) -> Result<void> {
    bool takes = false;
    for (const pool::KnownLease& one : HZ_TRY(pool::live_leases_of(*HZ_TRY(member.views()), member.id())))
      takes |= one.lease.consumer == member.id();
    takes_ = takes;
    claims = HZ_TRY(out_.has_claims(member));
    ends = HZ_TRY(out_.end_leases(member));
    return {};
  }));
  if (!claims && ends.empty()) return {};
  HZ_TRY(world_.sign([&](alliance::Member& member) -> Result<void> {
    if (!ends.empty()) HZ_TRY(member.append(ends));
    return out_.answer_claims(member);
  }));
  return {};
}

Result<void> Lending::start(std::stop_token stop) {
  if (!out_.wants_servers()) return {};
  return on_member([&](alliance::Member& member) -> Result<void> {
    const auto fetch = [&](const std::string& sha256) -> Result<void> {
      api::Ctx ctx = world_.ctx();
      ctx.opened = std::move(member);
      auto done = fetch_released(ctx, sha256, stop);
      member = *std::exchange(ctx.opened, std::nullopt);
      return done;
    };
    return out_.start_servers(member, fetch, [&] { return member.refresh(); });
  });
}

Result<void> Lending::ask(std::stop_token stop) {
  const bool takes = takes_;
  if (!takes && !asked_) return {};
  asked_ = takes;  // once more after the last: what is over is forgotten
  return on_member([&](alliance::Member& member) -> Result<void> {
    std::optional<Dialer> dialer;  // made only when somebody is asked
    const Connect connect = [&](const Contact& contact) -> Result<http::Exchange> {
      if (!dialer) dialer = HZ_TRY(Dialer::of(member, stop, ask_limits));
      return dialer->connect()(contact);
    };
    const LendIn::ConnectGateway gateway = [&](const Address& to, const std::string& secret) -> Result<http::Exchange> {
      net::ClientOptions options{.url = to.url,
                                 .headers = {{"authorization", "Bearer " + secret}},
                                 .connect_ms_max = ask_limits.total_ms_max,
                                 .total_ms_max = ask_limits.total_ms_max,
                                 .response_bytes_max = ask_limits.response_bytes_max,
                                 .stop = stop};
      if (!to.pin.empty()) options.pin = HZ_TRY(parse_digest(to.pin));
      return HZ_TRY(net::Client::make(std::move(options))).exchange();
    };
    return in_.look(member, connect, gateway);
  });
}

}  // namespace hz::node
