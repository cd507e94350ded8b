// Bills, answers and closings as rows. What needs more than one log is joined when it is read (books.h): here nobody
// knows yet what another log says.
#include "pool/close.h"
#include "pool/kinds.h"
#include "pool/reasons.h"
#include "pool/receipt.h"
#include "sql/db.h"
#include "statement/statement.h"

namespace hz::pool {
namespace {

using statement::Statement;

std::int64_t position(const Statement& s) { return static_cast<std::int64_t>(s.index); }

// Everyone counts what is for everyone only: a sealed one would give other books to those who can read it.
Result<void> check_open(const Statement& s) {
  return s.seal ? fail(why("pool.bill"), "{} is for everyone", s.kind) : Result<void>();
}

// The first statement about a thing stands.
Result<bool> said_before(sql::Db& views, std::string_view query, std::initializer_list<sql::Param> values) {
  return HZ_TRY(views.integer(query, values)).value_or(0) > 0;
}

Result<void> replay_bill(sql::Db& views, const Statement& s, const Bill& b) {
  HZ_TRY(check_open(s));
  HZ_TRY(check(b));
  if (b.consumer == s.issuer) return fail(why("pool.bill"), "{}: {} bills itself", b.bill, s.issuer);
  if (HZ_TRY(said_before(views, "SELECT count(*) FROM pool_bill WHERE member = ? AND bill = ?", {s.issuer, b.bill})))
    return fail(why("pool.bill_twice"), "{} of {}", b.bill, s.issuer);
  return views.exec("INSERT INTO pool_bill VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
                    {s.issuer, b.bill, s.origin, position(s), b.consumer, b.unit, b.period, b.receipts, b.amount_micro,
                     b.details, std::int64_t{b.refund}, s.id_text()});
}

Result<void> replay_receipts(sql::Db& views, const Statement& s, const Receipts& said) {
  HZ_TRY(check(said));
  if (HZ_TRY(said_before(views, "SELECT count(*) FROM pool_receipts WHERE member = ? AND bill = ?",
                         {s.issuer, said.bill})))
    return fail(why("pool.bill_twice"), "receipts of {} of {}", said.bill, s.issuer);
  HZ_TRY(views.exec("INSERT INTO pool_receipts VALUES(?,?,?)", {s.issuer, said.bill, said.salt}));
  for (std::size_t place = 0; place < said.receipts.size(); ++place) {
    const Receipt& r = said.receipts[place];
    HZ_TRY(views.exec("INSERT INTO pool_receipt VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                      {s.issuer, said.bill, static_cast<std::int64_t>(place), r.subject, r.what, r.from_ms, r.to_ms,
                       r.used.device_ms, r.used.units, r.used.bytes, r.price.device_hour_micro,
                       r.price.million_units_micro, r.price.gigabyte_micro, r.amount_micro}));
  }
  return {};
}

Result<void> replay_countersign(sql::Db& views, const Statement& s, const Countersign& c) {
  HZ_TRY(check_open(s));
  HZ_TRY(check(c));
  if (HZ_TRY(said_before(views, "SELECT count(*) FROM pool_countersign WHERE provider = ? AND bill = ? AND member = ?",
                         {c.provider, c.bill, s.issuer})))
    return fail(why("pool.bill_twice"), "{} of {} is answered", c.bill, c.provider);
  return views.exec("INSERT INTO pool_countersign VALUES(?,?,?,?,?,?,?,?,?)",
                    {c.provider, c.bill, s.issuer, s.origin, position(s), c.details, c.accepted_micro, c.disputed_micro,
                     s.id_text()});
}

Result<void> replay_dispute(sql::Db& views, const Statement& s, const Dispute& d) {
  HZ_TRY(check(d));
  if (HZ_TRY(said_before(views, "SELECT count(*) FROM pool_disputed WHERE provider = ? AND bill = ? AND member = ?",
                         {d.provider, d.bill, s.issuer})))
    return fail(why("pool.bill_twice"), "{} of {} is disputed", d.bill, d.provider);
  for (const DisputedReceipt& r : d.receipts)
    HZ_TRY(views.exec("INSERT INTO pool_disputed VALUES(?,?,?,?,?,?,?,?)",
                      {d.provider, d.bill, s.issuer, r.place, r.own.device_ms, r.own.units, r.own.bytes, r.cause}));
  return {};
}

Result<void> replay_withdrawn(sql::Db& views, const Statement& s, const BillWithdrawn& w) {
  HZ_TRY(check_open(s));
  HZ_TRY(check(w));
  return views.exec("INSERT OR IGNORE INTO pool_bill_withdrawn VALUES(?,?,?,?,?)",
                    {s.issuer, w.bill, position(s), std::int64_t{w.forgiven}, s.id_text()});
}

Result<void> replay_price(sql::Db& views, const Statement& s, const PriceList& list) {
  HZ_TRY(check(list));
  for (const PostedPrice& p : list.prices)
    HZ_TRY(views.exec("INSERT OR IGNORE INTO pool_price VALUES(?,?,?,?,?,?,?,?)",
                      {s.issuer, list.unit, p.what, list.from, p.price.device_hour_micro, p.price.million_units_micro,
                       p.price.gigabyte_micro, s.id_text()}));
  return {};
}

Result<void> replay_limit(sql::Db& views, const Statement& s, const Limit& l) {
  HZ_TRY(check_open(s));
  HZ_TRY(check(l));
  return views.exec("INSERT INTO pool_limit VALUES(?,?,?,?,?)",
                    {s.origin, position(s), l.member, l.unit, l.overdraft_micro});
}

Result<void> replay_close(sql::Db& views, const Statement& s, const Close& c) {
  HZ_TRY(check_open(s));
  HZ_TRY(check(c));
  return views.exec(
      "INSERT INTO pool_close VALUES(?,?,?,?,?,?,?)",
      {s.origin, position(s), s.id_text(), s.issuer, c.closing.of, c.closing.result, json::dump(to_json(c))});
}

Result<void> replay_close_signed(sql::Db& views, const Statement& s, const CloseSigned& c) {
  HZ_TRY(check_open(s));
  HZ_TRY(check(c));
  return views.exec("INSERT OR IGNORE INTO pool_close_signed VALUES(?,?,?,?)",
                    {c.close, s.issuer, c.result, s.id_text()});
}

}  // namespace

std::span<const statement::Kind> bill_kinds() {
  static const statement::Kind table[] = {
      statement::kind<Bill, &replay_bill>(
          {.number = 0x0340, .doc = "The signer asks another member for this sum, for what it used."}),
      statement::kind<Receipts, &replay_receipts>(
          {.number = 0x0341, .audience = "owner", .doc = "The receipts of a bill, sealed to both sides."}),
      statement::kind<Countersign, &replay_countersign>(
          {.number = 0x0342, .doc = "The signer, asked by a bill, owes one part of it and disputes the other."}),
      statement::kind<Dispute, &replay_dispute>(
          {.number = 0x0343,
           .audience = "owner",
           .doc = "Which receipts of a bill the signer disputes and why, sealed to both sides."}),
      statement::kind<BillWithdrawn, &replay_withdrawn>(
          {.number = 0x0344, .doc = "The signer asks no more for what was not accepted of its bill."}),
      statement::kind<PriceList, &replay_price>({.number = 0x0345, .doc = "Prices of the signer from a period on."}),
      statement::kind<Limit, &replay_limit>(
          {.number = 0x0346, .doc = "The secretariat: how much more a member may owe than it is owed."}),
      statement::kind<Close, &replay_close>(
          {.number = 0x0347,
           .doc = "The secretariat closes a period of the accounts at these heads, with one transfer per member."}),
      statement::kind<CloseSigned, &replay_close_signed>(
          {.number = 0x0348, .doc = "The signer computed a closing of the accounts again and found the same."}),
  };
  return table;
}

}  // namespace hz::pool
