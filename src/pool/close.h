// Closing a period: which heads are counted, and the one netted transfer of each member.
//
// A vote on every period would need as many rounds as there are periods; a number that one office publishes would have
// to be believed. The secretariat only chooses the heads, and each closing builds on the one before it; what follows
// from them is computed by everyone (settle.h), and a closing that says something else counts nowhere. Members sign
// what they counted, so that the books of a period rest on more than one signature (docs/decisions/0136).
#pragma once
#include <string>
#include <vector>

#include "alliance/closing.h"
#include "pool/settle.h"

namespace hz::pool {

struct NettedTransfer {
  std::string member, unit, amount_micro;
  static constexpr auto fields() {
    return rows(row("member", &NettedTransfer::member, "member"), row("unit", &NettedTransfer::unit, "unit"),
                row("amount_micro", &NettedTransfer::amount_micro,
                    "micro-units in decimal, a multiple of the step, not 0: received from the pool, or paid to it when "
                    "negative"));
  }
};

// The signer, secretariat of the alliance, closes a period at these heads.
struct Close {
  static constexpr std::string_view kind = "pool.close";
  alliance::Closing closing;  // what: settlement; of: the period; result: digest of Books
  std::string previous;
  std::int64_t step_micro = step_micro_default;
  std::vector<NettedTransfer> transfers;
  static constexpr auto fields() {
    return rows(row("closing", &Close::closing, "heads and result"),
                row("previous", &Close::previous, "statement id of the closing before, hex; empty: this is the first",
                    or_default),
                row("step_micro", &Close::step_micro, "payments are multiples of this, micro-units"),
                row("transfers", &Close::transfers, "by unit and member; they add up to zero"));
  }
};

// The signer computed the closing again and found the same.
struct CloseSigned {
  static constexpr std::string_view kind = "pool.close_signed";
  std::string close, result;
  static constexpr auto fields() {
    return rows(row("close", &CloseSigned::close, "statement id of the closing, hex"),
                row("result", &CloseSigned::result, "as the signer computed it"));
  }
};

// The secretariat: this member may owe so much more than it is owed. What goes beyond waits for the next closing.
struct Limit {
  static constexpr std::string_view kind = "pool.limit";
  std::string member, unit;
  std::int64_t overdraft_micro = 0;
  static constexpr auto fields() {
    return rows(row("member", &Limit::member, "member"), row("unit", &Limit::unit, "unit"),
                row("overdraft_micro", &Limit::overdraft_micro, "micro-units"));
  }
};

inline constexpr std::string_view settlement = "settlement";

// Errors: pool.close, pool.period, alliance.closing.
Result<void> check(const Close& close);
Result<void> check(const CloseSigned& said);
// Errors: pool.limit.
Result<void> check(const Limit& limit);

// The transfers in the form of a statement. Names come from the facts.
std::vector<NettedTransfer> transfers_of(const BookFacts& facts, const std::vector<PaidFact>& paid);

}  // namespace hz::pool
