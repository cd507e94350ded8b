#include "pool/account_round.h"

#include <algorithm>
#include <set>

#include "pool/reasons.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

constexpr std::size_t settings_bytes_max = 64u << 10;

std::uint64_t own_size(const alliance::Member& member) {
  const alliance::Frontier now = member.frontier();
  return alliance::entry_of(now.logs, member.origin())->size;
}

Result<void> plan_bills(alliance::Member& member, const SiteWorld& world, const AccountSettings& settings,
                        AccountPlan& plan) {
  sql::Db& views = *HZ_TRY(member.views());
  const std::int64_t now_ms = world.clock->now_ms();
  const std::string now = period_at(now_ms, settings.period == "month"), before = period_before(now);
  std::vector<Error> faults;
  auto measured = HZ_TRY(measured_as_provider(views, member.id(), world, faults));
  for (const Error& fault : faults) plan.lines.push_back("not billed now: " + fault.text());
  // What runs on is billed once a period; what has ended, at once. A lost mark bills earlier, and nothing twice.
  const fs::path mark = world.home / "closings" / ("billed-" + before);
  std::error_code error;
  const bool billed = fs::exists(mark, error);
  if (billed)
    std::erase_if(measured, [&](const Measured& m) { return !m.subject.starts_with("lease:") || m.to_ms >= now_ms; });
  else if (faults.empty())
    plan.done = mark;
  const std::string& label = billed ? now : before;
  for (const WholeBill& b : HZ_TRY(bills_due(views, member.id(), measured, settings.unit, label, *member.seams().rng)))
    plan.steps.push_back(
        {bill_drafts(b, member.id()), fmt::format("bill {} to {} for {}: {}", b.bill.bill, b.bill.consumer, label,
                                                  credits_text(b.bill.amount_micro))});
  return {};
}

Result<void> plan_answers(alliance::Member& member, const SiteWorld& world, const AccountSettings& settings,
                          AccountPlan& plan) {
  sql::Db& views = *HZ_TRY(member.views());
  std::vector<Error> faults;
  const auto measured = HZ_TRY(measured_as_consumer(views, member.id(), world, faults));
  for (const Error& fault : faults) plan.lines.push_back("not compared now: " + fault.text());
  std::set<std::string> answered;
  for (const KnownBill& b : HZ_TRY(read_bills(views, member.id()))) {
    if (!b.asks(member.id()) || !b.receipts) continue;  // a sealed body may still come
    const auto compared =
        HZ_TRY(compare_bill(views, member.id(), b, measured, {.permille = settings.tolerance_permille}));
    if (const Match match = worst(compared); match != Match::matched) {
      plan.lines.push_back(fmt::format("not signed: bill {} of {} is {}; see hezong meter reconcile {}", b.bill.bill,
                                       b.provider, enum_text(match), b.bill.period));
      continue;
    }
    // What is accepted of one bill is gone from the own total for the next, so the next one waits for the next look.
    if (!answered.insert(b.provider).second) continue;
    plan.steps.push_back(
        {HZ_TRY(answer_drafts(b, member.id(), {})), fmt::format("counter-signature of bill {} of {}: {}", b.bill.bill,
                                                                b.provider, credits_text(b.bill.amount_micro))});
  }
  return {};
}

Result<void> plan_closings(alliance::Member& member, AccountPlan& plan) {
  const Chain chain = HZ_TRY(read_chain(member));
  for (const SaidClose& c : chain.closings)
    if (!c.signed_by.contains(member.id()))
      plan.steps.push_back({{close_signed_draft(c)}, fmt::format("the closing of {}", c.said.closing.of)});
  for (const JudgedClose& c : chain.others)
    if (c.verdict == "refuted" && c.close.origin == chain.secretariat)
      plan.lines.push_back(
          fmt::format("not signed: the closing of {} says something else: {}", c.close.said.closing.of, c.detail));
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

Result<AccountPlan> plan_accounts(alliance::Member& member, const SiteWorld& world, const AccountSettings& settings) {
  AccountPlan out;
  out.own_size = own_size(member);
  if (settings.bill) HZ_TRY(plan_bills(member, world, settings, out));
  if (settings.countersign) HZ_TRY(plan_answers(member, world, settings, out));
  if (settings.sign_closings) HZ_TRY(plan_closings(member, out));
  return out;
}

Result<std::vector<std::string>> carry_out(alliance::Member& member, const AccountPlan& plan) {
  std::vector<std::string> out = plan.lines;
  HZ_TRY(member.become_writer());
  if (own_size(member) != plan.own_size) return out;
  for (const AccountPlan::Step& step : plan.steps) {
    const auto done = member.append(step.drafts);
    // One member without a box key must not keep the others' bills back.
    if (!done && done.error().reason->code != Code::conflict) return std::unexpected(done.error());
    out.push_back(done ? "signed: " + step.line : fmt::format("not signed: {}: {}", step.line, done.error().text()));
  }
  if (!plan.done.empty()) {
    std::error_code ignored;
    fs::create_directories(plan.done.parent_path(), ignored);
    HZ_TRY(write_file_durably(plan.done, {}, 0600));
  }
  return out;
}

}  // namespace hz::pool
