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

// One look. What was signed and what waits for a person, a line each. Harmless when repeated. Errors: sql.*, log.*,
// alliance.*; meters that cannot be read now are lines.
Result<std::vector<std::string>> account_round(alliance::Member& member, const SiteWorld& world,
                                               const AccountSettings& settings);

}  // namespace hz::pool
