// A double-entry ledger in memory: accounts, and transfers that are never changed. Pure.
//
// The simpler idea, a balance per member that bills add to and payments take from, cannot say afterwards why it is what
// it is, and an error in one place stays hidden. Here every transfer debits one account and credits another of the same
// unit, so the sum over all accounts is zero at every moment and a wrong entry shows on two sides. What is only asked
// for is a reservation, seen in the pending columns: it is resolved at most once, by posting it (whole or in part, the
// rest is released), by releasing it, or by its expiry. A correction is a new transfer.
//
// An id is used once: the same transfer again is refused and changes nothing, which is what makes a replay harmless.
// Expiry is counted in ticks that the caller names (closings, here), not in time: nobody's clock decides.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "pool/amount.h"

namespace hz::pool {

using AccountNumber = std::uint32_t;

// What the debits and credits of an account add up to.
struct Account {
  std::uint32_t unit = 0;           // accounts of two units never meet in a transfer
  std::optional<Amount> overdraft;  // debits may exceed credits by this much; absent: without limit
  Amount debits_pending = 0, debits_posted = 0, credits_pending = 0, credits_posted = 0;
  // What has been posted: credits less debits.
  Amount balance() const { return credits_posted - debits_posted; }
};

// 128 bits that the caller chooses.
struct TransferId {
  std::uint64_t high = 0, low = 0;
  auto operator<=>(const TransferId&) const = default;
};

enum class Step : std::uint8_t { move, reserve, post, release };

struct Transfer {
  TransferId id;
  Step step = Step::move;
  AccountNumber debit = 0, credit = 0;  // of move and reserve
  Amount amount = 0;                    // of post: at most what is reserved
  TransferId of = {};                   // post and release: the reservation
  std::int32_t expires = 0;             // reserve: released by expire(tick) from this tick on; 0: never
};

class Ledger {
 public:
  // One transfer is at most this much, so that no sum of 2^32 of them overflows.
  static constexpr Amount transfer_max = Amount{1} << 90;

  AccountNumber open(std::uint32_t unit, std::optional<Amount> overdraft = {});
  void limit(AccountNumber account, std::optional<Amount> overdraft) { accounts_[account].overdraft = overdraft; }
  void expect(std::size_t transfers);  // room for so many

  // All of them or none, in order. Errors: pool.transfer (an amount, an account, or two units), pool.transfer_twice
  // (the id), pool.reservation (it is not there, or resolved), pool.overdraft.
  Result<void> apply(std::span<const Transfer> linked);
  Result<void> apply(const Transfer& one) { return apply(std::span(&one, 1)); }
  // Releases what expires at `tick` or before and is still reserved. How many.
  std::size_t expire(std::int32_t tick);

  const Account& account(AccountNumber number) const { return accounts_[number]; }
  std::size_t accounts() const { return accounts_.size(); }
  // Of a unit; zero, or the program is wrong.
  Amount sum(std::uint32_t unit) const;
  bool known(TransferId id) const { return find(id) != none; }
  // What is reserved under this id now; 0 when it is resolved, or was no reservation.
  Amount reserved(TransferId id) const;

 private:
  struct Entry {
    TransferId id;
    Amount amount = 0;
    AccountNumber debit = 0, credit = 0;
    std::int32_t expires = 0;
    bool reserved = false;
  };
  using Place = std::uint32_t;
  static constexpr Place none = ~Place{0};
  struct Undo;
  Result<void> apply_one(const Transfer& t, std::vector<Undo>& undo);
  void settle(Entry& entry, Amount posted);
  // Entries stand in the order they came; `slots_` finds them by id: open addressing, at most half full. Only the last
  // entry is ever taken out again, and its slot was the last to be filled, so nothing has to be moved.
  std::size_t slot(TransferId id) const;
  Place find(TransferId id) const { return slots_.empty() ? none : slots_[slot(id)]; }
  void add(const Entry& entry);
  void take_back();

  std::vector<Account> accounts_;
  std::vector<Entry> entries_;
  std::vector<Place> slots_;
  std::map<std::int32_t, std::vector<Place>> expiring_;  // by tick, in the order they came
};

}  // namespace hz::pool
