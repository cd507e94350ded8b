// What was used and is to be billed, or to be compared with a bill: from the meters of this node. Totals only grow, so
// what is due is a total less what was billed before; asked twice, the second bill is empty, and nothing is too late.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pool/claims.h"
#include "pool/receipt.h"

namespace hz::sql {
class Db;
}

namespace hz::pool {

// Of one title, since it began.
struct Measured {
  std::string member;         // the other side
  std::string subject, what;  // as in a receipt
  Quantities used;
  std::int64_t from_ms = 0, to_ms = 0;
  std::optional<Price> price = {};  // where the title has its own
  static constexpr auto fields() {
    return rows(row("member", &Measured::member, "member that used it"),
                row("subject", &Measured::subject, "lease:<id> or key:<id>"),
                row("what", &Measured::what, "what was used"), row("used", &Measured::used, "quantities, in all"),
                row("from_ms", &Measured::from_ms, "measured from, ms since 1970", or_default),
                row("to_ms", &Measured::to_ms, "measured until, ms since 1970", or_default),
                row("price", &Measured::price, "price, where it has its own"));
  }
};

// A file of usage that other systems measured: {"usage":[...]}, each subject and thing once. Safe on any bytes.
// Errors: pool.usage_file.
Result<std::vector<Measured>> read_usage_file(std::string_view text);
inline constexpr std::size_t usage_file_bytes_max = 8u << 20;

// As provider: leases of this member's sites (devices by the site, requests by the gateway), and API keys that were
// made for a member. What a site does not tell now is named in `faults` and left for the next time. Errors: sql.*.
Result<std::vector<Measured>> measured_as_provider(sql::Db& views, const std::string& member, const SiteWorld& world,
                                                   std::vector<Error>& faults);
// As consumer: leases that this member holds elsewhere. Devices cannot be held longer than the lease ran; requests are
// what the own gateway sent under it. `member` is the provider. Errors: sql.*.
Result<std::vector<Measured>> measured_as_consumer(sql::Db& views, const std::string& member, const SiteWorld& world,
                                                   std::vector<Error>& faults);

// Which micro-credits a lease asks for a million units: the meter does not tell tokens from inferences, so of two
// prices the lower one holds.
Price lease_price(std::int64_t per_device_hour, std::int64_t per_million_tokens, std::int64_t per_million_inferences);

// The prices of a member in a unit for a period: of each thing the last one from that period or before. Errors: sql.*.
Result<PriceVector> posted_prices(sql::Db& views, const std::string& member, const std::string& unit,
                                  const std::string& period);

// Sums of receipts by (subject, what) that `provider` billed `consumer` and that are not to be billed again: refunds
// are subtracted, a withdrawn bill's receipts count when they were accepted or forgiven. `accepted_only`: those that
// were accepted. Of bodies that can be opened here. Errors: sql.*.
using BySubject = std::map<std::pair<std::string, std::string>, Quantities>;
Result<BySubject> billed_so_far(sql::Db& views, const std::string& provider, const std::string& consumer,
                                bool accepted_only);

// What is due, as receipts: the measured total less what was billed, where that is more than nothing. Errors:
// pool.no_price.
Result<std::vector<Receipt>> due(const std::vector<Measured>& measured, const BySubject& billed,
                                 const PriceVector& prices);

}  // namespace hz::pool
