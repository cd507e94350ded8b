#include "alliance/charter.h"

#include <algorithm>
#include <set>

#include "alliance/reasons.h"
#include "log/checkpoint.h"
#include "statement/ids.h"

namespace hz::alliance {
namespace {

constexpr std::int64_t day_ms = 86'400'000;

bool is_share(std::int64_t numerator, std::int64_t denominator) {
  return numerator >= 0 && denominator >= 1 && numerator <= denominator && denominator <= 1000;
}

// A rule with chambers has one for every tier that votes: no vote is cast into nothing.
Result<void> check_chambers(const Charter& c, const VoteRule& rule) {
  if (rule.chambers.empty()) return {};
  const auto bad = [&](std::string_view what, std::string_view tier) {
    return fail(why("alliance.charter"), "{} version {}: rule {}: {} {}", c.name, c.version, rule.act, what, tier);
  };
  std::set<std::string_view> seen;
  for (const Chamber& chamber : rule.chambers) {
    if (!seen.insert(chamber.tier).second) return bad("two chambers of tier", chamber.tier);
    if (!is_share(chamber.yes_numerator, chamber.yes_denominator)) return bad("share of chamber", chamber.tier);
    const auto it = std::ranges::find(c.tiers, chamber.tier, &Tier::tier);
    if (it == c.tiers.end() || !it->may_vote) return bad("a chamber of no voting tier:", chamber.tier);
  }
  for (const Tier& tier : c.tiers)
    if (tier.may_vote && !seen.contains(tier.tier)) return bad("no chamber for tier", tier.tier);
  return {};
}

}  // namespace

Result<void> check(const Charter& c) {
  const auto bad = [&](std::string_view what, std::string_view which = {}) {
    return fail(why("alliance.charter"), "{} version {}: {}{}", c.name, c.version, what, which);
  };
  if (!statement::is_shown_name(c.name)) return bad("a name of 1 to 200 bytes is needed");
  if (c.version < 1) return bad("versions count from 1");
  if (!log::valid_origin(c.secretariat) || c.secretariat_from < 0) return bad("the secretariat is no log position");
  std::set<std::string_view> seen;
  for (const Tier& tier : c.tiers) {
    if (!statement::is_shown_name(tier.tier) || !seen.insert(tier.tier).second) return bad("tier ", tier.tier);
    if (tier.weight < 0 || tier.weight > 1000) return bad("a weight is 0 to 1000: ", tier.tier);
  }
  if (c.tiers.empty()) return bad("no tier");
  seen.clear();
  for (const VoteRule& rule : c.rules) {
    if (!statement::is_shown_name(rule.act) || !seen.insert(rule.act).second) return bad("two rules for ", rule.act);
    if (!is_share(rule.yes_numerator, rule.yes_denominator) ||
        !is_share(rule.quorum_numerator, rule.quorum_denominator))
      return bad("a share is 0/1 to 1/1 with a denominator of at most 1000: ", rule.act);
    if (rule.open_ms_min < 0 || rule.challenge_ms < 0 || rule.open_ms_min > 3650 * day_ms ||
        rule.challenge_ms > 3650 * day_ms)
      return bad("time of ", rule.act);
    HZ_TRY(check_chambers(c, rule));
  }
  seen.clear();
  std::set<std::string_view> grouped;
  for (const AffiliateGroup& group : c.affiliates) {
    if (!statement::is_shown_name(group.group) || !seen.insert(group.group).second) return bad("group ", group.group);
    for (const std::string& member : group.members)
      if (!log::valid_origin(member) || !grouped.insert(member).second)
        return bad("in two groups or no origin: ", member);
  }
  seen.clear();
  for (const ConfidentialityClass& row : c.classes)
    if (!statement::is_shown_name(row.name) || !seen.insert(row.name).second) return bad("class ", row.name);
  if (c.aggregation_min < 1 || c.aggregation_min > 1000) return bad("the aggregation minimum is 1 to 1000");
  return {};
}

Charter default_charter(std::string name, std::string founder) {
  const auto rule = [](std::string act, std::int64_t yes, std::int64_t of, bool more, Denominator denominator) {
    return VoteRule{std::move(act), yes, of, more, denominator, 1, 2, Tie::fails, 7 * day_ms, 7 * day_ms, {}};
  };
  return {
      .name = std::move(name),
      .version = 1,
      .secretariat = std::move(founder),
      .secretariat_from = 0,
      .tiers = {{"member", true, 1}, {"observer", false, 0}},
      .rules = {rule("charter", 2, 3, false, Denominator::eligible), rule("expel", 2, 3, false, Denominator::eligible),
                rule("specification", 1, 2, true, Denominator::votes_cast)},
      .affiliates = {},
      .classes = {{"public", "everyone"},
                  {"members", "members of the alliance"},
                  {"bilateral", "the two named members"},
                  {"owner", "the issuer only; the default"}},
      .aggregation_min = 5};
}

}  // namespace hz::alliance
