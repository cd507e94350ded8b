#include "alliance/kinds.h"

#include "alliance/ballot.h"
#include "alliance/body.h"
#include "alliance/box_key.h"
#include "alliance/charter.h"
#include "alliance/node_place.h"
#include "sql/db.h"
#include "statement/statement.h"

namespace hz::alliance {
namespace {

// Acts are folded together (fold.h): one alone decides nothing.
template <class Payload>
Result<void> folded(sql::Db&, const statement::Statement&, const Payload&) {
  return {};
}

template <class Payload>
statement::Kind act(std::uint16_t number, std::string_view doc, statement::Signer may_sign = statement::Signer::self) {
  return statement::kind<Payload, &folded<Payload>>({.number = number, .may_sign = may_sign, .doc = doc});
}

}  // namespace

std::span<const statement::Kind> kinds() {
  using statement::Signer;
  static const statement::Kind table[] = {
      act<Genesis>(0x0101, "A member begins: its name and the keys that speak for it.", Signer::root),
      act<KeyRotate>(0x0102, "A new key of this role speaks from the next statement on.", Signer::root),
      act<KeyRevoke>(0x0103, "What this key signed from this position on does not count.", Signer::root),
      act<LogEnd>(0x0104, "The log ends; statements from the named position on do not count.", Signer::root),
      act<Charter>(0x0110, "What the alliance agreed on, in a form that machines check."),
      act<JoinRequest>(0x0111, "The signer wants to be a member under this charter."),
      act<Admit>(0x0112, "This log counts in the alliance from this position on."),
      act<Suspend>(0x0113, "Statements of this log from this position on do not count until it is admitted again."),
      act<Expel>(0x0114, "Statements of this log from this position on do not count any more."),
      act<Leave>(0x0115, "The signer leaves the alliance with this statement."),
      act<ForkEvidence>(0x0116, "This log has two histories; the evidence proves it to anyone."),
      act<BallotOpen>(0x0130, "The members that vote at these heads are asked this question under this rule."),
      act<Vote>(0x0131, "The signer's choice in a ballot; its last one below the closing heads counts."),
      act<VoteCommit>(0x0132, "The signer's choice in a secret ballot, hidden until it is revealed."),
      act<VoteReveal>(0x0133, "What the signer's commitment in a secret ballot says."),
      act<BallotClose>(0x0134, "A phase of a ballot ends at these heads with this result, which anyone can recount."),
      act<BallotChallenge>(0x0135, "A closing is wrong; a head that witnesses dated in time shows it."),
      statement::kind<BoxKey, &replay_box_key>({.number = 0x0120,
                                                .retention = statement::Retention::until_superseded,
                                                .doc = "Bodies for the signer are sealed to this key from now on."}),
      statement::kind<BodyErased, &replay_body_erased>(
          {.number = 0x0121, .doc = "The signer's sealed body of this statement is to be deleted everywhere."}),
      statement::kind<BodyShared, &replay_body_shared>(
          {.number = 0x0122, .doc = "The signer's sealed body of this statement is there for further readers."}),
      statement::kind<Group, &replay_group>({.number = 0x0123,
                                             .retention = statement::Retention::until_superseded,
                                             .audience = "owner",
                                             .doc = "The readers of the signer's class of this name."}),
      statement::kind<NodePlace, &replay_node_place>(
          {.number = 0x0140,
           .retention = statement::Retention::until_superseded,
           .doc = "The signer's node runs under this jurisdiction, operated by this entity."}),
  };
  return table;
}

}  // namespace hz::alliance
