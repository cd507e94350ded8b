#include "node/evidence.h"

#include <doctest/doctest.h>

#include "alliance/member.h"
#include "base/test_result.h"
#include "log/store.h"
#include "pool/kinds.h"

using namespace hz;
using namespace hz::node;

namespace {

struct World {
  TempDir dir;
  ManualClock clock{1795442706123};
  SeededRng rng;
  alliance::Member member;

  explicit World(std::uint64_t seed, std::string origin = "hezong.example/acme")
      : rng(seed),
        member(alliance::Member::create(dir.path() / "home", {"Acme", std::move(origin)}, {pool::kinds(), {}},
                                        {&clock, &rng, &silent_progress()})
                   .value()) {}
  std::uint64_t add(std::string site) {
    const pool::Site offer{std::move(site), "Hangzhou", "unknown", "CN", {{"backend:refrt", 1, 2, 3, 4}}};
    return member.append(alliance::draft(offer)).value().index;
  }
  Evidence evidence(std::uint64_t index) {
    return {member.log().prove(0).value(), {}, member.log().prove(index).value()};
  }
};

}  // namespace

TEST_CASE("evidence: a statement is proven to a stranger, who learns who signed it and where it stands") {
  World world(1);
  world.add("site:a");
  const auto index = world.add("site:b");
  world.add("site:c");
  const Evidence made = world.evidence(index);
  const auto checked = check_evidence(parse_evidence(format_evidence(made)).value());
  REQUIRE(checked);
  CHECK(checked->statement.index == 2);
  CHECK(checked->statement.body.text("site") == "site:b");
  CHECK(checked->authority.genesis.name == "Acme");
  CHECK(checked->log_size == 4);
}

TEST_CASE("evidence: no single byte can be changed, dropped or added") {
  World world(2);
  const std::string good = format_evidence(world.evidence(world.add("site:a")));
  REQUIRE(check_evidence(parse_evidence(good).value()));
  const auto passes = [](const std::string& text) {
    const auto evidence = parse_evidence(text);
    return evidence && check_evidence(*evidence).has_value();
  };
  SeededRng rng(3);
  for (std::size_t at = 0; at < good.size(); ++at) {
    CAPTURE(at);
    std::string changed = good, dropped = good, added = good;
    changed[at] = static_cast<char>(changed[at] ^ (1 + rng.below(255)));
    dropped.erase(at, 1);
    added.insert(at, 1, static_cast<char>(rng.below(256)));
    CHECK_FALSE(passes(changed));
    CHECK_FALSE(passes(dropped));
    CHECK_FALSE(passes(added));
  }
}

TEST_CASE("evidence: parts of two members, of two heads, or in the wrong order do not make one") {
  World acme(4), twin(5), beta(6, "hezong.example/beta");
  const Evidence good = acme.evidence(acme.add("site:a"));
  twin.add("site:a");
  beta.add("site:a");
  CHECK(slug(check_evidence(good)).empty());
  CHECK(slug(check_evidence({good.genesis, {}, beta.evidence(1).statement})) == "node.evidence_syntax");
  CHECK_FALSE(check_evidence({twin.evidence(1).genesis, {}, good.statement}));
  CHECK(slug(check_evidence({good.statement, {}, good.statement})) == "node.evidence_syntax");
  acme.add("site:b");
  CHECK(slug(check_evidence({good.genesis, {}, acme.evidence(1).statement})) == "node.evidence_syntax");
}
