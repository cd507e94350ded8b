// Witnesses: processor time of one add-checkpoint, and how long a head takes to a quorum of 7 over loopback HTTP.
//
// The 7 witnesses are real ones, each with its own synced memory and HTTP server; all share one process and this disk,
// so the syncs queue up as they would not on 7 machines. A round is what a node does: append, ask all 7 at once, verify
// what they sign, publish durably.
//
// usage: ./dev bench witness [ROUNDS]   (default 300)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>

#include "log/cosign_round.h"
#include "log/witness.h"
#include "measure.h"
#include "net/client.h"
#include "net/server.h"

using namespace hz;
using bench::need;
using bench::now_s;

namespace {

double thread_cpu_s() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double percentile_ms(std::vector<double> seconds, double share) {
  std::ranges::sort(seconds);
  return seconds[std::min(seconds.size() - 1, static_cast<std::size_t>(share * static_cast<double>(seconds.size())))] *
         1000;
}

log::Entry entry(SeededRng& rng) {
  log::Entry out{Bytes(600), {}, {}};
  rng.fill(out.leaf);
  rng.fill(out.id);
  rng.fill(out.idem);
  return out;
}

struct Place {
  log::Witness witness;
  std::mutex turn = {};
  std::optional<net::Server> server = {};
  std::optional<net::Client> client = {};
};

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 300;
  const TempDir dir;
  SeededRng rng(11);
  auto own = need(log::Log::create(dir.path() / "log", dir.path() / "mark", "bench.example/witness",
                                   crypto::SigningKey::generate(rng)));
  // A log of some age: proofs have their usual length.
  for (int i = 0; i < 50; ++i) {
    std::vector<log::Entry> batch;
    for (int k = 0; k < 1000; ++k) batch.push_back(entry(rng));
    need(own.append(batch));
  }

  // One witness, asked directly.
  auto alone = need(log::Witness::open(dir.path() / "alone.sqlite", "alone.example", crypto::SigningKey::generate(rng),
                                       system_clock()));
  alone.watch({own.key()});
  std::uint64_t old = 0;
  double cpu_s = 0;
  std::vector<double> request_s;
  for (int i = 0; i < 500; ++i) {
    const log::Entry one = entry(rng);
    need(own.append(std::span(&one, 1)));
    const std::uint64_t size = own.head().size;
    const http::Request request{
        .method = "POST",
        .path = "/add-checkpoint",
        .query = {},
        .headers = {},
        .body = log::format_add_checkpoint(
            {old, old ? need(own.consistency_proof(old, size)) : std::vector<Digest>(), own.checkpoint()})};
    const double cpu = thread_cpu_s(), from = now_s();
    const auto answer = alone.answer(request, "");
    request_s.push_back(now_s() - from);
    cpu_s += thread_cpu_s() - cpu;
    if (answer.status != 200) return 1;
    old = size;
  }
  const double cpu_us = cpu_s * 1e6 / 500;

  std::vector<std::unique_ptr<Place>> places;
  std::vector<log::WitnessPeer> peers;
  std::string policy = fmt::format("log {}\n", log::format_vkey(own.key())), names;
  for (int i = 0; i < 7; ++i) {
    places.push_back(std::make_unique<Place>(
        need(log::Witness::open(dir.path() / fmt::format("w{}.sqlite", i), fmt::format("w{}.example", i),
                                crypto::SigningKey::generate(rng), system_clock()))));
    Place* place = places.back().get();
    place->witness.watch({own.key()});
    place->server.emplace(need(net::Server::start({}, {.handle = [place](const http::Request& request) {
                                                    const std::scoped_lock hold(place->turn);
                                                    return place->witness.answer(request, "");
                                                  }})));
    place->client.emplace(need(net::Client::make({.url = place->server->url()})));
    peers.push_back({place->witness.key(), place->client->exchange(), ""});
    policy += fmt::format("witness w{} {}\n", i, log::format_vkey(place->witness.key()));
    names += fmt::format(" w{}", i);
  }
  const auto rule = need(log::parse_policy(fmt::format("{}group q 5{}\nquorum q\n", policy, names)));
  std::vector<double> round_s;
  for (int i = 0; i < rounds + 5; ++i) {
    const log::Entry one = entry(rng);
    need(own.append(std::span(&one, 1)));
    const double from = now_s();
    const auto round = need(log::cosign_round(own, peers, rule, log::WithoutQuorum::withhold));
    if (!round.quorum || !round.published) return 1;
    if (i >= 5) round_s.push_back(now_s() - from);  // the first ones open connections
  }
  const double p50 = percentile_ms(round_s, 0.5), p99 = percentile_ms(round_s, 0.99);
  const bool ok = cpu_us <= 1000 && p99 <= 50;
  std::printf("a log of %llu entries\n", static_cast<unsigned long long>(own.head().size));
  std::printf("  add-checkpoint, processor   %9.0f us  goal 1000\n", cpu_us);
  std::printf("  add-checkpoint, to the disk %9.2f ms p50, %.2f ms p99\n", percentile_ms(request_s, 0.5),
              percentile_ms(request_s, 0.99));
  std::printf("  7 of 7 asked, published     %9.1f ms p50, %.1f ms p99   goal p99 50; quorum 5, %d rounds\n", p50, p99,
              rounds);
  std::printf(
      "{\"id\":\"witness\",\"value\":%.1f,\"unit\":\"ms p99 to a quorum of 7 witnesses\",\"goal\":50,\"peer\":null,"
      "\"ratio\":null,\"ok\":%s,\"p50_ms\":%.1f,\"cpu_us\":%.0f}\n",
      p99, ok ? "true" : "false", p50, cpu_us);
}
