#include "node/serve.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <latch>
#include <mutex>
#include <set>
#include <thread>

#include "alliance/authority.h"
#include "alliance/reasons.h"
#include "alliance/reserve.h"
#include "api/route.h"
#include "crypto/hash.h"
#include "log/store.h"
#include "log/witness.h"
#include "net/url.h"
#include "node/append_queue.h"
#include "node/dial.h"
#include "node/gateway_feed.h"
#include "node/lending.h"
#include "node/mount.h"
#include "node/open_members.h"
#include "node/peer_desk.h"
#include "node/reasons.h"
#include "node/receive_card.h"
#include "node/serve_blobs.h"
#include "node/site_watch.h"
#include "node/sync.h"
#include "node/vouch.h"
#include "pool/account_round.h"

namespace hz::node {
namespace {

constexpr std::chrono::seconds writer_patience{20};
constexpr std::size_t body_bytes_max = 8u << 20;
constexpr std::size_t stranger_body_bytes_max = 64u << 10;

bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

// One node a folder. The lock ends with the process, however it ends.
Result<Fd> lock_folder(const fs::path& home) {
  Fd fd(::open((home / "up.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail(hz::why("base.write"), "{}", (home / "up.lock").string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  std::string where = "starting";
  if (const auto text = read_text(home / "node.json", 64u << 10))
    if (const auto value = json::parse(*text)) where = value->text("url");
  return fail(why("node.up_already"), "{} is served: {}", home.string(), where);
}

// Hardly a page is left: then whatever failed may have failed for want of room.
bool full_disk(const fs::path& home) {
  struct statvfs room{};
  return ::statvfs(home.c_str(), &room) == 0 && room.f_bavail * room.f_frsize < (1u << 20);
}

// The operator's token, made when there is none. Nobody else may be able to read it.
Result<std::string> operator_token(const fs::path& path, Rng& rng) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    std::array<std::uint8_t, 32> secret;
    rng.fill(secret);
    HZ_TRY(write_file_durably(path, as_bytes(hex(secret) + "\n"), 0600));
  }
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0 || (s.st_mode & 077) != 0)
    return fail(why("node.token_file"), "{} has mode {:o}", path.string(), s.st_mode & 0777);
  std::string text = HZ_TRY(read_text(path, 1024));
  while (text.ends_with('\n')) text.pop_back();
  if (text.size() < 32 || text.find_first_of(" \t\r\n") != std::string::npos)
    return fail(why("node.token_file"), "{} holds no token of 32 or more characters", path.string());
  return text;
}

// A node has nobody who watches its progress, but remarks are for its operator.
class NotesOnly final : public Progress {
 public:
  void phase(std::string_view, std::int64_t) override {}
  void step(std::int64_t) override {}
  void note(std::string_view text) override { fmt::print(stderr, "{}\n", text); }
};
Progress& notes_only() {
  static NotesOnly one;
  return one;
}

// How far the replay before the first answer is: for whoever asks, and on stderr every ten seconds.
class ReplayWatch final : public Progress {
 public:
  void phase(std::string_view, std::int64_t total) override {
    done_ = 0;
    total_ = total;
  }
  void step(std::int64_t done) override {
    done_ = done;
    const auto now = std::chrono::steady_clock::now();
    if (now - said_ < std::chrono::seconds(10)) return;
    said_ = now;
    note("replaying: " + text());
  }
  void note(std::string_view text) override { notes_only().note(text); }
  std::string text() const {
    return total_ == 0 ? "not begun" : fmt::format("{} of {} statements", done_.load(), total_.load());
  }

 private:
  std::atomic<std::int64_t> done_ = 0, total_ = 0;
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();  // of the replaying thread
};

http::Response plain(int status, std::string_view text) {
  return {.status = status,
          .headers = {{"content-type", "text/plain; charset=utf-8"}, {"cache-control", "no-store"}},
          .body = std::string(text)};
}

}  // namespace

struct Served::State {
  fs::path home;
  alliance::Mounted mounted;
  alliance::Seams seams;
  std::vector<fs::path> tool_dirs;
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
  std::optional<OpenMembers> members;
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

  Result<std::unique_lock<std::timed_mutex>> take_turn(std::string_view who) {
    std::unique_lock<std::timed_mutex> turn(writing, std::defer_lock);
    if (turn.try_lock_for(writer_patience)) return turn;
    return fail(why("node.writer_busy"), "{} waited {} s", who, writer_patience.count());
  }
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
  Result<void> sign_aside(const std::function<Result<void>(alliance::Member&)>& act) {
    const auto turn = HZ_TRY(take_turn("leases"));
    return sign(act);
  }
  // Checked by the keys as they were known last, so that no member has to be moved to the newest head for it: whether a
  // key speaks is asked when the batch is appended. What fails is checked again by the keys as they are.
  AppendQueue::Receipts append(const api::Op& op, std::vector<Bytes> leaves) {
    std::shared_ptr<const alliance::Authority> keys;
    {
      const std::scoped_lock hold(keys_turn);
      keys = own_keys;
    }
    auto batch = alliance::check_incoming(*keys, mounted, leaves);
    if (!batch) {
      alliance::Member member = HZ_TRY(members->borrow());
      keep_keys(member);
      batch = alliance::check_incoming(member.authority(), mounted, std::move(leaves));
      members->give_back(std::move(member));
    }
    return appends.append(
        HZ_TRY(std::move(batch)), [&] { return take_turn(op.id); },
        [&](std::span<alliance::Incoming> all) -> AppendQueue::Receipts {
          // Looked through here: in the log each would be read and proven again.
          const bool tells =
              std::ranges::any_of(all, [](const alliance::Incoming& one) { return tells_of_others(one.leaf); });
          alliance::Member member = HZ_TRY(members->borrow_to_append());
          auto receipts = member.append_incoming(all);
          const bool known = receipts && tells;
          return signed_by(std::move(member), std::move(receipts), known);
        });
  }
  void keep_keys(alliance::Member& member) {
    auto keys = std::make_shared<const alliance::Authority>(member.authority());
    const std::scoped_lock hold(keys_turn);
    own_keys = std::move(keys);
  }
  // A request runs on a member that is kept open.
  Result<api::Answer> call(const api::Op& op, const json::Value& in) {
    api::Ctx ctx{.home = home, .mounted = mounted, .seams = seams, .tool_dirs = tool_dirs};
    if (op.may == api::May::author && !op.own_turn) {
      const auto turn = HZ_TRY(take_turn(op.id));
      return sign([&](alliance::Member& member) {
        ctx.opened = std::move(member);
        auto answer = op.call(ctx, in, {});
        member = *std::exchange(ctx.opened, std::nullopt);
        return answer;
      });
    }
    ctx.append_leaves = [&](std::vector<Bytes> leaves) { return append(op, std::move(leaves)); };
    if (!op.own_turn && op.may != api::May::anyone)
      if (auto member = members->borrow()) ctx.opened = *std::move(member);  // else the operation says what is wrong
    auto answer = op.call(ctx, in, {});
    if (!ctx.opened) return answer;
    // Whom the node answers may have changed: by a card, or by what a round mirrored.
    if (answer && op.may != api::May::author && op.http.starts_with("POST")) {
      ctx.opened->hold_views(false);
      (void)desk->know(*ctx.opened);
    }
    if (answer || !of_the_machine(answer.error())) members->give_back(*std::exchange(ctx.opened, std::nullopt));
    return answer;
  }
  // A statement about members or what may be given to them (released bytes, sealed bodies): all others leave the desk
  // as it is.
  static bool tells_of_others(ByteView leaf) {
    static constexpr std::string_view shared = "https://hezong.example/share/", sealed = "\"priv\":{";
    return alliance::may_be_act(leaf) || ::memmem(leaf.data(), leaf.size(), shared.data(), shared.size()) ||
           ::memmem(leaf.data(), leaf.size(), sealed.data(), sealed.size());
  }
  // Some statement from `before` on is one.
  static bool tells_of_others(alliance::Member& member, std::uint64_t before) {
    bool found = false;
    const auto read = member.log().visit(before, member.log().head().size, [&](auto, ByteView leaf) -> Result<void> {
      found |= tells_of_others(leaf);
      return {};
    });
    return found || !read;
  }
  static bool of_the_machine(const Error& error) {
    return error.reason->code == Code::corrupt || error.reason->slug.starts_with("sql.") ||
           error.reason->slug == "base.write";
  }
  http::Response take_card(const http::Request& request) {
    if (!receive_card(home, request)) return nothing();
    if (auto member = members->borrow()) {
      (void)desk->know(*member);
      members->give_back(*std::move(member));
    }
    return {.status = 202, .headers = {}, .body = {}};
  }

  // Until it returns, nobody else reads the views. False when the node stops before.
  bool replay_first(alliance::Member first, const std::vector<Gateway*>& gateways, const std::stop_token& stop) {
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

  // One round; what the others say is told in `hezong node peers`. Requests that sign wait for its writing only.
  Result<void> sync_now(std::stop_token stop) {
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
  // Says once that the disk is nearly full, and once that it is not any more.
  void watch_reserve() {
    const bool room = alliance::keep_reserve(home) != alliance::Reserve::no_room;
    if (room == has_reserve) return;
    has_reserve = room;
    fmt::print(stderr, "{}: {}\n", home.string(),
               room ? "there is room again, and a reserve"
                    : "the disk is nearly full: there is no reserve for what this node still has to sign");
  }
  // The accounts, when accounts.json asks for it. Nothing is said twice.
  Result<void> account_now() {
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
  // As `hezong log scrub --repair`; what is still damaged afterwards is among what it returns.
  std::vector<Damage> repair() {
    api::Ctx ctx{.home = home, .mounted = mounted, .seams = seams, .tool_dirs = tool_dirs};
    const auto op = std::ranges::find(ops(), std::string_view("log.scrub"), [](const api::Op* one) { return one->id; });
    const auto answer = (*op)->call(ctx, json::parse(R"({"repair":true})").value(), {});
    const json::Value* found = answer ? answer->json.find("damage") : nullptr;
    std::vector<Damage> out;
    if (const json::Array* list = found ? found->array() : nullptr)
      for (const json::Value& one : *list)
        if (auto damage = from_json<Damage>(one)) out.push_back(*std::move(damage));
    if (!answer) fmt::print(stderr, "scrub: {}\n", answer.error().text());
    for (const Damage& one : out)
      fmt::print(stderr, "scrub: {} {}: {}\n", one.repaired ? "repaired" : "still damaged", one.place, one.detail);
    return out;
  }
  void sync_for_ever(std::stop_token stop, int pause_ms) {
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

  http::Response handle(const http::Request& request) {
    if (PeerDesk::is_for(request)) return desk->answer(request);
    if (request.path == cards_path) return take_card(request);
    if (request.path.starts_with("/v1/"))
      return routes.answer(gate, request, [this](const api::Op& op, const json::Value& in) { return call(op, in); });
    if (auto refused = api::foreign(gate, request)) return *std::move(refused);
    if (api::has_token(gate, request)) {
      if (request.path == "/metrics") {
        listening.wait();
        return plain(200, metrics_text(server->counters()) + metrics_text(gateway->counts()));
      }
      if (request.path.starts_with(blobs_prefix)) {
        if (request.method != "PUT") return get_blob(*blobs, request);
        // An empty body never reaches a sink of its own.
        const auto sink = put_blob(*blobs, request);
        return sink ? (*sink)->finish() : sink.error();
      }
    }
    return nothing();
  }

  static bool is_upload(const http::Request& head) {
    return head.method == "PUT" && head.path.starts_with(blobs_prefix);
  }
  // Bodies that are not collected: blobs, from the operator only.
  std::expected<std::unique_ptr<http::Sink>, http::Response> upload(const http::Request& head) {
    if (!is_upload(head)) return nullptr;
    if (auto refused = api::foreign(gate, head)) return std::unexpected(*std::move(refused));
    if (!api::has_token(gate, head)) return std::unexpected(nothing());
    return put_blob(*blobs, head);
  }

  // Where products are called, without the node's own operations.
  net::Site gateway_site() {
    return {.handle = [](const http::Request&) { return nothing(); },
            .body_bytes_max = [this](const http::Request& head) -> std::size_t {
              return Gateway::is_for(head) ? gateway->body_bytes_max(head) : 0;
            },
            .passage = [this](const http::Request& head) { return gateway->passage(head); },
            .passages_ended = [this] { journal->write_ends(); }};
  }

  // What is not there, and what a stranger may not see.
  static http::Response nothing() {
    return plain(404, "There is nothing here. Operations are under /v1/: see /v1/documents/openapi.\n");
  }
};

Served::Served(std::unique_ptr<State> state) : state_(std::move(state)) {}
Served::Served(Served&&) noexcept = default;
Served::~Served() {
  if (state_) stop();
}
const NodeFile& Served::file() const { return state_->file; }
net::Counters Served::counters() const { return state_->server->counters(); }

Result<Served> Served::start(const ServeOptions& options, api::Ctx& ctx) {
  auto served = start_once(options, ctx);
  if (served || !full_disk(ctx.home) || !alliance::release_reserve(ctx.home)) return served;
  ctx.progress().note(
      fmt::format("the disk of {} is full: its reserve was given back so that the node can start; make room now",
                  ctx.home.string()));
  ctx.opened.reset();
  return start_once(options, ctx);
}

Result<Served> Served::start_once(const ServeOptions& options, api::Ctx& ctx) {
  HZ_TRY(ctx.member());  // whatever is wrong with it is said now, not at the first request
  auto state = std::make_unique<State>();
  state->keep_keys(*HZ_TRY(ctx.member()));
  state->home = ctx.home;
  state->mounted = ctx.mounted;
  state->seams = {ctx.seams.clock, ctx.seams.rng, &notes_only()};
  state->publish_log = options.publish_log;
  state->tool_dirs.assign(ctx.tool_dirs.begin(), ctx.tool_dirs.end());
  state->blobs = HZ_TRY(ctx.member())->blobs();
  const auto behind = HZ_TRY(ctx.member())->views_behind();
  if (!behind && behind.error().reason->slug != "alliance.replaying") return std::unexpected(behind.error());
  const bool later = !behind || *behind > options.replay_first_max;
  state->replaying = later;
  state->desk = HZ_TRY(PeerDesk::open(*HZ_TRY(ctx.member()), later));
  state->members.emplace(ctx.home, ctx.mounted, state->seams);
  state->members->ask_before_views([one = state.get()]() -> Result<void> {
    if (one->replaying) return fail(alliance::why("alliance.replaying"), "{}", one->replay.text());
    return {};
  });
  state->lock = HZ_TRY(lock_folder(ctx.home));
  state->has_reserve = alliance::keep_reserve(ctx.home) != alliance::Reserve::no_room;
  const std::string token = HZ_TRY(operator_token(ctx.home / "api_token", *ctx.seams.rng));
  state->gate.token_digest = crypto::sha256(as_bytes(token));
  for (std::string name : options.names) {
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    state->gate.names.insert(std::move(name));
  }
  net::ServerOptions server{.address = options.listen, .port = options.port, .limits = options.limits};
  if (options.tls || !is_loopback(options.listen)) {
    server.tls = HZ_TRY(net::ensure_identity(ctx.home / "tls", options.names, *ctx.seams.clock));
    state->file.pin = net::pin_text(HZ_TRY(net::pin_of(*server.tls)));
  }
  State* s = state.get();
  state->journal =
      HZ_TRY(pool::MeterJournal::open(ctx.home / "meter", *ctx.seams.rng, *ctx.seams.clock, {.hold_ends = true}));
  for (const Error& fault : state->journal->faults()) ctx.progress().note(fault.text());
  state->gateway.emplace(*state->journal, *ctx.seams.clock, steady_clock());
  state->shadow = std::make_unique<Shadow>(steady_clock(), *ctx.seams.rng, options.shadow);
  state->gateway->copy_to(*state->shadow);
  std::vector<Gateway*> gateways{&*state->gateway};
  if (!options.gateway_listen.empty()) {
    state->lease_journal = HZ_TRY(pool::MeterJournal::open(ctx.home / "meter", *ctx.seams.rng, *ctx.seams.clock));
    state->lease_gateway.emplace(*state->lease_journal, *ctx.seams.clock, steady_clock(),
                                 GatewayLimits{.leases_only = true});
    gateways.push_back(&*state->lease_gateway);
  }
  if (!later) state->feed = HZ_TRY(GatewayFeed::start(ctx.home, ctx.mounted, state->seams, gateways));
  state->lending = std::make_unique<Lending>(
      Lending::World{state->home, state->mounted, state->seams, state->tool_dirs, &*state->members,
                     [s](const std::function<Result<void>(alliance::Member&)>& act) { return s->sign_aside(act); }});
  state->desk->lend(
      [s](const http::Request& request, std::string_view caller) { return s->lending->answer(request, caller); });
  const bool apart = !options.gateway_listen.empty();
  net::Site site{.handle = [s](const http::Request& request) { return s->handle(request); },
                 .body_bytes_max = [s, apart](const http::Request& head) -> std::size_t {
                   if (!apart && Gateway::is_for(head)) return s->gateway->body_bytes_max(head);
                   if (apart && Gateway::is_for(head) && s->lease_gateway->is_leased(head))
                     return s->lease_gateway->body_bytes_max(head);
                   if (head.path == cards_path) return delivered_card_bytes_max;
                   if (head.path == keys_path) return vouch_size_bytes_max;
                   if (PeerDesk::is_for(head)) return log::add_checkpoint_size_bytes_max;
                   if (!head.path.starts_with("/v1/")) return 0;
                   return api::has_token(s->gate, head) ? body_bytes_max : stranger_body_bytes_max;
                 },
                 .upload = [s](const http::Request& head) { return s->upload(head); },
                 .may_upload = State::is_upload};
  site.passage = [own = apart ? &*state->lease_gateway : &*state->gateway](const http::Request& head) {
    return own->passage(head);
  };
  // The journal of leases holds nothing back.
  if (!apart) site.passages_ended = [s] { s->journal->write_ends(); };
  state->server.emplace(HZ_TRY(net::Server::start(server, std::move(site))));
  if (apart) {
    net::ServerOptions own{.address = options.gateway_listen, .port = options.gateway_port, .limits = options.limits};
    // Products are called by few machines with many connections each.
    own.limits.connections_per_client_max = own.limits.connections_max = 4096;
    if (options.tls || !is_loopback(own.address))
      own.tls = HZ_TRY(net::ensure_identity(ctx.home / "tls", options.names, *ctx.seams.clock));
    state->gateway_server.emplace(HZ_TRY(net::Server::start(own, state->gateway_site())));
    state->file.gateway = state->gateway_server->url();
  }
  state->listening.count_down();
  const std::string scheme = server.tls ? "https" : "http";
  state->file.url = options.names.empty() ? state->server->url()
                                          : fmt::format("{}://{}:{}", scheme, net::bracketed(options.names.front()),
                                                        state->server->port());
  state->file.pid = ::getpid();
  state->file.started = utc_text(ctx.seams.clock->now_ms());
  const std::string text = json::pretty(to_json(state->file)) + "\n";
  HZ_TRY(write_file_durably(ctx.home / "node.json", as_bytes(text)));
  constexpr int look_every_ms = 250;
  state->sites.emplace(pool::SiteWorld{state->home, state->tool_dirs, state->seams.clock}, look_every_ms);
  if (options.shadow.every > 0 || options.watch.canary_ms > 0)
    state->watch = std::make_unique<DrillWatch>(
        DrillWatch::World{state->home, state->mounted, state->seams, state->tool_dirs, &*state->members},
        *state->shadow, options.watch);
  state->scrubbing.emplace(
      state->home, *state->seams.clock, options.scrub,
      options.scrub_repair ? std::function([s] { return s->repair(); }) : std::function<std::vector<Damage>()>());
  // Opening it again for the first request would cost as much as the whole start.
  ctx.opened->seams() = state->seams;
  alliance::Member member = *std::exchange(ctx.opened, std::nullopt);
  const auto begin_rounds = [s, pause = options.sync_ms] {
    constexpr int lend_every_ms = 250, watch_every_ms = 500;
    s->lending->run(lend_every_ms);
    if (s->watch) s->watch->run(watch_every_ms);
    if (pause > 0) s->syncing = std::jthread([s, pause](std::stop_token stop) { s->sync_for_ever(stop, pause); });
  };
  if (later) {
    ctx.progress().note(fmt::format("{} statements are replayed first: what needs the views is answered 503 until then",
                                    behind ? std::to_string(*behind) : "some"));
    state->replaying_first =
        std::jthread([s, begin_rounds, gateways, first = std::move(member)](const std::stop_token& stop) mutable {
          if (s->replay_first(std::move(first), gateways, stop)) begin_rounds();
        });
  } else {
    state->members->give_back(std::move(member));
    begin_rounds();
  }
  return Served(std::move(state));
}

const GatewayCounts& Served::gateway_counts() const { return state_->gateway->counts(); }
std::uint64_t Served::rounds() const { return state_->rounds; }

void Served::stop() {
  if (!state_->lock) return;
  if (state_->replaying_first.joinable()) {
    state_->replaying_first.request_stop();
    state_->replaying_first.join();
  }
  if (state_->syncing.joinable()) {
    state_->syncing.request_stop();
    state_->syncing.join();
  }
  if (state_->watch) state_->watch->stop();
  state_->lending->stop();
  state_->scrubbing.reset();
  state_->sites.reset();
  if (state_->gateway_server) state_->gateway_server->stop();
  state_->server->stop();
  std::error_code ignored;
  fs::remove(state_->home / "node.json", ignored);
  state_->lock.reset();
}

std::string metrics_text(const net::Counters& c) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
    out += fmt::format("# HELP hezong_http_{0} {1}\n# TYPE hezong_http_{0} {2}\nhezong_http_{0} {3}\n", name, help,
                       type, value);
  };
  add("connections_total", "counter", "Connections accepted.", c.accepted);
  add("connections_refused_total", "counter", "Connections there was no room for.", c.refused);
  add("connections_open", "gauge", "Connections open now.", c.open);
  add("requests_total", "counter", "Requests whose head arrived.", c.requests);
  add("requests_waiting", "gauge", "Requests that wait for a worker now.", c.waiting);
  add("busy_total", "counter", "Requests answered 503 because every worker was busy.", c.busy);
  add("malformed_total", "counter", "Requests that were not HTTP.", c.malformed);
  add("deadlines_total", "counter", "Connections cut at a deadline.", c.deadlines);
  add("tls_failures_total", "counter", "TLS handshakes that failed.", c.tls_failures);
  add("sent_bytes_total", "counter", "Bytes of answers sent.", c.bytes_out);
  out += "# HELP hezong_http_answers_total Answers by class of status.\n# TYPE hezong_http_answers_total counter\n";
  for (std::size_t i = 1; i < c.by_class.size(); ++i)
    out += fmt::format("hezong_http_answers_total{{class=\"{}xx\"}} {}\n", i, c.by_class[i]);
  return out;
}

std::string metrics_text(const GatewayCounts& c) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out += fmt::format("# HELP hezong_gateway_{0} {1}\n# TYPE hezong_gateway_{0} counter\nhezong_gateway_{0} {2}\n",
                       name, help, value);
  };
  add("requests_total", "Requests with a good key that were taken.", c.taken);
  add("whole_total", "Requests answered whole.", c.whole);
  add("refused_total", "Requests that no server answered.", c.refused);
  add("cut_total", "Answers cut within.", c.cut);
  add("client_gone_total", "Requests left by their client.", c.client_gone);
  add("no_key_total", "Requests without a good key.", c.no_key);
  add("no_product_total", "Requests for a product that is not there for their key.", c.no_product);
  add("over_quota_total", "Requests beyond the quota of their key.", c.over_quota);
  add("retries_total", "Tries after the first.", c.retries);
  add("breakers_opened_total", "Times that a server was left alone after failures.", c.open);
  return out;
}

}  // namespace hz::node
