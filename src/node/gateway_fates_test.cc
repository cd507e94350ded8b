#include <doctest/doctest.h>

#include <cstdlib>

#include "node/test_fates.h"

using namespace hz;
using namespace hz::node;

TEST_CASE("gateway: each of many random fates stands in the meter exactly once") {
  const char* wanted = std::getenv("HZ_FATES");
  const std::int64_t count = wanted ? std::atoll(wanted) : 10'000;
  for (const std::uint64_t seed : {20261129ull, 7ull, 8ull}) {
    const TempDir folder;
    const FatesReport report = Fates(seed, folder.path()).run(count);
    CAPTURE(seed);
    for (const std::string& f : report.faults) CHECK_MESSAGE(false, f);
    // The draw reached everything it should.
    for (const char* fate : {"whole", "refused", "cut", "client_gone", "node_died"}) {
      CAPTURE(fate);
      CHECK(report.fates.contains(fate));
    }
    CHECK(report.kills > 5);
    CHECK(report.tables > report.kills + 10);
    CHECK(report.tries > report.begun / 2);
    CHECK(report.not_taken > 0);
  }
}
