// The books as views have them: facts read from rows, and what a closing at some heads says.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "alliance/member.h"
#include "pool/close.h"

namespace hz::pool {

// What the views say about bills, answers and limits. Limits are those of `secretariat`'s log (an origin).
// Cost: about two microseconds a bill. Errors: sql.*.
Result<BookFacts> read_facts(sql::Db& views, const std::string& secretariat);
// Whose log closes periods: the charter's secretariat, or without a charter the own log. Errors: sql.*.
Result<std::string> secretariat_of(sql::Db& views);

// Heads by log number of the facts; a log that is not named has 0.
Heads heads_of(const BookFacts& facts, const std::vector<alliance::FrontierEntry>& frontier);
// A closing as the facts number it. Members and units that the facts do not know have no account and are left out: they
// were named in a closing, so the facts are of earlier heads than it.
PastClosing past_closing(const BookFacts& facts, const Close& close);

struct SaidClose {
  Close said;
  std::string origin, member, statement;
  std::uint64_t index = 0;
  std::set<std::string> signed_by;  // members that found the same result, the author among them
};
// Every pool.close, by origin and position. Errors: sql.*, base.json_*.
Result<std::vector<SaidClose>> read_closes(sql::Db& views);

// A closing follows the one before it, or is the first: it names it, its period is later, and its heads go on. What is
// wrong, or nothing. Pure.
std::optional<std::string> breaks_chain(const SaidClose* before, const SaidClose& next);

// What a closing at these heads says, with `before` as the chain of closings below it: the statement as it is signed,
// and the books that its digest is of. The facts are those of `views`. Errors: sql.*, alliance.closing.
struct Closed {
  Close close;
  Books books;
};
Result<Closed> compute_close(sql::Db& views, const std::vector<SaidClose>& before, const std::string& period,
                             const std::vector<alliance::FrontierEntry>& heads, std::int64_t step_micro,
                             const std::string& secretariat);

}  // namespace hz::pool
