// The whole story on one node, told twice: the same input, clock and random numbers give the same bytes.
#include <doctest/doctest.h>

#include "alliance/replay.h"
#include "base/fs.h"
#include "node/mount.h"
#include "sql/db.h"
#include "standards/kinds.h"

using namespace hz;

namespace {

const api::Op& op(std::string_view id) {
  for (const api::Op* row : node::ops())
    if (row->id == id) return *row;
  FAIL("no operation " << std::string(id));
  std::abort();
}

void call(api::Ctx& ctx, std::string_view id, std::string_view input) {
  const auto in = json::parse(input);
  REQUIRE_MESSAGE(in, in.error().text());
  const auto done = op(id).call(ctx, *in, {});
  REQUIRE_MESSAGE(done, std::string(id) << ": " << done.error().text());
}

struct Told {
  std::string views, frontier;
  Bytes report;
};

// One member scans the demo's products, holds evidence about one of them and reports the loss of an entity.
Told tell(std::uint64_t seed) {
  const TempDir dir;
  ManualClock clock{1'795'000'000'000};
  SeededRng rng(seed);
  api::Ctx ctx{.home = dir.path() / "home", .mounted = node::mounted(), .seams = {&clock, &rng, &silent_progress()}};
  const std::string demo = std::string(HZ_SOURCE_DIR) + "/examples/alliance";
  call(ctx, "member.init", R"({"name":"Acme","origin":"acme.example/log"})");
  call(ctx, "supply.entities_import", fmt::format(R"({{"file":"{}/entities.toml"}})", demo));
  call(ctx, "exposure.scan", fmt::format(R"({{"dir":"{}/products"}})", demo));
  alliance::Member& member = *ctx.member().value();
  standards::ModelResult result;
  result.product = "glyph";
  result.backend = "backend:refrt";
  result.verdict = standards::Verdict::strict;
  const auto digest =
      member.views().value()->text("SELECT model_sha256 FROM public_supply_product WHERE product LIKE '%glyph'");
  REQUIRE_MESSAGE(digest, digest.error().text());
  result.model_sha256 = digest->value();
  result.golden_sha256 = std::string(64, '0');
  result.cases = 1000, result.quality_milli = 990, result.agreement_milli = 1000, result.batch = 1;
  result.rule = standards::rule_name;
  const auto stands = member.append(alliance::draft(result));
  REQUIRE_MESSAGE(stands, stands.error().text());
  const fs::path report = dir.path() / "report.html";
  call(ctx, "drill.report", fmt::format(R"({{"lose":["entity:microsoft"],"out":"{}"}})", report.string()));
  return {alliance::view_digest(*member.views().value()).value(), member.frontier().digest,
          read_file(report, 64u << 20).value()};
}

}  // namespace

TEST_CASE("node: a second run on the same input gives the same views and the same report, byte for byte") {
  const Told first = tell(7), again = tell(7), other = tell(8);
  CHECK(first.frontier == again.frontier);
  CHECK(first.views == again.views);
  CHECK(first.report == again.report);
  CHECK(first.frontier != other.frontier);  // other keys make other statements
}
