#include "pool/books.h"

#include <algorithm>
#include <functional>
#include <unordered_map>

#include "pool/reasons.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

// Names get numbers as they come, and their places in the order of names when all are known.
class Names {
 public:
  std::uint32_t number(std::string_view name) {
    // Rows come in runs of one member.
    if (last_ < names_.size() && names_[last_] == name) return last_;
    auto found = numbers_.find(name);
    if (found == numbers_.end()) {
      found = numbers_.emplace(std::string(name), static_cast<std::uint32_t>(names_.size())).first;
      names_.emplace_back(name);
    }
    return last_ = found->second;
  }
  // The sorted names; `place` then gives the place of a number.
  std::vector<std::string> sort() {
    std::vector<std::string> out = names_;
    std::ranges::sort(out);
    for (const std::string& name : names_)
      places_.push_back(static_cast<std::uint32_t>(std::ranges::lower_bound(out, name) - out.begin()));
    return out;
  }
  std::uint32_t place(std::uint32_t number) const { return places_[number]; }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;
  std::vector<std::string> names_;
  std::vector<std::uint32_t> places_;
  std::uint32_t last_ = 0;
};

std::optional<std::uint32_t> find(const std::vector<std::string>& names, std::string_view name) {
  const auto at = std::ranges::lower_bound(names, name);
  if (at == names.end() || *at != name) return std::nullopt;
  return static_cast<std::uint32_t>(at - names.begin());
}

std::uint64_t position(const sql::Row& row, int column) {
  return row.is_null(column) ? never : static_cast<std::uint64_t>(row.integer(column));
}

}  // namespace

Result<BookFacts> read_facts(sql::Db& views, const std::string& secretariat) {
  BookFacts out;
  Names members, logs, units;
  // Bills and answers are read in the order of their keys, so the join walks both tables once.
  HZ_TRY(
      views.query("SELECT b.member, b.consumer, b.unit, b.origin, b.idx, b.refund, b.amount_micro, c.origin, c.idx, "
                  "c.accepted_micro, w.idx FROM pool_bill b "
                  "LEFT JOIN pool_countersign c ON c.provider = b.member AND c.bill = b.bill AND c.member = b.consumer "
                  "AND c.details = b.details AND c.accepted_micro + c.disputed_micro = b.amount_micro "
                  "LEFT JOIN pool_bill_withdrawn w ON w.member = b.member AND w.bill = b.bill "
                  "ORDER BY b.member, b.bill",
                  {}, [&](const sql::Row& row) {
                    BilledFact b;
                    b.provider = members.number(row.text_view(0));
                    b.consumer = members.number(row.text_view(1));
                    b.unit = units.number(row.text_view(2));
                    b.provider_log = logs.number(row.text_view(3));
                    b.billed_at = position(row, 4);
                    b.refund = row.integer(5) != 0;
                    b.amount = row.integer(6);
                    if (!row.is_null(8)) {
                      b.consumer_log = logs.number(row.text_view(7));
                      b.answered_at = position(row, 8);
                      b.accepted = row.integer(9);
                    }
                    b.withdrawn_at = position(row, 10);
                    out.bills.push_back(b);
                    return true;
                  }));
  HZ_TRY(views.query("SELECT member, unit, origin, idx, overdraft_micro FROM pool_limit WHERE origin = ? ORDER BY idx",
                     {secretariat}, [&](const sql::Row& row) {
                       out.limits.push_back({members.number(row.text_view(0)), units.number(row.text_view(1)),
                                             logs.number(row.text_view(2)), position(row, 3), row.integer(4)});
                       return true;
                     }));
  out.members = members.sort();
  out.logs = logs.sort();
  out.units = units.sort();
  for (BilledFact& b : out.bills) {
    b.provider = members.place(b.provider);
    b.consumer = members.place(b.consumer);
    b.unit = units.place(b.unit);
    b.provider_log = logs.place(b.provider_log);
    if (b.answered_at != never) b.consumer_log = logs.place(b.consumer_log);
  }
  for (LimitFact& l : out.limits)
    l = {members.place(l.member), units.place(l.unit), logs.place(l.log), l.at, l.overdraft};
  return out;
}

Result<std::string> secretariat_of(sql::Db& views) {
  if (auto named = HZ_TRY(views.text("SELECT secretariat FROM public_alliance_charter"))) return *std::move(named);
  return HZ_TRY(views.text("SELECT m.origin FROM public_alliance_self s JOIN public_alliance_member m USING(member)"))
      .value_or("");
}

Heads heads_of(const BookFacts& facts, const std::vector<alliance::FrontierEntry>& frontier) {
  Heads out;
  for (const std::string& log : facts.logs) {
    const auto* entry = alliance::entry_of(frontier, log);
    out.push_back(entry ? entry->size : 0);
  }
  return out;
}

PastClosing past_closing(const BookFacts& facts, const Close& close) {
  PastClosing out{heads_of(facts, close.closing.frontier), {}};
  for (const NettedTransfer& t : close.transfers) {
    const auto member = find(facts.members, t.member), unit = find(facts.units, t.unit);
    const auto amount = parse_amount(t.amount_micro);
    if (member && unit && amount) out.paid.push_back({*member, *unit, *amount});
  }
  return out;
}

Result<std::vector<SaidClose>> read_closes(sql::Db& views) {
  std::vector<SaidClose> out;
  std::vector<std::string> texts;
  HZ_TRY(views.query("SELECT origin, member, statement, idx, said FROM pool_close ORDER BY origin, idx", {},
                     [&](const sql::Row& row) {
                       out.push_back({{}, row.text(0), row.text(1), row.text(2), position(row, 3), {row.text(1)}});
                       texts.push_back(row.text(4));
                       return true;
                     }));
  for (std::size_t i = 0; i < out.size(); ++i) out[i].said = HZ_TRY(from_json<Close>(HZ_TRY(json::parse(texts[i]))));
  HZ_TRY(views.query("SELECT close, member, result FROM pool_close_signed", {}, [&](const sql::Row& row) {
    const std::string close = row.text(0);
    const auto found = std::ranges::find(out, close, &SaidClose::statement);
    if (found != out.end() && found->said.closing.result == row.text(2)) found->signed_by.insert(row.text(1));
    return true;
  }));
  return out;
}

std::optional<std::string> breaks_chain(const SaidClose* before, const SaidClose& next) {
  const Close& said = next.said;
  if (said.previous != (before ? before->statement : ""))
    return fmt::format("it follows {}, not {}", said.previous.empty() ? "none" : said.previous.substr(0, 12),
                       before ? before->statement.substr(0, 12) : "none");
  const auto* own = alliance::entry_of(said.closing.frontier, next.origin);
  if (!own || own->size > next.index) return "it does not name its own log below itself";
  if (!before) return std::nullopt;
  if (said.closing.of <= before->said.closing.of)
    return fmt::format("{} is not after {}", said.closing.of, before->said.closing.of);
  const auto* log = alliance::entry_of(said.closing.frontier, before->origin);
  if (!log || log->size <= before->index) return "its heads do not have the closing before it";
  if (const auto back = alliance::goes_back(before->said.closing.frontier, said.closing.frontier))
    return fmt::format("the head of {} goes back", *back);
  return std::nullopt;
}

Result<Closed> compute_close(sql::Db& views, const std::vector<SaidClose>& before, const std::string& period,
                             const std::vector<alliance::FrontierEntry>& heads, std::int64_t step_micro,
                             const std::string& secretariat) {
  const BookFacts facts = HZ_TRY(read_facts(views, secretariat));
  std::vector<PastClosing> past;
  for (const SaidClose& c : before) past.push_back(past_closing(facts, c.said));
  Settled settled = settle(facts, past, heads_of(facts, heads), step_micro);
  Closed out;
  out.books = std::move(settled.books);
  out.close.closing = {std::string(settlement), period, heads, alliance::result_digest(to_json(out.books))};
  out.close.previous = before.empty() ? "" : before.back().statement;
  out.close.step_micro = step_micro;
  out.close.transfers = transfers_of(facts, settled.paid);
  HZ_TRY(check(out.close));
  return out;
}

}  // namespace hz::pool
