// What a member says about sealed bodies: who is in a group, what was erased, for whom else a body was wrapped.
// None of them decides about other statements, so they are no acts (fold.h).
#pragma once
#include <string>
#include <vector>

#include "alliance/audience.h"
#include "statement/kind.h"

namespace hz::alliance {

// Readers of the signer's classes group:<name> and clean-team:<name>; the newest statement of a name stands.
// Sealed to its own members would tell each of them the others; so only the owner reads it.
struct Group {
  static constexpr std::string_view kind = "alliance.group";
  std::string name;
  bool clean_team = false;
  std::vector<std::string> members;
  static constexpr auto fields() {
    return rows(row("name", &Group::name, "1 to 64 of [a-z0-9._-]"),
                row("clean_team", &Group::clean_team, "a clean team: its class is clean-team:<name>", or_default),
                row("members", &Group::members, "member ids"));
  }
};

// The signer's sealed body of this statement is gone for good: every node that has its blobs deletes them. What its
// readers copied elsewhere is out of anybody's reach.
struct BodyErased {
  static constexpr std::string_view kind = "alliance.body_erased";
  std::string statement;
  std::string reason;
  static constexpr auto fields() {
    return rows(row("statement", &BodyErased::statement, "statement id, hex"),
                row("reason", &BodyErased::reason, "why, for people", or_default));
  }
};

// The signer's sealed body of this statement is there for further readers, in these blobs; the commitment is the old
// one. It widens an audience, gives a body to members who joined later, and ends a sealed-until.
struct BodyShared {
  static constexpr std::string_view kind = "alliance.body_shared";
  std::string statement;
  std::string audience;
  std::vector<std::string> blobs;
  static constexpr auto fields() {
    return rows(row("statement", &BodyShared::statement, "statement id, hex"),
                row("audience", &BodyShared::audience, "for whom, an audience class"),
                row("blobs", &BodyShared::blobs, "hex SHA-256 of the encrypted bodies, 1 to 8"));
  }
};

// Errors: alliance.group.
Result<void> check(const Group& group);

Result<void> replay_group(sql::Db& views, const statement::Statement& from, const Group& said);
Result<void> replay_body_erased(sql::Db& views, const statement::Statement& from, const BodyErased& said);
Result<void> replay_body_shared(sql::Db& views, const statement::Statement& from, const BodyShared& said);

// Who is a member now, and who is in whose groups, as far as these views know: what may_read asks. The facts hold
// copies. Errors: sql.*.
Result<MembershipFacts> membership_facts(sql::Db& views);

}  // namespace hz::alliance
