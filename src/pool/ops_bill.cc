// Operations on bills: make, look, answer, take back, compare.
#include <algorithm>

#include "pool/accounts.h"
#include "pool/ops.h"
#include "pool/ops_text.h"
#include "pool/reasons.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

// The bill of an id or the start of one. Errors: pool.no_bill.
Result<KnownBill> find_bill(const std::vector<KnownBill>& bills, std::string_view id) {
  const KnownBill* found = nullptr;
  for (const KnownBill& b : bills)
    if (id.size() >= 4 && b.bill.bill.starts_with(id)) {
      if (found) return fail(why("pool.no_bill"), "\"{}\" begins more than one", id);
      found = &b;
    }
  if (!found) return fail(why("pool.no_bill"), "\"{}\"", id);
  return *found;
}

// ---- bill

struct BillIn {
  std::string period;
  std::string unit = std::string(default_unit);
  std::optional<std::string> member, file;
  bool refund = false;
  static constexpr auto fields() {
    return rows(row("period", &BillIn::period, "YYYY-MM or YYYY-MM-DD"),
                row("unit", &BillIn::unit, "unit of the posted prices (credit)", or_default),
                row("member", &BillIn::member, "only this one's use"),
                row("file", &BillIn::file, "usage that another system measured, in place of the own meters"),
                row("refund", &BillIn::refund, "with --file: pay this much back, in the period's prices", or_default));
  }
};
struct BillLine {
  std::string bill, consumer;
  std::int64_t receipts = 0, amount_micro = 0;
  std::string statement;
  static constexpr auto fields() {
    return rows(row("bill", &BillLine::bill, "id of the bill"), row("consumer", &BillLine::consumer, "who is asked"),
                row("receipts", &BillLine::receipts, "how many"), row("amount_micro", &BillLine::amount_micro, "sum"),
                row("statement", &BillLine::statement, "statement id, hex"));
  }
};
struct Billed {
  std::vector<BillLine> bills;
  std::string unit;
  std::vector<std::string> faults;
  static constexpr auto fields() {
    return rows(row("bills", &Billed::bills, "by consumer"), row("unit", &Billed::unit, "unit"),
                row("faults", &Billed::faults, "what could not be measured now, and is not billed"));
  }
};

Result<Billed> bill(api::Ctx& ctx, const BillIn& in) {
  if (!is_period(in.period)) return fail(why("pool.period"), "\"{}\"", in.period);
  alliance::Member& member = *HZ_TRY(ctx.member());
  // Two commands at once would both bill the same.
  if (!ctx.dry_run) HZ_TRY(member.become_writer());
  sql::Db& views = *HZ_TRY(member.views());
  std::vector<Error> faults;
  if (in.refund && !in.file) return fail(why("pool.usage_file"), "a refund names what it is for: --file");
  auto measured = in.file ? HZ_TRY(read_usage_file(HZ_TRY(read_text(*in.file, usage_file_bytes_max))))
                          : HZ_TRY(measured_as_provider(views, member.id(), metered_world(ctx), faults));
  if (in.member) std::erase_if(measured, [&](const Measured& m) { return m.member != *in.member; });
  std::vector<WholeBill> bills;
  if (in.refund)
    bills = HZ_TRY(refunds(views, member.id(), measured, in.unit, in.period, *ctx.seams.rng));
  else
    bills = HZ_TRY(bills_due(views, member.id(), measured, in.unit, in.period, *ctx.seams.rng));
  Billed out{{}, in.unit, {}};
  for (const Error& fault : faults) out.faults.push_back(fault.text());
  if (bills.empty() && faults.empty()) return fail(why("pool.nothing_to_bill"), "{}", in.period);
  std::vector<alliance::Draft> drafts;
  for (const WholeBill& b : bills)
    for (alliance::Draft& d : bill_drafts(b, member.id())) drafts.push_back(std::move(d));
  if (drafts.empty()) return out;
  const auto receipts = HZ_TRY(member.append(drafts));
  for (std::size_t i = 0; i < bills.size(); ++i) {
    const Bill& b = bills[i].bill;
    out.bills.push_back({b.bill, b.consumer, b.receipts, b.amount_micro, ctx.dry_run ? "" : receipts[2 * i].id});
  }
  return out;
}

bool answer_is_no(const Billed& out) { return !out.faults.empty(); }

std::string text(const Billed& out, const api::Style& style) {
  std::string text;
  if (!out.bills.empty()) {
    std::vector<std::vector<std::string>> cells{{"bill", "asks", "receipts", out.unit + "s"}};
    for (const BillLine& b : out.bills)
      cells.push_back({b.bill, b.consumer, std::to_string(b.receipts), credits_text(b.amount_micro)});
    text = api::table(cells, style);
  }
  for (const std::string& fault : out.faults) text += fmt::format("{} {}\n", style.yellow("not billed now:"), fault);
  return text;
}

// ---- receipts

struct ReceiptsIn {
  std::optional<std::string> bill, period;
  static constexpr auto fields() {
    return rows(row("bill", &ReceiptsIn::bill, "only this one, with its receipts; the start of its id is enough"),
                row("period", &ReceiptsIn::period, "only bills of this period"));
  }
};
struct BillRow {
  Bill bill;
  std::string provider, state, closing, statement;
  std::optional<std::int64_t> accepted_micro, disputed_micro;
  std::optional<std::vector<Receipt>> receipts;
  std::vector<DisputedReceipt> disputed;
  static constexpr auto fields() {
    return rows(row("bill", &BillRow::bill, "what was signed"), row("provider", &BillRow::provider, "who asks"),
                row("state", &BillRow::state,
                    "open, accepted, part_accepted, disputed, over_limit, withdrawn, expired, "
                    "refunded"),
                row("closing", &BillRow::closing, "period it settled with; empty: not yet"),
                row("statement", &BillRow::statement, "statement id, hex"),
                row("accepted_micro", &BillRow::accepted_micro, "counter-signed"),
                row("disputed_micro", &BillRow::disputed_micro, "disputed"),
                row("receipts", &BillRow::receipts, "absent: they cannot be opened here"),
                row("disputed", &BillRow::disputed, "what the consumer says about them"));
  }
};
struct BillsOut {
  std::vector<BillRow> bills;
  bool whole = false;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("bills", &BillsOut::bills, "by provider and id"), row("whole", &BillsOut::whole, "with receipts"),
                row("frontier", &BillsOut::frontier, "as of"));
  }
};

Result<BillsOut> receipts(api::Ctx& ctx, const ReceiptsIn& in) {
  if (in.period && !is_period(*in.period)) return fail(why("pool.period"), "\"{}\"", *in.period);
  alliance::Member& member = *HZ_TRY(ctx.member());
  auto bills = HZ_TRY(read_bills(*HZ_TRY(member.views()), member.id(), in.period.value_or("")));
  if (in.bill) bills = {HZ_TRY(find_bill(bills, *in.bill))};
  const auto states = HZ_TRY(bill_states(member));
  BillsOut out{{}, in.bill.has_value(), member.frontier()};
  for (KnownBill& b : bills) {
    const KnownState& state = states.at({b.provider, b.bill.bill});
    BillRow row{b.bill,           b.provider,  std::string(enum_text(state.state)),
                state.period,     b.statement, b.accepted_micro,
                b.disputed_micro, {},          std::move(b.disputed)};
    if (b.receipts && in.bill) row.receipts = std::move(b.receipts->receipts);
    out.bills.push_back(std::move(row));
  }
  return out;
}

std::string text(const BillsOut& out, const api::Style& style) {
  if (out.bills.empty()) return "no bills\nas of frontier " + out.frontier.digest + "\n";
  std::vector<std::vector<std::string>> cells{
      {"bill", "period", "asks", "of", "receipts", "amount", "accepted", "state", "settled"}};
  for (const BillRow& b : out.bills)
    cells.push_back({b.bill.bill, b.bill.period, b.provider, b.bill.consumer, std::to_string(b.bill.receipts),
                     credits_text(b.bill.refund ? -b.bill.amount_micro : b.bill.amount_micro),
                     b.accepted_micro ? credits_text(*b.accepted_micro) : "-", b.state,
                     b.closing.empty() ? "-" : b.closing});
  std::string text = api::table(cells, style);
  if (out.whole)
    for (const BillRow& b : out.bills) {
      if (!b.receipts) {
        text += "its receipts cannot be opened here\n";
        continue;
      }
      std::vector<std::vector<std::string>> lines{{"place", "title", "for", "device-ms", "units", "bytes", "amount"}};
      for (std::size_t i = 0; i < b.receipts->size(); ++i) {
        const Receipt& r = (*b.receipts)[i];
        lines.push_back({std::to_string(i), r.subject, r.what, std::to_string(r.used.device_ms),
                         std::to_string(r.used.units), std::to_string(r.used.bytes), credits_text(r.amount_micro)});
      }
      text += api::table(lines, style);
      for (const DisputedReceipt& d : b.disputed) text += fmt::format("disputed {}: {}\n", d.place, d.cause);
    }
  return text + "as of frontier " + out.frontier.digest + "\n";
}

// ---- countersign, dispute

// Own totals: the meters of this node, and what a file adds.
Result<std::vector<Measured>> own_figures(api::Ctx& ctx, sql::Db& views, const std::string& member,
                                          const std::optional<std::string>& file, std::vector<Error>& faults) {
  auto out = HZ_TRY(measured_as_consumer(views, member, metered_world(ctx), faults));
  if (!file) return out;
  for (Measured& m : HZ_TRY(read_usage_file(HZ_TRY(read_text(*file, usage_file_bytes_max))))) {
    std::erase_if(
        out, [&](const Measured& o) { return o.member == m.member && o.subject == m.subject && o.what == m.what; });
    out.push_back(std::move(m));
  }
  return out;
}

struct CountersignIn {
  std::optional<std::string> bill, own;
  std::int64_t tolerance_permille = Tolerance{}.permille;
  bool accept_all = false;
  static constexpr auto fields() {
    return rows(row("bill", &CountersignIn::bill, "bill, or the start of its id; absent: every one that matches"),
                row("own", &CountersignIn::own, "file of what this member measured elsewhere"),
                row("tolerance_permille", &CountersignIn::tolerance_permille,
                    "how far it may be above the own figure (10)", or_default),
                row("accept_all", &CountersignIn::accept_all, "sign the named bill without comparing", or_default));
  }
};
struct AnsweredBill {
  std::string bill, provider;
  std::int64_t accepted_micro = 0, disputed_micro = 0;
  std::string match, detail, statement;
  static constexpr auto fields() {
    return rows(row("bill", &AnsweredBill::bill, "id of the bill"),
                row("provider", &AnsweredBill::provider, "who asks"),
                row("accepted_micro", &AnsweredBill::accepted_micro, "counter-signed"),
                row("disputed_micro", &AnsweredBill::disputed_micro, "disputed"),
                row("match", &AnsweredBill::match, "how it compares with the own meter"),
                row("detail", &AnsweredBill::detail, "what differs"),
                row("statement", &AnsweredBill::statement, "statement id, hex; empty: not signed"));
  }
};
struct Answered {
  std::vector<AnsweredBill> bills;
  static constexpr auto fields() { return rows(row("bills", &Answered::bills, "by provider and id")); }
};

std::string first_cause(const std::vector<ComparedReceipt>& compared) {
  for (const ComparedReceipt& c : compared)
    if (c.match != Match::matched) return fmt::format("{}: {}", c.receipt.subject, c.cause);
  return "";
}

Result<Answered> countersign(api::Ctx& ctx, const CountersignIn& in) {
  if (in.tolerance_permille < 0 || in.tolerance_permille > 1000)
    return fail(why("pool.quantity"), "a tolerance of {}, 0 to 1000", in.tolerance_permille);
  alliance::Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  auto bills = HZ_TRY(read_bills(views, member.id()));
  if (in.bill) {
    bills = {HZ_TRY(find_bill(bills, *in.bill))};
    const KnownBill& b = bills.front();
    if (b.bill.consumer != member.id() || b.bill.refund)
      return fail(why("pool.not_asked"), "{} asks {}", b.bill.bill, b.bill.refund ? "nobody" : b.bill.consumer);
    if (b.accepted_micro) return fail(why("pool.bill_twice"), "{} is answered", b.bill.bill);
  } else if (in.accept_all) {
    return fail(why("pool.no_bill"), "--accept-all names one bill");
  }
  std::vector<Error> faults;
  const auto measured = HZ_TRY(own_figures(ctx, views, member.id(), in.own, faults));
  const Tolerance tolerance{.permille = in.tolerance_permille};
  Answered out;
  // One after the other: what is accepted of one bill is gone from the own total for the next.
  for (const KnownBill& b : bills) {
    if (!b.asks(member.id())) continue;
    AnsweredBill line{b.bill.bill, b.provider, 0, 0, "", "", ""};
    auto compared = compare_bill(*HZ_TRY(member.views()), member.id(), b, measured, tolerance);
    if (!compared && in.bill) return std::unexpected(compared.error());
    if (!compared) {
      line.match = "sealed";
      line.detail = compared.error().detail;
    } else {
      const Match match = worst(*compared);
      line.match = enum_text(match);
      line.detail = first_cause(*compared);
      if (in.bill && match != Match::matched && !in.accept_all)
        return fail(why("pool.mismatch"), "{} of {}: {}", b.bill.bill, b.provider, line.detail);
      if (match == Match::matched || (in.accept_all && match != Match::broken)) {
        const auto receipt = HZ_TRY(member.append(HZ_TRY(answer_drafts(b, member.id(), {})))).front();
        line.accepted_micro = b.bill.amount_micro;
        if (!ctx.dry_run) line.statement = receipt.id;
      }
      if (in.accept_all && match == Match::broken)
        return fail(why("pool.mismatch"), "{} of {}: {}", b.bill.bill, b.provider, line.detail);
    }
    out.bills.push_back(std::move(line));
  }
  return out;
}

bool answer_is_no(const Answered& out) {
  return std::ranges::any_of(out.bills, [](const AnsweredBill& b) { return b.accepted_micro + b.disputed_micro == 0; });
}

std::string text(const Answered& out, const api::Style& style) {
  if (out.bills.empty()) return "no bill waits for this member\n";
  std::string text;
  for (const AnsweredBill& b : out.bills) {
    const bool open = b.accepted_micro + b.disputed_micro == 0;
    const std::string_view word = open ? "not signed" : b.disputed_micro > 0 ? "disputed" : "signed";
    text +=
        fmt::format("{} {} of {}", b.accepted_micro > 0 ? style.green(word) : style.yellow(word), b.bill, b.provider);
    if (!open) text += fmt::format(": {} owed", credits_text(b.accepted_micro));
    if (b.disputed_micro > 0) text += fmt::format(", {} disputed", credits_text(b.disputed_micro));
    if (!b.detail.empty()) text += fmt::format(" ({}: {})", b.match, b.detail);
    text += "\n";
    if (!b.statement.empty()) text += fmt::format("statement {}\n", b.statement);
  }
  return text;
}

struct DisputeIn {
  std::string bill;
  std::vector<std::string> place;
  std::string cause = "not used";
  static constexpr auto fields() {
    return rows(row("bill", &DisputeIn::bill, "bill, or the start of its id"),
                row("place", &DisputeIn::place, "only this receipt, by its position from 0; the others are accepted"),
                row("cause", &DisputeIn::cause, "why, for the provider (not used)", or_default));
  }
};

Result<Answered> dispute(api::Ctx& ctx, const DisputeIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  const KnownBill b = HZ_TRY(find_bill(HZ_TRY(read_bills(views, member.id())), in.bill));
  if (b.bill.consumer != member.id() || b.bill.refund) return fail(why("pool.not_asked"), "{}", b.bill.bill);
  if (b.accepted_micro) return fail(why("pool.bill_twice"), "{} is answered", b.bill.bill);
  std::vector<Error> faults;
  const auto measured = HZ_TRY(own_figures(ctx, views, member.id(), {}, faults));
  std::vector<DisputedReceipt> disputed;
  for (const ComparedReceipt& c : HZ_TRY(compare_bill(views, member.id(), b, measured, {})))
    if (in.place.empty() || std::ranges::find(in.place, std::to_string(c.place)) != in.place.end())
      disputed.push_back({c.place, c.own, in.cause});
  if (!in.place.empty() && disputed.size() != in.place.size())
    return fail(why("pool.bill"), "{} has no receipt {}", b.bill.bill, in.place.front());
  const auto drafts = HZ_TRY(answer_drafts(b, member.id(), std::move(disputed)));
  const Countersign said = HZ_TRY(from_json<Countersign>(drafts.front().body));
  const auto receipt = HZ_TRY(member.append(drafts)).front();
  return Answered{{{b.bill.bill, b.provider, said.accepted_micro, said.disputed_micro, "disputed", in.cause,
                    ctx.dry_run ? "" : receipt.id}}};
}

// ---- withdraw

struct WithdrawIn {
  std::string bill;
  bool forgive = false;
  static constexpr auto fields() {
    return rows(row("bill", &WithdrawIn::bill, "bill, or the start of its id"),
                row("forgive", &WithdrawIn::forgive, "what was used is not billed again", or_default));
  }
};
struct WithdrawnOut {
  std::string bill;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("bill", &WithdrawnOut::bill, "id of the bill"),
                row("receipt", &WithdrawnOut::receipt, "where it stands"));
  }
};

Result<WithdrawnOut> withdraw(api::Ctx& ctx, const WithdrawIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const KnownBill b = HZ_TRY(find_bill(HZ_TRY(read_bills(*HZ_TRY(member.views()), member.id())), in.bill));
  if (b.provider != member.id()) return fail(why("pool.not_provider"), "{} is of {}", b.bill.bill, b.provider);
  if (b.withdrawn || b.accepted_micro == b.bill.amount_micro || b.bill.refund)
    return fail(why("pool.bill_twice"), "nothing of {} is left to withdraw", b.bill.bill);
  alliance::Draft said = alliance::draft(BillWithdrawn{b.bill.bill, in.forgive});
  said.audience = alliance::Audience{.kind = alliance::Audience::Kind::everyone, .parties = {}};
  return WithdrawnOut{b.bill.bill, HZ_TRY(member.append(said))};
}

std::string text(const WithdrawnOut& out, const api::Style& style) {
  return fmt::format("{} {}: nothing more is asked for it\nstatement {}\n", style.green("withdrawn"), out.bill,
                     out.receipt.id);
}

}  // namespace

std::span<const api::Op> bill_ops() {
  static const api::Op table[] = {
      api::op<&bill>(
          {.id = "pool.meter_bill",
           .http = "POST /v1/meter/bills",
           .cli = "meter bill <period>",
           .may = api::May::author,
           .emits = {Bill::kind, Receipts::kind},
           .fails = {"pool.period", "pool.nothing_to_bill", "pool.no_price", "pool.usage_file", "pool.bill",
                     "pool.quantity", "alliance.no_box_key"},
           .doc = "Bill other members for what they used here and was not billed yet.",
           .example = "hezong meter bill 2026-11",
           .more =
               "Leases are measured by the site (devices) and the gateway (requests), API keys made with --member by "
               "the gateway. The sum stands in the log for everyone; the receipts are sealed to both sides. Typed "
               "again, it bills what was used since. Exit code 3 says that something could not be measured now.",
           .local = true}),
      api::op<&receipts>({.id = "pool.meter_receipts",
                          .http = "GET /v1/meter/bills",
                          .cli = "meter receipts [bill]",
                          .may = api::May::reader,
                          .fails = {"pool.no_bill", "pool.period"},
                          .doc = "Show the bills between this member and others, or one with its receipts.",
                          .example = "hezong meter receipts --period 2026-11"}),
      api::op<&countersign>(
          {.id = "pool.meter_countersign",
           .http = "POST /v1/meter/countersignatures",
           .cli = "meter countersign [bill]",
           .may = api::May::author,
           .emits = {Countersign::kind},
           .fails = {"pool.no_bill", "pool.not_asked", "pool.bill_twice", "pool.mismatch", "pool.receipts_sealed",
                     "pool.usage_file", "pool.quantity"},
           .doc = "Counter-sign bills that agree with this member's own meter.",
           .example = "hezong meter countersign",
           .more = "A bill is compared receipt by receipt: no more than was measured, with a tolerance, at the agreed "
                   "price. What does not match is not signed. API keys of others are measured by nobody here: give "
                   "figures with --own FILE, or --accept-all. Exit code 3 says that a bill was left unsigned.",
           .local = true}),
      api::op<&dispute>({.id = "pool.meter_dispute",
                         .http = "POST /v1/meter/disputes",
                         .cli = "meter dispute <bill>",
                         .may = api::May::author,
                         .emits = {Countersign::kind, Dispute::kind},
                         .fails = {"pool.no_bill", "pool.not_asked", "pool.bill_twice", "pool.receipts_sealed",
                                   "pool.bill", "alliance.no_box_key"},
                         .doc = "Dispute a bill, or some of its receipts; the others are accepted.",
                         .example = "hezong meter dispute 3f9a1c7e --place 2 --cause \"ran for an hour only\""}),
      api::op<&withdraw>(
          {.id = "pool.meter_withdraw",
           .http = "POST /v1/meter/withdrawals",
           .cli = "meter withdraw <bill>",
           .may = api::May::author,
           .emits = {BillWithdrawn::kind},
           .fails = {"pool.no_bill", "pool.not_provider", "pool.bill_twice"},
           .doc = "Ask no more for what was not accepted of an own bill.",
           .example = "hezong meter withdraw 3f9a1c7e",
           .more = "What it was for is billed again by the next `hezong meter bill`, unless --forgive."}),
  };
  return table;
}

}  // namespace hz::pool
