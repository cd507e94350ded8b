// From choices to a result. Weights are added per unit; every share is compared by multiplying, so nothing is rounded:
// with 2/3 of 7, four votes are too few and five enough, and no charter has to say which way to round.
#include "alliance/ballot_count.h"

#include <algorithm>

namespace hz::alliance {
namespace {

struct Sums {
  std::int64_t eligible = 0, present = 0, yes = 0, no = 0, abstained = 0;
};

// What a unit chose; nullopt when it is absent. Members that differ abstain.
std::optional<std::string> choice_of(const VotingUnit& unit, const std::map<std::string, std::string>& choices) {
  std::optional<std::string> out;
  for (const std::string& member : unit.members) {
    const auto found = choices.find(member);
    if (found == choices.end()) continue;
    if (out && *out != found->second) return "abstain";
    out = found->second;
  }
  return out;
}

bool reaches(std::int64_t part, std::int64_t whole, std::int64_t numerator, std::int64_t denominator, bool exceed) {
  const std::int64_t left = part * denominator, right = numerator * whole;
  return exceed ? left > right : left >= right;
}

bool passes(const VoteRule& rule, const Sums& sums, std::int64_t numerator, std::int64_t denominator, bool more_than,
            bool two_sided) {
  if (sums.yes == 0) return false;
  const bool tied = two_sided && sums.yes == sums.no;
  if (tied && rule.tie == Tie::fails) return false;
  const std::int64_t whole = rule.of == Denominator::eligible        ? sums.eligible
                             : rule.of == Denominator::votes_present ? sums.present
                                                                     : sums.yes + sums.no;
  return reaches(sums.yes, whole, numerator, denominator, more_than && !tied);
}

// The option with most votes. None when two have as many and a tie fails.
std::string most_chosen(const VoteRule& rule, const std::vector<OptionCount>& options) {
  std::string out;
  std::int64_t most = 0;
  bool tied = false;
  for (const OptionCount& o : options) {
    if (o.weight == most) tied = true;
    if (o.weight <= most) continue;
    most = o.weight;
    out = o.option;
    tied = false;
  }
  return most == 0 || (tied && rule.tie == Tie::fails) ? "" : out;
}

}  // namespace

std::vector<VotingUnit> electorate(const Membership& membership) {
  std::map<std::string, VotingUnit> units;
  if (!membership.charter) return {};
  const Charter& charter = *membership.charter;
  const auto place = [&](const std::string& tier) { return std::ranges::find(charter.tiers, tier, &Tier::tier); };
  for (const auto& [origin, standing] : membership.standings) {
    const auto tier = place(standing.tier);
    if (standing.state != State::member || tier == charter.tiers.end() || !tier->may_vote) continue;
    std::string name = origin;
    for (const AffiliateGroup& group : charter.affiliates)
      if (std::ranges::find(group.members, origin) != group.members.end()) name = "group:" + group.group;
    const auto [at, added] = units.try_emplace(name, VotingUnit{name, tier->tier, tier->weight, {}});
    VotingUnit& unit = at->second;
    unit.members.push_back(origin);
    const bool heavier = tier->weight > unit.weight || (tier->weight == unit.weight && tier < place(unit.tier));
    if (added || !heavier) continue;
    unit.tier = tier->tier;
    unit.weight = tier->weight;
  }
  std::vector<VotingUnit> out;
  for (auto& [name, unit] : units) out.push_back(std::move(unit));
  return out;
}

Tally count(const VoteRule& rule, std::span<const VotingUnit> units, std::span<const std::string> options,
            const std::map<std::string, std::string>& choices) {
  Tally out;
  for (const std::string& option : options) out.options.push_back({option, 0});
  std::vector<std::optional<std::string>> chosen;
  for (const VotingUnit& unit : units) {
    chosen.push_back(choice_of(unit, choices));
    for (OptionCount& o : out.options)
      if (chosen.back() == o.option) o.weight += unit.weight;
  }
  const bool two_sided = options.empty();
  if (!two_sided) out.winner = most_chosen(rule, out.options);
  const std::string yes = two_sided ? "yes" : out.winner;
  const auto sum = [&](std::string_view tier) {
    Sums sums;
    for (std::size_t i = 0; i < units.size(); ++i) {
      const VotingUnit& unit = units[i];
      if (!tier.empty() && unit.tier != tier) continue;
      sums.eligible += unit.weight;
      if (!chosen[i]) continue;
      sums.present += unit.weight;
      (*chosen[i] == "abstain" ? sums.abstained : *chosen[i] == yes ? sums.yes : sums.no) += unit.weight;
    }
    return sums;
  };
  const Sums all = sum("");
  out.eligible = all.eligible;
  out.present = all.present;
  out.yes = all.yes;
  out.no = all.no;
  out.abstain = all.abstained;
  out.quorum = reaches(all.present, all.eligible, rule.quorum_numerator, rule.quorum_denominator, false);
  bool agreed = true;
  for (const Chamber& chamber : rule.chambers) {
    const Sums in = sum(chamber.tier);
    // A tier without members is not asked.
    const bool consents = in.eligible == 0 || passes(rule, in, chamber.yes_numerator, chamber.yes_denominator,
                                                     chamber.more_than, two_sided);
    out.chambers.push_back({chamber.tier, in.eligible, in.present, in.yes, in.no, in.abstained, consents});
    agreed &= consents;
  }
  if (rule.chambers.empty())
    agreed = passes(rule, all, rule.yes_numerator, rule.yes_denominator, rule.more_than, two_sided);
  out.passes = out.quorum && agreed && all.yes > 0;
  return out;
}

bool is_unanimous(std::span<const VotingUnit> units, const std::map<std::string, std::string>& choices) {
  std::optional<std::string> first;
  for (const VotingUnit& unit : units) {
    const auto chosen = choice_of(unit, choices);
    if (!chosen || *chosen == "abstain" || (first && *first != *chosen)) return false;
    first = chosen;
  }
  return first.has_value();
}

std::string difference(const Tally& counted, const Tally& said) {
  std::string out;
  const auto put = [&](std::string_view what, const auto& have, const auto& was) {
    if (have != was) out += fmt::format("{}{} {}, said {}", out.empty() ? "" : "; ", what, have, was);
  };
  put("eligible", counted.eligible, said.eligible);
  put("present", counted.present, said.present);
  put("yes", counted.yes, said.yes);
  put("no", counted.no, said.no);
  put("abstain", counted.abstain, said.abstain);
  put("quorum", counted.quorum, said.quorum);
  put("passes", counted.passes, said.passes);
  put("winner", counted.winner, said.winner);
  if (counted.options != said.options) out += fmt::format("{}votes for options", out.empty() ? "" : "; ");
  if (counted.chambers != said.chambers) out += fmt::format("{}votes of chambers", out.empty() ? "" : "; ");
  return out;
}

}  // namespace hz::alliance
