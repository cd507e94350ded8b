#include "pool/accounts.h"

#include <algorithm>

#include "crypto/hash.h"
#include "pool/reasons.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

const alliance::Audience everyone{.kind = alliance::Audience::Kind::everyone, .parties = {}};

alliance::Audience both(const std::string& a, const std::string& b) {
  return {.kind = alliance::Audience::Kind::bilateral, .parties = {std::min(a, b), std::max(a, b)}};
}

template <class Payload>
alliance::Draft draft_for(const Payload& payload, alliance::Audience audience, Digest idem) {
  alliance::Draft out = alliance::draft(payload, {}, idem);
  out.audience = std::move(audience);
  return out;
}

// A bill is made once and answered once, whoever types the command again.
Digest idem_of(std::string_view what, std::string_view provider, std::string_view bill) {
  return crypto::sha256(as_bytes(fmt::format("hezong/pool/{}\n{}\n{}\n", what, provider, bill)));
}

}  // namespace

Result<std::vector<KnownBill>> read_bills(sql::Db& views, const std::string& member, std::string_view period) {
  std::vector<KnownBill> out;
  HZ_TRY(views.query(
      "SELECT b.member, b.bill, b.consumer, b.unit, b.period, b.receipts, b.amount_micro, b.details, b.refund, "
      "b.statement, p.accepted_micro, p.disputed_micro, p.withdrawn FROM pool_bill b "
      "JOIN public_pool_bill p ON p.member = b.member AND p.bill = b.bill "
      "WHERE (b.member = ?1 OR b.consumer = ?1) AND (?2 = '' OR b.period = ?2) ORDER BY b.member, b.bill",
      {member, period}, [&](const sql::Row& row) {
        KnownBill b{{row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5), row.integer(6), row.text(7),
                     row.integer(8) != 0},
                    row.text(0),
                    row.text(9)};
        if (!row.is_null(10)) {
          b.accepted_micro = row.integer(10);
          b.disputed_micro = row.integer(11);
        }
        b.withdrawn = row.integer(12) != 0;
        out.push_back(std::move(b));
        return true;
      }));
  for (KnownBill& b : out) {
    const auto salt =
        HZ_TRY(views.text("SELECT salt FROM pool_receipts WHERE member = ? AND bill = ?", {b.provider, b.bill.bill}));
    if (!salt) continue;
    b.receipts.emplace(Receipts{b.bill.bill, *salt, {}});
    HZ_TRY(views.query(
        "SELECT subject, what, from_ms, to_ms, device_ms, units, bytes, device_hour_micro, million_units_micro, "
        "gigabyte_micro, amount_micro FROM pool_receipt WHERE member = ? AND bill = ? ORDER BY place",
        {b.provider, b.bill.bill}, [&](const sql::Row& r) {
          b.receipts->receipts.push_back({r.text(0),
                                          r.text(1),
                                          r.integer(2),
                                          r.integer(3),
                                          {r.integer(4), r.integer(5), r.integer(6)},
                                          {r.integer(7), r.integer(8), r.integer(9)},
                                          r.integer(10)});
          return true;
        }));
    HZ_TRY(
        views.query("SELECT place, device_ms, units, bytes, cause FROM pool_disputed WHERE provider = ? AND bill = ? "
                    "AND member = ? ORDER BY place",
                    {b.provider, b.bill.bill, b.bill.consumer}, [&](const sql::Row& r) {
                      b.disputed.push_back({r.integer(0), {r.integer(1), r.integer(2), r.integer(3)}, r.text(4)});
                      return true;
                    }));
  }
  return out;
}

std::vector<alliance::Draft> bill_drafts(const WholeBill& bill, const std::string& provider) {
  return {draft_for(bill.bill, everyone, idem_of("bill", provider, bill.bill.bill)),
          draft_for(bill.receipts, both(provider, bill.bill.consumer), idem_of("receipts", provider, bill.bill.bill))};
}

namespace {

Result<std::vector<WholeBill>> bills_of(sql::Db& views, const std::string& provider,
                                        const std::vector<Measured>& measured, const Bill& head, Rng& rng) {
  std::map<std::string, std::vector<Measured>> by_member;
  for (const Measured& m : measured)
    if (m.member != provider) by_member[m.member].push_back(m);
  const PriceVector prices = HZ_TRY(posted_prices(views, provider, head.unit, head.period));
  std::vector<WholeBill> out;
  for (const auto& [consumer, used] : by_member) {
    const BySubject before =
        head.refund ? BySubject() : HZ_TRY(billed_so_far(views, provider, consumer, /*accepted_only=*/false));
    const std::vector<Receipt> receipts = HZ_TRY(due(used, before, prices));
    for (std::size_t from = 0; from < receipts.size(); from += receipts_max) {
      const auto rest = std::span(receipts).subspan(from);
      const auto part = rest.first(std::min(receipts_max, rest.size()));
      // What costs less than half a micro-credit waits until it is more.
      Amount cost = 0;
      for (const Receipt& r : part) cost += exact_cost(r.used, r.price);
      if (2 * cost < price_denominator) continue;
      Bill one = head;
      one.consumer = consumer;
      out.push_back(HZ_TRY(make_bill(std::move(one), {part.begin(), part.end()}, rng)));
    }
  }
  return out;
}

Bill head_of(const std::string& unit, const std::string& period, bool refund) {
  Bill out;
  out.unit = unit;
  out.period = period;
  out.refund = refund;
  return out;
}

}  // namespace

Result<std::vector<WholeBill>> bills_due(sql::Db& views, const std::string& provider,
                                         const std::vector<Measured>& measured, const std::string& unit,
                                         const std::string& period, Rng& rng) {
  return bills_of(views, provider, measured, head_of(unit, period, false), rng);
}

Result<std::vector<WholeBill>> refunds(sql::Db& views, const std::string& provider,
                                       const std::vector<Measured>& measured, const std::string& unit,
                                       const std::string& period, Rng& rng) {
  return bills_of(views, provider, measured, head_of(unit, period, true), rng);
}

Result<std::vector<ComparedReceipt>> compare_bill(sql::Db& views, const std::string& consumer, const KnownBill& bill,
                                                  const std::vector<Measured>& measured, const Tolerance& tolerance) {
  if (!bill.receipts) return fail(why("pool.receipts_sealed"), "{} of {}", bill.bill.bill, bill.provider);
  std::vector<Measured> own;
  for (const Measured& m : measured)
    if (m.member == bill.provider) own.push_back(m);
  return compare(bill.bill, *bill.receipts, own, HZ_TRY(billed_so_far(views, bill.provider, consumer, true)),
                 HZ_TRY(posted_prices(views, bill.provider, bill.bill.unit, bill.bill.period)), tolerance);
}

Result<std::vector<alliance::Draft>> answer_drafts(const KnownBill& bill, const std::string& consumer,
                                                   std::vector<DisputedReceipt> disputed) {
  if (!bill.receipts) return fail(why("pool.receipts_sealed"), "{} of {}", bill.bill.bill, bill.provider);
  Countersign said{bill.provider, bill.bill.bill, bill.bill.details, bill.bill.amount_micro, 0};
  std::vector<alliance::Draft> out;
  // A bill that contradicts itself is disputed whole: no part of it means anything.
  const bool whole = disputed.size() >= bill.receipts->receipts.size();
  for (const DisputedReceipt& d : disputed) {
    if (d.place < 0 || d.place >= static_cast<std::int64_t>(bill.receipts->receipts.size()))
      return fail(why("pool.bill"), "{} has no receipt {}", bill.bill.bill, d.place);
    said.disputed_micro += bill.receipts->receipts[static_cast<std::size_t>(d.place)].amount_micro;
  }
  if (whole) said.disputed_micro = bill.bill.amount_micro;
  said.accepted_micro = bill.bill.amount_micro - said.disputed_micro;
  HZ_TRY(check(said));
  out.push_back(draft_for(said, everyone, idem_of("countersign", bill.provider, bill.bill.bill)));
  if (!disputed.empty()) {
    const Dispute details{bill.provider, bill.bill.bill, std::move(disputed)};
    HZ_TRY(check(details));
    out.push_back(draft_for(details, both(bill.provider, consumer), idem_of("dispute", bill.provider, bill.bill.bill)));
  }
  return out;
}

alliance::Draft close_signed_draft(const SaidClose& close) {
  return draft_for(CloseSigned{close.statement, close.said.closing.result}, everyone,
                   idem_of("close_signed", close.origin, close.statement));
}

}  // namespace hz::pool
