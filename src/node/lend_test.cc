// The owner's side of lent capacity over real logs: who is granted what, who hears of it, and when it ends.
#include <doctest/doctest.h>

#include "alliance/charter.h"
#include "alliance/keys.h"
#include "alliance/peers.h"
#include "api/op.h"
#include "blob/store.h"
#include "crypto/hash.h"
#include "node/lend_out.h"
#include "node/mount.h"
#include "node/peer_call.h"
#include "node/peer_desk.h"
#include "pool/kinds.h"
#include "pool/taken.h"
#include "share/kinds.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::alliance;

namespace {

const std::string weights = "weights of a model";
const std::string digest = hex(crypto::sha256(as_bytes(weights)));

// The hall lends; the lab and the spy are members too.
struct Town {
  TempDir dir;
  ManualClock clock{1795442706123};
  SeededRng rng{9};
  std::vector<std::string> names{"hall", "lab", "spy"};

  Seams seams() { return {&clock, &rng, &silent_progress()}; }
  static std::string origin(const std::string& name) { return name + ".example/log"; }
  fs::path home(const std::string& name) { return dir.path() / name; }
  Member open(const std::string& name) { return Member::open(home(name), node::mounted(), seams()).value(); }
  template <class Said>
  Receipt say(const std::string& by, const Said& said) {
    return open(by).append(draft(said)).value();
  }

  Town() {
    for (const std::string& name : names)
      REQUIRE(Member::create(home(name), {name, origin(name)}, node::mounted(), seams()));
    {
      Member hall = open("hall");
      REQUIRE(hall.append(draft(default_charter("Town", hall.origin()))));
      for (const char* name : {"lab", "spy"}) {
        Member m = open(name);
        REQUIRE(m.append(draft(JoinRequest{hall.origin(), "", "", "", "", ""})));
        REQUIRE(hall.append(draft(Admit{m.origin(), root_fingerprint(m.authority().genesis), "member", 0, "", ""})));
      }
    }
    say("hall", pool::Site{"site:hall", "Hall", "unknown", "CN", {{"backend:refrt", 1, 2, 1, 2}}});
    lend("nobody");
    offer("members");
    copy();
  }
  void lend(std::string_view user) {
    const std::string text =
        fmt::format(R"({{"sites":[{{"site":"site:hall","adapter":"local","lend_user":"{}"}}]}})", user);
    REQUIRE(write_file_durably(home("hall") / "sites.json", as_bytes(text)));
  }
  void offer(const std::string& to, std::int64_t count = 1) {
    say("hall",
        pool::Capacity{
            "o1", "site:hall", "cpu", count, 0, {5, 6, 7}, to, clock.now_ms(), clock.now_ms() + 3'600'000, 10'000});
  }
  void release(const std::string& by, const std::string& audience) {
    say(by, share::Release{.sha256 = digest,
                           .name = "model",
                           .licence = "MIT",
                           .audience = audience,
                           .size_bytes = static_cast<std::int64_t>(weights.size()),
                           .media_type = "application/x-model",
                           .control = share::Control::none});
  }
  std::string claim(const std::string& by, const std::string& id) {
    pool::Claim said{id,
                     origin("hall"),
                     "o1",
                     "product:glyph",
                     "backend:refrt",
                     digest,
                     {},
                     1,
                     clock.now_ms(),
                     clock.now_ms() + 600'000,
                     {},
                     {},
                     ""};
    say(by, said);
    copy();
    return pool::lease_id(origin(by), id);
  }
  void copy() {
    for (const std::string& from : names)
      for (const std::string& to : names) {
        if (from == to) continue;
        const fs::path folder = peer_folder(home(to), origin(from));
        fs::remove_all(folder);
        fs::create_directories(folder);
        for (const auto& file : fs::directory_iterator(home(from) / "log"))
          fs::copy_file(file.path(), folder / file.path().filename(), fs::copy_options::overwrite_existing);
      }
  }
  node::LendOut out() { return node::LendOut({home("hall"), {}, &clock}, clock); }
  void answer() {
    Member hall = open("hall");
    node::LendOut desk = out();
    REQUIRE(desk.answer_claims(hall));
  }
  std::string text(const std::string& of, std::string_view query) {
    Member m = open(of);
    return m.views().value()->text(query).value().value_or("(none)");
  }
  std::string refused(const std::string& lease) {
    return text("hall", "SELECT refused FROM public_pool_lease WHERE lease = '" + lease + "'");
  }
};

}  // namespace

TEST_CASE("lending: a claim is granted once, and only owner and consumer can read its credential") {
  Town t;
  t.release("lab", "members");
  const std::string lease = t.claim("lab", "c1");
  t.answer();
  t.answer();  // nothing waits any more
  CHECK(t.refused(lease).empty());
  CHECK(t.text("hall", "SELECT count(*) FROM public_pool_lease") == "1");
  const std::string secret = t.text("hall", "SELECT secret FROM pool_lease_access");
  CHECK(secret.starts_with("hz_"));
  t.copy();
  CHECK(t.text("lab", "SELECT secret FROM pool_lease_access") == "(none)");  // the body is not here yet
  for (const std::string reader : {"lab", "spy"}) {
    std::vector<std::string> blobs;
    Member m = t.open(reader);
    REQUIRE(m.views().value()->query("SELECT blob FROM public_alliance_sealed_blob", {}, [&](const sql::Row& r) {
      blobs.push_back(r.text(0));
      return true;
    }));
    REQUIRE(blobs.size() == 1);
    const auto bytes = t.open("hall").blobs().get(parse_digest(blobs[0]).value(), 1 << 20).value();
    REQUIRE(m.blobs().put(bytes));
    REQUIRE(m.note_bodies_changed());
  }
  CHECK(t.text("lab", "SELECT secret FROM pool_lease_access") == secret);
  CHECK(t.text("spy", "SELECT secret FROM pool_lease_access") == "(none)");  // though it has the bytes
}

TEST_CASE("lending: refused without a release to both, outside the audience, without an account, without a device") {
  Town t;
  CHECK((t.release("lab", "owner"), t.claim("lab", "c1"), t.answer(),
         t.refused(pool::lease_id("lab.example/log", "c1"))) == "pool.lease_model");
  // Somebody's private model that the hall may have: the lab cannot have it served by naming its digest.
  t.release("spy", "bilateral:hall.example/log,spy.example/log");
  const std::string second = t.claim("lab", "c2");
  REQUIRE(t.open("hall").blobs().put(as_bytes(weights)));
  t.answer();
  CHECK(t.refused(second) == "pool.lease_model");
  const std::string spys = t.claim("spy", "c1");
  t.answer();
  CHECK(t.refused(spys).empty());

  t.release("lab", "members");
  const std::string third = t.claim("lab", "c3");
  t.answer();
  CHECK(t.refused(third) == "pool.offer_taken");
  t.offer("bilateral:hall.example/log,spy.example/log", 5);
  const std::string fourth = t.claim("lab", "c4");
  t.answer();
  CHECK(t.refused(fourth) == "pool.offer_gone");
  t.offer("members", 5);
  t.lend("");
  const std::string fifth = t.claim("lab", "c5");
  t.answer();
  CHECK(t.refused(fifth) == "pool.lease_user");
}

TEST_CASE("lending: a claim is made only where it may be, under one member's offer, and under a name of its own") {
  Town t;
  const auto take = [&](auto change, std::optional<std::string> owner = {}) -> std::string_view {
    pool::TakeIn in{"o1",
                    std::move(owner),
                    {"c1",
                     "",
                     "",
                     "product:glyph",
                     "backend:refrt",
                     digest,
                     {},
                     1,
                     t.clock.now_ms(),
                     t.clock.now_ms() + 600'000,
                     {},
                     {},
                     ""}};
    change(in.claim);
    api::Ctx ctx{.home = t.home("lab"), .mounted = node::mounted(), .seams = t.seams()};
    const auto done = pool::take(ctx, std::move(in));
    return done ? "" : done.error().reason->slug;
  };
  CHECK(take([](pool::Claim& c) { c.jurisdictions = {"SG"}; }) == "pool.place_jurisdiction");
  CHECK(take([](pool::Claim& c) { c.jurisdictions = {"CN"}; }) == "pool.place_jurisdiction");  // of whom, is unknown
  CHECK(take([](pool::Claim& c) { c.data_at = {"site:other"}; }) == "pool.place_data");
  CHECK(take([](pool::Claim& c) { c.backend = "backend:ort"; }) == "pool.offer_backend");
  CHECK(take([](pool::Claim& c) { c.from_ms = 1; }) == "pool.offer_window");
  CHECK(take([](pool::Claim&) {}, "spy.example/log") == "pool.offer_gone");
  t.say("spy", pool::Site{"site:spy", "Spy", "unknown", "CN", {{"backend:refrt", 1, 2, 1, 2}}});
  t.say("spy", pool::Capacity{"o1", "site:spy", "cpu", 1, 0, {}, "members", 0, t.clock.now_ms() + 3'600'000, 0});
  t.copy();
  CHECK(take([](pool::Claim&) {}) == "pool.offer_ambiguous");
  CHECK(take([](pool::Claim& c) { c.data_at = {"hall.example/log"}; }, "hall.example/log").empty());
  CHECK(take([](pool::Claim&) {}, "hall.example/log") == "pool.claim_conflict");
}

TEST_CASE("lending: how a server is hears its consumer, and for everybody else there is nothing") {
  Town t;
  t.release("lab", "members");
  const std::string lease = t.claim("lab", "c1");
  t.answer();
  t.copy();
  Member hall = t.open("hall");
  node::LendOut out = t.out();
  REQUIRE(out.end_leases(hall).value().empty());
  for (const std::string& path : {"/lease/" + lease, "/lease/" + lease + "/log"}) {
    CHECK(out.answer({.path = path}, "lab.example/log"));
    for (const std::string other : {"spy.example/log", "hall.example/log", ""})
      CHECK_FALSE(out.answer({.path = path}, other));
  }
  CHECK_FALSE(out.answer({.path = "/lease/l-none"}, "lab.example/log"));
  CHECK_FALSE(out.answer({.method = "POST", .path = "/lease/" + lease}, "lab.example/log"));

  node::PeerDesk desk = node::PeerDesk::open(hall).value();
  const auto ask = [&](const std::string& from, const std::string& path) {
    http::Request request{.path = path};
    const auto key = load_key(t.open(from).keys_folder(), Role::author).value();
    node::sign_peer_call(request, Town::origin(from), "hall.example/log", t.clock.now_ms() / 1000, key.key);
    const http::Response said = desk.answer(request);
    return fmt::format("{} {}", said.status, said.body);
  };
  CHECK(ask("lab", "/lease/" + lease).starts_with("404"));  // a desk that lends nothing
  desk.lend([&](const http::Request& request, std::string_view caller) { return out.answer(request, caller); });
  const std::string said = ask("lab", "/lease/" + lease);
  CHECK(said.starts_with("200"));
  CHECK(pool::read_heard(said.substr(4)).value().observed.state == pool::JobState::queued);
  CHECK(ask("spy", "/lease/" + lease) == ask("spy", "/lease/l-none"));
  CHECK(ask("spy", "/lease/" + lease).starts_with("404"));
  // Where it runs at the hall is told to nobody.
  CHECK(said.find("127.0.0.1") == std::string::npos);
}

TEST_CASE("lending: a lease ends at its recall, not before; one that is given up keeps its server for a goodbye") {
  Town t;
  t.offer("members", 2);
  t.release("lab", "members");
  const std::string first = t.claim("lab", "c1"), second = t.claim("lab", "c2");
  t.answer();
  const std::int64_t now = t.clock.now_ms();
  t.say("hall", pool::Recall{first, now, now + 10'000, ""});
  t.say("lab", pool::LeaseEnd{"hall.example/log", second, now, ""});
  t.copy();
  Member hall = t.open("hall");
  node::LendOut out = t.out();
  CHECK(out.end_leases(hall).value().empty());
  t.clock.advance_ms(node::goodbye_ms);
  auto said = out.end_leases(hall).value();
  REQUIRE(said.size() == 1);
  CHECK(said[0].body.text("lease") == second);
  REQUIRE(hall.append(said));
  t.clock.advance_ms(9'999 - node::goodbye_ms);
  CHECK(out.end_leases(hall).value().empty());
  t.clock.advance_ms(1);
  said = out.end_leases(hall).value();
  REQUIRE(said.size() == 1);
  CHECK(said[0].body.text("lease") == first);
  CHECK(said[0].body.text("reason") == "recalled");
  REQUIRE(hall.append(said));
  CHECK(out.end_leases(hall).value().empty());
}
