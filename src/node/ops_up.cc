// `hezong up`: serves the member until it is asked to stop.
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "node/ops.h"
#include "node/reasons.h"
#include "node/serve.h"

namespace hz::node {
namespace {

// SIGTERM and SIGINT wake wait(); a second one ends the process the hard way. Handlers, not a blocked mask: programs
// that a request starts must not inherit deafness.
class StopSignal {
 public:
  StopSignal() {
    wake_ = ::eventfd(0, EFD_CLOEXEC);
    struct sigaction action{};
    action.sa_handler = [](int) {
      const int saved = errno;
      const std::uint64_t one = 1;
      if (::write(wake_, &one, sizeof one) < 0) ::_exit(1);
      errno = saved;
    };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGTERM, &action, &before_term_);
    ::sigaction(SIGINT, &action, &before_int_);
  }
  ~StopSignal() {
    ::sigaction(SIGTERM, &before_term_, nullptr);
    ::sigaction(SIGINT, &before_int_, nullptr);
    ::close(wake_);
  }
  void wait() const {
    pollfd p{wake_, POLLIN, 0};
    while (::poll(&p, 1, -1) < 0) {
    }
  }

 private:
  static inline int wake_ = -1;
  struct sigaction before_term_{}, before_int_{};
};

struct Up {
  std::string listen = "127.0.0.1";
  std::uint32_t port = 0, sync_ms = 5000;
  bool tls = false;
  std::vector<std::string> host;
  std::string gateway_listen;
  std::uint32_t gateway_port = 0;
  std::optional<std::string> publish_log;
  std::int64_t scrub_mb_per_s = 20;
  bool scrub_repair = false;
  std::int64_t rerun_every = 100, rerun_per_s = 4, canary_s = 60;
  static constexpr auto fields() {
    return rows(row("listen", &Up::listen, "IP address to listen on; beyond this machine only with TLS", or_default),
                row("port", &Up::port, "TCP port; 0 takes a free one", or_default),
                row("sync_ms", &Up::sync_ms, "pause between rounds with the other nodes, milliseconds; 0: none (5000)",
                    or_default),
                row("tls", &Up::tls, "serve TLS on a loopback address too", or_default),
                row("host", &Up::host, "a host name the node is called by"),
                row("gateway_listen", &Up::gateway_listen,
                    "IP address where products are called, without the node's own operations; the same address as "
                    "theirs when absent",
                    or_default),
                row("gateway_port", &Up::gateway_port, "TCP port there; 0 takes a free one", or_default),
                row("publish_log", &Up::publish_log,
                    "after each round bring this folder to the published head, for a static web server"),
                row("scrub_mb_per_s", &Up::scrub_mb_per_s,
                    "once a day read everything that is stored again, so many MB a second at most and a twentieth of "
                    "one core; 0: never (20)",
                    or_default),
                row("scrub_repair", &Up::scrub_repair, "fetch what that finds damaged from mirrors and known nodes",
                    or_default),
                row("rerun_every", &Up::rerun_every,
                    "of products that a live drill moved, one request of so many is executed again on the incumbent "
                    "after the client was answered, and the answers are compared; 0: none (100)",
                    or_default),
                row("rerun_per_s", &Up::rerun_per_s, "at most so many of them a second (4)", or_default),
                row("canary_s", &Up::canary_s,
                    "pause between two rounds of known answers of such a product; 0: none (60)", or_default));
  }
};
struct UpOut {
  std::string url;
  std::uint32_t requests = 0, refused = 0;
  static constexpr auto fields() {
    return rows(row("url", &UpOut::url, "where the node listened"),
                row("requests", &UpOut::requests, "requests answered"),
                row("refused", &UpOut::refused, "connections there was no room for"));
  }
};

Result<UpOut> up(api::Ctx& ctx, const Up& in) {
  for (const std::uint32_t port : {in.port, in.gateway_port})
    if (port > 65535) return fail(why("node.port"), "{}", port);
  const StopSignal stop;
  ServeOptions options{.listen = in.listen,
                       .port = static_cast<std::uint16_t>(in.port),
                       .tls = in.tls,
                       .names = in.host,
                       .publish_log = in.publish_log ? fs::path(*in.publish_log) : fs::path(),
                       .sync_ms = static_cast<int>(std::min<std::uint32_t>(in.sync_ms, 3'600'000)),
                       .gateway_listen = in.gateway_listen,
                       .gateway_port = static_cast<std::uint16_t>(in.gateway_port),
                       .scrub = {.mb_per_s = in.scrub_mb_per_s},
                       .shadow = {.every = std::clamp<std::int64_t>(in.rerun_every, 0, 1'000'000'000),
                                  .per_s_max = std::clamp<std::int64_t>(in.rerun_per_s, 1, 1'000)},
                       .watch = {.canary_ms = std::clamp<std::int64_t>(in.canary_s, 0, 1'000'000) * 1'000},
                       .scrub_repair = in.scrub_repair};
  const std::string member = HZ_TRY(ctx.member())->id();
  auto served = HZ_TRY(Served::start(options, ctx));
  ctx.progress().note(fmt::format("{} serves {}", served.file().url, member));
  if (served.file().gateway) ctx.progress().note(fmt::format("products are called at {}", *served.file().gateway));
  if (served.file().pin) ctx.progress().note(fmt::format("pin {}", *served.file().pin));
  stop.wait();
  served.stop();
  const net::Counters counters = served.counters();
  return UpOut{served.file().url, static_cast<std::uint32_t>(counters.requests),
               static_cast<std::uint32_t>(counters.refused)};
}
std::string text(const UpOut& out, const api::Style&) {
  return fmt::format("{} stopped after {} requests\n", out.url, out.requests);
}

}  // namespace

std::span<const api::Op> up_ops() {
  static const api::Op table[] = {
      api::op<&up>({.id = "node.up",
                    .http = "",
                    .cli = "up",
                    .may = api::May::reader,
                    .fails = {"node.up_already", "node.token_file", "node.port", "net.listen", "net.tls_files"},
                    .doc = "Serve this member's operations over HTTP until SIGTERM or Ctrl-C.",
                    .example = "hezong up --port 8443 --tls",
                    .more =
                        "The address is printed on stderr and stands in node.json in the member's folder, with the "
                        "pin of the TLS key. The operator's token is in api_token there; send it as "
                        "`Authorization: Bearer TOKEN`. Commands may be used meanwhile. Every few seconds the node "
                        "mirrors the other members' logs and brings its head to them to be cosigned; `hezong node "
                        "peers` shows how that went. Products with a route (`hezong pool route set`) are called "
                        "through it, under /v2/ and /v1/chat/completions, with an API key. Products that a live drill "
                        "moved are watched: real requests are executed again on the incumbent, known answers ride "
                        "along, and a product that falls beyond its tolerance is rolled back, with the reason in "
                        "`hezong drill status`."}),
  };
  return table;
}

}  // namespace hz::node
