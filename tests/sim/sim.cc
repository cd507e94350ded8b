// Simulation: N nodes in one process and one thread, from one seed. Clocks, network and order of events are decided by
// the seed; logs, witnesses, mirrors and views are the real ones on a real disk. The network loses, repeats and garbles
// messages, links are cut, nodes crash, clocks jump, keys of logs and authors change, members join late, leave, are
// suspended and admitted again, and in some seeds a node is cloned and both copies go on signing.
//
// Checked after every event: a mirror holds a prefix of the log it mirrors. Checked at the end, when the network is
// whole again: no row from a statement outside the agreed positions, equal frontiers and byte-equal views everywhere,
// every statement that was acknowledged, heads with their quorum, and a cloned log frozen on every node.
//
//   sim [--seed N] [--seeds COUNT] [--steps N] [--log]
#include <fmt/core.h>

#include <cstring>
#include <map>
#include <set>

#include "alliance/keys.h"
#include "alliance/peers.h"
#include "alliance/replay.h"
#include "log/mirror.h"
#include "net/reasons.h"
#include "node/mount.h"
#include "node/peer_call.h"
#include "node/peer_desk.h"
#include "node/sync.h"
#include "sql/db.h"

using namespace hz;

namespace {

constexpr std::int64_t start_ms = 1'795'000'000'000;
bool tell_all = false;

[[noreturn]] void broken(std::uint64_t seed, const std::string& what) {
  fmt::print(stderr, "seed {}: {}\nreplay with --seed {} --log\n", seed, what, seed);
  std::exit(1);
}

const api::Op& op(std::string_view id) {
  for (const api::Op* row : node::ops())
    if (row->id == id) return *row;
  fmt::print(stderr, "no operation {}\n", id);
  std::exit(2);
}

// One running node: a member's folder, opened, with the desk that answers others.
struct Node {
  fs::path home;
  std::string origin;
  ManualClock clock{start_ms};
  SeededRng rng;
  std::optional<api::Ctx> ctx;
  std::optional<node::PeerDesk> desk;
  bool up = true;
  std::set<std::string> acknowledged;  // ids of statements this node said are durable

  Node(fs::path folder, std::string name, std::uint64_t seed)
      : home(std::move(folder)), origin(std::move(name)), rng(seed) {}
};

class World {
 public:
  World(std::uint64_t seed, std::size_t count) : seed_(seed), rng_(seed) {
    for (std::size_t i = 0; i < count; ++i) {
      nodes_.push_back(
          std::make_unique<Node>(dir_.path() / std::to_string(i), fmt::format("n{}.example/log", i), seed * 100 + i));
      found(*nodes_.back());
    }
    call(*nodes_[0], "charter.adopt", R"({"name":"Simulated"})");
    for (std::size_t i = 1; i < count; ++i) join(i);
    for (auto& n : nodes_) start_desk(*n);
  }

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      happen();
      check_mirrors();
    }
    settle();
  }
  // What happened, for the summary.
  std::map<std::string, std::int64_t> events;

 private:
  [[noreturn]] void bad(const std::string& what) const { broken(seed_, what); }
  void say(std::string_view event, const std::string& detail = "") {
    ++events[std::string(event)];
    if (tell_all) fmt::print("{} {}\n", event, detail);
  }
  template <class T>
  T must(Result<T> result, std::string_view what) {
    if (!result) bad(fmt::format("{}: {}", what, result.error().text()));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
  }
  bool chance(std::uint64_t in_thousand) { return rng_.below(1000) < in_thousand; }
  Node& any() { return *nodes_[rng_.below(nodes_.size())]; }
  alliance::Member& member(Node& n) { return *must(n.ctx->member(), n.origin); }

  void open(Node& n) {
    n.ctx.emplace(
        api::Ctx{.home = n.home, .mounted = node::mounted(), .seams = {&n.clock, &n.rng, &silent_progress()}});
  }
  void start_desk(Node& n) { n.desk.emplace(must(node::PeerDesk::open(member(n)), "desk")); }

  json::Value call(Node& n, std::string_view id, const std::string& input) {
    return must(op(id).call(*n.ctx, must(json::parse(input), input), {}), fmt::format("{} {}", n.origin, id)).json;
  }
  void found(Node& n) {
    open(n);
    call(n, "member.init", fmt::format(R"({{"name":"{0}","origin":"{0}"}})", n.origin));
  }
  void join(std::size_t i) {
    Node &founder = *nodes_[0], &n = *nodes_[i];
    const std::string invitation = (dir_.path() / fmt::format("invite{}", i)).string();
    const std::string card = (dir_.path() / fmt::format("card{}", i)).string();
    call(founder, "member.invite", fmt::format(R"({{"out":"{}","url":"http://node0"}})", invitation));
    call(n, "member.join", fmt::format(R"({{"file":"{}","card":"{}","url":"http://node{}"}})", invitation, card, i));
    call(founder, "peer.add", fmt::format(R"({{"file":"{}"}})", card));
    call(founder, "member.admit", fmt::format(R"({{"origin":"{}"}})", n.origin));
  }

  // ---- the network

  // Who answers at a URL, as seen by the caller: a clone answers to half of the others.
  Node* at(const std::string& url, std::size_t caller) {
    const auto i = static_cast<std::size_t>(std::stoul(url.substr(std::strlen("http://node"))));
    if (clone_ && i == cloned_ && caller % 2 == 1 && !healed_) return clone_.get();
    return nodes_[i].get();
  }
  std::size_t index_of(const Node& n) const {
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i].get() == &n || clone_.get() == &n) return nodes_[i]->origin == n.origin ? i : cloned_;
    return 0;
  }
  std::unexpected<Error> away() { return fail(net::why("net.connect"), "simulated"); }

  Result<http::Response> carry(std::size_t from, const std::string& url, const http::Request& request) {
    Node* to = at(url, from);
    const std::size_t i = index_of(*to);
    if (!to->up || cut_.contains({std::min(from, i), std::max(from, i)})) return away();
    const auto answered = [&] {
      http::Response out = to->desk->answer(request);
      if (!out.source) return out;
      out.body.resize(out.source->size());
      must(out.source->read(0, {reinterpret_cast<std::uint8_t*>(out.body.data()), out.body.size()}), "a blob");
      out.source.reset();
      return out;
    };
    if (healed_) return answered();
    if (chance(loss_)) return away();  // never arrived
    http::Response answer = answered();
    if (chance(loss_)) answer = answered();  // arrived twice
    if (chance(loss_)) return away();        // the answer was lost
    if (chance(lies_) && !answer.body.empty()) {
      say("garbled");
      answer.body[rng_.below(answer.body.size())] ^= static_cast<char>(1 + rng_.below(255));
    }
    return answer;
  }

  void sync(Node& n) {
    const std::size_t from = index_of(n);
    alliance::Member& m = member(n);
    const alliance::Authority& own = m.authority();
    const auto author = must(alliance::load_key(m.keys_folder(), alliance::Role::author), "author key");
    const node::Connect connect = [&](const node::Contact& contact) -> Result<http::Exchange> {
      const std::string url = contact.address.url;
      return node::signing([this, from, url](const http::Request& r) { return carry(from, url, r); }, own.origin,
                           contact.origin, author.key, n.clock);
    };
    const node::SyncOptions options{.run_all = [](std::span<const std::function<void()>> tasks) {
      for (const auto& task : tasks) task();
    }};
    const auto round = node::sync_once(m, connect, options);
    if (!round) {
      // The one fault of the own log that others may prove: a copy of this node went further.
      if (clone_ && n.origin == nodes_[cloned_]->origin && round.error().reason->slug == "log.witness_ahead") {
        say("own fork noticed");
        return;
      }
      bad(fmt::format("{}: sync: {}", n.origin, round.error().text()));
    }
    for (const node::PeerRow& row : round->peers)
      if (row.fault.starts_with("log.mirror_forked")) forks_seen_.insert(row.origin);
    if (tell_all)
      for (const node::PeerRow& row : round->peers)
        if (!row.fault.empty()) fmt::print("  {} -> {}: {}\n", n.origin, row.origin, row.fault);
    last_quorum_[n.origin] = round->quorum;
    must(n.desk->know(m), "know");
  }

  // ---- events

  void append(Node& n) {
    const auto price = rng_.below(500);
    constexpr std::array<std::string_view, 5> classes{"public", "public", "members", "owner",
                                                      "sealed-until:2030-01-01T00:00:00Z"};
    const auto drawn = classes[rng_.below(classes.size())];
    // A body is sealed to the members its author knows of when it says it.
    const auto met = must(
        must(member(n).views(), "views")->integer("SELECT count(*) FROM public_alliance_member WHERE state = 'member'"),
        "members");
    const bool all = met.value_or(0) == static_cast<std::int64_t>(nodes_.size());
    member(n).set_audience(must(alliance::Audience::parse(drawn == "members" && !all ? "owner" : drawn), "audience"));
    const json::Value out =
        call(n, "pool.site_add",
             fmt::format(R"({{"site":"site:s{}","name":"Site","jurisdiction":"CN","backend":["backend:refrt"],)"
                         R"("price_fen_per_hour_min":{},"price_fen_per_hour_max":{},"switch_minutes_min":1,)"
                         R"("switch_minutes_max":2}})",
                         rng_.below(6), price, price + 10));
    member(n).set_audience({});
    n.acknowledged.insert(std::string(out.find("receipt") ? out.find("receipt")->text("id") : out.text("statement")));
  }
  // A new key of the log or of the author, by the root key. Also of two nodes before they meet again, which then refuse
  // each other's calls until each has shown its new key (decision 0115).
  void rekey(Node& n) {
    const std::string role = chance(500) ? "log" : "author";
    const std::string change = (dir_.path() / fmt::format("change{}", changes_++)).string();
    call(n, "key.propose", fmt::format(R"({{"change":"rotate","role":"{}","out":"{}"}})", role, change));
    call(n, "key.sign", fmt::format(R"({{"file":"{}","key":"{}"}})", change, (n.home / "keys" / "root").string()));
    call(n, "key.submit", fmt::format(R"({{"file":"{}"}})", change));
  }
  void suspend(Node& founder, Node& n) {
    const auto input = fmt::format(R"({{"origin":"{}","cause":"dues"}})", n.origin);
    // Its log may not have reached the founder, or the founder refuses a second suspension: then nothing happens.
    if (op("member.suspend").call(*founder.ctx, must(json::parse(input), input), {})) suspended_.insert(n.origin);
  }
  // One more member, in the middle of everything.
  void join_late() {
    const std::size_t i = nodes_.size();
    nodes_.push_back(
        std::make_unique<Node>(dir_.path() / std::to_string(i), fmt::format("n{}.example/log", i), seed_ * 100 + i));
    Node& n = *nodes_.back();
    n.clock.advance_ms(nodes_[0]->clock.now_ms() - start_ms);
    found(n);
    join(i);
    start_desk(n);
    must(nodes_[0]->desk->know(member(*nodes_[0])), "know");
    late_ = true;
  }
  void leave(Node& n) {
    // Without the charter, which it has not mirrored yet, there is nothing to leave.
    if (op("member.leave").call(*n.ctx, must(json::parse("{}"), "leave"), {})) left_.insert(n.origin);
  }
  void crash(Node& n) {
    n.desk.reset();
    n.ctx.reset();
    open(n);
    start_desk(n);
  }
  void clone(std::size_t i) {
    Node& n = *nodes_[i];
    cloned_ = i;
    clone_ = std::make_unique<Node>(dir_.path() / "clone", n.origin, seed_ * 100 + 99);
    n.desk.reset();
    n.ctx.reset();
    fs::copy(n.home, clone_->home, fs::copy_options::recursive);
    open(n);
    start_desk(n);
    open(*clone_);
    start_desk(*clone_);
  }

  void happen() {
    for (auto& n : nodes_) n->clock.advance_ms(static_cast<std::int64_t>(rng_.below(4000)));
    const auto what = rng_.below(100);
    Node& n = clone_ && chance(200) ? *clone_ : any();
    if (what < 2) {
      // A copy and its model would each have keys of their own.
      if (n.up && !clone_ && seed_ % 4 != 0 && !left_.contains(n.origin)) say("rekey", n.origin), rekey(n);
    } else if (what < 5) {
      Node& founder = *nodes_[0];
      if (clone_ || seed_ % 4 == 0 || !founder.up) return;
      const auto act = rng_.below(3);
      if (act == 0 && !late_)
        say("join"), join_late();
      else if (&n == &founder || left_.contains(n.origin))
        return;
      else if (act == 1 && n.up && left_.empty() && !suspended_.contains(n.origin))
        say("leave", n.origin), leave(n);
      else
        say("suspend", n.origin), suspend(founder, n);
    } else if (what < 35) {
      if (n.up) say("append", n.origin), append(n);
    } else if (what < 80) {
      if (n.up) say("sync", n.origin), sync(n);
    } else if (what < 86) {
      const std::size_t a = rng_.below(nodes_.size()), b = rng_.below(nodes_.size());
      if (a != b) say("cut"), cut_.insert({std::min(a, b), std::max(a, b)});
    } else if (what < 90) {
      say("heal");
      if (!cut_.empty()) cut_.erase(std::next(cut_.begin(), static_cast<std::ptrdiff_t>(rng_.below(cut_.size()))));
    } else if (what < 93) {
      if (n.up) say("crash", n.origin), crash(n);
    } else if (what < 95) {
      say(n.up ? "down" : "up again", n.origin);
      n.up = !n.up;
    } else if (what < 97) {
      say("clock jumps", n.origin);
      n.clock.advance_ms(static_cast<std::int64_t>(rng_.below(1'200'000)) - 600'000);
    } else if (what < 99) {
      say("weather");
      loss_ = rng_.below(150), lies_ = rng_.below(40);
    } else if (!clone_ && seed_ % 4 == 0) {
      const std::size_t i = 1 + rng_.below(nodes_.size() - 1);
      say("clone", nodes_[i]->origin);
      clone(i);
    }
  }

  // ---- what must hold

  // A mirror holds a prefix of what its log (or its clone) has.
  void check_mirrors() {
    for (auto& n : nodes_)
      for (log::Log* mirror : member(*n).peer_logs()) {
        const log::Head head = mirror->head();
        if (head.size == 0) continue;
        const auto holds = [&](Node& of) {
          log::Log& log = member(of).log();
          if (log.head().size < head.size) return false;
          return must(log.root_at(head.size), "root") == head.root;
        };
        bool fits = false;
        for (auto& other : nodes_) fits = fits || (other->origin == mirror->origin() && holds(*other));
        if (clone_ && clone_->origin == mirror->origin()) fits = fits || holds(*clone_);
        if (!fits)
          bad(fmt::format("{} mirrors {} statements of {} that it never had", n->origin, head.size, mirror->origin()));
      }
  }

  void settle() {
    healed_ = true;
    cut_.clear();
    std::int64_t latest = start_ms;
    for (auto& n : nodes_) latest = std::max(latest, n->clock.now_ms());
    for (auto& n : nodes_) {
      n->up = true;
      n->clock.advance_ms(latest + 60'000 - n->clock.now_ms());
    }
    for (const std::string& origin : suspended_)
      call(*nodes_[0], "member.admit", fmt::format(R"({{"origin":"{}","vouch":true}})", origin));
    for (int round = 0; round < 6; ++round)
      for (auto& n : nodes_) sync(*n);
    std::string views, frontier;
    std::map<std::string, std::string> own;  // views by the bodies they rest on
    for (auto& n : nodes_) {
      alliance::Member& m = member(*n);
      sql::Db& db = *must(m.views(), "views");
      check_ranges(db, *n);
      const std::string here = must(alliance::view_digest(db), "digest");
      const std::string read = m.frontier().digest + m.frontier().opened.value_or("");
      if (!left_.contains(n->origin) && own.emplace(read, here).first->second != here)
        bad(n->origin + " has other views on equal bodies");
      std::string digest;  // without bodies, at two nodes: it costs a replay
      if (n == nodes_[0] || n == nodes_[1 + seed_ % (nodes_.size() - 1)]) {
        const auto again = must(m.rebuild_views(), "views anew");
        if (again.own != here) bad(n->origin + " has other views when they are replayed from nothing");
        digest = again.shared;
      }
      check_bodies(db, *n);
      if (!clone_) {
        if (!frontier.empty() && m.frontier().digest != frontier) bad(n->origin + " has another frontier");
        // Who left sees its own later statements all the same; the others do not.
        const bool left = left_.contains(n->origin);
        if (!left && !views.empty() && !digest.empty() && digest != views)
          bad(n->origin + " has other views on an equal frontier");
        if (!last_quorum_[n->origin]) bad(n->origin + " has no quorum on a whole network");
      }
      frontier = m.frontier().digest;
      if (!digest.empty() && !left_.contains(n->origin)) views = digest;
      for (const std::string& id : n->acknowledged)
        if (!m.find(id)) bad(fmt::format("{} lost the statement {}", n->origin, id));
      if (clone_) check_frozen(db, *n);
    }
  }

  // What is for all members is read by whoever was one when it was said; nothing else of another is.
  void check_bodies(sql::Db& db, Node& n) {
    const auto kept = must(db.integer("SELECT count(*) FROM public_alliance_sealed WHERE opened = 0 AND issuer = ?",
                                      {std::string_view(n.origin)}),
                           "own bodies");
    if (kept.value_or(0) != 0) bad(fmt::format("{} lost {} of its own bodies", n.origin, *kept));
    const auto spied =
        must(db.integer("SELECT count(*) FROM public_alliance_sealed WHERE opened = 1 AND issuer <> ? AND "
                        "audience <> 'members'",
                        {std::string_view(n.origin)}),
             "others' bodies");
    if (spied.value_or(0) != 0) bad(fmt::format("{} reads {} bodies that are for their owners", n.origin, *spied));
    const auto missed = must(db.integer("SELECT count(*) FROM public_alliance_sealed WHERE opened = 0 AND audience = "
                                        "'members'"),
                             "members' bodies");
    if (missed.value_or(0) != 0 && suspended_.empty() && left_.empty() && !late_ && !clone_)
      bad(fmt::format("{} misses {} bodies that are for all members", n.origin, *missed));
    opened_ += must(db.integer("SELECT count(*) FROM public_alliance_sealed WHERE opened = 1 AND issuer <> ?",
                               {std::string_view(n.origin)}),
                    "opened")
                   .value_or(0);
    if (opened_ > 0) say("opened another's body");
  }

  // No row of the views stands on a statement outside the positions that the alliance counts.
  void check_ranges(sql::Db& db, Node& n) {
    const auto outside = must(
        db.integer("SELECT count(*) FROM alliance_statement s WHERE NOT EXISTS (SELECT 1 FROM alliance_range r WHERE "
                   "r.origin = s.origin AND s.idx >= r.begin_idx AND (r.end_idx IS NULL OR s.idx < r.end_idx))"),
        "ranges");
    if (outside.value_or(0) != 0)
      bad(fmt::format("{} counts {} statements outside the agreed positions", n.origin, outside.value_or(0)));
  }

  // When both copies signed something and somebody saw each, every node has frozen the log.
  void check_frozen(sql::Db& db, Node& n) {
    Node& one = *nodes_[cloned_];
    log::Log &a = member(one).log(), &b = member(*clone_).log();
    const auto shared = std::min(a.head().size, b.head().size);
    if (must(a.root_at(shared), "root") == must(b.root_at(shared), "root")) return;  // one is a prefix: no fork
    if (!forks_seen_.contains(one.origin)) return;                                   // nobody ever saw both branches
    const auto state =
        must(db.text("SELECT state FROM public_alliance_member WHERE origin = ?", {one.origin}), "state");
    if (state.value_or("") != "frozen")
      bad(fmt::format("{}: {} is {} in spite of fork evidence", n.origin, one.origin, state.value_or("nothing")));
    say("frozen");
  }

  std::uint64_t seed_;
  std::int64_t opened_ = 0;
  SeededRng rng_;
  TempDir dir_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::unique_ptr<Node> clone_;
  std::size_t cloned_ = 0;
  std::set<std::pair<std::size_t, std::size_t>> cut_;
  std::uint64_t loss_ = 30, lies_ = 5;  // in a thousand
  bool healed_ = false;
  std::map<std::string, bool> last_quorum_;
  int changes_ = 0;
  std::set<std::string> suspended_, left_;
  bool late_ = false;                 // somebody joined late
  std::set<std::string> forks_seen_;  // logs of which some round met both branches
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1, count = 1;
  int steps = 60;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto number = [&] { return std::strtoull(++i < argc ? argv[i] : "0", nullptr, 10); };
    if (flag == "--seed")
      first = number();
    else if (flag == "--seeds")
      count = number();
    else if (flag == "--steps")
      steps = static_cast<int>(number());
    else if (flag == "--log")
      tell_all = true;
    else {
      fmt::print(stderr, "usage: sim [--seed N] [--seeds COUNT] [--steps N] [--log]\n");
      return 2;
    }
  }
  std::map<std::string, std::int64_t> events;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    World world(seed, 3 + seed % 3);
    world.run(steps);
    for (const auto& [event, times] : world.events) events[event] += times;
  }
  fmt::print("{} seeds from {} hold:", count, first);
  for (const auto& [event, times] : events) fmt::print(" {} {},", times, event);
  fmt::print("\n");
  return 0;
}
