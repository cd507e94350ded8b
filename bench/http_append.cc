// Verified durable appends a second over HTTP: what a node does with signed statements that arrive at
// POST /v1/statements: TCP, HTTP, token, JSON, base64, frame, canonical form, kind and fields, Ed25519, one synced
// transaction, the mark, the answer. The node is a process of its own; the client signs everything before the clock
// runs and only sends.
//
//   flat out     4 connections, batches of 1,000: the rate
//   paced        10,000 statements/s offered as a batch of 200 every 20 ms: latency from the moment a batch is due
//   one by one   1 connection, one statement a request, the next after the answer
//   status       GET /v1/status, one connection: what a request costs that only reads
//
// Before each part the views are brought up to what the part before it appended, and what that left in the page cache
// is written, so that none pays for another; what the node replays of its own statements while they come is in the
// part's figures.
//
// Beside it in the same run, what no such node can beat: this disk's synced write, of which an append needs two.
//
// usage: ./dev bench http_append [STATEMENTS]   (default 100000)
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "alliance/keys.h"
#include "net/client.h"
#include "node/mount.h"
#include "node/serve.h"
#include "statement/sign.h"
#include "talent/kinds.h"

using namespace hz;

namespace {

constexpr std::string_view origin = "bench.example/http";

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <class T>
T need(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "bench http_append: %s\n", result.error().text().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

api::Ctx context(const fs::path& home) {
  return {.home = home, .mounted = node::mounted(), .seams = {&system_clock(), &system_rng(), &silent_progress()}};
}

double percentile_ms(std::vector<double> seconds, double share) {
  std::ranges::sort(seconds);
  return seconds[std::min(seconds.size() - 1, static_cast<std::size_t>(share * static_cast<double>(seconds.size())))] *
         1000;
}

double cpu_seconds(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string word;
  double ticks = 0;
  for (int i = 1; in >> word; ++i)
    if (i == 14 || i == 15) ticks += std::stod(word);
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// What the process handed to write calls so far, answers included.
double written_kb(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/io", pid));
  std::string name;
  double bytes = 0;
  while (in >> name >> bytes)
    if (name == "wchar:") return bytes / 1024;
  return 0;
}

// The node in a child process, until its end of `stop` closes.
struct Node {
  pid_t pid = -1;
  int stop = -1;
  std::string url;

  explicit Node(const fs::path& home) {
    int ready[2], ending[2];
    if (::pipe2(ready, O_CLOEXEC) != 0 || ::pipe2(ending, O_CLOEXEC) != 0) std::exit(1);
    pid = ::fork();
    if (pid == 0) {
      ::close(ending[1]);
      api::Ctx ctx = context(home);
      auto served = need(node::Served::start({}, ctx));
      const std::string at = served.file().url;
      char byte = 0;
      if (::write(ready[1], at.data(), at.size()) < 0 || ::close(ready[1]) != 0) std::exit(1);
      while (::read(ending[0], &byte, 1) > 0) {
      }
      served.stop();
      std::exit(0);
    }
    ::close(ready[1]);
    ::close(ending[0]);
    stop = ending[1];
    char text[256];
    const auto n = ::read(ready[0], text, sizeof text);
    if (n <= 0) std::exit(1);
    url.assign(text, static_cast<std::size_t>(n));
    ::close(ready[0]);
  }
  ~Node() {
    ::close(stop);
    ::waitpid(pid, nullptr, 0);
  }
};

class Signer {
 public:
  explicit Signer(statement::NamedSigner author) : author_(std::move(author)) {}
  // The bodies of requests of `each` statements.
  std::vector<std::string> requests(std::size_t count, std::size_t each) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; i += each) {
      std::string body = R"({"leaf":[)";
      for (std::size_t k = 0; k < each; ++k) {
        const json::Value need_body =
            to_json(talent::Need{fmt::format("backend:b{}", made_), "skill:kernels", 1, 2, 3});
        statement::Idem idem{};
        for (std::size_t b = 0; b < 8; ++b) idem[b] = static_cast<std::uint8_t>(made_ >> (8 * b));
        ++made_;
        const auto payload = need(statement::build_payload({.kind = talent::Need::kind,
                                                            .issuer = origin,
                                                            .log = origin,
                                                            .role = "author",
                                                            .issued_ms = system_clock().now_ms(),
                                                            .idem = idem,
                                                            .audience = {},
                                                            .refs = {},
                                                            .subjects = {},
                                                            .body = &need_body}));
        const statement::NamedSigner* by[] = {&author_};
        const auto made = need(statement::sign(payload, by));
        leaf_bytes = made.leaf.size();
        if (k) body += ',';
        body += '"' + base64(made.leaf) + '"';
      }
      out.push_back(body + "]}");
    }
    return out;
  }
  std::size_t leaf_bytes = 0;

 private:
  statement::NamedSigner author_;
  std::uint64_t made_ = 0;
};

class Client {
 public:
  Client(const Node& node, const fs::path& home) {
    std::string token = need(read_text(home / "api_token", 1024));
    token.pop_back();
    net::ClientOptions options{.url = node.url, .total_ms_max = 60'000};
    options.headers = {{"authorization", "Bearer " + token}};
    client_.emplace(need(net::Client::make(std::move(options))));
  }
  // 503 is the node's way to say "later": the client comes back.
  std::size_t append(const std::string& body) const {
    for (std::size_t refused = 0;; ++refused) {
      const auto answer =
          need(client_->send({"POST", "/v1/statements", "", {{"content-type", "application/json"}}, body}));
      if (answer.status == 200) return refused;
      if (answer.status != 503) {
        std::fprintf(stderr, "bench http_append: %d %s\n", answer.status, answer.body.substr(0, 300).c_str());
        std::exit(1);
      }
    }
  }
  void status() const {
    if (need(client_->send({"GET", "/v1/status"})).status != 200) std::exit(1);
  }

 private:
  std::optional<net::Client> client_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  constexpr std::size_t paced_count = 50'000, paced_each = 200, single_count = 3000, lanes = 4;
  constexpr double paced_interval_s = 0.02;
  const TempDir dir;
  const fs::path home = dir.path() / "home";
  {
    api::Ctx ctx = context(home);
    need(alliance::Member::create(home, {"Bench", std::string(origin)}, ctx.mounted, ctx.seams));
  }
  Signer signer(need(alliance::load_key(home / "keys", alliance::Role::author)));
  const auto flat = signer.requests(count, 1000), paced = signer.requests(paced_count, paced_each),
             single = signer.requests(single_count, 1);
  const Node node(home);
  std::vector<Client> clients;
  for (std::size_t i = 0; i < lanes; ++i) clients.emplace_back(node, home);
  clients[0].status();

  // Each lane sends every lanes-th request.
  std::atomic<std::size_t> refused = 0;
  const auto run = [&](const std::vector<std::string>& requests, double interval_s, std::vector<double>* latencies) {
    std::vector<std::vector<double>> taken(lanes);
    const double start = now_s();
    {
      std::vector<std::jthread> threads;
      for (std::size_t lane = 0; lane < lanes; ++lane)
        threads.emplace_back([&, lane] {
          for (std::size_t i = lane; i < requests.size(); i += lanes) {
            const double due = start + interval_s * static_cast<double>(i);
            if (const double wait = due - now_s(); interval_s > 0 && wait > 0)
              std::this_thread::sleep_for(std::chrono::duration<double>(wait));
            const double from = interval_s > 0 ? due : now_s();
            refused += clients[lane].append(requests[i]);
            taken[lane].push_back(now_s() - from);
          }
        });
    }
    const double spent = now_s() - start;
    for (const auto& lane : taken) latencies->insert(latencies->end(), lane.begin(), lane.end());
    return spent;
  };
  std::vector<double> flat_s, paced_s, single_s, replay_s;
  const auto at_rest = [&] {
    const double from = now_s();
    clients[0].status();
    replay_s.push_back(now_s() - from);
    ::sync();
  };
  const double cpu_before = cpu_seconds(node.pid), flat_kb_before = written_kb(node.pid);
  const double rate = static_cast<double>(count) / run(flat, 0, &flat_s);
  const double cpu_us = (cpu_seconds(node.pid) - cpu_before) * 1e6 / static_cast<double>(count);
  const double flat_kb = (written_kb(node.pid) - flat_kb_before) / static_cast<double>(count);
  at_rest();
  const double paced_kb_before = written_kb(node.pid);
  const double paced_rate = paced_count / run(paced, paced_interval_s, &paced_s);
  const double p50 = percentile_ms(paced_s, 0.5), p99 = percentile_ms(paced_s, 0.99);

  const double paced_kb = (written_kb(node.pid) - paced_kb_before) / paced_count;
  at_rest();
  const double single_kb_before = written_kb(node.pid);
  const double single_start = now_s(), single_cpu_before = cpu_seconds(node.pid);
  for (const std::string& body : single) {
    const double from = now_s();
    clients[0].append(body);
    single_s.push_back(now_s() - from);
  }
  const double single_rate = single_count / (now_s() - single_start);
  const double single_cpu_us = (cpu_seconds(node.pid) - single_cpu_before) * 1e6 / single_count;
  const double single_kb = (written_kb(node.pid) - single_kb_before) / single_count;

  at_rest();
  std::vector<double> status_s;
  for (int i = 0; i < 500; ++i) {
    const double from = now_s();
    clients[0].status();
    status_s.push_back(now_s() - from);
  }

  std::vector<double> sync_s;
  const Fd fd(::open((dir.path() / "sync").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  for (int i = 0; i < 200; ++i) {
    const Bytes bytes(8192, static_cast<std::uint8_t>(i));
    const double from = now_s();
    if (::pwrite(fd.get(), bytes.data(), bytes.size(), 0) < 0 || ::fdatasync(fd.get()) != 0) return 1;
    sync_s.push_back(now_s() - from);
  }
  const double sync_ms = percentile_ms(sync_s, 0.5);

  std::printf("%zu statements of %zu bytes, node and client on %u cores\n", count, signer.leaf_bytes,
              std::thread::hardware_concurrency());
  std::printf("  verified durable appends    %9.0f /s   goal 10000; batches of 1000, 4 connections\n", rate);
  std::printf("    node's processor time     %9.1f us  each\n", cpu_us);
  std::printf("    batch of 1000             %9.1f ms p50, %.1f ms p99\n", percentile_ms(flat_s, 0.5),
              percentile_ms(flat_s, 0.99));
  std::printf("  paced at 10000/s: kept up   %9.0f /s\n", paced_rate);
  std::printf("    latency to the answer     %9.1f ms p50, %.1f ms p99   goal p99 100\n", p50, p99);
  std::printf("  one by one, one client      %9.0f /s   goal 1000; %.2f ms p50, %.2f ms p99\n", single_rate,
              percentile_ms(single_s, 0.5), percentile_ms(single_s, 0.99));
  std::printf("    node's processor time     %9.1f us  each\n", single_cpu_us);
  std::printf("  GET /v1/status              %9.2f ms p50, %.2f ms p99\n", percentile_ms(status_s, 0.5),
              percentile_ms(status_s, 0.99));
  std::printf("  synced write of 8 KiB here  %9.2f ms p50, %.2f ms p99   an append needs two\n", sync_ms,
              percentile_ms(sync_s, 0.99));
  std::printf("  the node writes             %9.1f KiB each in batches of 1000, %.1f paced, %.1f one by one\n", flat_kb,
              paced_kb, single_kb);
  std::printf("  answered 503 and sent again %9zu\n", refused.load());
  std::printf("  left to replay after a part %9.2f s at most\n", std::ranges::max(replay_s));
  const bool ok = rate >= 10'000 && p99 <= 100 && single_rate >= 1000;
  std::printf(
      "{\"id\":\"http_append\",\"value\":%.0f,\"unit\":\"verified durable appends/s over HTTP\",\"goal\":10000,"
      "\"peer\":\"two synced writes %.0f /s\",\"ratio\":%.2f,\"ok\":%s,\"p50_ms\":%.1f,\"p99_ms\":%.1f,"
      "\"single_per_s\":%.0f,\"single_cpu_us\":%.1f,\"cpu_us\":%.1f,\"status_ms\":%.2f}\n",
      rate, 500 / sync_ms, single_rate * sync_ms / 500, ok ? "true" : "false", p50, p99, single_rate, single_cpu_us,
      cpu_us, percentile_ms(status_s, 0.5));
}
