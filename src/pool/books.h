// The books as this node's logs have them: facts read from views, closings judged one after the other.
#pragma once
#include <map>
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

// What a closing at these heads says, with `before` as the chain of closings below it. The statement is complete but
// for nothing; `books` is what its digest is of. The facts are those of `views`. Errors: sql.*, alliance.closing.
struct Closed {
  Close close;
  Books books;
};
Result<Closed> compute_close(sql::Db& views, const std::vector<SaidClose>& before, const std::string& period,
                             const std::vector<alliance::FrontierEntry>& heads, std::int64_t step_micro,
                             const std::string& secretariat);

struct JudgedClose {
  SaidClose close;
  std::string verdict;  // holds, refuted, waiting
  std::string detail;
};
// Computes a closing again from the logs below its heads, after `before`, which hold. `books`, when given, is filled in.
// Errors: sql.*, log.*; a closing that cannot be computed yet is `waiting`.
Result<JudgedClose> judge(alliance::Member& member, const std::vector<SaidClose>& before, SaidClose close,
                          Books* books = nullptr);

// The closings that count, in their order, and the others with what is wrong. The secretariat's log decides: of two
// closings after the same one, the first that holds. A secretariat that took over goes on from the closing that its
// first one names; until it has one, the longest chain of another log stands.
// Verdicts are kept in <home>/closings, by statement id: they depend on the logs below the heads only.
struct Chain {
  std::vector<SaidClose> closings;
  std::vector<JudgedClose> others;
  std::string secretariat;
};
Result<Chain> read_chain(alliance::Member& member);

// The books up to the heads known here, after the closings that count; as if the period that runs were closed now.
struct BooksNow {
  Chain chain;
  BookFacts facts;
  Settled settled;
};
Result<BooksNow> books_now(alliance::Member& member);

// What became of each bill, by provider and id. `period`: of the closing that posted, released or voided it; empty when
// none has.
struct KnownState {
  BillState state = BillState::open;
  std::string period;
};
Result<std::map<std::pair<std::string, std::string>, KnownState>> bill_states(alliance::Member& member);

// The heads that a closing names: of every log that counts in this alliance, or of the own log without one. Errors:
// sql.*, log.*.
Result<std::vector<alliance::FrontierEntry>> heads_to_close(alliance::Member& member);

}  // namespace hz::pool
