// Audience classes: who may read the body of a statement. Pure.
//
// The class stands in the statement's `aud` in the form that format() gives; for all but `public` the body is sealed to
// the keys of those who may read when it is written. So may_read answers what a node serves and to whom an author
// encrypts; it takes nothing back from a reader who has the bytes.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hz::alliance {

struct Audience {
  enum class Kind : std::uint8_t { everyone, members, group, bilateral, clean_team, sealed_until, owner };
  Kind kind = Kind::owner;           // nobody else, where nothing is said
  std::string name = {};             // group, clean_team
  std::vector<std::string> parties;  // bilateral: two member ids, sorted
  std::int64_t until_ms = 0;         // sealed_until
  bool operator==(const Audience&) const = default;

  // public, members, group:X, bilateral:A,B, clean-team:X, sealed-until:2026-12-31T00:00:00Z, owner. Group names are 1
  // to 64 of [a-z0-9._-]. One class has one text, except that the two parties may come in either order.
  // Errors: alliance.audience.
  static Result<Audience> parse(std::string_view text);
  std::string format() const;
  bool sealed() const { return kind != Kind::everyone; }

  // As `aud` of a statement: ["*"] for public, the member id for owner, else the class itself.
  std::vector<std::string> header(std::string_view owner) const;
  // The class of an `aud`; the owner's own id alone is `owner`. Errors: alliance.audience.
  static Result<Audience> of_header(std::span<const std::string> aud, std::string_view owner);
};

// What is known of the alliance when the question is asked. A question that has no answer counts as no.
struct MembershipFacts {
  std::function<bool(std::string_view member)> is_member;  // admitted, and not suspended or gone
  // As the owner lists it; nobody else knows who is in it.
  std::function<bool(std::string_view owner, std::string_view group, std::string_view member)> in_group;
  std::function<bool(std::string_view owner, std::string_view team, std::string_view member)> in_clean_team;
};

// The reader may see a body that `owner` wrote for this class. The owner always may; members only while they are
// members, whatever lists name them. `now_ms` is the asking node's clock.
bool may_read(const Audience& audience, std::string_view owner, std::string_view reader, const MembershipFacts& facts,
              std::int64_t now_ms);

}  // namespace hz::alliance
