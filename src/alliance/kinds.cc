#include "alliance/kinds.h"

#include "alliance/charter.h"
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
  };
  return table;
}

}  // namespace hz::alliance
