// What a node does about its accounts by itself, when its operator said so in accounts.json: bills what was used,
// counter-signs what agrees with its own meter, and signs closings that it computed again. It never signs a mismatch,
// never disputes and never withdraws: those are for people.
#pragma once
#include "pool/accounts.h"
#include "pool/claims.h"

namespace hz::pool {

struct AccountSettings {
  bool bill = false, countersign = true, sign_closings = true;
  std::string unit = "credit", period = "month";
  std::int64_t tolerance_permille = Tolerance{}.permille, every_s = 60;
  static constexpr auto fields() {
    return rows(row("bill", &AccountSettings::bill, "bill leases that ended, and once a period everything", or_default),
                row("countersign", &AccountSettings::countersign, "counter-sign what matches (true)", or_default),
                row("sign_closings", &AccountSettings::sign_closings, "sign closings that hold (true)", or_default),
                row("unit", &AccountSettings::unit, "unit of bills (credit)", or_default),
                row("period", &AccountSettings::period, "month or day (month)", or_default),
                row("tolerance_permille", &AccountSettings::tolerance_permille,
                    "how far a bill may be above the own figure (10)", or_default),
                row("every_s", &AccountSettings::every_s, "seconds between looks (60)", or_default));
  }
};
// The pure part. Safe on any bytes. Errors: pool.account_settings.
Result<AccountSettings> read_account_settings(std::string_view text);
// Of accounts.json in the member's folder; nothing without it. Errors: pool.account_settings, base.read.
Result<std::optional<AccountSettings>> account_settings(const fs::path& home);

// The period of a time, and the one before it.
std::string period_at(std::int64_t ms, bool month);
std::string period_before(const std::string& period);

// What one look wants signed. Measuring and recounting take time, so they need no turn to sign; nothing is signed when
// the own log has grown meanwhile, since then something else may have said the same.
struct AccountPlan {
  std::uint64_t own_size = 0;
  struct Step {
    std::vector<alliance::Draft> drafts;
    std::string line;
  };
  std::vector<Step> steps;
  std::vector<std::string> lines;  // what waits for a person, or could not be measured now
  fs::path done;                   // marks that a period was billed; empty: none
};
// Errors: sql.*, log.*, pool.no_price.
Result<AccountPlan> plan_accounts(alliance::Member& member, const SiteWorld& world, const AccountSettings& settings);
// Signs it. What was signed and what was not, a line each. Errors: log.*, alliance.key*.
Result<std::vector<std::string>> carry_out(alliance::Member& member, const AccountPlan& plan);

}  // namespace hz::pool
