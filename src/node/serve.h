// A member on the network: its operations over HTTP, for its operator and the console. `hezong up` is this and a
// signal.
//
// What stands in the member's folder meanwhile (docs/formats/http_api.md): api_token, the operator's token; node.json,
// where the node listens; up.lock, held while it runs; tls/, key and certificate, once TLS was asked for.
#pragma once
#include <memory>

#include "api/op.h"
#include "net/server.h"
#include "node/drill_watch.h"
#include "node/gateway.h"
#include "node/scrub_watch.h"

namespace hz::node {

struct ServeOptions {
  std::string listen = "127.0.0.1";
  std::uint16_t port = 0;               // 0: any free one
  bool tls = false;                     // always on where `listen` is no loopback address
  std::vector<std::string> names = {};  // host names the node is called by, besides addresses and localhost
  fs::path publish_log = {};            // a folder for static web servers, brought up to date by each round
  int sync_ms = 5'000;                  // pause between rounds with the other nodes; 0: none
  // Where products are called: on the same address, or, with a listening address here, on one of its own only.
  std::string gateway_listen = {};
  std::uint16_t gateway_port = 0;
  net::ServerLimits limits = {};
  // With more statements to replay than this (a third of a second) the node listens first and replays then.
  std::uint64_t replay_first_max = 20'000;
  ScrubOptions scrub = {};
  ShadowLimits shadow = {};   // of products that a live drill moved
  WatchOptions watch = {};    // and when they are rolled back
  bool scrub_repair = false;  // what a pass finds damaged is fetched from mirrors and known nodes
};

// The content of node.json.
struct NodeFile {
  std::string url;
  std::optional<std::string> gateway;  // where products are called, when elsewhere
  std::optional<std::string> pin;      // "sha256//...", with TLS
  std::int64_t pid = 0;
  std::string started;  // UTC
  static constexpr auto fields() {
    return rows(row("url", &NodeFile::url, "where the node listens"),
                row("gateway", &NodeFile::gateway, "where products are called, when elsewhere"),
                row("pin", &NodeFile::pin, "pin of its TLS key, as curl --pinnedpubkey takes it"),
                row("pid", &NodeFile::pid, "process"), row("started", &NodeFile::started, "since, UTC"));
  }
};

class Served {
 public:
  // Serves the member in ctx.home until stop(). On a full disk the reserve is given back (alliance/reserve.h). Takes
  // over ctx.opened. Requests run on members that are kept open (open_members.h) and let go of the log's lock, so
  // commands may run beside it; requests that sign wait for each other. After a change of program, or where the views
  // were lost, much has to be replayed: then requests that need the views are answered alliance.replaying until that
  // is done, calls of products and of other members 503, and rounds begin after it. Errors: node.up_already,
  // node.token_file, alliance.no_member and what Member::open says, net.listen, net.tls_files, base.write.
  static Result<Served> start(const ServeOptions& options, api::Ctx& ctx);
  Served(Served&&) noexcept;
  ~Served();

  const NodeFile& file() const;
  net::Counters counters() const;
  const GatewayCounts& gateway_counts() const;
  // Rounds with the other nodes so far, finished or failed.
  std::uint64_t rounds() const;
  // Finishes running requests, removes node.json and lets the next one start.
  void stop();

 private:
  struct State;
  static Result<Served> start_once(const ServeOptions& options, api::Ctx& ctx);
  explicit Served(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hz::node
