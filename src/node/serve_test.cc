#include "node/serve.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <thread>

#include "api/route.h"
#include "api/target.h"
#include "crypto/hash.h"
#include "net/client.h"
#include "net/server.h"
#include "node/mount.h"
#include "pool/api_key.h"
#include "pool/kinds.h"
#include "sql/db.h"

using namespace hz;

namespace {

api::Ctx context(const fs::path& home) {
  return {.home = home, .mounted = node::mounted(), .seams = {&system_clock(), &system_rng(), &silent_progress()}};
}

struct World {
  TempDir temp;
  fs::path home = temp.path() / "home";
  api::Ctx ctx = context(home);
  World() { REQUIRE(alliance::Member::create(home, {"Acme", "hezong.example/acme"}, ctx.mounted, ctx.seams)); }
  node::Served serve(node::ServeOptions options = {}) {
    auto served = node::Served::start(options, ctx);
    if (!served) FAIL(served.error().text());
    return *std::move(served);
  }
  std::string token() const {
    std::string text = *read_text(home / "api_token", 1024);
    text.pop_back();
    return text;
  }
  net::Client client(const node::Served& served, bool with_token = true) const {
    net::ClientOptions options{.url = served.file().url};
    if (with_token) options.headers = {{"authorization", "Bearer " + token()}};
    if (served.file().pin) options.pin = *net::parse_pin(*served.file().pin);
    return *net::Client::make(options);
  }
};

json::Value body(const Result<http::Response>& r) {
  REQUIRE(r);
  auto value = json::parse(r->body);
  REQUIRE(value);
  return *value;
}

// A request for the row's route, each placeholder filled.
http::Request request_for(const api::Op& op) {
  const auto space = op.http.find(' ');
  http::Request out{.method = std::string(op.http.substr(0, space))};
  std::string plain;
  bool inside = false;
  for (const char c : op.http.substr(space + 1)) {
    if (c == '{')
      plain += 'x', inside = true;
    else if (c == '}')
      inside = false;
    else if (!inside)
      plain += c;
  }
  out.path = plain;
  return out;
}

}  // namespace

TEST_CASE("routes: every operation can be reached by who may, and by nobody else") {
  const api::Routes routes(node::ops());
  const api::Gate gate{crypto::sha256(as_bytes("token")), {}};
  const auto ask = [&](http::Request request, bool with_token, std::string_view host) {
    std::string_view called;
    request.headers.push_back({"host", std::string(host)});
    if (with_token) request.headers.push_back({"authorization", "Bearer token"});
    const auto response =
        routes.answer(gate, request, [&](const api::Op& op, const json::Value&) -> Result<api::Answer> {
          called = op.id;
          return api::Answer{json::Object{}, ""};
        });
    return std::pair(called, response);
  };
  const auto nothing = ask({"GET", "/v1/nothing/at/all"}, false, "localhost").second;
  int open = 0, closed = 0;
  for (const api::Op* op : node::ops()) {
    if (op->http.empty()) continue;
    CAPTURE(op->id);
    CHECK(op->http.substr(op->http.find(' ') + 1).starts_with("/v1/"));
    const http::Request request = request_for(*op);
    CAPTURE(request.path);
    CHECK(ask(request, true, "localhost").first == op->id);
    const auto stranger = ask(request, false, "localhost");
    if (api::is_open(*op)) {
      ++open;
      CHECK(stranger.first == op->id);
    } else {
      ++closed;
      CHECK(stranger.first.empty());
      CHECK(stranger.second.status == 401);
      CHECK(stranger.second.body == nothing.body);
      CHECK(stranger.second.headers == nothing.headers);
    }
    // Nobody is served through a rebound name, token or not.
    const auto rebound = ask(request, true, "evil.example");
    CHECK(rebound.first.empty());
    CHECK(rebound.second.status == 403);
  }
  CHECK(open >= 4);
  CHECK(closed >= 20);
}

TEST_CASE("serve: the operator reads and signs, a stranger gets what is open and nothing else") {
  World world;
  auto served = world.serve();
  struct stat s{};
  REQUIRE(::stat((world.home / "api_token").c_str(), &s) == 0);
  CHECK((s.st_mode & 0777) == 0600);
  const net::Client mine = world.client(served), stranger = world.client(served, false);
  CHECK(stranger.send({"GET", "/v1/version"})->status == 200);
  CHECK(stranger.send({"GET", "/v1/status"})->status == 401);
  CHECK(stranger.send({"GET", "/metrics"})->status == 404);
  const json::Value status = body(mine.send({"GET", "/v1/status"}));
  CHECK(status.text("member") == "hezong.example/acme");
  CHECK(*status.find("statements")->integer() == 1);
  const std::string site =
      R"({"site":"site:hz1","name":"Hangzhou","jurisdiction":"CN","backend":["backend:refrt"],"price_fen_per_hour_min":100,)"
      R"("price_fen_per_hour_max":200,"switch_minutes_min":5,"switch_minutes_max":15})";
  const auto added = mine.send({"POST", "/v1/pool/sites", "", {{"content-type", "application/json"}}, site});
  REQUIRE(added);
  CAPTURE(added->body);
  CHECK(added->status == 200);
  CHECK(*body(mine.send({"GET", "/v1/status"})).find("statements")->integer() == 2);
  // A stranger cannot make the node hold large bodies, wherever they are sent.
  const std::string large = R"({"site":")" + std::string(100'000, 'x') + "\"}";
  for (const char* path : {"/v1/pool/sites", "/v1/nothing"})
    CHECK(stranger.send({"POST", path, "", {{"content-type", "application/json"}}, large})->status == 413);
  CHECK(mine.send({"POST", "/v1/pool/sites", "", {{"content-type", "application/json"}}, large})->status == 422);
  const auto wrong = mine.send({"GET", "/v1/log/zz"});
  CHECK(wrong->status >= 400);
  CHECK(body(wrong).find("error")->text("reason").find('.') != std::string_view::npos);
  CHECK(mine.send({"GET", "/metrics"})->body.find("hezong_http_requests_total ") != std::string::npos);
  CHECK(served.counters().by_class[5] == 0);
}

TEST_CASE("serve: node.json names the node while it runs; a second one on the folder is refused; then the next may") {
  World world;
  {
    auto served = world.serve();
    const auto file = from_json<node::NodeFile>(*json::parse(*read_text(world.home / "node.json", 10'000)));
    REQUIRE(file);
    CHECK(file->url == served.file().url);
    CHECK(file->pid == ::getpid());
    CHECK_FALSE(file->pin);
    const auto second = node::Served::start({}, world.ctx);
    REQUIRE_FALSE(second);
    CHECK(second.error().reason->slug == "node.up_already");
    CHECK(second.error().detail.find(file->url) != std::string::npos);
  }
  CHECK_FALSE(fs::exists(world.home / "node.json"));
  world.serve();
}

TEST_CASE("serve: a blob goes up under its digest and comes down in parts; strangers cannot tell whether it is there") {
  World world;
  auto served = world.serve();
  const net::Client mine = world.client(served), stranger = world.client(served, false);
  const std::string text(3u << 20, 'b');
  const std::string path = "/blobs/" + hex(crypto::sha256(as_bytes(text)));
  CHECK(mine.send({"GET", path})->status == 404);
  CHECK(mine.send({"PUT", path, "", {}, text})->status == 201);
  CHECK(mine.send({"PUT", path, "", {}, text})->status == 200);
  CHECK(mine.send({"GET", path})->body == text);
  const auto part = mine.send({"GET", path, "", {{"range", "bytes=10-19"}}});
  CHECK(part->status == 206);
  CHECK(part->body == "bbbbbbbbbb");
  CHECK(mine.send({"PUT", "/blobs/" + hex(crypto::sha256(ByteView{}))})->status == 201);
  const auto wrong = mine.send({"PUT", "/blobs/" + std::string(64, '0'), "", {}, text});
  CHECK(wrong->status == 422);
  CHECK(body(wrong).find("error")->text("reason") == "blob.digest");
  CHECK(mine.send({"DELETE", path})->status == 405);
  CHECK(mine.send({"GET", "/blobs/../keys/root"})->status == 404);
  const std::string absent = "/blobs/" + std::string(64, 'a');
  for (const char* method : {"GET", "HEAD", "PUT"}) {
    const auto there = stranger.send({method, path, "", {}, method[0] == 'P' ? "x" : ""});
    const auto not_there = stranger.send({method, absent, "", {}, method[0] == 'P' ? "x" : ""});
    CHECK(there->status == 404);
    CHECK(there->status == not_there->status);
    CHECK(there->body == not_there->body);
  }
}

TEST_CASE("serve: with TLS the pin in node.json is the node's, and stays over restarts") {
  World world;
  std::string pin;
  for (int i = 0; i < 2; ++i) {
    auto served = world.serve({.tls = true});
    REQUIRE(served.file().pin);
    CHECK(served.file().url.starts_with("https://"));
    CHECK(world.client(served).send({"GET", "/v1/status"})->status == 200);
    if (i) CHECK(*served.file().pin == pin);
    pin = *served.file().pin;
  }
}

TEST_CASE("serve: beyond this machine only with TLS; no member and an open token file are refused") {
  World world;
  {
    auto served = world.serve({.listen = "0.0.0.0", .names = {"Node.Example"}});
    CHECK(served.file().url.starts_with("https://Node.Example:"));
  }
  ::chmod((world.home / "api_token").c_str(), 0644);
  CHECK(node::Served::start({}, world.ctx).error().reason->slug == "node.token_file");
  api::Ctx none = context(world.temp.path() / "none");
  CHECK(node::Served::start({}, none).error().reason->slug == "alliance.no_member");
  CHECK_FALSE(fs::exists(world.temp.path() / "none"));
}

TEST_CASE("serve: many at once read and sign: every signature is in the log, nobody sees an error") {
  World world;
  auto served = world.serve();
  const net::Client mine = world.client(served);
  std::atomic<int> bad = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 6; ++i) {
        const std::string site = fmt::format(
            R"({{"site":"site:s{}x{}","name":"S","jurisdiction":"CN","backend":["backend:refrt"],"price_fen_per_hour_min":1,)"
            R"("price_fen_per_hour_max":2,"switch_minutes_min":5,"switch_minutes_max":15}})",
            t, i);
        const auto added = mine.send({"POST", "/v1/pool/sites", "", {{"content-type", "application/json"}}, site});
        if (!added || added->status != 200) {
          ++bad;
          MESSAGE((added ? added->body : added.error().text()));
        }
        const auto status = mine.send({"GET", "/v1/status"});
        if (!status || status->status != 200) {
          ++bad;
          MESSAGE((status ? status->body : status.error().text()));
        }
      }
    });
  for (auto& t : threads) t.join();
  CHECK(bad == 0);
  CHECK(*body(mine.send({"GET", "/v1/status"})).find("statements")->integer() == 25);
}

TEST_CASE("serve: while another node is slow to answer a round, requests that sign do not wait for it") {
  World world;
  // The other node takes every request and answers none before the test says so.
  std::latch asked{1}, answer{1};
  std::atomic<bool> first = true;
  auto slow = net::Server::start({}, {.handle = [&](const http::Request&) -> http::Response {
                                   if (first.exchange(false)) asked.count_down();
                                   answer.wait();
                                   return {.status = 404};
                                 }});
  REQUIRE(slow);
  api::Ctx other = context(world.temp.path() / "other");
  REQUIRE(alliance::Member::create(other.home, {"Other", "hezong.example/other"}, other.mounted, other.seams));
  const auto call = [](api::Ctx& ctx, std::string_view id, const std::string& input) {
    for (const api::Op* op : node::ops())
      if (op->id == id) {
        const auto out = op->call(ctx, json::parse(input).value(), {});
        if (!out) FAIL(out.error().text());
      }
  };
  const std::string invite = (world.temp.path() / "invite").string(), card = (world.temp.path() / "card").string();
  call(world.ctx, "charter.adopt", R"({"name":"Slow"})");
  call(world.ctx, "member.invite", fmt::format(R"({{"out":"{}","url":"http://127.0.0.1:9"}})", invite));
  call(other, "member.join", fmt::format(R"({{"file":"{}","card":"{}","url":"{}"}})", invite, card, slow->url()));
  call(world.ctx, "peer.add", fmt::format(R"({{"file":"{}"}})", card));
  world.ctx = context(world.home);

  auto served = world.serve({.sync_ms = 1});
  asked.wait();
  const std::string site =
      R"({"site":"site:s","name":"S","jurisdiction":"CN","backend":["backend:refrt"],"price_fen_per_hour_min":1,)"
      R"("price_fen_per_hour_max":2,"switch_minutes_min":5,"switch_minutes_max":15})";
  const auto added =
      world.client(served).send({"POST", "/v1/pool/sites", "", {{"content-type", "application/json"}}, site});
  CHECK(served.rounds() == 0);  // it still waits
  answer.count_down();
  REQUIRE(added);
  CHECK(added->status == 200);
}

TEST_CASE("a node that signs all the while finds rows of its views that changed on the disk, and answers right again") {
  World world;
  auto served = world.serve({.scrub = {.mb_per_s = 1000, .core_share = 1, .every_ms = 1, .begin_ms = 0}});
  const net::Client mine = world.client(served);
  int sites = 0;
  const auto add = [&] {
    const std::string site = fmt::format(
        R"({{"site":"site:s{}","name":"S","jurisdiction":"CN","backend":["backend:refrt"],"price_fen_per_hour_min":1,)"
        R"("price_fen_per_hour_max":2,"switch_minutes_min":5,"switch_minutes_max":15}})",
        sites++);
    REQUIRE(mine.send({"POST", "/v1/pool/sites", "", {{"content-type", "application/json"}}, site})->status == 200);
  };
  const auto metric = [&](const std::string& name) {
    const std::string all = mine.send({"GET", "/metrics"})->body;
    const auto at = all.find("\n" + name + " ");
    REQUIRE(at != std::string::npos);
    return std::strtoll(all.c_str() + at + name.size() + 2, nullptr, 10);
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto until = [&](const auto& ready) {
    while (!ready() && std::chrono::steady_clock::now() < end) add();
    CHECK(ready());
  };
  until([&] { return metric("hezong_scrub_views_compared") > 5; });
  CHECK(metric("hezong_scrub_views_replaced_total") == 0);  // it moved on all the while, and nothing was wrong
  {
    sql::Db db = sql::Db::open(world.home / "views.sqlite", sql::Mode::scratch).value();
    REQUIRE(db.exec("UPDATE pool_site SET jurisdiction = 'XX' WHERE site = 'site:s0'"));
  }
  until([&] { return metric("hezong_scrub_views_replaced_total") > 0; });
  CHECK(metric("hezong_scrub_damage") == 0);
  const json::Value status = body(mine.send({"GET", "/v1/status"}));
  CHECK(*status.find("statements")->integer() == 1 + sites);
  served.stop();
  alliance::Member member = alliance::Member::open(world.home, world.ctx.mounted, world.ctx.seams).value();
  sql::Db& views = *member.views().value();
  CHECK(views.integer("SELECT count(*) FROM public_pool_site WHERE jurisdiction = 'CN'").value() == sites);
}

TEST_CASE("what the gateway goes by is read again when the views were replaced") {
  World world;
  const pool::NewKey key = pool::new_key(system_rng());
  {
    auto member = alliance::Member::open(world.home, world.ctx.mounted, world.ctx.seams).value();
    REQUIRE(member.append(
        alliance::draft(pool::ApiKey{key.id, "shop", hex(pool::secret_hash(key.secret)), {"product:p"}, 0, 0, 0})));
    REQUIRE(member.views().value()->exec("UPDATE pool_api_key SET expires_ms = 1"));
  }
  const auto status = [&](const node::Served& served) {
    const net::Client client =
        net::Client::make({.url = served.file().url, .headers = {{"authorization", "Bearer " + key.secret}}}).value();
    return client.send({"GET", "/v2/models/p/ready"})->status;
  };
  {
    auto served = world.serve({.scrub = {.mb_per_s = 0}});
    CHECK(status(served) == 401);  // said to be expired
    served.stop();
  }
  auto served = world.serve({.scrub = {.mb_per_s = 1000, .core_share = 1, .every_ms = 1, .begin_ms = 0}});
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (status(served) == 401 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  CHECK(status(served) == 404);  // the key is good, and the product is not there
}
