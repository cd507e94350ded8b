// What an alliance agreed on, and who is in it, as statements. The rules that read them stand in membership.h.
//
// A charter is checked by machines, so every rule names what real charters leave open and then quarrel about: of what
// the threshold is a share, how abstentions count, when a vote closes, and what a tie means.
#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "statement/kind.h"

namespace hz::alliance {

// Of what a threshold or quorum is a share.
enum class Denominator : std::uint8_t { votes_cast, votes_present, eligible };
constexpr auto enum_names(Denominator) {
  return std::array<EnumName<Denominator>, 3>{{{Denominator::votes_cast, "votes_cast"},
                                               {Denominator::votes_present, "votes_present"},
                                               {Denominator::eligible, "eligible"}}};
}
enum class Tie : std::uint8_t { fails, passes };
constexpr auto enum_names(Tie) {
  return std::array<EnumName<Tie>, 2>{{{Tie::fails, "fails"}, {Tie::passes, "passes"}}};
}

struct Tier {
  std::string tier;
  bool may_vote = false;
  std::int64_t weight = 1;
  static constexpr auto fields() {
    return rows(row("tier", &Tier::tier, "name of the tier"), row("may_vote", &Tier::may_vote, "its members vote"),
                row("weight", &Tier::weight, "votes of one member or affiliate group"));
  }
};

// A tier whose own consent is needed, with its own share.
struct Chamber {
  std::string tier;
  std::int64_t yes_numerator = 1, yes_denominator = 2;
  bool more_than = true;
  static constexpr auto fields() {
    return rows(row("tier", &Chamber::tier, "tier that votes by itself"),
                row("yes_numerator", &Chamber::yes_numerator, "needed share of yes, numerator"),
                row("yes_denominator", &Chamber::yes_denominator, "needed share of yes, denominator"),
                row("more_than", &Chamber::more_than, "the share must be exceeded, not only reached"));
  }
};

// How one kind of decision is taken. votes_cast counts yes and no; votes_present also abstentions.
struct VoteRule {
  std::string act;
  std::int64_t yes_numerator = 1, yes_denominator = 2;
  bool more_than = true;
  Denominator of = Denominator::votes_cast;
  std::int64_t quorum_numerator = 1, quorum_denominator = 2;
  Tie tie = Tie::fails;
  std::int64_t open_ms_min = 0, challenge_ms = 0;
  std::vector<Chamber> chambers = {};
  static constexpr auto fields() {
    return rows(row("act", &VoteRule::act, "what is decided: charter, admit, expel, specification ..."),
                row("yes_numerator", &VoteRule::yes_numerator, "needed share of yes, numerator"),
                row("yes_denominator", &VoteRule::yes_denominator, "needed share of yes, denominator"),
                row("more_than", &VoteRule::more_than, "the share must be exceeded, not only reached"),
                row("of", &VoteRule::of, "votes_cast (yes, no), votes_present (and abstentions) or eligible"),
                row("quorum_numerator", &VoteRule::quorum_numerator, "present share of the eligible, numerator"),
                row("quorum_denominator", &VoteRule::quorum_denominator, "present share of the eligible, denominator"),
                row("tie", &VoteRule::tie, "equal yes and no: fails or passes"),
                row("open_ms_min", &VoteRule::open_ms_min, "shortest time to vote, milliseconds"),
                row("challenge_ms", &VoteRule::challenge_ms, "time to challenge a close, milliseconds"),
                row("chambers", &VoteRule::chambers, "tiers that each must consent; none: all count together"));
  }
};

// Members of one owner vote once.
struct AffiliateGroup {
  std::string group;
  std::vector<std::string> members;
  static constexpr auto fields() {
    return rows(row("group", &AffiliateGroup::group, "name of the group"),
                row("members", &AffiliateGroup::members, "origins"));
  }
};

struct ConfidentialityClass {
  std::string name, audience;
  static constexpr auto fields() {
    return rows(row("name", &ConfidentialityClass::name, "public, members, bilateral ..."),
                row("audience", &ConfidentialityClass::audience, "who may read it, for people"));
  }
};

struct Charter {
  static constexpr std::string_view kind = "alliance.charter";
  std::string name;
  std::int64_t version = 1;
  std::string secretariat;
  std::int64_t secretariat_from = 0;
  std::vector<Tier> tiers;
  std::vector<VoteRule> rules;
  std::vector<AffiliateGroup> affiliates;
  std::vector<ConfidentialityClass> classes;
  std::int64_t aggregation_min = 5;
  static constexpr auto fields() {
    return rows(row("name", &Charter::name, "name of the alliance"), row("version", &Charter::version, "1, 2, 3 ..."),
                row("secretariat", &Charter::secretariat, "origin of the log whose membership statements count"),
                row("secretariat_from", &Charter::secretariat_from, "position in that log from which they count"),
                row("tiers", &Charter::tiers, "kinds of members"),
                row("rules", &Charter::rules, "how decisions are taken"),
                row("affiliates", &Charter::affiliates, "members of one owner"),
                row("classes", &Charter::classes, "confidentiality classes"),
                row("aggregation_min", &Charter::aggregation_min, "fewest contributors of a published total"));
  }
};

// The joiner's side: this member wants to be in that alliance, under that charter.
struct JoinRequest {
  static constexpr std::string_view kind = "alliance.join_request";
  std::string founder, founder_root, charter, url, pin, code_proof;
  static constexpr auto fields() {
    return rows(row("founder", &JoinRequest::founder, "origin of the founder's log"),
                row("founder_root", &JoinRequest::founder_root, "fingerprint of the founder's root keys"),
                row("charter", &JoinRequest::charter, "statement id of the charter that was read, hex"),
                row("url", &JoinRequest::url, "where this member's node answers", or_default),
                row("pin", &JoinRequest::pin, "SHA-256 of its certificate's key, hex", or_default),
                row("code_proof", &JoinRequest::code_proof, "proves the invitation's code without showing it"));
  }
};

// The log of this origin with these root keys counts from a position on.
struct Admit {
  static constexpr std::string_view kind = "alliance.admit";
  std::string origin, root_fingerprint, tier;
  std::int64_t from = 0;
  std::string url, pin;
  static constexpr auto fields() {
    return rows(row("origin", &Admit::origin, "log of the member"),
                row("root_fingerprint", &Admit::root_fingerprint, "its root keys, compared over another channel"),
                row("tier", &Admit::tier, "tier of the charter"),
                row("from", &Admit::from, "first position that counts"),
                row("url", &Admit::url, "where its node answers", or_default),
                row("pin", &Admit::pin, "SHA-256 of its certificate's key, hex", or_default));
  }
};

// Statements of this log from `size` on do not count; earlier ones, licences and debts stay. A suspension is lifted by
// a new admission.
struct Suspend {
  static constexpr std::string_view kind = "alliance.suspend";
  std::string origin;
  std::int64_t size = 0;
  std::string root, cause;
  static constexpr auto fields() {
    return rows(row("origin", &Suspend::origin, "log of the member"),
                row("size", &Suspend::size, "statements that still count"),
                row("root", &Suspend::root, "root of the log at this size, hex"),
                row("cause", &Suspend::cause, "for people"));
  }
};
struct Expel {
  static constexpr std::string_view kind = "alliance.expel";
  std::string origin;
  std::int64_t size = 0;
  std::string root, cause;
  static constexpr auto fields() {
    return rows(
        row("origin", &Expel::origin, "log of the member"), row("size", &Expel::size, "statements that still count"),
        row("root", &Expel::root, "root of the log at this size, hex"), row("cause", &Expel::cause, "for people"));
  }
};

// The member itself leaves with this statement.
struct Leave {
  static constexpr std::string_view kind = "alliance.leave";
  std::string note;
  static constexpr auto fields() { return rows(row("note", &Leave::note, "for people", or_default)); }
};

// Two signed heads of one log that cannot both be true. Whoever folds this freezes that log at the largest prefix that
// both heads are shown to share; `first` and `second` are the smaller and the larger head of the evidence.
struct ForkEvidence {
  static constexpr std::string_view kind = "alliance.fork_evidence";
  std::string origin, evidence;
  std::int64_t shared_size = 0;
  std::string shared_root;
  std::vector<std::string> first_path, second_path;
  static constexpr auto fields() {
    return rows(
        row("origin", &ForkEvidence::origin, "the forked log"),
        row("evidence", &ForkEvidence::evidence, "the evidence file, verbatim"),
        row("shared_size", &ForkEvidence::shared_size, "first statements that both heads have"),
        row("shared_root", &ForkEvidence::shared_root, "root of the log at this size, hex; empty for 0", or_default),
        row("first_path", &ForkEvidence::first_path, "consistency proof to the smaller head, hex"),
        row("second_path", &ForkEvidence::second_path, "consistency proof to the larger head, hex"));
  }
};

// Names, shares and times are in range, tiers and groups are not named twice, and no member is in two groups.
// Errors: alliance.charter.
Result<void> check(const Charter& charter);
// A charter of small alliances: one voting tier and observers, more than half of the votes cast, two thirds of the
// eligible for charter and expulsion, seven days open. It has no rule for `admit`: the secretariat admits by itself.
Charter default_charter(std::string name, std::string founder);

}  // namespace hz::alliance
