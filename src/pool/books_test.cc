// Bills and answers from several logs, as rows: whatever order they arrive in, every node has the same books.
#include <doctest/doctest.h>

#include <algorithm>

#include "base/seams.h"
#include "crypto/hash.h"
#include "pool/accounts.h"
#include "pool/kinds.h"
#include "pool/reasons.h"
#include "sql/db.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::pool;

namespace {

using Said = std::vector<statement::Statement>;

// What members said, each in its own log.
struct Logs {
  std::map<std::string, Said> logs;
  SeededRng rng{11};

  template <class Payload>
  statement::Statement& say(const std::string& member, const Payload& payload) {
    statement::Statement s;
    s.origin = s.issuer = member;
    s.index = logs[member].size();
    s.kind = Payload::kind;
    s.body = to_json(payload);
    s.id = crypto::sha256(as_bytes(fmt::format("{} {} {}", member, s.index, json::dump(s.body))));
    logs[member].push_back(std::move(s));
    return logs[member].back();
  }
  WholeBill bill(const std::string& provider, const std::string& consumer, std::int64_t units,
                 const std::string& period = "2026-11", bool refund = false) {
    Bill head;
    head.consumer = consumer;
    head.unit = "credit";
    head.period = period;
    head.refund = refund;
    const Receipt receipt{"key:0123456789abcdef", "product:glyph", 0, 0, {0, units, 0}, {0, 1'000'000, 0}, 0};
    WholeBill b = make_bill(head, {receipt}, rng).value();
    say(provider, b.bill);
    say(provider, b.receipts);
    return b;
  }
  void sign(const std::string& provider, const WholeBill& b, std::int64_t disputed = 0) {
    say(b.bill.consumer, Countersign{provider, b.bill.bill, b.bill.details, b.bill.amount_micro - disputed, disputed});
  }
  std::vector<alliance::FrontierEntry> heads() const {
    std::vector<alliance::FrontierEntry> out;
    for (const auto& [origin, said] : logs) out.push_back({origin, said.size(), std::string(64, '1')});
    return out;
  }
};

struct Views {
  sql::Db db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  Views() { REQUIRE(db.run(view_schema())); }
  std::string_view replay(const statement::Statement& s) {
    const auto kind = std::ranges::find(kinds(), s.kind, &statement::Kind::slug);
    REQUIRE(kind != kinds().end());
    const auto done = db.transaction([&] { return kind->replay(db, s); });
    return done ? "" : done.error().reason->slug;
  }
  std::string books(const std::vector<alliance::FrontierEntry>& heads) {
    const Closed closed = compute_close(db, {}, "2026-11", heads, 1, "hall.example").value();
    return json::dump(to_json(closed.books)) + json::dump(to_json(closed.close));
  }
};

Logs some_logs(std::uint64_t seed) {
  Logs l;
  l.rng = SeededRng(seed);
  const std::vector<std::string> names{"hall.example", "lab.example", "mill.example", "port.example"};
  for (int i = 0; i < 25; ++i) {
    const auto& provider = names[l.rng.below(4)];
    const auto& consumer = names[l.rng.below(4)];
    if (provider == consumer) continue;
    const WholeBill b =
        l.bill(provider, consumer, 1 + static_cast<std::int64_t>(l.rng.below(1000)), "2026-11", l.rng.below(6) == 0);
    const std::uint64_t fate = l.rng.below(5);
    if (fate < 3) l.sign(provider, b, fate == 0 ? b.bill.amount_micro / 3 : 0);
    if (fate == 2) l.sign(provider, b, 1);  // a second answer means nothing
    if (fate == 3) l.say(provider, BillWithdrawn{b.bill.bill, false});
    if (l.rng.below(4) == 0) l.say(provider, b.bill);  // nor does a second bill of one id
  }
  l.say("hall.example", Limit{"lab.example", "credit", 700'000'000});
  return l;
}

}  // namespace

TEST_CASE("every order of arrival gives byte-equal books") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Logs l = some_logs(seed);
    std::string first;
    for (std::uint64_t order = 1; order <= 12; ++order) {
      SeededRng rng(100 * seed + order);
      Views v;
      std::map<std::string, std::size_t> at;
      std::vector<std::string> open;
      for (const auto& [origin, said] : l.logs)
        if (!said.empty()) open.push_back(origin);
      while (!open.empty()) {
        const std::size_t i = rng.below(open.size());
        const Said& said = l.logs.at(open[i]);
        v.replay(said[at[open[i]]++]);
        if (at[open[i]] == said.size()) open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
      }
      const std::string books = v.books(l.heads());
      if (first.empty()) first = books;
      CHECK(books == first);
    }
    CHECK(first.find("\"posted\":0,") == std::string::npos);
  }
}

TEST_CASE("what stands above the heads changes nothing") {
  const Logs l = some_logs(3);
  Views v;
  for (const auto& [origin, said] : l.logs)
    for (const auto& s : said) v.replay(s);
  const std::string before = v.books(l.heads());
  Logs more = l;
  const WholeBill late = more.bill("hall.example", "lab.example", 5);
  more.sign("hall.example", late);
  for (const auto& [origin, said] : more.logs)
    for (std::size_t i = l.logs.at(origin).size(); i < said.size(); ++i) CHECK(v.replay(said[i]) == "");
  CHECK(v.books(l.heads()) == before);
  CHECK(v.books(more.heads()) != before);
}

TEST_CASE("one bill an id, one answer a bill, and only the answer that fits counts") {
  Logs l;
  Views v;
  const WholeBill b = l.bill("hall.example", "lab.example", 100);
  const auto& hall = l.logs["hall.example"];
  CHECK(v.replay(hall[0]) == "");
  CHECK(v.replay(hall[1]) == "");
  CHECK(v.replay(hall[0]) == "pool.bill_twice");
  CHECK(v.replay(hall[1]) == "pool.bill_twice");
  // Another member's answer, one about other details, and one that does not add up.
  const Countersign right{"hall.example", b.bill.bill, b.bill.details, b.bill.amount_micro, 0};
  CHECK(v.replay(l.say("mill.example", right)) == "");
  Countersign other = right;
  other.details = std::string(64, '0');
  CHECK(v.replay(l.say("lab.example", other)) == "");
  BookFacts facts = read_facts(v.db, "hall.example").value();
  REQUIRE(facts.bills.size() == 1);
  CHECK(facts.bills[0].answered_at == never);
  CHECK(v.replay(l.say("lab.example", right)) == "pool.bill_twice");  // it has answered, though to nothing
  CHECK(facts.members == std::vector<std::string>{"hall.example", "lab.example"});
  Bill own = b.bill;
  own.bill = "own";
  own.consumer = "hall.example";
  CHECK(v.replay(l.say("hall.example", own)) == "pool.bill");
}

TEST_CASE("what is for everyone may not be sealed") {
  Logs l;
  Views v;
  l.bill("hall.example", "lab.example", 100);
  statement::Statement sealed = l.logs["hall.example"][0];
  sealed.seal.emplace();
  CHECK(v.replay(sealed) == "pool.bill");
}

TEST_CASE("only the secretariat's limits are facts") {
  Logs l;
  Views v;
  l.bill("hall.example", "lab.example", 100);
  for (const auto& s : l.logs["hall.example"]) v.replay(s);
  CHECK(v.replay(l.say("lab.example", Limit{"lab.example", "credit", 9})) == "");
  CHECK(read_facts(v.db, "hall.example").value().limits.empty());
  CHECK(read_facts(v.db, "lab.example").value().limits.size() == 1);
}

TEST_CASE("a posted price stands for its period, and a later one takes over") {
  Logs l;
  Views v;
  const auto post = [&](const char* from, std::int64_t micro) {
    CHECK(v.replay(l.say("hall.example", PriceList{"credit", from, {{"product:glyph", {0, micro, 0}}}})) == "");
  };
  post("2026-10", 5);
  post("2026-10", 50);
  post("2026-12", 7);
  const auto price = [&](const char* period) {
    const PriceVector prices = posted_prices(v.db, "hall.example", "credit", period).value();
    return prices.empty() ? -1 : prices.begin()->second.million_units_micro;
  };
  CHECK(price("2026-09") == -1);
  CHECK(price("2026-10") == 5);
  CHECK(price("2026-11-30") == 5);
  CHECK(price("2026-12") == 7);
}

TEST_CASE("billed once: what is disputed and withdrawn comes back, what is accepted or forgiven does not") {
  const std::pair key{std::string("key:0123456789abcdef"), std::string("product:glyph")};
  const auto billed = [&](bool accept, bool dispute, bool withdraw, bool forgive, bool accepted_only) {
    Logs l;
    Views v;
    const WholeBill b = l.bill("hall.example", "lab.example", 100);
    if (accept) l.sign("hall.example", b);
    if (dispute) {
      l.sign("hall.example", b, b.bill.amount_micro);
      l.say("lab.example", Dispute{"hall.example", b.bill.bill, {{0, {}, "not used"}}});
    }
    if (withdraw) l.say("hall.example", BillWithdrawn{b.bill.bill, forgive});
    for (const auto& [origin, said] : l.logs)
      for (const auto& s : said) v.replay(s);
    const BySubject sums = billed_so_far(v.db, "hall.example", "lab.example", accepted_only).value();
    return sums.contains(key) ? sums.at(key).units : 0;
  };
  CHECK(billed(false, false, false, false, false) == 100);
  CHECK(billed(false, false, false, false, true) == 0);
  CHECK(billed(true, false, false, false, true) == 100);
  CHECK(billed(false, true, false, false, false) == 100);
  CHECK(billed(false, true, false, false, true) == 0);
  CHECK(billed(false, true, true, false, false) == 0);
  CHECK(billed(false, true, true, true, false) == 100);
  CHECK(billed(false, false, true, false, false) == 0);
  CHECK(billed(true, false, true, false, false) == 100);
}

TEST_CASE("bills that are due, once; answers in whole and in part") {
  Logs l;
  Views v;
  const std::vector<Measured> used{
      {"lab.example", "key:0123456789abcdef", "product:glyph", {0, 100, 0}, 0, 9, Price{0, 1'000'000, 0}},
      {"lab.example", "lease:x", "product:glyph", {5, 0, 0}, 0, 9, Price{3'600'000, 0, 0}},
      {"mill.example", "lease:y", "product:glyph", {1, 0, 0}, 0, 9, Price{1, 0, 0}},           // costs nearly nothing
      {"hall.example", "lease:z", "product:glyph", {7, 0, 0}, 0, 9, Price{3'600'000, 0, 0}}};  // itself
  const auto bills = bills_due(v.db, "hall.example", used, "credit", "2026-11", l.rng).value();
  REQUIRE(bills.size() == 1);
  CHECK(bills[0].bill.amount_micro == 105);
  v.replay(l.say("hall.example", bills[0].bill));
  v.replay(l.say("hall.example", bills[0].receipts));
  CHECK(bills_due(v.db, "hall.example", used, "credit", "2026-12", l.rng).value().empty());

  const KnownBill known = read_bills(v.db, "lab.example").value().at(0);
  REQUIRE(known.receipts);
  CHECK(check_together(known.bill, *known.receipts));
  const auto compared = compare_bill(v.db, "lab.example", known, {}, {}).value();
  CHECK(worst(compared) == Match::unmeasured);
  auto drafts = answer_drafts(known, "lab.example", {}).value();
  REQUIRE(drafts.size() == 1);
  CHECK(from_json<Countersign>(drafts[0].body)->accepted_micro == 105);
  drafts = answer_drafts(known, "lab.example", {{1, {}, "not used"}}).value();
  REQUIRE(drafts.size() == 2);
  CHECK(from_json<Countersign>(drafts[0].body)->accepted_micro == 100);
  CHECK(from_json<Countersign>(drafts[0].body)->disputed_micro == 5);
  CHECK(drafts[1].audience->format() == "bilateral:hall.example,lab.example");
  CHECK(answer_drafts(known, "lab.example", {{7, {}, "x"}}).error().reason->slug == "pool.bill");
  KnownBill sealed = known;
  sealed.receipts.reset();
  CHECK(answer_drafts(sealed, "lab.example", {}).error().reason->slug == "pool.receipts_sealed");
  CHECK(compare_bill(v.db, "lab.example", sealed, {}, {}).error().reason->slug == "pool.receipts_sealed");
}

TEST_CASE("a closing follows the one before it, later, with heads that go on") {
  const auto close = [](std::string statement, std::string previous, std::string period, std::uint64_t own,
                        std::uint64_t other, std::uint64_t index) {
    SaidClose c;
    c.statement = std::move(statement);
    c.origin = c.member = "hall.example";
    c.index = index;
    c.said.previous = std::move(previous);
    c.said.closing = {"settlement", std::move(period), {{"hall.example", own, ""}, {"lab.example", other, ""}}, ""};
    return c;
  };
  const SaidClose first = close("f1", "", "2026-10", 5, 5, 5);
  CHECK_FALSE(breaks_chain(nullptr, first));
  CHECK_FALSE(breaks_chain(&first, close("f2", "f1", "2026-11", 7, 5, 8)));
  CHECK(breaks_chain(nullptr, close("f2", "f1", "2026-11", 7, 5, 8)));
  CHECK(breaks_chain(&first, close("f2", "", "2026-11", 7, 5, 8)));
  CHECK(breaks_chain(&first, close("f2", "f1", "2026-10", 7, 5, 8)));  // the same period
  CHECK(breaks_chain(&first, close("f2", "f1", "2026-11", 5, 5, 8)));  // without the closing before it
  CHECK(breaks_chain(&first, close("f2", "f1", "2026-11", 7, 4, 8)));  // a head goes back
  CHECK(breaks_chain(&first, close("f2", "f1", "2026-11", 9, 5, 8)));  // beyond itself
}
