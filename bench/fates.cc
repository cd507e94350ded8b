// Figure fates: random fates of requests through the gateway, each metered exactly once. In process, no sockets; the
// meter's files are real. What is drawn: node/test_fates.h.
// usage: ./dev bench fates [COUNT] [SEED]   (1000000 and 20261129 when absent)
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "node/test_fates.h"

int main(int argc, char** argv) {
  using namespace hz;
  const std::int64_t count = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20261129;
  const TempDir folder;
  const auto began = std::chrono::steady_clock::now();
  const node::FatesReport report = node::Fates(seed, folder.path()).run(count);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  fmt::print("{} requests in {:.1f} s: {} begun, {} not taken, {} tries, {} tables, {} kills of the node\n",
             report.requests, seconds, report.begun, report.not_taken, report.tries, report.tables, report.kills);
  for (const auto& [fate, n] : report.fates) fmt::print("  {:<12} {}\n", fate, n);
  for (const std::string& fault : report.faults) fmt::print("FAULT {}\n", fault);
  fmt::print(R"({{"id":"fates","value":{},"unit":"requests metered other than once","goal":0,"peer":null,"ratio":null,)"
             R"("requests":{},"ok":{}}})"
             "\n",
             report.faults.size(), report.requests, report.faults.empty());
  return report.faults.empty() ? 0 : 1;
}
