// What a member does about its bills: make them, answer them, take them back. Used by the commands and by the node's
// rounds; what is signed is the same either way.
#pragma once
#include "alliance/member.h"
#include "pool/chain.h"
#include "pool/compare.h"

namespace hz::pool {

// A bill as this member's views have it, with the receipts where they can be opened.
struct KnownBill {
  Bill bill;
  std::string provider, statement;
  std::optional<Receipts> receipts = {};
  std::optional<std::int64_t> accepted_micro = {}, disputed_micro = {};
  std::vector<DisputedReceipt> disputed = {};
  bool withdrawn = false;
  // It waits for this member's answer.
  bool asks(const std::string& member) const {
    return bill.consumer == member && !bill.refund && !accepted_micro && !withdrawn;
  }
};
// Every bill that this member made or is asked by, by provider and id; of one period when `period` is not empty.
// Errors: sql.*.
Result<std::vector<KnownBill>> read_bills(sql::Db& views, const std::string& member, std::string_view period = {});

// Drafts of a bill: the sum for everyone, the receipts for both sides.
std::vector<alliance::Draft> bill_drafts(const WholeBill& bill, const std::string& provider);

// Bills for what was measured and not billed yet, one per member, for up to receipts_max receipts each. Errors: sql.*,
// pool.no_price, pool.bill, pool.quantity.
Result<std::vector<WholeBill>> bills_due(sql::Db& views, const std::string& provider,
                                         const std::vector<Measured>& measured, const std::string& unit,
                                         const std::string& period, Rng& rng);

// Bills that pay this much back, in the prices of the period; what is paid back can be billed again. Errors: as above.
Result<std::vector<WholeBill>> refunds(sql::Db& views, const std::string& provider,
                                       const std::vector<Measured>& measured, const std::string& unit,
                                       const std::string& period, Rng& rng);

// The consumer's comparison of a bill. Errors: sql.*, pool.receipts_sealed.
Result<std::vector<ComparedReceipt>> compare_bill(sql::Db& views, const std::string& consumer, const KnownBill& bill,
                                                  const std::vector<Measured>& measured, const Tolerance& tolerance);

// Drafts that answer a bill: what is not disputed is accepted. Without disputed receipts the whole bill is. `disputed`
// is by place. Errors: pool.receipts_sealed, pool.bill.
Result<std::vector<alliance::Draft>> answer_drafts(const KnownBill& bill, const std::string& consumer,
                                                   std::vector<DisputedReceipt> disputed);

// Of a closing that was computed again and holds; once, however often it is made.
alliance::Draft close_signed_draft(const SaidClose& close);

}  // namespace hz::pool
