#include "pool/account_round.h"

#include <algorithm>
#include <chrono>

#include "pool/reasons.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

constexpr std::size_t settings_bytes_max = 64u << 10;

// A bill of everything for the period before this one was made since that period ended.
Result<bool> billed_since(sql::Db& views, const std::string& member, const std::string& period) {
  const auto last = HZ_TRY(views.integer(
      "SELECT max(s.issued_ms) FROM pool_bill b JOIN alliance_statement s ON s.origin = b.origin AND s.idx = b.idx "
      "WHERE b.member = ? AND b.period = ?",
      {member, period}));
  return last.value_or(0) >= bounds_of(period).to_ms;
}

Result<void> bill_due(alliance::Member& member, const SiteWorld& world, const AccountSettings& settings,
                      std::vector<std::string>& out) {
  sql::Db& views = *HZ_TRY(member.views());
  const std::int64_t now_ms = world.clock->now_ms();
  const std::string now = period_at(now_ms, settings.period == "month"), before = period_before(now);
  std::vector<Error> faults;
  auto measured = HZ_TRY(measured_as_provider(views, member.id(), world, faults));
  for (const Error& fault : faults) out.push_back("not billed now: " + fault.text());
  // What runs on is billed once a period; what has ended, at once.
  std::string label = before;
  if (HZ_TRY(billed_since(views, member.id(), before))) {
    label = now;
    std::erase_if(measured, [&](const Measured& m) { return !m.subject.starts_with("lease:") || m.to_ms >= now_ms; });
  }
  for (const WholeBill& b :
       HZ_TRY(bills_due(views, member.id(), measured, settings.unit, label, *member.seams().rng))) {
    HZ_TRY(member.append(bill_drafts(b, member.id())));
    out.push_back(fmt::format("billed {} for {}: {}", b.bill.consumer, label, credits_text(b.bill.amount_micro)));
  }
  return {};
}

Result<void> answer_matching(alliance::Member& member, const SiteWorld& world, const AccountSettings& settings,
                             std::vector<std::string>& out) {
  std::vector<Error> faults;
  const auto measured = HZ_TRY(measured_as_consumer(*HZ_TRY(member.views()), member.id(), world, faults));
  for (const Error& fault : faults) out.push_back("not compared now: " + fault.text());
  for (const KnownBill& b : HZ_TRY(read_bills(*HZ_TRY(member.views()), member.id()))) {
    if (!b.asks(member.id())) continue;
    const auto compared = compare_bill(*HZ_TRY(member.views()), member.id(), b, measured,
                                       {.permille = settings.tolerance_permille});
    if (!compared && compared.error().reason->slug == "pool.receipts_sealed") continue;  // its body may still come
    if (!compared) return std::unexpected(compared.error());
    if (const Match match = worst(*compared); match != Match::matched) {
      out.push_back(fmt::format("not signed: bill {} of {} is {}; see hezong meter reconcile {}", b.bill.bill,
                                b.provider, enum_text(match), b.bill.period));
      continue;
    }
    HZ_TRY(member.append(HZ_TRY(answer_drafts(b, member.id(), {}))));
    out.push_back(fmt::format("counter-signed bill {} of {}: {}", b.bill.bill, b.provider,
                              credits_text(b.bill.amount_micro)));
  }
  return {};
}

Result<void> sign_closings(alliance::Member& member, std::vector<std::string>& out) {
  const Chain chain = HZ_TRY(read_chain(member));
  for (const SaidClose& c : chain.closings) {
    if (c.signed_by.contains(member.id())) continue;
    HZ_TRY(member.append(close_signed_draft(c)));
    out.push_back(fmt::format("signed the closing of {}", c.said.closing.of));
  }
  for (const JudgedClose& c : chain.others)
    if (c.verdict == "refuted" && c.close.origin == chain.secretariat)
      out.push_back(fmt::format("not signed: the closing of {} says something else: {}", c.close.said.closing.of,
                                c.detail));
  return {};
}

}  // namespace

Result<AccountSettings> read_account_settings(std::string_view text) {
  const auto refuse = [](std::string_view what) { return fail(why("pool.account_settings"), "{}", what); };
  const auto value = json::parse(text, {.size_bytes_max = settings_bytes_max});
  if (!value) return refuse(value.error().text());
  const auto out = from_json<AccountSettings>(*value);
  if (!out) return refuse(out.error().text());
  if (out->period != "month" && out->period != "day") return refuse("period is month or day");
  if (!is_money_unit(out->unit)) return refuse("unit has 1 to 32 of [a-z0-9-]");
  if (out->tolerance_permille < 0 || out->tolerance_permille > 1000) return refuse("tolerance_permille is 0 to 1000");
  if (out->every_s < 1 || out->every_s > 86'400) return refuse("every_s is 1 to 86400");
  return *out;
}

Result<std::optional<AccountSettings>> account_settings(const fs::path& home) {
  const fs::path file = home / "accounts.json";
  std::error_code error;
  if (!fs::exists(file, error)) return std::optional<AccountSettings>();
  return HZ_TRY(read_account_settings(HZ_TRY(read_text(file, settings_bytes_max))));
}

std::string period_at(std::int64_t ms, bool month) { return utc_text(ms).substr(0, month ? 7 : 10); }

std::string period_before(const std::string& period) {
  return period_at(bounds_of(period).from_ms - 1, period.size() == 7);
}

Result<std::vector<std::string>> account_round(alliance::Member& member, const SiteWorld& world,
                                               const AccountSettings& settings) {
  std::vector<std::string> out;
  if (settings.bill) HZ_TRY(bill_due(member, world, settings, out));
  if (settings.countersign) HZ_TRY(answer_matching(member, world, settings, out));
  if (settings.sign_closings) HZ_TRY(sign_closings(member, out));
  return out;
}

}  // namespace hz::pool
