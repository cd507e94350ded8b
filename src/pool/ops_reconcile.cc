// What both sides say about a period, side by side: what matches, what does not, and whose turn it is.
#include <algorithm>

#include "pool/accounts.h"
#include "pool/ops.h"
#include "pool/ops_text.h"
#include "pool/reasons.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

struct ReconcileIn {
  std::string period;
  std::optional<std::string> member;
  std::int64_t tolerance_permille = Tolerance{}.permille;
  static constexpr auto fields() {
    return rows(row("period", &ReconcileIn::period, "YYYY-MM or YYYY-MM-DD"),
                row("member", &ReconcileIn::member, "only with this one"),
                row("tolerance_permille", &ReconcileIn::tolerance_permille,
                    "how far a bill may be above the own figure (10)", or_default));
  }
};

// matched: both signed. unanswered: no answer yet, and nothing speaks against it here. mismatched: no answer yet, and
// the own meter says less. one_sided: used, and not billed.
enum class Status : std::uint8_t { matched, unanswered, mismatched, disputed, one_sided, withdrawn, expired };
constexpr auto enum_names(Status) {
  return std::array<EnumName<Status>, 7>{{{Status::matched, "matched"},
                                          {Status::unanswered, "unanswered"},
                                          {Status::mismatched, "mismatched"},
                                          {Status::disputed, "disputed"},
                                          {Status::one_sided, "one_sided"},
                                          {Status::withdrawn, "withdrawn"},
                                          {Status::expired, "expired"}}};
}

struct ReconcileRow {
  std::string bill, provider, consumer;
  Status status = Status::matched;
  std::int64_t amount_micro = 0, accepted_micro = 0, disputed_micro = 0;
  std::string next = {}, what_next = {};
  std::vector<std::string> differs = {};
  static constexpr auto fields() {
    return rows(row("bill", &ReconcileRow::bill, "id of the bill; empty: there is none"),
                row("provider", &ReconcileRow::provider, "who asks"),
                row("consumer", &ReconcileRow::consumer, "who used"),
                row("status", &ReconcileRow::status,
                    "matched, unanswered, mismatched, disputed, one_sided, withdrawn or expired"),
                row("amount_micro", &ReconcileRow::amount_micro, "asked; negative: paid back"),
                row("accepted_micro", &ReconcileRow::accepted_micro, "counter-signed"),
                row("disputed_micro", &ReconcileRow::disputed_micro, "disputed"),
                row("next", &ReconcileRow::next, "who has to act; empty: nobody"),
                row("what_next", &ReconcileRow::what_next, "how", or_default),
                row("differs", &ReconcileRow::differs, "what differs"));
  }
};
struct Reconciled {
  std::string period, own;
  std::vector<ReconcileRow> lines;
  std::int64_t matched = 0, mismatched = 0, disputed = 0, open = 0;
  std::vector<std::string> faults;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("period", &Reconciled::period, "period that the bills name"),
                row("own", &Reconciled::own, "this member"),
                row("lines", &Reconciled::lines, "by provider and bill, then what is not billed"),
                row("matched", &Reconciled::matched, "both signed"),
                row("mismatched", &Reconciled::mismatched, "the own meter says less"),
                row("disputed", &Reconciled::disputed, "disputed and not taken back"),
                row("open", &Reconciled::open, "unanswered, or used and not billed"),
                row("faults", &Reconciled::faults, "meters that could not be read"),
                row("frontier", &Reconciled::frontier, "as of"));
  }
};

ReconcileRow row_of(const KnownBill& b, BillState state) {
  ReconcileRow out{b.bill.bill, b.provider, b.bill.consumer};
  out.amount_micro = b.bill.refund ? -b.bill.amount_micro : b.bill.amount_micro;
  out.accepted_micro = b.accepted_micro.value_or(0);
  out.disputed_micro = b.disputed_micro.value_or(0);
  for (const DisputedReceipt& d : b.disputed) out.differs.push_back(fmt::format("receipt {}: {}", d.place, d.cause));
  if (state == BillState::expired) {
    out.status = Status::expired;
    out.next = b.provider;
    out.what_next = "hezong meter withdraw " + b.bill.bill + ", then bill it again";
  } else if (out.disputed_micro > 0) {
    out.status = b.withdrawn ? Status::withdrawn : Status::disputed;
    if (!b.withdrawn) {
      out.next = b.provider;
      out.what_next = "hezong meter withdraw " + b.bill.bill + ", or agree by another channel";
    }
  } else if (b.accepted_micro || b.bill.refund) {
    out.status = Status::matched;
    if (state == BillState::over_limit) out.what_next = "waits: the limit of the account is reached";
  } else if (b.withdrawn) {
    out.status = Status::withdrawn;
  } else {
    out.status = Status::unanswered;
    out.next = b.bill.consumer;
    out.what_next = "hezong meter countersign " + b.bill.bill;
  }
  return out;
}

// The use reaches into the period.
bool in_period(const Measured& m, const PeriodBounds& period) {
  return m.from_ms < period.to_ms && m.to_ms >= period.from_ms;
}

std::string quantities_text(const Quantities& q) {
  return fmt::format("{} device-ms, {} units, {} bytes", q.device_ms, q.units, q.bytes);
}

Result<Reconciled> reconcile(api::Ctx& ctx, const ReconcileIn& in) {
  if (!is_period(in.period)) return fail(why("pool.period"), "\"{}\"", in.period);
  if (in.tolerance_permille < 0 || in.tolerance_permille > 1000)
    return fail(why("pool.quantity"), "a tolerance of {}, 0 to 1000", in.tolerance_permille);
  alliance::Member& member = *HZ_TRY(ctx.member());
  const std::string own = member.id();
  const auto states = HZ_TRY(bill_states(member));
  sql::Db& views = *HZ_TRY(member.views());
  std::vector<Error> faults;
  const auto used = HZ_TRY(measured_as_consumer(views, own, metered_world(ctx), faults));
  const auto lent = HZ_TRY(measured_as_provider(views, own, metered_world(ctx), faults));
  const Tolerance tolerance{.permille = in.tolerance_permille};
  Reconciled out{in.period, own, {}, 0, 0, 0, 0, {}, member.frontier()};
  for (const KnownBill& b : HZ_TRY(read_bills(views, own, in.period))) {
    ReconcileRow row = row_of(b, states.at({b.provider, b.bill.bill}).state);
    if (row.status == Status::unanswered && b.bill.consumer == own) {
      const auto compared = compare_bill(views, own, b, used, tolerance);
      if (!compared) {
        row.differs.push_back(compared.error().text());
      } else if (const Match match = worst(*compared); match != Match::matched) {
        row.status = match == Match::unmeasured ? Status::unanswered : Status::mismatched;
        row.what_next =
            fmt::format("hezong meter {} {}", match == Match::unmeasured ? "receipts" : "dispute", b.bill.bill);
        for (const ComparedReceipt& c : *compared)
          if (c.match != Match::matched)
            row.differs.push_back(fmt::format("receipt {} ({}): {}", c.place, c.receipt.subject, c.cause));
      }
    }
    out.lines.push_back(std::move(row));
  }
  // Used and not billed. A member's own meter is compared with everything it was ever billed.
  const PeriodBounds bounds = bounds_of(in.period);
  const auto one_sided = [&](const Measured& m, bool as_provider) -> Result<void> {
    if (!in_period(m, bounds)) return {};
    const std::string &provider = as_provider ? own : m.member, &consumer = as_provider ? m.member : own;
    const auto billed = HZ_TRY(billed_so_far(views, provider, consumer, false));
    const auto before = billed.find({m.subject, m.what});
    Quantities rest = m.used;
    if (before != billed.end()) {
      rest.device_ms -= before->second.device_ms;
      rest.units -= before->second.units;
      rest.bytes -= before->second.bytes;
    }
    // As consumer the own figure is an upper bound of what devices did; only requests show that something was used.
    const bool shows = as_provider ? rest.device_ms > 0 || rest.units > 0
                                   : rest.units > tolerance.units + m.used.units * tolerance.permille / 1000;
    if (!shows) return {};
    ReconcileRow row{"", provider, consumer, Status::one_sided};
    row.next = provider;
    row.what_next = "hezong meter bill " + in.period;
    row.differs.push_back(fmt::format("{} for {}: {} not billed", m.subject, m.what, quantities_text(rest)));
    out.lines.push_back(std::move(row));
    return {};
  };
  for (const Measured& m : lent) HZ_TRY(one_sided(m, true));
  for (const Measured& m : used) HZ_TRY(one_sided(m, false));
  if (in.member)
    std::erase_if(out.lines,
                  [&](const ReconcileRow& r) { return r.provider != *in.member && r.consumer != *in.member; });
  for (const ReconcileRow& r : out.lines) {
    out.matched += r.status == Status::matched;
    out.mismatched += r.status == Status::mismatched;
    out.disputed += r.status == Status::disputed;
    out.open += r.status == Status::unanswered || r.status == Status::one_sided || r.status == Status::expired;
  }
  for (const Error& fault : faults) out.faults.push_back(fault.text());
  return out;
}

bool answer_is_no(const Reconciled& out) { return out.mismatched > 0 || out.disputed > 0; }

std::string text(const Reconciled& out, const api::Style& style) {
  std::string text;
  if (!out.lines.empty()) {
    std::vector<std::vector<std::string>> cells{{"status", "bill", "asks", "of", "amount", "accepted", "next"}};
    for (const ReconcileRow& r : out.lines) {
      const std::string word(enum_text(r.status));
      cells.push_back({r.status == Status::matched                                      ? style.green(word)
                       : r.status == Status::mismatched || r.status == Status::disputed ? style.red(word)
                                                                                        : style.yellow(word),
                       r.bill.empty() ? "-" : r.bill, r.provider, r.consumer,
                       r.bill.empty() ? "-" : credits_text(r.amount_micro),
                       r.bill.empty() ? "-" : credits_text(r.accepted_micro), r.next.empty() ? "-" : r.next});
    }
    text = api::table(cells, style);
    for (const ReconcileRow& r : out.lines) {
      for (const std::string& differs : r.differs)
        text += fmt::format("{} {}\n", r.bill.empty() ? "not billed:" : r.bill + ":", differs);
      if (r.next == out.own) text += fmt::format("to do: {}\n", r.what_next);
    }
  }
  for (const std::string& fault : out.faults) text += fmt::format("{} {}\n", style.yellow("not compared:"), fault);
  return text + fmt::format("{}: {} matched, {} mismatched, {} disputed, {} open\nas of frontier {}\n", out.period,
                            out.matched, out.mismatched, out.disputed, out.open, out.frontier.digest);
}

}  // namespace

std::span<const api::Op> reconcile_ops() {
  static const api::Op table[] = {
      api::op<&reconcile>(
          {.id = "pool.meter_reconcile",
           .http = "GET /v1/meter/reconciliations/{period}",
           .cli = "meter reconcile <period>",
           .may = api::May::reader,
           .fails = {"pool.period", "pool.quantity"},
           .doc = "Compare what both sides say about a period: bills, counter-signatures and the own meters.",
           .example = "hezong meter reconcile 2026-11",
           .more =
               "matched: both signed. unanswered: the other side is to act, or this member to look. mismatched: this "
               "member measured less. disputed: the provider takes it back, or both talk. one_sided: used, and not "
               "billed. Exit code 3 says that something is mismatched or disputed."}),
  };
  return table;
}

}  // namespace hz::pool
