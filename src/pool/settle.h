// The accounts of the pool, from bills and answers below the heads that closings name. Pure: no clock, no order of
// arrival, no floating point; equal facts give equal books, byte by byte.
//
// "Whatever came in by midnight" needs a clock that everybody believes. Here a period is what lies between the heads of
// two closings: a bill and its answer settle with the first closing whose frontier has both, whatever period the bill
// names, so what comes late falls into the next one. All closings are gone through again from the first, in one ledger
// (ledger.h), and members are taken in the order of their names and bills in the order of their ids.
//
// A closing moves one netted transfer per member and unit through a clearing account. Transfers of earlier closings are
// taken as they were signed, so when a log turns out later to have said less than was counted (a key revoked from long
// ago), the difference is corrected by the next transfer and no closed period changes.
#pragma once
#include <array>
#include <limits>

#include "base/fields.h"
#include "pool/ledger.h"

namespace hz::pool {

inline constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
// A bill that is not answered by the third closing that has it is void.
inline constexpr std::size_t answer_closings = 3;
// Payments are made in whole steps; what is less stays in the account. A hundredth of a credit.
inline constexpr std::int64_t step_micro_default = 10'000, step_micro_max = 1'000'000'000;

// One bill with what became of it. Numbers of members, logs and units are positions in BookFacts.
struct BilledFact {
  std::uint32_t provider = 0, consumer = 0, unit = 0;
  std::uint32_t provider_log = 0, consumer_log = 0;
  bool refund = false;
  std::int64_t amount = 0, accepted = 0;
  std::uint64_t billed_at = 0, answered_at = never, withdrawn_at = never;  // positions in those logs
};
struct LimitFact {
  std::uint32_t member = 0, unit = 0, log = 0;
  std::uint64_t at = 0;
  Amount overdraft = 0;
};
struct BookFacts {
  std::vector<std::string> members, logs, units;  // each sorted
  std::vector<BilledFact> bills;                  // by provider and id
  std::vector<LimitFact> limits;                  // by log and position
};

// How many statements of each log a closing counts, by log number.
using Heads = std::vector<std::uint64_t>;
struct PaidFact {
  std::uint32_t member = 0, unit = 0;
  Amount amount = 0;  // positive: received
};
struct PastClosing {
  Heads heads;
  std::vector<PaidFact> paid;
};

enum class BillState : std::uint8_t {
  open,
  accepted,
  part_accepted,
  disputed,
  over_limit,
  withdrawn,
  expired,
  refunded
};
constexpr auto enum_names(BillState) {
  return std::array<EnumName<BillState>, 8>{{{BillState::open, "open"},
                                             {BillState::accepted, "accepted"},
                                             {BillState::part_accepted, "part_accepted"},
                                             {BillState::disputed, "disputed"},
                                             {BillState::over_limit, "over_limit"},
                                             {BillState::withdrawn, "withdrawn"},
                                             {BillState::expired, "expired"},
                                             {BillState::refunded, "refunded"}}};
}

// A member's account in one unit, over the closing that is looked at. Micro-units in decimal text.
struct AccountLine {
  std::string member, unit;
  std::string before, earned, owed, balance, transfer, after, asked_of, asked_by;
  static constexpr auto fields() {
    return rows(row("member", &AccountLine::member, "member"), row("unit", &AccountLine::unit, "unit"),
                row("before", &AccountLine::before, "balance after the closing before"),
                row("earned", &AccountLine::earned, "for what others used, in this period"),
                row("owed", &AccountLine::owed, "for what it used, in this period"),
                row("balance", &AccountLine::balance, "before + earned - owed"),
                row("transfer", &AccountLine::transfer, "the one netted transfer: received, or paid when negative"),
                row("after", &AccountLine::after, "less than a step, carried over"),
                row("asked_of", &AccountLine::asked_of, "bills of others that it has not answered"),
                row("asked_by", &AccountLine::asked_by, "bills of its own that are not answered"));
  }
};

// What a closing's digest is of. `entries` is hex SHA-256 over a line "<log> <position> <micro-units>" LF for each bill
// that was posted in this period, in the order of the books.
struct Books {
  std::vector<AccountLine> accounts;  // by unit and member; those that ever had an entry
  std::int64_t posted = 0, open = 0;
  std::string entries;
  static constexpr auto fields() {
    return rows(row("accounts", &Books::accounts, "by unit and member"),
                row("posted", &Books::posted, "bills posted in this period"),
                row("open", &Books::open, "bills that wait for an answer, or for room under a limit"),
                row("entries", &Books::entries, "digest of what was posted"));
  }
};

struct Settled {
  Books books;
  std::vector<PaidFact> paid;     // not zero, by unit and member
  std::vector<BillState> states;  // of facts.bills; expired and open ones below the heads only
  std::vector<std::uint32_t>
      when;  // closing that posted, released or expired it, from 0; closings.size() = the new one
};
// The books at `heads`, after `closings` in their order. Heads never go back. Step 1 to step_micro_max.
// Cost: about a microsecond a bill.
Settled settle(const BookFacts& facts, const std::vector<PastClosing>& closings, const Heads& heads,
               std::int64_t step_micro);

}  // namespace hz::pool
