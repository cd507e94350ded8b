// Who votes with what weight, and what the votes mean. Pure: lists in, numbers out; no logs, keys or times.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "alliance/membership.h"

namespace hz::alliance {

// One vote: a member, or all members of one owner together.
struct VotingUnit {
  std::string name, tier;
  std::int64_t weight = 1;
  std::vector<std::string> members;  // origins, sorted
  bool operator==(const VotingUnit&) const = default;
};

// Members in good standing whose tier votes. Affiliates are one unit with the tier of its weightiest member (the
// charter's order decides between equals). Sorted by name; a group is named `group:NAME`.
std::vector<VotingUnit> electorate(const Membership& membership);

struct OptionCount {
  std::string option;
  std::int64_t weight = 0;
  bool operator==(const OptionCount&) const = default;
  static constexpr auto fields() {
    return rows(row("option", &OptionCount::option, "what could be chosen"),
                row("weight", &OptionCount::weight, "votes for it"));
  }
};
// The count of one tier, where the rule asks for its consent.
struct ChamberCount {
  std::string tier;
  std::int64_t eligible = 0, present = 0, yes = 0, no = 0, abstain = 0;
  bool passes = false;
  bool operator==(const ChamberCount&) const = default;
  static constexpr auto fields() {
    return rows(row("tier", &ChamberCount::tier, "tier that consents by itself"),
                row("eligible", &ChamberCount::eligible, "votes there are"),
                row("present", &ChamberCount::present, "votes that were used"), row("yes", &ChamberCount::yes, "yes"),
                row("no", &ChamberCount::no, "no"), row("abstain", &ChamberCount::abstain, "abstentions"),
                row("passes", &ChamberCount::passes, "it consents"));
  }
};
// With options, `yes` counts the option with most votes and `no` all others. While votes are secret only eligible and
// present are known.
struct Tally {
  std::int64_t eligible = 0, present = 0, yes = 0, no = 0, abstain = 0;
  std::vector<OptionCount> options;
  std::vector<ChamberCount> chambers;
  bool quorum = false, passes = false;
  std::string winner;
  bool operator==(const Tally&) const = default;
  static constexpr auto fields() {
    return rows(
        row("eligible", &Tally::eligible, "votes there are"), row("present", &Tally::present, "votes that were used"),
        row("yes", &Tally::yes, "yes"), row("no", &Tally::no, "no"), row("abstain", &Tally::abstain, "abstentions"),
        row("options", &Tally::options, "votes for each option"), row("chambers", &Tally::chambers, "count per tier"),
        row("quorum", &Tally::quorum, "enough votes were used"), row("passes", &Tally::passes, "the answer"),
        row("winner", &Tally::winner, "option that was chosen", or_default));
  }
};

// `choices` by origin: yes, no, abstain or an option. `options` is empty for yes and no.
//
// A unit whose members chose differently abstains: there is no order between two logs that could say who was last, and
// letting one affiliate speak for the other would let an owner choose after the count. One that is silent does not hold
// the others back. Nothing passes with no yes at all. The tie of the rule speaks when yes equals no: `fails` refuses,
// `passes` takes a share that is reached as exceeded. Between options with equal votes, `passes` takes the one that
// stands first, `fails` none.
Tally count(const VoteRule& rule, std::span<const VotingUnit> units, std::span<const std::string> options,
            const std::map<std::string, std::string>& choices);

// Every unit chose, and all the same: nobody is left who could object.
bool is_unanimous(std::span<const VotingUnit> units, const std::map<std::string, std::string>& choices);

// What differs, for people: "yes 4, said 5; quorum ...". Empty when nothing does.
std::string difference(const Tally& counted, const Tally& said);

}  // namespace hz::alliance
