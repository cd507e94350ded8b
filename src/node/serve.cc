#include "node/serve.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "alliance/reasons.h"
#include "alliance/reserve.h"
#include "crypto/hash.h"
#include "log/store.h"
#include "log/witness.h"
#include "net/url.h"
#include "node/dial.h"
#include "node/reasons.h"
#include "node/serve_state.h"
#include "node/vouch.h"

namespace hz::node {
namespace {

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

}  // namespace

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
  state->kept_members.emplace(ctx.home, ctx.mounted, state->seams);
  state->members = &*state->kept_members;
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
      HZ_TRY(pool::MeterJournal::open(ctx.home / "meter", *ctx.seams.rng, *ctx.seams.clock, {.hold_lines = true}));
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
  state->lending = std::make_unique<Lending>(Lending::World{
      *state, [s](const std::function<Result<void>(alliance::Member&)>& act) { return s->sign_aside(act); }});
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
  if (!apart) site.settle_passages = [s] { s->journal->write_lines(); };
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
    state->watch = std::make_unique<DrillWatch>(*state, *state->shadow, options.watch);
  state->scrubbing.emplace(
      state->home, *state->seams.clock, options.scrub,
      options.scrub_repair ? std::function([s] { return s->repair(); }) : std::function<std::vector<Damage>()>(),
      [s, check = views_checker(state->home, state->mounted, state->seams)](const alliance::GoOn& go_on) {
        return s->check_views(check, go_on);
      });
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

}  // namespace hz::node
