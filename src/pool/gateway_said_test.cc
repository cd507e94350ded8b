// What the gateway goes by: routes and keys as statements, servers as files.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>

#include "pool/api_key.h"
#include "pool/gate_table.h"
#include "pool/meter_journal.h"
#include "pool/rules.h"
#include "pool/serving.h"
#include "sql/db.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::pool;

namespace {

Route good_route() {
  return {"product:glyph",
          {{"c-1", "site:hz1", "backend:refrt", 3}, {"c-2", "site:hz2", "backend:opencv", 0}},
          {std::string(64, 'e')},
          "drill 7",
          500};
}
ApiKey good_key() {
  return {"0123456789abcdef", "shop", std::string(64, 'a'), {"product:glyph"}, 60, 0, 1'800'000'000'000};
}
template <class Payload, class Change>
std::string_view slug(Payload payload, Change change) {
  change(payload);
  const auto checked = check(payload);
  return checked ? "" : checked.error().reason->slug;
}

struct Views {
  sql::Db db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  Views() { REQUIRE(db.run(view_schema())); }
  template <class Payload>
  Result<void> say(const Payload& payload, const std::string& who = "acme.example/log") {
    statement::Statement s;
    s.body = to_json(payload);
    s.issuer = who;
    for (const statement::Kind& kind : kinds())
      if (kind.slug == Payload::kind) return kind.replay(db, s);
    return {};
  }
  GateTable table(const std::string& who = "acme.example/log") { return read_gate_table(db, who).value(); }
};

MeterEnd finished(Fate fate) {
  MeterEnd out;
  out.fate = fate;
  out.status = 200;
  out.units = 2;
  return out;
}

const char* serving_text =
    R"({"claim":"c-1","product":"product:glyph","site":"site:hz1","backend":"backend:refrt","address":"127.0.0.1",)"
    R"("port":8080,"model":"glyph","sha256":"","evidence":"","more":[1]})";

}  // namespace

TEST_CASE("route: ids, weights, evidence, reason and deadline are checked") {
  CHECK(slug(good_route(), [](Route&) {}).empty());
  CHECK(slug(good_route(), [](Route& r) { r.targets.clear(); }).empty());
  CHECK(slug(good_route(), [](Route& r) { r.product = "glyph"; }) == "pool.product_id");
  for (const char* claim : {"", "C1", "../x", "a.json", "a/b"})
    CHECK(slug(good_route(), [&](Route& r) { r.targets[0].claim = claim; }) == "pool.claim_id");
  CHECK(slug(good_route(), [](Route& r) { r.targets[0].site = "hz1"; }) == "pool.site_id");
  CHECK(slug(good_route(), [](Route& r) { r.targets[0].backend = "refrt"; }) == "pool.site_id");
  CHECK(slug(good_route(), [](Route& r) { r.targets[0].weight = -1; }) == "pool.weight");
  CHECK(slug(good_route(), [](Route& r) { r.targets[0].weight = 10'001; }) == "pool.weight");
  CHECK(slug(good_route(), [](Route& r) { r.targets[1].claim = "c-1"; }) == "pool.target_twice");
  CHECK(slug(good_route(), [](Route& r) { r.evidence = {"x"}; }) == "pool.evidence_id");
  CHECK(slug(good_route(), [](Route& r) { r.reason = "a\nb"; }) == "pool.reason");
  CHECK(slug(good_route(), [](Route& r) { r.deadline_ms = 0; }) == "pool.deadline");
}

TEST_CASE("api key: id, name, hash, products and limits are checked") {
  CHECK(slug(good_key(), [](ApiKey&) {}).empty());
  CHECK(slug(good_key(), [](ApiKey& k) { k.key = "0123"; }) == "pool.key_id");
  CHECK(slug(good_key(), [](ApiKey& k) { k.name = ""; }) == "pool.key_name");
  CHECK(slug(good_key(), [](ApiKey& k) { k.secret_sha256 = "secret"; }) == "pool.key_hash");
  CHECK(slug(good_key(), [](ApiKey& k) { k.products = {"glyph"}; }) == "pool.product_id");
  CHECK(slug(good_key(), [](ApiKey& k) { k.products.clear(); }) == "pool.product_id");
  CHECK(slug(good_key(), [](ApiKey& k) { k.units_per_minute = -1; }) == "pool.quota");
}

TEST_CASE("api key: its id can be read from the secret, its hash cannot be turned round, and no two are alike") {
  SeededRng rng(3);
  const NewKey one = new_key(rng), two = new_key(rng);
  CHECK(one.secret != two.secret);
  CHECK(key_id_of(one.secret) == one.id);
  CHECK(is_key_id(one.id));
  CHECK(same_digest(secret_hash(one.secret), secret_hash(one.secret)));
  CHECK_FALSE(same_digest(secret_hash(one.secret), secret_hash(two.secret)));
  for (const std::string& bad : {std::string(), one.id, one.secret + "0", "hx" + one.secret.substr(2)})
    CHECK_FALSE(key_id_of(bad));
}

TEST_CASE("replay: a later route replaces, one without targets ends, and each member has its own") {
  Views v;
  REQUIRE(v.say(good_route()));
  Route other = good_route();
  other.targets = {{"c-9", "site:hz9", "backend:ort", 1}};
  REQUIRE(v.say(other, "else.example/log"));
  GateTable t = v.table();
  REQUIRE(t.routes.size() == 1);
  CHECK(to_json(t.routes.at("product:glyph").route) == to_json(good_route()));
  CHECK(v.db.integer("SELECT count(*) FROM public_pool_route").value() == 3);
  REQUIRE(v.say(other));
  CHECK(v.table().routes.at("product:glyph").route.targets.size() == 1);
  other.targets.clear();
  REQUIRE(v.say(other));
  CHECK(v.table().routes.empty());
  CHECK(v.table("else.example/log").routes.size() == 1);
  other.product = "bad";
  CHECK_FALSE(v.say(other));
}

TEST_CASE("replay: a revocation holds, whatever is said of the key before or after, by its own member only") {
  Views v;
  REQUIRE(v.say(ApiKeyRevoked{good_key().key}, "else.example/log"));
  REQUIRE(v.say(good_key()));
  CHECK_FALSE(v.table().keys.at(good_key().key).revoked);
  CHECK(to_json(v.table().keys.at(good_key().key).key) == to_json(good_key()));
  REQUIRE(v.say(ApiKeyRevoked{good_key().key}));
  CHECK(v.table().keys.at(good_key().key).revoked);
  ApiKey again = good_key();
  again.products = {"product:other"};
  REQUIRE(v.say(again));
  CHECK(v.table().keys.at(good_key().key).revoked);
  CHECK(v.table().keys.at(good_key().key).key.products.size() == 1);
  CHECK(v.db.integer("SELECT revoked FROM public_pool_api_key").value() == 1);
  CHECK_FALSE(v.say(ApiKeyRevoked{"x"}));
}

TEST_CASE("serving: what a site writes is read, what is not whole or not in its place is passed over and named") {
  REQUIRE(read_serving(serving_text));
  CHECK(read_serving(serving_text)->port == 8080);
  const std::pair<const char*, const char*> bad[] = {
      {"\"c-1\"", "\"../c\""}, {"product:glyph", "glyph"}, {"site:hz1", "hz1"},
      {"backend:refrt", "x"},  {"127.0.0.1", "localhost"}, {"127.0.0.1", "::1\\u0000"},
      {"8080", "0"},           {"8080", "65536"},          {"8080", "\"80\""},
      {"\"glyph\"", "\"\""},   {"\"glyph\"", "\"a b\""},   {"\"sha256\":\"\"", "\"sha256\":\"x\""}};
  for (const auto& [from, to] : bad) {
    std::string text = serving_text;
    text.replace(text.find(from), std::string_view(from).size(), to);
    CAPTURE(text);
    CHECK(read_serving(text).error().reason->slug == "pool.serving");
  }
  CHECK_FALSE(read_serving(std::string(serving_bytes_max + 1, ' ')));
  const TempDir folder;
  CHECK(read_serving_folder(folder.path() / "none").servers.empty());
  std::ofstream(folder.path() / "c-1.json") << serving_text;
  std::ofstream(folder.path() / "c-2.json") << serving_text;  // another claim's name
  std::ofstream(folder.path() / "c-3.json.tmp") << "half";
  std::ofstream(folder.path() / "c-4.json") << "half";
  const ServingFolder read = read_serving_folder(folder.path());
  CHECK(read.servers.size() == 1);
  CHECK(read.faults.size() == 2);
}

TEST_CASE("journal: lines are there at once, files turn over with their requests whole, and a restart sums them up") {
  const TempDir folder;
  SeededRng rng(5);
  ManualClock clock(1'800'000'000'000);
  const auto open = [&] {
    return MeterJournal::open(folder.path(), rng, clock, {.file_bytes_max = 8192, .sync_ms = 1}).value();
  };
  auto journal = open();
  std::vector<MeterJournal::Ticket> waiting;
  for (int i = 0; i < 200; ++i) {
    auto t = journal->begin("k", i % 2 ? "product:a" : "product:b");
    REQUIRE(t);
    if (i % 40 == 0)
      waiting.push_back(*std::move(t));
    else
      journal->end(*t, finished(Fate::whole));
  }
  MeterSums now = read_meter_folder(folder.path());
  CHECK(now.faults.empty());
  CHECK(now.files > 3);
  REQUIRE(now.usage.size() == 2);
  CHECK(now.usage[0].whole + now.usage[1].whole == 195);
  CHECK(now.usage[1].running == 5);
  journal->end(waiting[0], finished(Fate::cut));  // into the file that its begin stands in
  waiting.erase(waiting.begin());
  journal.reset();  // as a kill: four without an end
  waiting.clear();
  now = read_meter_folder(folder.path());
  CHECK(now.usage[1].running == 0);
  CHECK(now.usage[1].node_died == 4);
  CHECK(now.usage[1].cut == 1);
  journal = open();
  CHECK(journal->faults().empty());
  std::size_t summed = 0;
  for (const auto& e : fs::directory_iterator(folder.path())) summed += e.path().string().ends_with(".sums.json");
  CHECK(summed == static_cast<std::size_t>(now.files));
  const MeterSums again = read_meter_folder(folder.path());
  CHECK(to_json(again.usage) == to_json(now.usage));
  CHECK(journal->begin("k", "product:a"));
  CHECK(journal->good());
  // Lines that are held come with write_lines() and with the journal's own end, in their own files.
  journal.reset();
  journal =
      MeterJournal::open(folder.path(), rng, clock, {.file_bytes_max = 8192, .sync_ms = 1, .hold_lines = true}).value();
  const auto whole = [&] {
    std::int64_t n = 0;
    for (const Usage& u : read_meter_folder(folder.path()).usage) n += u.whole;
    return n;
  };
  const std::int64_t whole_before = whole();
  auto first = journal->begin("k", "product:a").value();
  journal->end(first, finished(Fate::whole));
  CHECK(whole() == whole_before);
  auto second = journal->begin("k", "product:a").value();
  CHECK(whole() == whole_before);
  journal->write_lines();
  CHECK(whole() == whole_before + 1);
  CHECK(journal->begun(second));
  for (int i = 0; i < 100; ++i) {
    auto next = journal->begin("k", "product:b").value();
    journal->end(next, finished(Fate::whole));
  }
  journal->end(second, finished(Fate::whole));  // in a file that is full by now
  journal->write_lines();
  CHECK(whole() == whole_before + 102);
  auto last = journal->begin("k", "product:a").value();
  journal->end(last, finished(Fate::whole));
  journal.reset();
  CHECK(whole() == whole_before + 103);
  journal = open();
  CHECK(journal->faults().empty());
  // A begin that cannot be written refuses its request alone; the end beside it is written, and nothing is torn.
  journal.reset();
  journal = MeterJournal::open(folder.path(), rng, clock, {.sync_ms = 0, .hold_lines = true}).value();
  const std::int64_t whole_by_now = whole();
  auto good = journal->begin("k", "product:a").value();
  journal->write_lines();
  journal->end(good, finished(Fate::whole));
  auto bad = journal->begin(std::string(500, 'k'), "product:a").value();
  auto gone = journal->begin(std::string(500, 'k'), "product:a").value();
  journal->end(gone, finished(Fate::refused));
  {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handled = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit tight{400, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
    journal->write_lines();
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    ::signal(SIGXFSZ, handled);
  }
  CHECK_FALSE(journal->begun(bad));
  CHECK(journal->good());
  CHECK(whole() == whole_by_now + 1);
  auto after = journal->begin("k", "product:a").value();
  journal->write_lines();
  CHECK(journal->begun(after));
  journal->end(after, finished(Fate::whole));
  journal->write_lines();
  CHECK(whole() == whole_by_now + 2);
  // A damaged file is named and keeps nobody from starting.
  std::ofstream(folder.path() / "0-x.meter") << "nonsense\nmore\n";
  CHECK(read_meter_folder(folder.path()).faults.size() == 1);
  journal.reset();
  CHECK(open()->faults().size() == 1);
}
