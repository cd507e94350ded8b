#include <doctest/doctest.h>

#include "base/seams.h"
#include "pool/admit.h"
#include "pool/kinds.h"
#include "pool/reasons.h"
#include "sql/db.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::pool;

namespace {

const std::string secret = "hz_0123456789abcdef_" + std::string(64, 'a');

Capacity capacity() { return {"o1", "site:hall", "cpu", 4, 0, {1000, 2, 3}, "members", 1'000, 100'000, 500, {}}; }
Claim claim(std::string id = "c1", std::int64_t from_ms = 2'000, std::int64_t until_ms = 3'000) {
  return {std::move(id),
          "hall.example",
          "o1",
          "product:glyph",
          "backend:refrt",
          std::string(64, '1'),
          {},
          1,
          from_ms,
          until_ms,
          {},
          {},
          ""};
}
Place place() { return {"hall.example", "site:hall", "entity:hall", "CN", "CN", {"backend:refrt"}}; }
Desk desk(const Capacity& c) { return {&c, place(), true, true, {}}; }

template <class Change>
std::string refused(Change change) {
  Capacity c = capacity();
  Claim asked = claim();
  Desk d = desk(c);
  change(c, asked, d);
  const Lease out = admit(asked, "lab.example", d, 1'500);
  CHECK(out.lease == lease_id("lab.example", "c1"));
  CHECK(check(out));
  CHECK(out.granted() == (out.count > 0));
  return out.refused;
}

template <class Said>
std::string_view slug(const Said& said) {
  const auto checked = check(said);
  return checked ? "" : checked.error().reason->slug;
}

}  // namespace

TEST_CASE("admission: every reason to refuse, and none") {
  CHECK(refused([](auto&, auto&, auto&) {}).empty());
  CHECK(refused([](auto&, auto&, Desk& d) { d.capacity = nullptr; }) == "pool.offer_gone");
  CHECK(refused([](Capacity& c, auto&, auto&) { c.count = 0; }) == "pool.offer_gone");
  CHECK(refused([](auto&, auto&, Desk& d) { d.in_audience = false; }) == "pool.offer_gone");
  CHECK(refused([](auto&, Claim& a, auto&) { a.until_ms = 100'001; }) == "pool.offer_window");
  CHECK(refused([](Capacity& c, auto&, auto&) { c.from_ms = 2'001; }) == "pool.offer_window");
  CHECK(refused([](auto&, Claim& a, auto&) { a.from_ms = 1, a.until_ms = 1'500; }) == "pool.offer_window");
  CHECK(refused([](auto&, Claim& a, auto&) { a.backend = "backend:ort"; }) == "pool.offer_backend");
  CHECK(refused([](auto&, auto&, Desk& d) { d.has_user = false; }) == "pool.lease_user");
  CHECK(refused([](auto&, Claim& a, auto&) { ++a.limits.memory_bytes_max; }) == "pool.job_limits");
  CHECK(refused([](Capacity& c, auto&, auto&) { --c.limits.pids_max; }) == "pool.job_limits");
  CHECK(refused([](auto&, Claim& a, auto&) { a.count = 5; }) == "pool.offer_taken");
  CHECK(refused([](Capacity& c, Claim& a, auto&) { c.count_per_consumer_max = 1, a.count = 2; }) == "pool.offer_quota");
  CHECK(refused([](Capacity& c, auto&, Desk& d) {
          c.count_per_consumer_max = 1;
          d.held = {{"lab.example", 1, 2'500, 9'000}};
        }) == "pool.offer_quota");
  CHECK(refused([](Capacity& c, auto&, Desk& d) {
          c.count_per_consumer_max = 1;
          d.held = {{"other.example", 3, 2'500, 9'000}, {"lab.example", 1, 3'000, 9'000}};
        }).empty());
}

TEST_CASE("admission: two offers of the same devices are not lent beyond what the site has") {
  const auto with = [](std::int64_t at_site, std::int64_t wanted) {
    return refused([&](auto&, Claim& a, Desk& d) {
      a.count = wanted;
      d.held = {{"other.example", 1, 0, 9'000}};
      d.elsewhere = {{"third.example", 2, 0, 2'500}, {"third.example", 2, 2'500, 9'000}};
      d.at_site = at_site;
    });
  };
  CHECK(with(5, 2).empty());
  CHECK(with(4, 2) == "pool.offer_taken");
  CHECK(with(4, 1).empty());
  CHECK(with(0, 3).empty());  // the site did not say what it has: the offer is the limit
}

TEST_CASE("admission: jurisdiction of site and operator, and where data may be") {
  CHECK(refused([](auto&, Claim& a, auto&) { a.jurisdictions = {"SG", "CN"}; }).empty());
  CHECK(refused([](auto&, Claim& a, auto&) { a.jurisdictions = {"SG"}; }) == "pool.place_jurisdiction");
  CHECK(refused([](auto&, Claim& a, Desk& d) {
          a.jurisdictions = {"CN"};
          d.place.operator_jurisdiction = "US";
        }) == "pool.place_jurisdiction");
  CHECK(refused([](auto&, Claim& a, Desk& d) {
          a.jurisdictions = {"CN"};
          d.place.operator_jurisdiction = "unknown";
        }) == "pool.place_jurisdiction");
  CHECK(refused([](auto&, Claim& a, auto&) { a.data_at = {"site:other"}; }) == "pool.place_data");
  for (const std::string at : {"site:hall", "entity:hall", "hall.example"})
    CHECK(refused([&](auto&, Claim& a, auto&) { a.data_at = {"site:other", at}; }).empty());
  CHECK(refused([](auto&, Claim& a, Desk& d) {
          a.data_at = {"unknown"};
          d.place.entity = "unknown";
        }) == "pool.place_data");
}

TEST_CASE("property: an offer is never overcommitted, nor a consumer's part of it, and nothing is refused in vain") {
  SeededRng rng(20261129);
  const auto draw = [&](std::int64_t below) {
    std::array<std::uint8_t, 4> b{};
    rng.fill(b);
    return static_cast<std::int64_t>((b[0] | b[1] << 8 | b[2] << 16) % static_cast<int>(below));
  };
  for (int world = 0; world < 60; ++world) {
    Capacity c = capacity();
    c.count = 1 + draw(6);
    c.count_per_consumer_max = draw(4);
    c.from_ms = 0, c.until_ms = 50;
    std::vector<Held> held;
    for (int asked = 0; asked < 60; ++asked) {
      const std::int64_t from = draw(50), length = 1 + draw(20);
      Claim want = claim("c" + std::to_string(asked), from, from + length);
      want.count = 1 + draw(3);
      const std::string consumer = "m" + std::to_string(draw(3));
      Desk d = desk(c);
      d.held = held;
      const Lease out = admit(want, consumer, d, 0);
      // The same question asked of each moment by itself.
      std::int64_t most = 0, own = 0;
      for (std::int64_t at = from; at < from + length; ++at) {
        std::int64_t all_now = 0, own_now = 0;
        for (const Held& h : held)
          if (h.from_ms <= at && at < h.ends_ms) all_now += h.count, own_now += h.consumer == consumer ? h.count : 0;
        most = std::max(most, all_now), own = std::max(own, own_now);
      }
      const bool fits = from + length <= c.until_ms && most + want.count <= c.count &&
                        (c.count_per_consumer_max == 0 || own + want.count <= c.count_per_consumer_max);
      REQUIRE(out.granted() == fits);
      if (out.granted()) {
        // Some end early: a recall, or given back.
        const std::int64_t ends = draw(3) == 0 ? out.from_ms + draw(length) : out.until_ms;
        held.push_back({consumer, out.count, out.from_ms, ends});
      }
    }
    for (std::int64_t at = 0; at < 50; ++at) REQUIRE(held_at_most(held, at, at + 1) <= c.count);
  }
}

TEST_CASE("a lease's id is made of consumer and claim, and of nothing that could be confused") {
  CHECK(lease_id("a", "b") == lease_id("a", "b"));
  CHECK(lease_id("a", "b") != lease_id("a\nb", ""));
  CHECK(lease_id("a", "b") != lease_id("b", "a"));
}

TEST_CASE("what is said about leases is checked") {
  CHECK(slug(capacity()).empty());
  const auto with = [](auto said, auto change) {
    change(said);
    return slug(said);
  };
  CHECK(with(capacity(), [](auto& c) { c.offer = "O"; }) == "pool.offer_id");
  CHECK(with(capacity(), [](auto& c) { c.site = "hall"; }) == "pool.site_id");
  CHECK(with(capacity(), [](auto& c) { c.device = "a b"; }) == "pool.device_class");
  CHECK(with(capacity(), [](auto& c) { c.count = -1; }) == "pool.device_count");
  CHECK(with(capacity(), [](auto& c) { c.prices.per_device_hour = -1; }) == "pool.price");
  CHECK(with(capacity(), [](auto& c) { c.audience = "everybody"; }) == "alliance.audience");
  CHECK(with(capacity(), [](auto& c) { c.until_ms = c.from_ms; }) == "pool.lease_window");
  CHECK(with(capacity(), [](auto& c) { c.recall_notice_ms = -1; }) == "pool.recall_notice");
  CHECK(slug(claim()).empty());
  CHECK(with(claim(), [](auto& c) { c.claim = "No"; }) == "pool.claim_id");
  CHECK(with(claim(), [](auto& c) { c.owner = ""; }) == "pool.claim_owner");
  CHECK(with(claim(), [](auto& c) { c.count = 0; }) == "pool.device_count");
  CHECK(with(claim(), [](auto& c) { c.until_ms = 0; }) == "pool.lease_window");
  CHECK(with(claim(), [](auto& c) { c.jurisdictions = {"unknown"}; }) == "pool.jurisdiction");
  CHECK(with(claim(), [](auto& c) { c.data_at = {"a b"}; }) == "pool.data_at");
  CHECK(with(claim(), [](auto& c) { c.evidence = "x"; }) == "pool.evidence_id");
  CHECK(with(claim(), [](auto& c) { c.model_sha256 = "x"; }) == "pool.model_digest");
  CHECK(slug(Recall{"l-1", 5, 9, "needed"}).empty());
  CHECK(slug(Recall{"L", 5, 9, ""}) == "pool.lease_id");
  CHECK(slug(Recall{"l-1", 5, 4, ""}) == "pool.lease_window");
  CHECK(check_notice({"l-1", 5, 9, ""}, 4));
  CHECK(check_notice({"l-1", 5, 9, ""}, 5).error().reason->slug == "pool.recall_notice");
  CHECK(slug(LeaseEnd{"hall.example", "l-1", 9, "done"}).empty());
  CHECK(slug(LeaseEnd{"", "l-1", 9, ""}) == "pool.claim_owner");
  CHECK(slug(LeaseEnd{"hall.example", "l-1", 9, "\n"}) == "pool.reason");
  CHECK(slug(LeaseAccess{"l-1", secret}).empty());
  CHECK(slug(LeaseAccess{"l-1", "hz_short"}) == "pool.key_id");
}

TEST_CASE("replay: a lease counts with its claim, the first answer and the first recall stand, and either may end it") {
  auto db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  REQUIRE(db.run(view_schema()));
  const auto say = [&](std::string issuer, const auto& said) -> Result<void> {
    using Said = std::remove_cvref_t<decltype(said)>;
    statement::Statement s;
    s.issuer = std::move(issuer);
    s.body = to_json(said);
    for (const statement::Kind& kind : kinds())
      if (kind.slug == Said::kind) return kind.replay(db, s);
    FAIL("no such kind");
    return {};
  };
  const auto number = [&](std::string_view query) { return db.integer(query).value().value_or(-1); };
  const Capacity c = capacity();
  REQUIRE(say("hall.example", c));
  Desk d = desk(c);
  const Lease lease = admit(claim(), "lab.example", d, 1'500);
  REQUIRE(say("hall.example", lease));
  CHECK(number("SELECT count(*) FROM public_pool_lease") == 0);  // nobody claimed it
  REQUIRE(say("lab.example", claim()));
  CHECK(number("SELECT ends_ms FROM public_pool_lease") == 3'000);
  Lease other = lease;
  other.until_ms = 9'000;
  REQUIRE(say("hall.example", other));
  CHECK(number("SELECT ends_ms FROM public_pool_lease") == 3'000);
  // A lease that another member says of itself is that member's, and no answer to a claim at the hall.
  REQUIRE(say("thief.example", lease));
  CHECK(number("SELECT count(*) FROM public_pool_lease") == 1);

  CHECK(say("lab.example", Recall{lease.lease, 2'000, 2'600, ""}).error().reason->slug == "pool.no_lease");
  CHECK(say("hall.example", Recall{lease.lease, 2'000, 2'499, ""}).error().reason->slug == "pool.recall_notice");
  REQUIRE(say("hall.example", Recall{lease.lease, 2'000, 2'600, "own need"}));
  REQUIRE(say("hall.example", Recall{lease.lease, 2'000, 2'500, "sooner"}));
  CHECK(number("SELECT ends_ms FROM public_pool_lease WHERE recall_reason = 'own need'") == 2'600);
  REQUIRE(say("thief.example", LeaseEnd{"hall.example", lease.lease, 2'100, ""}));
  CHECK(number("SELECT ends_ms FROM public_pool_lease") == 2'600);
  REQUIRE(say("lab.example", LeaseEnd{"hall.example", lease.lease, 2'200, ""}));
  CHECK(number("SELECT ends_ms FROM public_pool_lease") == 2'200);
  REQUIRE(say("hall.example", LeaseAccess{lease.lease, secret}));
  CHECK(number("SELECT count(*) FROM pool_lease_access") == 1);
}
