#include "pool/receipt.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "pool/reasons.h"
#include "pool/rules.h"
#include "statement/ids.h"

namespace hz::pool {
namespace {

std::optional<std::chrono::year_month_day> parse_day(std::string_view text) {
  if (text.size() != 7 && text.size() != 10) return std::nullopt;
  int parts[3] = {0, 0, 1};
  std::size_t part = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 4 || i == 7) {
      if (text[i] != '-') return std::nullopt;
      parts[++part] = 0;
    } else {
      if (text[i] < '0' || text[i] > '9') return std::nullopt;
      parts[part] = parts[part] * 10 + (text[i] - '0');
    }
  }
  const std::chrono::year_month_day day{std::chrono::year(parts[0]),
                                        std::chrono::month(static_cast<unsigned>(parts[1])),
                                        std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (parts[0] < 1970 || !day.ok()) return std::nullopt;
  return day;
}

std::int64_t ms_of(std::chrono::year_month_day day) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::sys_days(day).time_since_epoch()).count();
}

std::string digest_of(const Receipts& said) { return hex(crypto::sha256(as_bytes(json::dump(to_json(said))))); }

std::unexpected<Error> wrong(std::string_view bill, std::string_view what) {
  return fail(why("pool.bill"), "{}: {}", bill, what);
}

bool is_sum(std::int64_t micro) { return micro >= 0 && micro <= bill_micro_max; }

std::vector<Amount> costs(const std::vector<Receipt>& receipts) {
  std::vector<Amount> out;
  out.reserve(receipts.size());
  for (const Receipt& r : receipts) out.push_back(exact_cost(r.used, r.price));
  return out;
}

}  // namespace

bool is_period(std::string_view text) { return parse_day(text).has_value(); }

PeriodBounds bounds_of(std::string_view period) {
  const std::chrono::year_month_day first = parse_day(period).value();
  const std::chrono::year_month_day next =
      period.size() == 7 ? first + std::chrono::months(1)
                         : std::chrono::year_month_day(std::chrono::sys_days(first) + std::chrono::days(1));
  return {ms_of(first), ms_of(next)};
}

bool is_money_unit(std::string_view text) {
  return !text.empty() && text.size() <= 32 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<void> check(const Bill& b) {
  if (!is_claim_id(b.bill)) return wrong(b.bill, "an id has 1 to 64 of [0-9a-z-]");
  if (!statement::is_shown_name(b.consumer)) return wrong(b.bill, "no consumer");
  if (!is_money_unit(b.unit)) return wrong(b.bill, "a unit has 1 to 32 of [a-z0-9-]");
  if (!is_period(b.period)) return fail(why("pool.period"), "\"{}\"", b.period);
  if (b.receipts < 1 || b.receipts > static_cast<std::int64_t>(receipts_max)) return wrong(b.bill, "receipts");
  if (b.amount_micro < 1 || b.amount_micro > bill_micro_max)
    return wrong(b.bill, fmt::format("{} micro-units, 1 to {}", b.amount_micro, bill_micro_max));
  if (!statement::is_sha256(b.details)) return wrong(b.bill, "details are no digest");
  return {};
}

Result<void> check(const Receipts& said) {
  if (!is_claim_id(said.bill)) return wrong(said.bill, "an id has 1 to 64 of [0-9a-z-]");
  if (!statement::is_sha256(said.salt)) return wrong(said.bill, "no salt");
  if (said.receipts.empty() || said.receipts.size() > receipts_max)
    return wrong(said.bill, fmt::format("{} receipts, 1 to {}", said.receipts.size(), receipts_max));
  for (std::size_t i = 0; i < said.receipts.size(); ++i) {
    const Receipt& r = said.receipts[i];
    if (!statement::is_id_of("lease", r.subject) && !statement::is_id_of("key", r.subject))
      return wrong(said.bill, fmt::format("subject \"{}\" is neither lease:<id> nor key:<id>", r.subject));
    if (!statement::is_component_id(r.what)) return wrong(said.bill, fmt::format("\"{}\" is no id", r.what));
    if (r.from_ms < 0 || r.to_ms < r.from_ms) return wrong(said.bill, "from and to");
    HZ_TRY(check(r.used));
    HZ_TRY(check(r.price));
    if (!is_sum(r.amount_micro)) return wrong(said.bill, "amount");
    if (i > 0 && std::tie(said.receipts[i - 1].subject, said.receipts[i - 1].what) >= std::tie(r.subject, r.what))
      return wrong(said.bill, fmt::format("{} {} is not in order, or twice", r.subject, r.what));
  }
  return {};
}

Result<void> check(const Countersign& said) {
  if (!is_claim_id(said.bill) || !statement::is_shown_name(said.provider) || !statement::is_sha256(said.details))
    return wrong(said.bill, "the bill is not named");
  if (!is_sum(said.accepted_micro) || !is_sum(said.disputed_micro) || said.accepted_micro + said.disputed_micro == 0)
    return wrong(said.bill, "what is accepted and what is disputed");
  return {};
}

Result<void> check(const Dispute& said) {
  if (!is_claim_id(said.bill) || !statement::is_shown_name(said.provider))
    return wrong(said.bill, "the bill is not named");
  if (said.receipts.empty() || said.receipts.size() > receipts_max) return wrong(said.bill, "nothing is disputed");
  std::int64_t last = -1;
  for (const DisputedReceipt& d : said.receipts) {
    if (d.place <= last || d.place >= static_cast<std::int64_t>(receipts_max)) return wrong(said.bill, "places");
    last = d.place;
    HZ_TRY(check(d.own));
    if (!statement::is_shown_name(d.cause)) return wrong(said.bill, "a cause of 1 to 200 bytes");
  }
  return {};
}

Result<void> check(const BillWithdrawn& said) {
  return is_claim_id(said.bill) ? Result<void>() : wrong(said.bill, "an id has 1 to 64 of [0-9a-z-]");
}

Result<void> check(const PriceList& said) {
  if (!is_money_unit(said.unit)) return fail(why("pool.price"), "unit \"{}\"", said.unit);
  if (!is_period(said.from)) return fail(why("pool.period"), "\"{}\"", said.from);
  if (said.prices.empty() || said.prices.size() > prices_max)
    return fail(why("pool.price"), "{} prices, 1 to {}", said.prices.size(), prices_max);
  std::set<std::string_view> seen;
  for (const PostedPrice& p : said.prices) {
    if (!statement::is_component_id(p.what)) return fail(why("pool.price"), "\"{}\" is no id", p.what);
    if (!seen.insert(p.what).second) return fail(why("pool.price"), "{} has two prices", p.what);
    HZ_TRY(check(p.price));
  }
  return {};
}

Result<void> check_together(const Bill& bill, const Receipts& said) {
  if (bill.bill != said.bill || digest_of(said) != bill.details) return wrong(bill.bill, "other receipts were sealed");
  if (bill.receipts != static_cast<std::int64_t>(said.receipts.size())) return wrong(bill.bill, "number of receipts");
  const std::vector<Amount> exact = costs(said.receipts);
  const Amount total = rounded_sum(exact, price_denominator);
  if (total != bill.amount_micro)
    return wrong(bill.bill, fmt::format("its receipts cost {}, not {}", amount_text(total), bill.amount_micro));
  const std::vector<Amount> parts = largest_remainder(exact, price_denominator, total);
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (parts[i] != said.receipts[i].amount_micro)
      return wrong(bill.bill, fmt::format("receipt {} costs {}", i, amount_text(parts[i])));
  return {};
}

Result<WholeBill> make_bill(Bill head, std::vector<Receipt> receipts, Rng& rng) {
  std::ranges::sort(receipts, {}, [](const Receipt& r) { return std::tie(r.subject, r.what); });
  for (const Receipt& r : receipts) {
    HZ_TRY(check(r.used));
    HZ_TRY(check(r.price));
  }
  const std::vector<Amount> exact = costs(receipts);
  const Amount total = rounded_sum(exact, price_denominator);
  if (total < 1 || total > bill_micro_max)
    return wrong(head.consumer, fmt::format("{} micro-units, 1 to {}", amount_text(total), bill_micro_max));
  const std::vector<Amount> parts = largest_remainder(exact, price_denominator, total);
  for (std::size_t i = 0; i < parts.size(); ++i) receipts[i].amount_micro = static_cast<std::int64_t>(parts[i]);
  std::array<std::uint8_t, 32> salt{};
  std::array<std::uint8_t, 8> id{};
  rng.fill(salt);
  rng.fill(id);
  WholeBill out{std::move(head), {hex(id), hex(salt), std::move(receipts)}};
  out.bill.bill = out.receipts.bill;
  out.bill.receipts = static_cast<std::int64_t>(out.receipts.receipts.size());
  out.bill.amount_micro = static_cast<std::int64_t>(total);
  out.bill.details = digest_of(out.receipts);
  HZ_TRY(check(out.bill));
  HZ_TRY(check(out.receipts));
  return out;
}

}  // namespace hz::pool
