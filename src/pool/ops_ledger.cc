// Operations on the accounts of the pool: prices, limits, balances, and closing a period.
#include <algorithm>

#include "alliance/reasons.h"
#include "pool/accounts.h"
#include "pool/ops.h"
#include "pool/ops_text.h"
#include "pool/reasons.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

template <class Payload>
alliance::Draft public_draft(const Payload& payload) {
  alliance::Draft out = alliance::draft(payload);
  out.audience = alliance::Audience{.kind = alliance::Audience::Kind::everyone, .parties = {}};
  return out;
}

// ---- price

struct PriceSet {
  std::string what, from;
  std::string unit = std::string(default_unit);
  std::int64_t device_hour_micro = 0, million_units_micro = 0, gigabyte_micro = 0;
  static constexpr auto fields() {
    return rows(
        row("what", &PriceSet::what, "product:<id>, or another id that receipts name"),
        row("from", &PriceSet::from, "first period, YYYY-MM or YYYY-MM-DD"),
        row("unit", &PriceSet::unit, "unit (credit)", or_default),
        row("device_hour_micro", &PriceSet::device_hour_micro, "micro-credits for a device an hour", or_default),
        row("million_units_micro", &PriceSet::million_units_micro, "micro-credits for a million tokens or inferences",
            or_default),
        row("gigabyte_micro", &PriceSet::gigabyte_micro, "micro-credits for 10^9 bytes", or_default));
  }
};
struct PriceSaid {
  PriceList list;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("list", &PriceSaid::list, "what was signed"),
                row("receipt", &PriceSaid::receipt, "where it stands"));
  }
};

Result<PriceSaid> price_set(api::Ctx& ctx, const PriceSet& in) {
  const PriceList list{
      in.unit, in.from, {{in.what, {in.device_hour_micro, in.million_units_micro, in.gigabyte_micro}}}};
  HZ_TRY(check(list));
  alliance::Member& member = *HZ_TRY(ctx.member());
  if (HZ_TRY(HZ_TRY(member.views())
                 ->integer("SELECT count(*) FROM pool_price WHERE member = ? AND unit = ? AND what = ? AND "
                           "from_period = ?",
                           {member.id(), in.unit, in.what, in.from}))
          .value_or(0) > 0)
    return fail(why("pool.price_stands"), "{} from {}", in.what, in.from);
  return PriceSaid{list, HZ_TRY(member.append(public_draft(list)))};
}

std::string text(const PriceSaid& out, const api::Style& style) {
  const PostedPrice& p = out.list.prices.front();
  return fmt::format("{} {} from {}: {} a device-hour, {} a million units, {} a gigabyte\nstatement {}\n",
                     style.green("posted"), p.what, out.list.from, credits_text(p.price.device_hour_micro),
                     credits_text(p.price.million_units_micro), credits_text(p.price.gigabyte_micro), out.receipt.id);
}

struct PriceListIn {
  std::optional<std::string> member;
  static constexpr auto fields() { return rows(row("member", &PriceListIn::member, "only this one's")); }
};
struct PriceRow {
  std::string member, unit, what, from;
  Price price;
  static constexpr auto fields() {
    return rows(row("member", &PriceRow::member, "whose"), row("unit", &PriceRow::unit, "unit"),
                row("what", &PriceRow::what, "for what"), row("from", &PriceRow::from, "first period"),
                row("price", &PriceRow::price, "price"));
  }
};
struct PricesOut {
  std::vector<PriceRow> prices;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("prices", &PricesOut::prices, "by member, unit, thing and period"),
                row("frontier", &PricesOut::frontier, "as of"));
  }
};

Result<PricesOut> price_list(api::Ctx& ctx, const PriceListIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  PricesOut out{{}, member.frontier()};
  HZ_TRY(HZ_TRY(member.views())
             ->query("SELECT member, unit, what, from_period, device_hour_micro, million_units_micro, gigabyte_micro "
                     "FROM pool_price WHERE ?1 = '' OR member = ?1 ORDER BY member, unit, what, from_period",
                     {in.member.value_or("")}, [&](const sql::Row& r) {
                       out.prices.push_back(
                           {r.text(0), r.text(1), r.text(2), r.text(3), {r.integer(4), r.integer(5), r.integer(6)}});
                       return true;
                     }));
  return out;
}

std::string text(const PricesOut& out, const api::Style& style) {
  if (out.prices.empty()) return "no price was posted\nas of frontier " + out.frontier.digest + "\n";
  std::vector<std::vector<std::string>> cells{{"member", "for", "from", "device-hour", "million units", "gigabyte"}};
  for (const PriceRow& p : out.prices)
    cells.push_back({p.member, p.what, p.from, credits_text(p.price.device_hour_micro),
                     credits_text(p.price.million_units_micro), credits_text(p.price.gigabyte_micro)});
  return api::table(cells, style) + "as of frontier " + out.frontier.digest + "\n";
}

// ---- limit

Result<std::string> as_secretariat(alliance::Member& member) {
  const std::string secretariat = HZ_TRY(secretariat_of(*HZ_TRY(member.views())));
  if (secretariat != member.origin()) return fail(why("pool.not_secretariat"), "it is {}", secretariat);
  return secretariat;
}

struct LimitSet {
  std::string member;
  std::string unit = std::string(default_unit);
  std::int64_t micro = 0;
  static constexpr auto fields() {
    return rows(row("member", &LimitSet::member, "member"),
                row("micro", &LimitSet::micro, "how many micro-credits more it may owe than it is owed"),
                row("unit", &LimitSet::unit, "unit (credit)", or_default));
  }
};
struct LimitSaid {
  Limit limit;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("limit", &LimitSaid::limit, "what was signed"),
                row("receipt", &LimitSaid::receipt, "where it stands"));
  }
};

Result<LimitSaid> limit_set(api::Ctx& ctx, const LimitSet& in) {
  const Limit limit{in.member, in.unit, in.micro};
  HZ_TRY(check(limit));
  alliance::Member& member = *HZ_TRY(ctx.member());
  HZ_TRY(as_secretariat(member));
  return LimitSaid{limit, HZ_TRY(member.append(public_draft(limit)))};
}

std::string text(const LimitSaid& out, const api::Style& style) {
  return fmt::format("{} {} may owe {} more than it is owed\nstatement {}\n", style.green("limit:"), out.limit.member,
                     credits_text(out.limit.overdraft_micro), out.receipt.id);
}

// ---- ledger

struct LedgerIn {
  std::optional<std::string> member;
  static constexpr auto fields() { return rows(row("member", &LedgerIn::member, "only this one's account")); }
};
struct ClosingLine {
  std::string period, statement, by, verdict, detail, result;
  std::vector<std::string> signed_by;
  static constexpr auto fields() {
    return rows(row("period", &ClosingLine::period, "period"), row("statement", &ClosingLine::statement, "id, hex"),
                row("by", &ClosingLine::by, "who closed it"),
                row("verdict", &ClosingLine::verdict, "holds, refuted or waiting, as counted here"),
                row("detail", &ClosingLine::detail, "what is wrong, or missing"),
                row("result", &ClosingLine::result, "digest of its books"),
                row("signed_by", &ClosingLine::signed_by, "members that counted the same"));
  }
};
struct LedgerOut {
  Books books;
  std::vector<ClosingLine> closings;
  std::string secretariat;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("books", &LedgerOut::books, "as if the period that runs were closed now"),
                row("closings", &LedgerOut::closings, "those that count in their order, then others"),
                row("secretariat", &LedgerOut::secretariat, "whose log closes"),
                row("frontier", &LedgerOut::frontier, "as of"));
  }
};

ClosingLine line_of(const SaidClose& c, std::string_view verdict, std::string_view detail) {
  return {c.said.closing.of,
          c.statement,
          c.origin,
          std::string(verdict),
          std::string(detail),
          c.said.closing.result,
          {c.signed_by.begin(), c.signed_by.end()}};
}

Result<LedgerOut> ledger(api::Ctx& ctx, const LedgerIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  BooksNow now = HZ_TRY(books_now(member));
  LedgerOut out{std::move(now.settled.books), {}, now.chain.secretariat, member.frontier()};
  if (in.member) std::erase_if(out.books.accounts, [&](const AccountLine& a) { return a.member != *in.member; });
  for (const SaidClose& c : now.chain.closings) out.closings.push_back(line_of(c, "holds", ""));
  for (const JudgedClose& c : now.chain.others) out.closings.push_back(line_of(c.close, c.verdict, c.detail));
  return out;
}

std::string amount(const std::string& text) { return credits_text(parse_amount(text).value_or(0)); }

std::string accounts_text(const Books& books, const api::Style& style) {
  if (books.accounts.empty()) return "no account has an entry\n";
  std::vector<std::vector<std::string>> cells{
      {"member", "unit", "before", "earned", "owed", "balance", "transfer", "after", "not answered"}};
  for (const AccountLine& a : books.accounts)
    cells.push_back({a.member, a.unit, amount(a.before), amount(a.earned), amount(a.owed), amount(a.balance),
                     amount(a.transfer), amount(a.after), amount(a.asked_of)});
  return api::table(cells, style) +
         fmt::format("bills posted: {}, open: {}; a transfer is received from the pool, or paid to it when negative\n",
                     books.posted, books.open);
}

std::string text(const LedgerOut& out, const api::Style& style) {
  std::string text = accounts_text(out.books, style);
  if (!out.closings.empty()) {
    std::vector<std::vector<std::string>> cells{{"closing", "by", "verdict", "signed by", "statement"}};
    for (const ClosingLine& c : out.closings)
      cells.push_back({c.period, c.by, c.verdict == "holds" ? style.green(c.verdict) : style.red(c.verdict),
                       std::to_string(c.signed_by.size()), c.statement.substr(0, 12)});
    text += api::table(cells, style);
    for (const ClosingLine& c : out.closings)
      if (!c.detail.empty()) text += fmt::format("{} of {}: {}\n", c.period, c.by, c.detail);
  }
  return text + "as of frontier " + out.frontier.digest + "\n";
}

// ---- close, recount, sign

struct CloseIn {
  std::string period;
  std::int64_t step_micro = step_micro_default;
  static constexpr auto fields() {
    return rows(row("period", &CloseIn::period, "YYYY-MM or YYYY-MM-DD, over by now"),
                row("step_micro", &CloseIn::step_micro, "payments are multiples of this (10000)", or_default));
  }
};
struct CloseOut {
  Books books;
  Close close;
  std::string statement, verdict, detail;
  std::vector<std::string> signed_by;
  std::vector<std::string> missing;
  static constexpr auto fields() {
    return rows(row("books", &CloseOut::books, "as counted here"), row("close", &CloseOut::close, "what was signed"),
                row("statement", &CloseOut::statement, "statement id, hex"),
                row("verdict", &CloseOut::verdict, "holds, refuted or waiting"),
                row("detail", &CloseOut::detail, "what is wrong, or missing"),
                row("signed_by", &CloseOut::signed_by, "members that counted the same"),
                row("missing", &CloseOut::missing, "members with an account that did not sign yet"));
  }
};

void name_signers(CloseOut& out, const std::set<std::string>& signed_by) {
  out.signed_by.assign(signed_by.begin(), signed_by.end());
  for (const AccountLine& a : out.books.accounts)
    if (!signed_by.contains(a.member) && std::ranges::find(out.missing, a.member) == out.missing.end())
      out.missing.push_back(a.member);
}

Result<CloseOut> close(api::Ctx& ctx, const CloseIn& in) {
  if (!is_period(in.period)) return fail(why("pool.period"), "\"{}\"", in.period);
  if (ctx.clock().now_ms() < bounds_of(in.period).to_ms)
    return fail(why("pool.period_open"), "{} ends at {}", in.period, utc_text(bounds_of(in.period).to_ms));
  if (in.step_micro < 1 || in.step_micro > step_micro_max)
    return fail(why("pool.close"), "a step of {}", in.step_micro);
  alliance::Member& member = *HZ_TRY(ctx.member());
  const std::string secretariat = HZ_TRY(as_secretariat(member));
  const Chain chain = HZ_TRY(read_chain(member));
  if (!chain.closings.empty() && chain.closings.back().said.closing.of >= in.period)
    return fail(why("pool.close"), "{} is closed; what came late is in the next period",
                chain.closings.back().said.closing.of);
  const auto heads = HZ_TRY(heads_to_close(member));
  Closed closed =
      HZ_TRY(compute_close(*HZ_TRY(member.views()), chain.closings, in.period, heads, in.step_micro, secretariat));
  const auto receipt = HZ_TRY(member.append(public_draft(closed.close)));
  CloseOut out{std::move(closed.books), std::move(closed.close), ctx.dry_run ? "" : receipt.id, "holds", "", {}, {}};
  name_signers(out, {member.id()});
  return out;
}

struct OnePeriod {
  std::string period;
  static constexpr auto fields() { return rows(row("period", &OnePeriod::period, "YYYY-MM or YYYY-MM-DD")); }
};

// The closing of a period that counts, else one that might; counted again from the logs.
Result<JudgedClose> counted(alliance::Member& member, const std::string& period, Books& books) {
  if (!is_period(period)) return fail(why("pool.period"), "\"{}\"", period);
  const Chain chain = HZ_TRY(read_chain(member));
  const auto of_period = [&](const SaidClose& c) { return c.said.closing.of == period; };
  const auto found = std::ranges::find_if(chain.closings, of_period);
  if (found != chain.closings.end()) return judge(member, {chain.closings.begin(), found}, *found, &books);
  for (SaidClose& c : HZ_TRY(read_closes(*HZ_TRY(member.views()))))
    if (of_period(c)) {
      std::vector<SaidClose> before;
      for (const SaidClose& one : chain.closings)
        if (one.said.closing.of < period) before.push_back(one);
      return judge(member, before, std::move(c), &books);
    }
  return fail(why("pool.no_close"), "{}", period);
}

Result<CloseOut> recount(api::Ctx& ctx, const OnePeriod& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  CloseOut out;
  JudgedClose judged = HZ_TRY(counted(member, in.period, out.books));
  if (judged.verdict == "waiting")
    return fail(alliance::why("alliance.closing_waiting"), "{}: {}", in.period, judged.detail);
  out.close = judged.close.said;
  out.statement = judged.close.statement;
  out.verdict = judged.verdict;
  out.detail = judged.detail;
  name_signers(out, judged.close.signed_by);
  return out;
}

bool answer_is_no(const CloseOut& out) { return out.verdict != "holds"; }

std::string text(const CloseOut& out, const api::Style& style) {
  std::string text = fmt::format("{} {}: the closing {}{}\n", style.bold("period"), out.close.closing.of,
                                 out.verdict == "holds" ? style.green("holds") : style.red(out.verdict),
                                 out.detail.empty() ? "" : ": " + out.detail);
  text += accounts_text(out.books, style);
  text += fmt::format("result {}\n", out.close.closing.result);
  const auto names = [](const std::vector<std::string>& list) {
    std::string joined;
    for (const std::string& one : list) joined += (joined.empty() ? "" : ", ") + one;
    return joined.empty() ? std::string("nobody") : joined;
  };
  text += fmt::format("signed by {}; not yet by {}\n", names(out.signed_by), names(out.missing));
  if (!out.statement.empty()) text += fmt::format("statement {}\n", out.statement);
  return text;
}

struct SignedClose {
  std::string period, close, result;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("period", &SignedClose::period, "period"), row("close", &SignedClose::close, "id of the closing"),
                row("result", &SignedClose::result, "digest of its books, as counted here"),
                row("receipt", &SignedClose::receipt, "where it stands"));
  }
};

Result<SignedClose> sign(api::Ctx& ctx, const OnePeriod& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  Books books;
  const JudgedClose judged = HZ_TRY(counted(member, in.period, books));
  if (judged.verdict == "waiting")
    return fail(alliance::why("alliance.closing_waiting"), "{}: {}", in.period, judged.detail);
  if (judged.verdict != "holds") return fail(why("pool.close_refuted"), "{}: {}", in.period, judged.detail);
  return SignedClose{in.period, judged.close.statement, judged.close.said.closing.result,
                     HZ_TRY(member.append(close_signed_draft(judged.close)))};
}

std::string text(const SignedClose& out, const api::Style& style) {
  return fmt::format("{} {}: counted again, the same result {}\nstatement {}\n", style.green("signed"), out.period,
                     out.result, out.receipt.id);
}

}  // namespace

std::span<const api::Op> ledger_ops() {
  static const api::Op table[] = {
      api::op<&price_set>(
          {.id = "pool.price_set",
           .http = "POST /v1/pool/prices",
           .cli = "pool price set <what>",
           .may = api::May::author,
           .emits = {PriceList::kind},
           .fails = {"pool.price", "pool.period", "pool.price_stands"},
           .doc = "Post what others pay for a product that they call here by API key.",
           .example = "hezong pool price set product:glyph --from 2026-11 --million-units-micro 2500000",
           .more =
               "A price once posted for a period stands; a new one needs a later period. Leases have the prices that "
               "they were granted at."}),
      api::op<&price_list>({.id = "pool.price_list",
                            .http = "GET /v1/pool/prices",
                            .cli = "pool price list",
                            .may = api::May::reader,
                            .doc = "Show posted prices.",
                            .example = "hezong pool price list"}),
      api::op<&limit_set>(
          {.id = "pool.limit_set",
           .http = "POST /v1/pool/limits",
           .cli = "pool limit set <member>",
           .may = api::May::author,
           .emits = {Limit::kind},
           .fails = {"pool.limit", "pool.not_secretariat"},
           .doc = "Say how much more a member may owe the pool than it is owed.",
           .example = "hezong pool limit set hezong.example/lab --micro 500000000",
           .more = "A counter-signed bill beyond it waits for the next closing; nothing that both signed is lost."}),
      api::op<&ledger>({.id = "pool.ledger",
                        .http = "GET /v1/pool/ledger",
                        .cli = "pool ledger",
                        .may = api::May::reader,
                        .doc = "Show every member's account in the pool, and the closings.",
                        .example = "hezong pool ledger --member hezong.example/lab"}),
      api::op<&close>(
          {.id = "pool.close",
           .http = "POST /v1/pool/closings",
           .cli = "pool close <period>",
           .may = api::May::author,
           .emits = {Close::kind},
           .fails = {"pool.period", "pool.period_open", "pool.close", "pool.not_secretariat"},
           .doc = "Close a period of the accounts at the heads known here, with one netted transfer per member.",
           .example = "hezong pool close 2026-11",
           .more = "What both sides signed below these heads settles now, the rest with the next closing. Everyone can "
                   "compute it again: `hezong pool recount`, `hezong pool sign`."}),
      api::op<&recount>({.id = "pool.recount",
                         .http = "GET /v1/pool/closings/{period}",
                         .cli = "pool recount <period>",
                         .may = api::May::reader,
                         .fails = {"pool.period", "pool.no_close", "alliance.closing_waiting"},
                         .doc = "Compute a closing again from the logs below its heads.",
                         .example = "hezong pool recount 2026-11",
                         .more = "Every statement below the heads is replayed in memory. Exit code 3 says that the "
                                 "closing says something else."}),
      api::op<&sign>({.id = "pool.sign",
                      .http = "POST /v1/pool/closings/{period}/signatures",
                      .cli = "pool sign <period>",
                      .may = api::May::author,
                      .emits = {CloseSigned::kind},
                      .fails = {"pool.period", "pool.no_close", "pool.close_refuted", "alliance.closing_waiting"},
                      .doc = "Sign a closing, after computing it again.",
                      .example = "hezong pool sign 2026-11"}),
  };
  return table;
}

}  // namespace hz::pool
