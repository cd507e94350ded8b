// P11: closing a period over 10^6 receipts, from the views to the signed digest. Every receipt is a bill of its own
// with an answer of its own: the worst case, since a bill may hold 4000 receipts and the closing sees bills only.
// usage: bench_p11 [receipts] [members]
//
// Two nodes get the same statements in different order and must say the same bytes. The peer is what one writes first,
// in the same run and on the same file: SQLite's own sums per member over the same join. It does less: no reservations,
// expiry, limits, netting, rounding or digest of the entries; its sums must be ours. Beside it the double-entry program
// `ledger` balances the same entries as a journal, where it is installed. XDMoD and TigerBeetle cannot be had here.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <numeric>

#include "base/fs.h"
#include "base/seams.h"
#include "pool/books.h"
#include "pool/compare.h"
#include "pool/kinds.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::pool;

namespace {

constexpr std::uint64_t seed = 20261129;
using Steady = std::chrono::steady_clock;
// Of this process; on a busy machine the wall tells of the others too.
double cpu_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }
double s_since(Steady::time_point start) { return std::chrono::duration<double>(Steady::now() - start).count(); }

template <class T>
T must(Result<T> r) {
  if (r) {
    if constexpr (!std::is_void_v<T>)
      return *std::move(r);
    else
      return;
  }
  fmt::print("{}\n", r.error().text());
  std::exit(1);
}

struct Made {
  std::uint32_t provider = 0, consumer = 0;
  std::int64_t amount = 0, accepted = 0;  // accepted -1: no answer
  std::string bill, details;
  std::int64_t at = 0, answered_at = 0;
};

std::string member(std::uint32_t number) { return fmt::format("m{:03}.example", number); }

struct World {
  std::vector<Made> bills;
  std::vector<std::int64_t> sizes;  // of the members' logs
};

World generate(std::size_t receipts, std::uint32_t members) {
  SeededRng rng(seed);
  World w;
  w.sizes.assign(members, 0);
  w.bills.reserve(receipts);
  for (std::size_t i = 0; i < receipts; ++i) {
    Made m;
    m.provider = static_cast<std::uint32_t>(rng.below(members));
    m.consumer = (m.provider + 1 + static_cast<std::uint32_t>(rng.below(members - 1))) % members;
    m.amount = 1 + static_cast<std::int64_t>(rng.below(50'000'000));
    const std::uint64_t fate = rng.below(100);
    m.accepted = fate < 94 ? m.amount : fate < 97 ? m.amount / 2 : -1;
    m.bill = fmt::format("{:016x}", rng.below(std::uint64_t{1} << 62));
    m.details = fmt::format("{0:016x}{0:016x}{0:016x}{0:016x}", rng.below(std::uint64_t{1} << 62));
    m.at = w.sizes[m.provider]++;
    if (m.accepted >= 0) m.answered_at = w.sizes[m.consumer]++;
    w.bills.push_back(std::move(m));
  }
  return w;
}

// The rows that replay writes.
sql::Db fill(const fs::path& file, const World& w, const std::vector<std::uint32_t>& order) {
  sql::Db db = must(sql::Db::open(file, sql::Mode::scratch));
  must(db.run(view_schema()));
  must(db.transaction([&]() -> Result<void> {
    for (const std::uint32_t i : order) {
      const Made& m = w.bills[i];
      const std::string provider = member(m.provider), consumer = member(m.consumer);
      HZ_TRY(db.exec("INSERT INTO pool_bill VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
                     {provider, m.bill, provider, m.at, consumer, "credit", "2026-11", std::int64_t{1}, m.amount,
                      m.details, std::int64_t{0}, m.details}));
      if (m.accepted >= 0)
        HZ_TRY(db.exec("INSERT INTO pool_countersign VALUES(?,?,?,?,?,?,?,?,?)",
                       {provider, m.bill, consumer, consumer, m.answered_at, m.details, m.accepted,
                        m.amount - m.accepted, m.details}));
    }
    return {};
  }));
  return db;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Sums per member by SQLite, twice over the same join.
std::map<std::string, Amount> sqlite_sums(sql::Db& db) {
  std::map<std::string, Amount> out;
  for (const auto& [who, sign] : {std::pair("b.member", 1), std::pair("b.consumer", -1)})
    must(db.query(fmt::format("SELECT {0}, sum(c.accepted_micro) FROM pool_bill b JOIN pool_countersign c "
                              "ON c.provider = b.member AND c.bill = b.bill AND c.member = b.consumer "
                              "AND c.details = b.details AND c.accepted_micro + c.disputed_micro = b.amount_micro "
                              "GROUP BY {0}",
                              who),
                  {}, [&, s = sign](const sql::Row& row) {
                    out[row.text(0)] += s * Amount{row.integer(1)};
                    return true;
                  }));
  return out;
}

// The `ledger` program over a journal of the same entries; negative without it.
double ledger_program_s(const fs::path& folder, const World& w) {
  if (std::system("command -v ledger > /dev/null 2>&1") != 0) return -1;
  const fs::path journal = folder / "journal";
  std::FILE* file = std::fopen(journal.c_str(), "w");
  for (const Made& m : w.bills)
    if (m.accepted > 0)
      fmt::print(file, "2026-11-29 {}\n  {}  {} uC\n  {}\n\n", m.bill, member(m.provider), m.accepted,
                 member(m.consumer));
  std::fclose(file);
  const auto start = Steady::now();
  const int rc = std::system(
      fmt::format("ledger -f {} balance > {} 2>&1", journal.string(), (folder / "balance").string()).c_str());
  return rc == 0 ? s_since(start) : -1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto receipts = static_cast<std::size_t>(argc > 1 ? std::stoul(argv[1]) : 1'000'000);
  const auto members = static_cast<std::uint32_t>(argc > 2 ? std::stoul(argv[2]) : 40);
  const TempDir dir;
  const World w = generate(receipts, members);
  // Not measured, so in the order of the keys; the second node's rows come in the opposite order.
  std::vector<std::uint32_t> order(receipts);
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    return std::tie(w.bills[a].provider, w.bills[a].bill) < std::tie(w.bills[b].provider, w.bills[b].bill);
  });
  auto start = Steady::now();
  sql::Db db = fill(dir.path() / "a.sqlite", w, order);
  const double fill_s = s_since(start);
  std::ranges::reverse(order);
  sql::Db other = fill(dir.path() / "b.sqlite", w, order);
  SeededRng rng(seed + 1);

  std::vector<alliance::FrontierEntry> heads;
  for (std::uint32_t m = 0; m < members; ++m)
    heads.push_back({member(m), static_cast<std::uint64_t>(w.sizes[m]), std::string(64, '1')});
  const auto close = [&](sql::Db& views) {
    return must(compute_close(views, {}, "2026-11", heads, step_micro_default, member(0)));
  };
  const auto said = [](const Closed& c) { return json::dump(to_json(c.close)) + json::dump(to_json(c.books)); };

  std::vector<double> ours, ours_cpu, facts_only, sums, sums_cpu;
  Closed closed;
  std::map<std::string, Amount> peer;
  for (int run = 0; run < 3; ++run) {
    double cpu = cpu_s();
    start = Steady::now();
    closed = close(db);
    ours.push_back(s_since(start));
    ours_cpu.push_back(cpu_s() - cpu);
    start = Steady::now();
    const BookFacts facts = must(read_facts(db, member(0)));
    facts_only.push_back(s_since(start));
    cpu = cpu_s();
    start = Steady::now();
    peer = sqlite_sums(db);
    sums.push_back(s_since(start));
    sums_cpu.push_back(cpu_s() - cpu);
  }
  const bool same = said(close(other)) == said(closed);
  bool sums_agree = !closed.books.accounts.empty();
  for (const AccountLine& a : closed.books.accounts) sums_agree &= *parse_amount(a.balance) == peer[a.member];
  const double program_s = ledger_program_s(dir.path(), w);

  // What provider and consumer do with the same receipts, in bills of 4000.
  std::vector<Receipt> part;
  std::vector<Measured> own;
  for (std::size_t i = 0; i < std::min(receipts, receipts_max); ++i) {
    const Price price{1'800'000, 0, 0};
    const Quantities used{w.bills[i].amount, 0, 0};
    part.push_back({fmt::format("lease:{:06}", i), "product:glyph", 0, 1, used, price, 0});
    own.push_back({"m001.example", part.back().subject, "product:glyph", used, 0, 1, price});
  }
  Bill head;
  head.consumer = member(2);
  head.unit = "credit";
  head.period = "2026-11";
  start = Steady::now();
  const WholeBill bill = must(make_bill(head, part, rng));
  const double make_s = s_since(start);
  start = Steady::now();
  const bool signed_off = check_together(bill.bill, bill.receipts).has_value();
  const double check_s = s_since(start);
  const auto per_million = [&](double s) { return s * 1e6 / static_cast<double>(part.size()); };

  const double value = median(ours), peer_s = median(sums);
  fmt::print("{} receipts, each a bill of its own, {} members; {} posted, {} open; rows written in {:.1f} s\n",
             receipts, members, closed.books.posted, closed.books.open, fill_s);
  fmt::print("close: {:.2f} s ({:.2f} s of processor), of which reading the facts {:.2f} s; result {}\n", value,
             median(ours_cpu), median(facts_only), closed.close.closing.result.substr(0, 16));
  fmt::print("a second node, statements in another order: {}\n", same ? "the same bytes" : "OTHER BYTES");
  fmt::print("sqlite, sums only: {:.2f} s ({:.2f} s of processor); they are {}\n", peer_s, median(sums_cpu),
             sums_agree ? "ours" : "OTHERS");
  if (program_s >= 0)
    fmt::print("ledger program, balance of the journal: {:.1f} s\n", program_s);
  else
    fmt::print("ledger program: not installed\n");
  fmt::print("beside: pricing and sealing up 10^6 receipts {:.2f} s, checking their sums {:.2f} s (in bills of {})\n",
             per_million(make_s), per_million(check_s), part.size());
  const bool ok = value <= 3 && same && sums_agree && signed_off;
  fmt::print(
      "{{\"id\":\"p11\",\"value\":{:.3f},\"unit\":\"s\",\"goal\":3,\"peer\":\"sqlite sums over the same rows {:.3f} s, "
      "ledger program {}\",\"ratio\":{:.2f},\"ok\":{},\"cpu_s\":{:.3f},\"peer_cpu_s\":{:.3f},\"receipts\":{},"
      "\"byte_identical\":{}}}\n",
      value, peer_s, program_s >= 0 ? fmt::format("{:.1f} s", program_s) : "not installed", peer_s / value,
      ok ? "true" : "false", median(ours_cpu), median(sums_cpu), receipts, same ? "true" : "false");
  return ok ? 0 : 1;
}
