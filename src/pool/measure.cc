#include "pool/measure.h"

#include <algorithm>

#include "pool/meter_journal.h"
#include "pool/reasons.h"
#include "sql/db.h"
#include "statement/ids.h"

namespace hz::pool {
namespace {

struct HeldLease {
  std::string owner, lease, consumer, site, product;
  std::int64_t count = 0, from_ms = 0, ends_ms = 0;
  Price price;
};

// Leases that were granted, of this member as owner or as consumer.
Result<std::vector<HeldLease>> leases(sql::Db& views, const std::string& member, bool as_owner) {
  std::vector<HeldLease> out;
  HZ_TRY(views.query(
      fmt::format("SELECT member, lease, consumer, site, product, count, from_ms, ends_ms, per_device_hour, "
                  "per_million_tokens, per_million_inferences FROM public_pool_lease "
                  "WHERE refused = '' AND {} = ? AND member <> consumer ORDER BY member, lease",
                  as_owner ? "member" : "consumer"),
      {member}, [&](const sql::Row& row) {
        out.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5), row.integer(6),
                       row.integer(7), lease_price(row.integer(8), row.integer(9), row.integer(10))});
        return true;
      }));
  return out;
}

// What the gateway of this node metered: under leases, at their owner as at their consumer, and by key and product.
struct MeterTotals {
  std::map<std::string, Quantities> by_lease;
  std::map<std::pair<std::string, std::string>, Quantities> by_key;
};
MeterTotals meter_totals(const SiteWorld& world, std::vector<Error>& faults) {
  MeterTotals out;
  MeterSums sums = read_meter_folder(world.home / "meter");
  faults.insert(faults.end(), sums.faults.begin(), sums.faults.end());
  for (const Usage& u : sums.usage)
    for (Quantities* q : {&out.by_lease[u.lease], &out.by_key[{u.key, u.product}]}) {
      q->units += u.units;
      q->bytes += u.request_bytes + u.answer_bytes;
    }
  return out;
}

}  // namespace

Price lease_price(std::int64_t per_device_hour, std::int64_t per_million_tokens, std::int64_t per_million_inferences) {
  const std::int64_t low = std::min(per_million_tokens, per_million_inferences);
  return {per_device_hour, low > 0 ? low : std::max(per_million_tokens, per_million_inferences), 0};
}

Result<std::vector<Measured>> read_usage_file(std::string_view text) {
  struct File {
    std::vector<Measured> usage;
    static constexpr auto fields() { return rows(row("usage", &File::usage, "by subject")); }
  };
  const auto refuse = [](std::string_view what) { return fail(why("pool.usage_file"), "{}", what); };
  const auto value = json::parse(text, {.size_bytes_max = usage_file_bytes_max});
  if (!value) return refuse(value.error().text());
  auto file = from_json<File>(*value);
  if (!file) return refuse(file.error().text());
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const Measured& m : file->usage) {
    if (!statement::is_shown_name(m.member)) return refuse("a usage without its member");
    if (!statement::is_id_of("lease", m.subject) && !statement::is_id_of("key", m.subject))
      return refuse(fmt::format("subject \"{}\" is neither lease:<id> nor key:<id>", m.subject));
    if (!statement::is_component_id(m.what)) return refuse(fmt::format("\"{}\" is no id", m.what));
    if (m.from_ms < 0 || m.to_ms < m.from_ms) return refuse(fmt::format("times of {}", m.subject));
    if (const auto good = check(m.used); !good) return refuse(good.error().text());
    if (m.price)
      if (const auto good = check(*m.price); !good) return refuse(good.error().text());
    if (!seen.emplace(m.member, m.subject, m.what).second) return refuse(fmt::format("{} twice", m.subject));
  }
  return std::move(file->usage);
}

Result<std::vector<Measured>> measured_as_provider(sql::Db& views, const std::string& member, const SiteWorld& world,
                                                   std::vector<Error>& faults) {
  std::vector<Measured> out;
  MeterTotals totals = meter_totals(world, faults);
  const std::int64_t now_ms = world.clock->now_ms();
  for (const HeldLease& l : HZ_TRY(leases(views, member, true))) {
    Quantities used = totals.by_lease[l.lease];
    auto config = site_config(world.home, l.site);
    auto site = config ? open_site(world, *config) : std::unexpected(config.error());
    const auto usage = site ? (*site)->usage(l.lease) : Result<JobUsage>(std::unexpected(site.error()));
    // A lease under which nothing was started has used nothing.
    if (usage)
      used.device_ms = usage->device_ms;
    else if (usage.error().reason->slug != "pool.no_claim")
      faults.push_back(within("lease " + l.lease, usage.error()).error());
    out.push_back({l.consumer, "lease:" + l.lease, l.product, used, l.from_ms,
                   std::max(l.from_ms, std::min(now_ms, l.ends_ms)), l.price});
  }
  HZ_TRY(
      views.query("SELECT k.key, k.consumer, p.product FROM pool_api_key k JOIN pool_api_key_product p "
                  "ON p.member = k.member AND p.key = k.key WHERE k.member = ? AND k.consumer NOT IN ('', ?1) "
                  "ORDER BY k.key, p.product",
                  {member}, [&](const sql::Row& row) {
                    const auto used = totals.by_key.find({row.text(0), row.text(2)});
                    if (used == totals.by_key.end()) return true;
                    out.push_back({row.text(1), "key:" + row.text(0), row.text(2), used->second, 0, now_ms});
                    return true;
                  }));
  return out;
}

Result<std::vector<Measured>> measured_as_consumer(sql::Db& views, const std::string& member, const SiteWorld& world,
                                                   std::vector<Error>& faults) {
  MeterTotals totals = meter_totals(world, faults);
  std::vector<Measured> out;
  const std::int64_t now_ms = world.clock->now_ms();
  for (const HeldLease& l : HZ_TRY(leases(views, member, false))) {
    const std::int64_t to_ms = std::max(l.from_ms, std::min(now_ms, l.ends_ms));
    Quantities used = totals.by_lease[l.lease];
    used.device_ms = std::min((to_ms - l.from_ms) * l.count, quantity_max);
    out.push_back({l.owner, "lease:" + l.lease, l.product, used, l.from_ms, to_ms, l.price});
  }
  return out;
}

Result<PriceVector> posted_prices(sql::Db& views, const std::string& member, const std::string& unit,
                                  const std::string& period) {
  PriceVector out;
  // In the order of periods, so that the last one stays. A month comes before its days.
  HZ_TRY(
      views.query("SELECT what, device_hour_micro, million_units_micro, gigabyte_micro FROM pool_price "
                  "WHERE member = ? AND unit = ? AND from_period <= ? ORDER BY what, from_period",
                  {member, unit, period}, [&](const sql::Row& row) {
                    out[row.text(0)] = {row.integer(1), row.integer(2), row.integer(3)};
                    return true;
                  }));
  return out;
}

Result<BySubject> billed_so_far(sql::Db& views, const std::string& provider, const std::string& consumer,
                                bool accepted_only) {
  BySubject out;
  // A receipt is accepted when its bill was answered and it is not among those disputed. One of a withdrawn bill may be
  // billed again unless it was accepted or forgiven.
  constexpr std::string_view accepted =
      "(b.refund = 1 OR (c.bill IS NOT NULL AND c.accepted_micro > 0 AND NOT EXISTS(SELECT 1 FROM pool_disputed d "
      "WHERE d.provider = b.member AND d.bill = b.bill AND d.member = b.consumer AND d.place = r.place)))";
  const std::string query = fmt::format(
      "SELECT r.subject, r.what, b.refund, r.device_ms, r.units, r.bytes FROM pool_bill b "
      "JOIN pool_receipt r ON r.member = b.member AND r.bill = b.bill "
      "LEFT JOIN pool_countersign c ON c.provider = b.member AND c.bill = b.bill AND c.member = b.consumer "
      "AND c.details = b.details AND c.accepted_micro + c.disputed_micro = b.amount_micro "
      "LEFT JOIN pool_bill_withdrawn w ON w.member = b.member AND w.bill = b.bill "
      "WHERE b.member = ? AND b.consumer = ? AND {}",
      accepted_only ? std::string(accepted) : fmt::format("(w.bill IS NULL OR w.forgiven = 1 OR {})", accepted));
  HZ_TRY(views.query(query, {provider, consumer}, [&](const sql::Row& row) {
    Quantities& sum = out[{row.text(0), row.text(1)}];
    const std::int64_t sign = row.integer(2) ? -1 : 1;
    sum.device_ms += sign * row.integer(3);
    sum.units += sign * row.integer(4);
    sum.bytes += sign * row.integer(5);
    return true;
  }));
  return out;
}

Result<std::vector<Receipt>> due(const std::vector<Measured>& measured, const BySubject& billed,
                                 const PriceVector& prices) {
  std::vector<Receipt> out;
  for (const Measured& m : measured) {
    const auto before = billed.find({m.subject, m.what});
    const Quantities old = before == billed.end() ? Quantities{} : before->second;
    // A meter whose files were moved away has less than was billed: then nothing is due.
    const Quantities now{std::clamp<std::int64_t>(m.used.device_ms - old.device_ms, 0, quantity_max),
                         std::clamp<std::int64_t>(m.used.units - old.units, 0, quantity_max),
                         std::clamp<std::int64_t>(m.used.bytes - old.bytes, 0, quantity_max)};
    if (now == Quantities{}) continue;
    std::optional<Price> price = m.price;
    if (const auto posted = prices.find(m.what); !price && posted != prices.end()) price = posted->second;
    if (!price) return fail(why("pool.no_price"), "{} for {}", m.what, m.member);
    out.push_back({m.subject, m.what, m.from_ms, m.to_ms, now, *price, 0});
  }
  return out;
}

}  // namespace hz::pool
