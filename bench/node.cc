// A node with 10^6 statements: how long it takes from exec to its first answer, and the memory it holds when idle.
//
//   restart      GET /v1/status is answered 200 from views that are current, as after any restart, also of the machine
//   new program  the views are gone, as after a change of program: when GET /v1/status is answered first (it says how
//                far the replay is), when it is answered in full, and statements replayed a second
//
// The home is made by this program before the clock runs (10^6: about a minute of processor time, which it prints).
// Memory is the resident set of the process, three rounds of its idle loop after the last request.
//
// usage: ./dev bench node [STATEMENTS]   (default 1000000)
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "measure.h"
#include "net/client.h"
#include "node/mount.h"
#include "node/serve.h"
#include "talent/kinds.h"

using namespace hz;
using bench::need;
using bench::now_s;
using bench::resident_mb;

namespace {

struct Run {
  double first_s = 0, start_s = 0, idle_mb = 0, busy_mb = 0, status_ms = 0;
};

// The status, when the node answers it from its views.
bool whole(const net::Client& client) {
  const auto answer = need(client.send({"GET", "/v1/status"}));
  if (answer.status != 200) {
    std::fprintf(stderr, "bench node: %d %s\n", answer.status, answer.body.substr(0, 300).c_str());
    std::exit(1);
  }
  return !need(json::parse(answer.body)).find("replaying");
}

Run run(const char* hezong, const fs::path& home) {
  std::error_code ignored;
  fs::remove(home / "node.json", ignored);
  const double start = now_s();
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, 1);
    ::dup2(null, 2);
    ::execl(hezong, hezong, "--home", home.c_str(), "up", "--sync-ms", "500", nullptr);
    ::_exit(127);
  }
  Run out;
  std::optional<net::Client> client;
  while (!client) {
    if (::waitpid(pid, nullptr, WNOHANG) == pid) {
      std::fprintf(stderr, "bench node: %s did not start\n", hezong);
      std::exit(1);
    }
    const auto text = read_text(home / "node.json", 64u << 10);
    const auto value = text ? json::parse(*text) : Result<json::Value>(std::unexpected(text.error()));
    if (!value) {
      ::poll(nullptr, 0, 1);
      continue;
    }
    std::string token = need(read_text(home / "api_token", 1024));
    token.pop_back();
    net::ClientOptions options{.url = std::string(value->text("url")), .total_ms_max = 60'000};
    options.headers = {{"authorization", "Bearer " + token}};
    client.emplace(need(net::Client::make(std::move(options))));
  }
  bool there = whole(*client);
  out.first_s = now_s() - start;
  for (; !there; there = whole(*client)) ::poll(nullptr, 0, 20);
  out.start_s = now_s() - start;
  const double from = now_s();
  for (int i = 0; i < 100; ++i)
    if (need(client->send({"GET", "/v1/status"})).status != 200) std::exit(1);
  out.status_ms = (now_s() - from) * 10;
  out.busy_mb = resident_mb(pid);
  ::poll(nullptr, 0, 2500);
  out.idle_mb = resident_mb(pid);
  ::kill(pid, SIGTERM);
  ::waitpid(pid, nullptr, 0);
  return out;
}

void fill(const fs::path& home, std::size_t count) {
  const double from = now_s();
  SeededRng rng(3);
  auto member = need(alliance::Member::create(home, {"Bench", "bench.example/node"}, node::mounted(),
                                              {&system_clock(), &rng, &silent_progress()}));
  std::vector<alliance::Draft> drafts;
  for (std::size_t i = 1; i < count; ++i) {
    drafts.push_back(alliance::draft(talent::Need{fmt::format("backend:b{}", i % 10'000), "skill:kernels", 1, 2, 3}));
    if (drafts.size() == 10'000 || i + 1 == count) {
      need(member.append(drafts));
      drafts.clear();
    }
  }
  const double written = now_s();
  need(member.views());
  std::printf("filled with %zu statements: %.1f s to sign and append them, %.1f s to replay them\n", count,
              written - from, now_s() - written);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  const char* build = std::getenv("HZ_BUILD");
  const std::string hezong = (build ? std::string(build) : std::string("build/release")) + "/bin/hezong";
  const TempDir dir;
  fill(dir.path() / "small", 1000);
  fill(dir.path() / "large", count);
  const Run small = run(hezong.c_str(), dir.path() / "small"), large = run(hezong.c_str(), dir.path() / "large");
  for (const char* suffix : {"", "-wal", "-shm"})
    fs::remove(dir.path() / "large" / (std::string("views.sqlite") + suffix));
  const Run fresh = run(hezong.c_str(), dir.path() / "large");
  const auto show = [](std::size_t n, const Run& r) {
    std::printf(
        "%8zu statements: start %.2f s, GET /v1/status %.2f ms, resident %.1f MB after requests, %.1f MB idle\n", n,
        r.start_s, r.status_ms, r.busy_mb, r.idle_mb);
  };
  show(1000, small);
  show(count, large);
  std::printf("%8zu statements, new program: first answer %.2f s, in full %.1f s (%.0f statements/s)\n", count,
              fresh.first_s, fresh.start_s, static_cast<double>(count) / (fresh.start_s - fresh.first_s));
  const bool ok = large.start_s <= 1 && large.idle_mb <= 60 && small.idle_mb <= 60;
  std::printf(
      "{\"id\":\"node\",\"value\":%.2f,\"unit\":\"s from exec to the first answer, %zu statements\",\"goal\":1,"
      "\"peer\":null,\"ratio\":null,\"ok\":%s,\"idle_mb\":%.1f,\"idle_small_mb\":%.1f,\"status_ms\":%.2f,\"new_program_"
      "first_s\":%.2f,"
      "\"new_program_whole_s\":%.1f}\n",
      large.start_s, count, ok ? "true" : "false", large.idle_mb, small.idle_mb, large.status_ms, fresh.first_s,
      fresh.start_s);
}
