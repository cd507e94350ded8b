// Bills between two members: what the provider says was used, and what the consumer says to that.
//
// One signed receipt per lease that everybody can read would let every node settle, and would show competitors who runs
// what, when and at which price. Sealed receipts alone show nothing, and nobody else can settle. So a bill is two
// statements in one transaction: `pool.bill`, for everyone, with nothing but the sum and the digest of its lines; and
// `pool.receipts`, sealed to both sides, with the lines. The consumer compares these with its own meter and counter-
// signs the sum in public, whole or in part; why it disputes the rest is sealed again (docs/decisions/0134).
#pragma once
#include <string>
#include <vector>

#include "base/seams.h"
#include "pool/price.h"
#include "statement/kind.h"

namespace hz::pool {

// One thing used under one title (a lease, an API key), since the receipt before it.
struct Receipt {
  std::string subject;  // "lease:<id>" or "key:<id>"
  std::string what;     // whose price it is, such as "product:glyph"
  std::int64_t from_ms = 0, to_ms = 0;
  Quantities used;
  Price price;
  std::int64_t amount_micro = 0;
  static constexpr auto fields() {
    return rows(row("subject", &Receipt::subject, "title of the use: lease:<claim> or key:<id>"),
                row("what", &Receipt::what, "what was used: an id that has a price, such as product:<id>"),
                row("from_ms", &Receipt::from_ms, "measured from, ms since 1970"),
                row("to_ms", &Receipt::to_ms, "measured until, ms since 1970"),
                row("used", &Receipt::used, "quantities"), row("price", &Receipt::price, "posted price"),
                row("amount_micro", &Receipt::amount_micro, "micro-credits"));
  }
};

// The signer asks the consumer for this sum. `details` is the digest of the receipts that were sealed beside it.
struct Bill {
  static constexpr std::string_view kind = "pool.bill";
  std::string bill, consumer, unit, period;
  std::int64_t receipts = 0, amount_micro = 0;
  std::string details;
  bool refund = false;
  static constexpr auto fields() {
    return rows(row("bill", &Bill::bill, "id at this provider, 1 to 64 of [0-9a-z-]; used once"),
                row("consumer", &Bill::consumer, "member that is asked"),
                row("unit", &Bill::unit, "what is counted in micro-units, such as credit"),
                row("period", &Bill::period,
                    "YYYY-MM or YYYY-MM-DD; it settles with the closing that first has both "
                    "signatures, whatever stands here"),
                row("receipts", &Bill::receipts, "how many"), row("amount_micro", &Bill::amount_micro, "their sum"),
                row("details", &Bill::details, "hex SHA-256 of the sealed receipts in canonical JSON"),
                row("refund", &Bill::refund,
                    "the provider pays: a correction, which needs no signature of the consumer", or_default));
  }
};

// The receipts of a bill. The salt keeps its digest from being guessed.
struct Receipts {
  static constexpr std::string_view kind = "pool.receipts";
  std::string bill, salt;
  std::vector<Receipt> receipts;
  static constexpr auto fields() {
    return rows(row("bill", &Receipts::bill, "id of the bill"), row("salt", &Receipts::salt, "32 random bytes, hex"),
                row("receipts", &Receipts::receipts, "sorted by subject and what"));
  }
};

// The signer, asked by a bill, owes `accepted_micro` and disputes the rest. A bill is answered once.
struct Countersign {
  static constexpr std::string_view kind = "pool.countersign";
  std::string provider, bill, details;
  std::int64_t accepted_micro = 0, disputed_micro = 0;
  static constexpr auto fields() {
    return rows(row("provider", &Countersign::provider, "member that asked"),
                row("bill", &Countersign::bill, "its bill"), row("details", &Countersign::details, "as in the bill"),
                row("accepted_micro", &Countersign::accepted_micro, "owed"),
                row("disputed_micro", &Countersign::disputed_micro, "not owed; both add up to the bill"));
  }
};

struct DisputedReceipt {
  std::int64_t place = 0;
  Quantities own;
  std::string cause;
  static constexpr auto fields() {
    return rows(row("place", &DisputedReceipt::place, "position among the bill's receipts, from 0"),
                row("own", &DisputedReceipt::own, "what the consumer measured"),
                row("cause", &DisputedReceipt::cause, "why, for people"));
  }
};
// For the provider: which receipts are disputed and why.
struct Dispute {
  static constexpr std::string_view kind = "pool.dispute";
  std::string provider, bill;
  std::vector<DisputedReceipt> receipts;
  static constexpr auto fields() {
    return rows(row("provider", &Dispute::provider, "member that asked"), row("bill", &Dispute::bill, "its bill"),
                row("receipts", &Dispute::receipts, "disputed ones, by place"));
  }
};

// The provider asks no more for what has not been accepted.
struct BillWithdrawn {
  static constexpr std::string_view kind = "pool.bill_withdrawn";
  std::string bill;
  bool forgiven = false;
  static constexpr auto fields() {
    return rows(row("bill", &BillWithdrawn::bill, "id of the bill"),
                row("forgiven", &BillWithdrawn::forgiven, "what was used is not billed again", or_default));
  }
};

// The signer's posted prices. A price once said for a thing and a period stands; a later one needs a later period.
struct PostedPrice {
  std::string what;
  Price price;
  static constexpr auto fields() {
    return rows(row("what", &PostedPrice::what, "id, such as product:<id> or site:<id>"),
                row("price", &PostedPrice::price, "price"));
  }
};
struct PriceList {
  static constexpr std::string_view kind = "pool.price";
  std::string unit, from;
  std::vector<PostedPrice> prices;
  static constexpr auto fields() {
    return rows(row("unit", &PriceList::unit, "unit of the prices, such as credit"),
                row("from", &PriceList::from, "first period, YYYY-MM or YYYY-MM-DD"),
                row("prices", &PriceList::prices, "by id"));
  }
};

inline constexpr std::size_t receipts_max = 4000, prices_max = 200;

// YYYY-MM or YYYY-MM-DD. Periods are in the order of their texts.
bool is_period(std::string_view text);
// Its first millisecond, and the first one behind it, UTC.
struct PeriodBounds {
  std::int64_t from_ms = 0, to_ms = 0;
};
PeriodBounds bounds_of(std::string_view period);
// 1 to 32 of [a-z0-9-].
bool is_money_unit(std::string_view text);

// Errors: pool.bill, pool.period.
Result<void> check(const Bill& bill);
Result<void> check(const Receipts& said);
Result<void> check(const Countersign& said);
Result<void> check(const Dispute& said);
Result<void> check(const BillWithdrawn& said);
// Errors: pool.price, pool.period.
Result<void> check(const PriceList& said);

// The receipts are the bill's: digest, number and sum, each amount as its quantities and price give. Errors: pool.bill.
Result<void> check_together(const Bill& bill, const Receipts& said);
// Sorts the receipts, prices them as one bill and fills in their amounts, and the salt.
struct WholeBill {
  Bill bill;
  Receipts receipts;
};
// Errors: pool.bill, pool.period, pool.price, pool.quantity.
Result<WholeBill> make_bill(Bill head, std::vector<Receipt> receipts, Rng& rng);

// Of this header and of close.h.
std::span<const statement::Kind> bill_kinds();

}  // namespace hz::pool
