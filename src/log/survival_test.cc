#include "log/survival.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "log/test_world.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

namespace {

std::string witness_lines(std::initializer_list<std::string_view> names) {
  std::string out;
  int i = 200;
  for (const std::string_view name : names)
    out += fmt::format(
        "witness {} {}\n", name,
        format_vkey({fmt::format("{}.example", name), KeyType::cosignature_v1, key_of(i++).verifying_key()}));
  return out;
}
Policy policy_of(std::initializer_list<std::string_view> names, std::string_view rules) {
  return parse_policy(witness_lines(names) + std::string(rules)).value();
}
Survival lose(const Policy& policy, std::vector<std::string> where, std::string_view lost) {
  return survival(policy, where, lost);
}

// A random forest of groups over up to 7 witnesses; keys do not matter here.
Policy random_policy(std::mt19937& rng) {
  static const NoteKey key{"w.example", KeyType::cosignature_v1, key_of(1).verifying_key()};
  Policy out;
  const auto pick = [&](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(rng); };
  std::vector<PolicyMember> loose;
  for (std::size_t i = 0, n = 1 + pick(7); i < n; ++i) {
    out.witnesses.push_back({fmt::format("w{}", i), key, ""});
    loose.push_back({false, i});
  }
  while (loose.size() > 1 || pick(3) == 0) {
    std::ranges::shuffle(loose, rng);
    PolicyGroup group{.name = fmt::format("g{}", out.groups.size()), .threshold = 1, .members = {}};
    for (std::size_t i = 0, n = 1 + pick(loose.size()); i < n; ++i) {
      group.members.push_back(loose.back());
      loose.pop_back();
    }
    group.threshold = 1 + pick(group.members.size());
    loose.push_back({true, out.groups.size()});
    out.groups.push_back(std::move(group));
  }
  out.quorum = loose.front();
  return out;
}

}  // namespace

TEST_CASE("survival: three witnesses of which any two suffice, by where they run") {
  const Policy p = policy_of({"a", "b", "c"}, "group q 2 a b c\nquorum q\n");
  CHECK(lose(p, {"CN", "DE", "FR"}, "CN") == Survival::survives);
  CHECK(lose(p, {"CN", "CN", "FR"}, "CN") == Survival::fails);
  CHECK(lose(p, {"CN", "CN", "FR"}, "FR") == Survival::survives);
  CHECK(lose(p, {"CN", "CN", "FR"}, "SG") == Survival::survives);
}

TEST_CASE("survival: whoever did not say where it runs is not guessed") {
  const Policy p = policy_of({"a", "b", "c"}, "group q 2 a b c\nquorum q\n");
  CHECK(lose(p, {"CN", "DE", "unknown"}, "CN") == Survival::unknown);
  CHECK(lose(p, {"CN", "CN", "unknown"}, "CN") == Survival::fails);
  CHECK(lose(p, {"CN", "DE", "unknown"}, "FR") == Survival::survives);
  CHECK(lose(p, {"CN", "DE"}, "CN") == Survival::unknown);  // nothing said about the third
  CHECK(lose(p, {"CN", "unknown", "unknown"}, "unknown") == Survival::fails);
  CHECK(lose(p, {"CN", "DE", "unknown"}, "unknown") == Survival::survives);
}

TEST_CASE("survival: groups within groups count as groups, not as heads") {
  // Two of three regions, each region by any or all of its own witnesses.
  const Policy p = policy_of({"cn1", "cn2", "eu1", "eu2", "sg1"},
                             "group cn any cn1 cn2\ngroup eu all eu1 eu2\ngroup sg any sg1\n"
                             "group q 2 cn eu sg\nquorum q\n");
  CHECK(lose(p, {"CN", "CN", "DE", "DE", "SG"}, "CN") == Survival::survives);
  CHECK(lose(p, {"CN", "CN", "DE", "FR", "SG"}, "DE") == Survival::survives);
  CHECK(lose(p, {"CN", "CN", "DE", "DE", "CN"}, "CN") == Survival::fails);  // sg1 stands in CN: two groups go
  CHECK(lose(p, {"CN", "DE", "DE", "DE", "DE"}, "DE") == Survival::fails);  // cn2 does not help: cn1 alone is one group
  CHECK(lose(p, {"CN", "unknown", "DE", "DE", "SG"}, "CN") == Survival::survives);
  CHECK(lose(p, {"CN", "CN", "DE", "unknown", "SG"}, "SG") == Survival::unknown);
}

TEST_CASE("survival: a policy without a quorum survives everything") {
  CHECK(lose(policy_of({"a"}, "quorum none\n"), {"CN"}, "CN") == Survival::survives);
  CHECK(lose(policy_of({"a"}, "quorum a\n"), {"CN"}, "CN") == Survival::fails);
}

TEST_CASE("survival: the answer is what trying every place of the silent witnesses gives, on random policies") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 rng(seed);
  for (int round = 0; round < 2000; ++round) {
    const Policy policy = random_policy(rng);
    const std::size_t n = policy.witnesses.size();
    std::vector<std::string> where;
    for (std::size_t i = 0; i < n; ++i) where.emplace_back(std::array{"CN", "DE", "unknown"}[rng() % 3]);
    std::size_t held = 0, tried = 0;
    for (std::size_t bits = 0; bits < (std::size_t{1} << n); ++bits) {
      std::vector<std::string> lost;
      bool possible = true;
      for (std::size_t i = 0; i < n; ++i) {
        const bool gone = (bits >> i & 1) != 0;
        if (where[i] != "unknown" && gone != (where[i] == "CN")) possible = false;
        if (gone) lost.push_back(policy.witnesses[i].name);
      }
      if (!possible) continue;
      ++tried;
      held += survives(policy, lost);
    }
    const Survival wanted = held == tried ? Survival::survives : held == 0 ? Survival::fails : Survival::unknown;
    REQUIRE(survival(policy, where, "CN") == wanted);
  }
}
