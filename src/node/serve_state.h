// What a served node holds, and what it does: requests (serve_requests.cc) and rounds (serve_rounds.cc). serve.cc puts
// it together and takes it apart.
#pragma once
#include <latch>
#include <mutex>
#include <set>
#include <thread>

#include "alliance/authority.h"
#include "api/route.h"
#include "blob/store.h"
#include "log/store.h"
#include "node/append_queue.h"
#include "node/gateway_feed.h"
#include "node/lending.h"
#include "node/mount.h"
#include "node/node_progress.h"
#include "node/node_world.h"
#include "node/open_members.h"
#include "node/peer_desk.h"
#include "node/serve.h"
#include "node/site_watch.h"

namespace hz::node {

struct Served::State : NodeWorld {
  fs::path publish_log;
  bool has_reserve = true;  // as last told
  api::Gate gate;
  api::Routes routes{ops()};
  std::optional<blob::Store> blobs;
  std::timed_mutex writing;  // requests that sign, one after the other
  AppendQueue appends;
  std::mutex keys_turn;
  std::shared_ptr<const alliance::Authority> own_keys;  // of this member, as known last
  std::latch listening{1};                              // `server` is set: its first requests may come before that
  Fd lock;
  NodeFile file;
  std::optional<OpenMembers> kept_members;  // `members`
  std::optional<PeerDesk> desk;
  std::atomic<std::uint64_t> rounds = 0;
  std::unique_ptr<Shadow> shadow;
  std::unique_ptr<pool::MeterJournal> journal;
  std::optional<Gateway> gateway;
  // Products have an address of their own: other members' requests under leases still come to the node's.
  std::unique_ptr<pool::MeterJournal> lease_journal;
  std::optional<Gateway> lease_gateway;
  std::unique_ptr<GatewayFeed> feed;
  std::optional<net::Server> server;          // its workers use everything above
  std::optional<net::Server> gateway_server;  // when products are called at an address of their own
  std::optional<SiteWatch> sites;
  std::unique_ptr<Lending> lending;
  std::unique_ptr<DrillWatch> watch;
  std::int64_t accounted_ms = -1;      // of the syncing thread
  std::set<std::string> account_said;  // of the syncing thread
  std::optional<ScrubWatch> scrubbing;
  std::jthread syncing;
  ReplayWatch replay;
  std::atomic<bool> replaying = false;  // the views are not there yet
  std::jthread replaying_first;         // last: it ends first

  // ---- serve_requests.cc

  Result<std::unique_lock<std::timed_mutex>> take_turn(std::string_view who);
  // Runs `act` in the turn of whoever called, on the member that signed last, whose files are open for writing.
  template <class Act>
  auto sign(const Act& act) -> decltype(act(std::declval<alliance::Member&>())) {
    alliance::Member member = HZ_TRY(members->borrow(true));
    const std::uint64_t before = member.log().head().size;
    auto done = act(member);
    const bool tells = done && tells_of_others(member, before);
    return signed_by(std::move(member), std::move(done), tells);
  }
  template <class Done>
  Done signed_by(alliance::Member member, Done done, bool tells) {
    member.hold_views(false);
    if (tells) (void)desk->know(member);  // what cannot be read now is read after the next round
    if (done || !of_the_machine(done.error())) members->give_back(std::move(member), true);
    return done;
  }
  // Signs beside the requests, when they leave a turn.
  Result<void> sign_aside(const std::function<Result<void>(alliance::Member&)>& act);
  // Checked by the keys as they were known last, so that no member has to be moved to the newest head for it: whether a
  // key speaks is asked when the batch is appended. What fails is checked again by the keys as they are.
  AppendQueue::Receipts append(const api::Op& op, std::vector<Bytes> leaves);
  void keep_keys(alliance::Member& member);
  // A request runs on a member that is kept open.
  Result<api::Answer> call(const api::Op& op, const json::Value& in);
  // A statement about members or what may be given to them (released bytes, sealed bodies): all others leave the desk
  // as it is.
  static bool tells_of_others(ByteView leaf);
  // Some statement from `before` on is one.
  static bool tells_of_others(alliance::Member& member, std::uint64_t before);
  static bool of_the_machine(const Error& error);
  http::Response take_card(const http::Request& request);
  http::Response handle(const http::Request& request);
  static bool is_upload(const http::Request& head);
  // Bodies that are not collected: blobs, from the operator only.
  std::expected<std::unique_ptr<http::Sink>, http::Response> upload(const http::Request& head);
  // Where products are called, without the node's own operations.
  net::Site gateway_site();
  // What is not there, and what a stranger may not see.
  static http::Response nothing();

  // ---- serve_rounds.cc

  // Until it returns, nobody else reads the views. False when the node stops before.
  bool replay_first(alliance::Member first, const std::vector<Gateway*>& gateways, const std::stop_token& stop);
  // One round; what the others say is told in `hezong node peers`. Requests that sign wait for its writing only.
  Result<void> sync_now(std::stop_token stop);
  // Says once that the disk is nearly full, and once that it is not any more.
  void watch_reserve();
  // The accounts, when accounts.json asks for it. Nothing is said twice.
  Result<void> account_now();
  // What other nodes may see and what the gateway goes by was read from the views: again, when those were replaced.
  Result<alliance::ViewsCheck> check_views(const CheckViews& check, const alliance::GoOn& go_on);
  // As `hezong log scrub --repair`; what is still damaged afterwards is among what it returns.
  std::vector<Damage> repair();
  void sync_for_ever(std::stop_token stop, int pause_ms);
};

}  // namespace hz::node
