// The closings that count, in their order, and the books after them.
#pragma once
#include <map>

#include "pool/books.h"

namespace hz::pool {

struct JudgedClose {
  SaidClose close;
  std::string verdict;  // holds, refuted, waiting
  std::string detail;
};
// Computes a closing again from the logs below its heads, after `before`, which hold. `books`, when given, is filled
// in. Errors: sql.*, log.*; a closing that cannot be computed yet is `waiting`.
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
// Of every bill that read_bills finds, when the views are held (Member::hold_views), as an operation's are.
Result<std::map<std::pair<std::string, std::string>, KnownState>> bill_states(alliance::Member& member);

// The heads that a closing names: of every log that counts in this alliance, or of the own log without one. Errors:
// sql.*, log.*.
Result<std::vector<alliance::FrontierEntry>> heads_to_close(alliance::Member& member);

}  // namespace hz::pool
