// The gateway's rules without sockets: who may call what, how each protocol says no, and where a request goes.
#include "node/gateway.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "node/openai_body.h"
#include "pool/api_key.h"

using namespace hz;
using namespace hz::node;

namespace {

struct World {
  TempDir folder;
  SeededRng rng{1};
  ManualClock clock{1'800'000'000'000};
  std::unique_ptr<pool::MeterJournal> journal =
      pool::MeterJournal::open(folder.path(), rng, clock, {.file_bytes_max = 1 << 20, .sync_ms = 0}).value();
  Gateway gateway{*journal, clock, clock, {.body_bytes_max = 1000, .bodies_bytes_max = 2500}};
  pool::GateTable said;
  std::vector<pool::Serving> servers;

  World() {
    route("product:glyph", {{"c1", "site:a", "backend:refrt", 1}, {"c2", "site:b", "backend:opencv", 1}});
    route("product:chat", {{"c3", "site:a", "backend:vllm", 1}});
    for (int i = 1; i <= 3; ++i) serve(i);
  }
  void route(const std::string& product, std::vector<pool::Target> targets) {
    auto& r = said.routes[product];
    r.statement = std::string(64, 'a');
    r.route = {product, std::move(targets), {std::string(64, 'e')}, "", 1'000};
  }
  void serve(int i) {
    const bool chat = i == 3;
    servers.push_back({fmt::format("c{}", i), chat ? "product:chat" : "product:glyph", i == 2 ? "site:b" : "site:a",
                       chat     ? "backend:vllm"
                       : i == 2 ? "backend:opencv"
                                : "backend:refrt",
                       "127.0.0.1", static_cast<std::uint16_t>(i), chat ? "org/model" : "m 1", "", ""});
  }
  void use() { gateway.use(make_gateway_table(said, servers)); }
  std::string key(std::vector<std::string> products, pool::Quota quota = {}, std::int64_t expires_ms = 0) {
    const pool::NewKey made = pool::new_key(rng);
    said.keys[made.id] = {{made.id, "k", hex(pool::secret_hash(made.secret)), std::move(products),
                           quota.requests_per_minute, quota.units_per_minute, expires_ms},
                          false,
                          "s"};
    return made.secret;
  }
  static http::Request request(std::string method, std::string path, const std::string& secret, std::string body = {}) {
    http::Request out{.method = std::move(method), .path = std::move(path)};
    if (!secret.empty()) out.headers.push_back({"authorization", "Bearer " + secret});
    if (!body.empty()) out.headers.push_back({"content-length", std::to_string(body.size())});
    out.body = std::move(body);
    return out;
  }
  // The answer to what is refused, or answered here.
  http::Response answer(const http::Request& r) {
    auto got = gateway.passage(r);
    if (!got) return got.error();
    REQUIRE(*got);
    (*got)->arrived(r);
    REQUIRE_FALSE((*got)->next());
    return (*got)->refusal();
  }
  // The first try of what is passed on, ended as told.
  net::Upstream pass(const http::Request& r, net::Tried tried = {.status = 200}) {
    auto got = gateway.passage(r);
    REQUIRE(got);
    REQUIRE(*got);
    (*got)->arrived(r);
    const auto to = (*got)->next();
    REQUIRE(to);
    (*got)->ended(tried);
    net::Upstream out = *to;
    out.body = nullptr;
    return out;
  }
  pool::MeterSums sums() { return pool::read_meter_folder(folder.path()); }
};

std::string error_of(const http::Response& r) { return std::string(json::parse(r.body)->text("error")); }
std::string code_of(const http::Response& r) {
  const auto body = json::parse(r.body);
  REQUIRE(body);
  REQUIRE(body->find("error"));
  return std::string(body->find("error")->text("code"));
}
const char* infer = "/v2/models/glyph/infer";
const char* chat = "/v1/chat/completions";

}  // namespace

TEST_CASE("gateway: a key calls the products it names, under either name, and is told where the answer came from") {
  World w;
  const std::string key = w.key({"product:glyph"});
  w.use();
  for (const char* path : {infer, "/v2/models/product:glyph/infer", "/v2/models/product%3Aglyph/infer"}) {
    const net::Upstream to = w.pass(World::request("POST", path, key, "{}"));
    CHECK(to.path == "/v2/models/m%201/infer");
    CHECK(http::header(to.shown, "hezong-route") == std::string(64, 'a'));
    CHECK(http::header(to.shown, "hezong-evidence") == std::string(64, 'e'));
    CHECK(http::header(to.shown, "hezong-site").starts_with("site:"));
    CHECK(http::header(to.headers, "hezong-attempt").ends_with("-1"));
  }
  CHECK(w.pass(World::request("GET", "/v2/models/glyph/versions/7", key)).path == "/v2/models/m%201/versions/7");
  http::Request query = World::request("POST", infer, key, "{}");
  query.query = "x=1";
  CHECK(w.pass(query).path == "/v2/models/m%201/infer?x=1");
  const auto sums = w.sums();
  REQUIRE(sums.usage.size() == 1);
  CHECK(sums.usage[0].whole == 5);
  CHECK(sums.usage[0].units == 4);  // metadata cost nothing
}

TEST_CASE("gateway: no key, a wrong key, a revoked key and an expired key are refused in the protocol's own form") {
  World w;
  const std::string good = w.key({"product:glyph"});
  const std::string revoked = w.key({"product:glyph"});
  w.said.keys[std::string(*pool::key_id_of(revoked))].revoked = true;
  const std::string brief = w.key({"product:glyph"}, {}, w.clock.now_ms() + 10);
  w.use();
  std::string wrong = good;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  for (const std::string& key : {std::string(), wrong, revoked, std::string("hz_"), std::string(200, 'x')}) {
    const http::Response oip = w.answer(World::request("POST", infer, key, "{}"));
    CHECK(oip.status == 401);
    CHECK(http::header(oip.headers, "www-authenticate") == "Bearer");
    CHECK(error_of(oip).find("API key") != std::string::npos);
    CHECK(code_of(w.answer(World::request("POST", chat, key, "{}"))) == "invalid_api_key");
  }
  w.pass(World::request("POST", infer, brief, "{}"));
  w.clock.advance_ms(10);
  CHECK(code_of(w.answer(World::request("POST", chat, brief, "{}"))) == "expired_api_key");
  w.pass(World::request("POST", infer, good, "{}"));
}

TEST_CASE("gateway: a product that is not there and one that the key may not call cannot be told apart") {
  World w;
  const std::string key = w.key({"product:glyph", "product:never"});
  w.use();
  std::set<std::string> bodies;
  for (const char* product : {"chat", "nothing", "never", "product:chat", "%ff", ""}) {
    const http::Response r = w.answer(World::request("POST", fmt::format("/v2/models/{}/infer", product), key, "{}"));
    CHECK(r.status == 404);
    bodies.insert(r.body);
    CHECK(w.answer(World::request("GET", fmt::format("/v2/models/{}/ready", product), key)).body == r.body);
  }
  CHECK(bodies.size() == 1);
  bodies.clear();
  for (const char* product : {"chat", "nothing"}) {
    const http::Response r = w.answer(World::request("POST", chat, key, fmt::format(R"({{"model":"{}"}})", product)));
    CHECK(r.status == 404);
    CHECK(code_of(r) == "model_not_found");
    bodies.insert(r.body);
  }
  CHECK(bodies.size() == 1);
  const std::string list = w.answer(World::request("GET", "/v1/models", key)).body;
  CHECK(list.find("\"glyph\"") != std::string::npos);
  CHECK(list.find("chat") == std::string::npos);
  CHECK(list.find("never") == std::string::npos);
  CHECK(w.answer(World::request("GET", "/v1/models/glyph", key)).status == 200);
  CHECK(w.answer(World::request("GET", "/v1/models/chat", key)).status == 404);
}

TEST_CASE("gateway: paths and methods; the node's own operations are not the gateway's") {
  World w;
  const std::string key = w.key({"product:glyph"});
  CHECK(w.answer(World::request("GET", "/v2/health/ready", "")).status == 503);
  w.use();
  CHECK(w.answer(World::request("GET", "/v2/health/live", "")).body == "{\"live\":true}");
  CHECK(w.answer(World::request("GET", "/v2/health/ready", "")).status == 200);
  CHECK(json::parse(w.answer(World::request("GET", "/v2", "")).body)->text("name") == "hezong");
  CHECK(w.answer(World::request("GET", "/v2/models/glyph/ready", key)).status == 200);
  const http::Response wrong = w.answer(World::request("GET", infer, key));
  CHECK(wrong.status == 405);
  CHECK(http::header(wrong.headers, "allow") == "POST");
  CHECK(w.answer(World::request("DELETE", "/v1/models", key)).status == 405);
  for (const char* path : {"/v2/repository/index", "/v2/models/glyph/load", "/v2/models/glyph/versions//infer",
                           "/v2/models/glyph/versions/1/x", "/v1/models/a/b"})
    CHECK(w.answer(World::request("POST", path, key)).status == 404);
  for (const char* path :
       {"/v1/status", "/v1/pool/keys", "/v1/modelsx", "/v1/chat", "/blobs/x", "/", "/v20", "/v2x/health"}) {
    const auto got = w.gateway.passage(World::request("GET", path, key));
    CHECK((got && !*got));
    CHECK_FALSE(Gateway::is_for(World::request("GET", path, key)));
  }
}

TEST_CASE("gateway: quotas count requests and units as they are reserved, and say when to come again") {
  World w;
  const std::string two = w.key({"product:glyph"}, {.requests_per_minute = 2});
  const std::string tokens = w.key({"product:chat"}, {.units_per_minute = 100});
  w.use();
  w.pass(World::request("POST", infer, two, "{}"));
  {
    const http::Request r = World::request("POST", infer, two, "{}");
    const auto waiting = w.gateway.passage(r);  // reserved, its body still to come
    REQUIRE(waiting);
    const http::Response full = w.answer(r);
    CHECK(full.status == 429);
    const std::int64_t left_s = (60'000 - w.clock.now_ms() % 60'000 + 999) / 1000;
    CHECK(http::header(full.headers, "retry-after") == std::to_string(left_s));
  }
  w.pass(World::request("POST", infer, two, "{}"));  // the body never came: given back
  CHECK(w.answer(World::request("POST", infer, two, "{}")).status == 429);
  w.clock.advance_ms(60'000);
  w.pass(World::request("POST", infer, two, "{}"));

  // 90 for the answer and 10 for the prompt; then what was used.
  const std::string body = R"({"model":"chat","max_tokens":90})";
  const http::Request r = World::request("POST", chat, tokens, body);
  auto first = w.gateway.passage(r);
  (*first)->arrived(r);
  REQUIRE((*first)->next());
  CHECK(code_of(w.answer(r)) == "rate_limit_exceeded");
  (*first)->saw(R"({"choices":[],"usage":{"prompt_tokens":3,"total_to)");
  (*first)->saw("kens\": 5}}");
  (*first)->ended({.status = 200});
  auto second = w.gateway.passage(r);
  (*second)->arrived(r);
  REQUIRE_FALSE((*second)->next());  // 5 used, 98 wanted
  const http::Request small = World::request("POST", chat, tokens, R"({"model":"chat","max_tokens":50})");
  w.pass(small, {.end = net::TryEnd::cut, .status = 200});
  std::int64_t units = 0;
  for (const pool::Usage& u : w.sums().usage)
    if (u.product == "product:chat") units += u.units;
  CHECK(units > 5);  // a cut answer costs what came of it
}

TEST_CASE(
    "gateway: weights share, a failed try goes elsewhere, and what is told of a server is kept by (site, claim)") {
  World w;
  const std::string key = w.key({"product:glyph"});
  w.use();
  const http::Request r = World::request("POST", infer, key, "{}");
  std::map<int, int> ports;
  for (int i = 0; i < 10; ++i) ++ports[w.pass(r).port];
  CHECK(ports == std::map<int, int>{{1, 5}, {2, 5}});
  const auto one = [&](int dead) {
    auto p = w.gateway.passage(r);
    (*p)->arrived(r);
    int tries = 0;
    for (auto to = (*p)->next(); to; to = (*p)->next()) {
      ++tries;
      (*p)->ended({.end = to->port == dead ? net::TryEnd::unreachable : net::TryEnd::whole, .status = 200});
      if (to->port != dead) return tries;
    }
    (void)(*p)->refusal();
    return 0;
  };
  int tries = 0;
  for (int i = 0; i < 40; ++i) {
    const int n = one(1);
    CHECK(n > 0);
    tries += n;
  }
  CHECK(tries == 45);  // five in a row, then the breaker is open
  CHECK(w.gateway.counts().open == 1);
  w.use();  // a new table changes nothing about that
  for (int i = 0; i < 10; ++i) CHECK(one(1) == 1);
  w.clock.advance_ms(1'000);
  int probes = 0;
  for (int i = 0; i < 10; ++i) probes += one(1) == 2;
  CHECK(probes == 1);
  w.clock.advance_ms(2'000);
  ports.clear();
  for (int i = 0; i < 10; ++i) ++ports[w.pass(r).port];
  CHECK(ports.size() == 2);
  // Both are down: refused, in the meter too.
  auto p = w.gateway.passage(r);
  (*p)->arrived(r);
  while ((*p)->next()) (*p)->ended({.end = net::TryEnd::closed});
  const http::Response refused = (*p)->refusal();
  CHECK(refused.status == 502);
  CHECK(http::header(refused.headers, "retry-after") == "1");
  CHECK(w.sums().usage[0].refused == 1);
}

TEST_CASE("gateway: only servers that the route names take part, and only while their site says so") {
  World w;
  const std::string key = w.key({"product:glyph"});
  const http::Request r = World::request("POST", infer, key, "{}");
  w.servers = {};
  w.use();
  CHECK(w.answer(r).status == 503);
  CHECK(w.answer(World::request("GET", "/v2/models/glyph/ready", key)).status == 503);
  w.serve(1);
  for (const auto change : {0, 1, 2, 3}) {
    auto servers = w.servers;
    if (change == 0) servers[0].product = "product:chat";
    if (change == 1) servers[0].site = "site:b";
    if (change == 2) servers[0].backend = "backend:opencv";
    if (change == 3) servers[0].claim = "c9";
    w.gateway.use(make_gateway_table(w.said, servers));
    CHECK(w.answer(r).status == 503);
  }
  w.use();
  CHECK(w.pass(r).port == 1);
}

TEST_CASE("gateway: an answer that says the server is out of order is not taken while another may do better") {
  World w;
  const std::string key = w.key({"product:glyph"});
  w.use();
  const http::Request r = World::request("POST", infer, key, "{}");
  auto p = w.gateway.passage(r);
  (*p)->arrived(r);
  REQUIRE((*p)->next());
  CHECK((*p)->takes(200));
  CHECK((*p)->takes(400));
  CHECK((*p)->takes(500));  // the input's fault as likely as the server's
  for (const int status : {404, 429, 502, 503, 504}) CHECK_FALSE((*p)->takes(status));
  (*p)->ended({.end = net::TryEnd::declined, .status = 503});
  REQUIRE((*p)->next());
  CHECK((*p)->takes(503));  // nobody is left
  (*p)->ended({.status = 503});
  const http::Request versioned = World::request("POST", "/v2/models/glyph/versions/9/infer", key, "{}");
  auto q = w.gateway.passage(versioned);
  (*q)->arrived(versioned);
  REQUIRE((*q)->next());
  CHECK((*q)->takes(404));  // the client named a version that is not there
  (*q)->ended({.status = 404});
}

TEST_CASE("gateway: a client cannot take a server away from the others") {
  World w;
  const std::string key = w.key({"product:glyph", "product:chat"});
  w.use();
  http::Request hurry = World::request("POST", infer, key, "{}");
  hurry.headers.push_back({"hezong-deadline-ms", "1"});
  for (int i = 0; i < 20; ++i) {
    w.pass(hurry, {.end = net::TryEnd::late});
    w.pass(hurry, {.end = net::TryEnd::unreachable});
    w.pass(hurry, {.end = net::TryEnd::client_gone});
    w.pass(World::request("POST", infer, key, "bad"), {.status = 500});
    w.pass(World::request("POST", "/v2/models/glyph/versions/9/infer", key, "{}"), {.status = 404});
    w.pass(World::request("POST", "/v1/embeddings", key, R"({"model":"chat"})"), {.status = 404});
  }
  CHECK(w.gateway.counts().open == 0);
  for (int i = 0; i < 10; ++i) w.pass(World::request("POST", infer, key, "{}"), {.status = 404});
  CHECK(w.gateway.counts().open == 2);
}

TEST_CASE("gateway: deadlines are the smaller of the route's and the client's, over all tries") {
  World w;
  const std::string key = w.key({"product:glyph"});
  w.use();
  http::Request r = World::request("POST", infer, key, "{}");
  CHECK(w.pass(r).first_byte_ms_max == 1'000);
  r.headers.push_back({"hezong-deadline-ms", "300"});
  auto p = w.gateway.passage(r);
  (*p)->arrived(r);
  CHECK((*p)->next()->first_byte_ms_max == 300);
  w.clock.advance_ms(100);
  (*p)->ended({.end = net::TryEnd::closed});
  const auto to = (*p)->next();
  CHECK(to->first_byte_ms_max == 200);
  CHECK(http::header(to->headers, "hezong-deadline-ms") == "200");
  w.clock.advance_ms(200);
  (*p)->ended({.end = net::TryEnd::late});
  CHECK_FALSE((*p)->next());
  CHECK((*p)->refusal().status == 504);
  r.headers.back().value = "soon";
  CHECK(w.answer(r).status == 400);
}

TEST_CASE("gateway: bodies have a limit each and a limit together") {
  World w;
  const std::string key = w.key({"product:glyph"});
  w.use();
  CHECK(w.answer(World::request("POST", infer, key, std::string(1001, 'x'))).status == 413);
  const http::Request r = World::request("POST", infer, key, std::string(1000, 'x'));
  {
    const auto one = w.gateway.passage(r), two = w.gateway.passage(r);
    REQUIRE(two);
    const http::Response full = w.answer(r);
    CHECK(full.status == 503);
    CHECK(http::header(full.headers, "retry-after") == "1");
  }
  CHECK(w.gateway.bodies_bytes() == 0);
  w.pass(r);
}

TEST_CASE("gateway: a text product is named in the body, and its server sees its own name") {
  World w;
  const std::string key = w.key({"product:chat"});
  w.use();
  const http::Request r =
      World::request("POST", chat, key, R"({"messages":[{"model":"x"}], "model" : "ch\u0061t","stream":true})");
  auto p = w.gateway.passage(r);
  (*p)->arrived(r);
  const auto to = (*p)->next();
  REQUIRE(to);
  CHECK(to->path == chat);
  CHECK(*to->body == R"({"messages":[{"model":"x"}], "model" : "org/model","stream":true})");
  (*p)->saw("data: {}\n\ndata: {}\r\n\r");
  (*p)->saw("\ndata: [DONE]\n\n");
  (*p)->ended({.status = 200});
  CHECK(w.sums().usage[0].units == tokens_estimate(r.body.size()) + 3);
  for (const char* bad : {"", "[]", "{", "{}", R"({"model":1})", R"({"model":"chat","model":"glyph"})",
                          R"({"model":"chat","mod\u0065l":"glyph"})", R"({"model":"chat"}x)", R"({"model":"chat",})",
                          "{\"model\":\"\xff\"}", R"({"model":"chat","x":[})"}) {
    CAPTURE(bad);
    const http::Response no = w.answer(World::request("POST", chat, key, bad));
    CHECK(no.status == 400);
    CHECK(json::parse(no.body));
  }
}

TEST_CASE("gateway: what cannot be metered is not taken") {
  World w;
  const std::string key = w.key({"product:glyph"});
  w.use();
  std::error_code ignored;
  fs::remove_all(w.folder.path(), ignored);
  CHECK(w.answer(World::request("POST", infer, key, "{}")).status == 503);
  fs::create_directories(w.folder.path());
  w.pass(World::request("POST", infer, key, "{}"));
}

TEST_CASE("gateway: a lease's credential calls its server and nothing else, and ends with the lease") {
  World w;
  const std::string lent = pool::new_key(w.rng).secret, other = pool::new_key(w.rng).secret;
  w.said.lent = {{"l-1", "product:glyph", "site:a", "backend:refrt", lent, "s1", w.clock.now_ms() + 5'000},
                 {"l-2", "product:glyph", "site:a", "backend:refrt", other, "s2", w.clock.now_ms() + 5'000}};
  w.servers.push_back({"l-1", "product:glyph", "site:a", "backend:refrt", "127.0.0.1", 9, "m", "", ""});
  const std::string key = w.key({"product:glyph"});
  w.use();
  const auto call = [](const std::string& path, const std::string& secret) {
    return World::request("POST", path, secret, "{}");
  };
  const net::Upstream to = w.pass(call("/v2/models/lease%3Al-1/infer", lent));
  CHECK(to.port == 9);
  CHECK(to.path == "/v2/models/m/infer");
  CHECK(w.answer(call("/v2/models/glyph/infer", lent)).status == 404);
  CHECK(w.answer(call("/v2/models/lease%3Al-1/infer", other)).status == 404);
  CHECK(w.answer(call("/v2/models/lease%3Al-1/infer", key)).status == 404);
  CHECK(w.answer(call("/v2/models/lease%3Al-2/infer", other)).status == 503);  // its server does not run
  w.clock.advance_ms(5'000);
  CHECK(w.answer(call("/v2/models/lease%3Al-1/infer", lent)).status == 401);
}

TEST_CASE("gateway: the node's own address, where products have another, takes leases and nobody else") {
  World w;
  Gateway apart{*w.journal, w.clock, w.clock, {.leases_only = true}};
  const std::string lent = pool::new_key(w.rng).secret, key = w.key({"product:glyph"});
  w.said.lent = {{"l-1", "product:glyph", "site:a", "backend:refrt", lent, "s1", w.clock.now_ms() + 5'000}};
  w.servers.push_back({"l-1", "product:glyph", "site:a", "backend:refrt", "127.0.0.1", 9, "m", "", ""});
  apart.use(make_gateway_table(w.said, w.servers));
  for (const std::string path : {"/v2/models/glyph/infer", "/v2/models/lease%3Al-1/infer", "/v2/health/live"})
    for (const std::string& secret : {key, std::string()}) {
      const auto got = apart.passage(World::request("POST", path, secret, "{}"));
      CHECK((got && !*got));  // not the gateway's
    }
  const auto got = apart.passage(World::request("POST", "/v2/models/lease%3Al-1/infer", lent, "{}"));
  CHECK((got && *got));
  CHECK(apart.is_leased(World::request("POST", "/v1/chat/completions", lent)));
  CHECK_FALSE(apart.is_leased(World::request("POST", "/v1/chat/completions", key)));
}

TEST_CASE("gateway: a server under a lease is asked through its owner's node, and its refusal is not the client's") {
  World w;
  w.servers.resize(1);
  pool::Serving& far = w.servers[0];
  far.lease = "l-1";
  far.secret = pool::new_key(w.rng).secret;
  far.pin = std::string(64, 'b');
  far.model = "lease:l-1";
  const std::string key = w.key({"product:glyph"});
  w.use();
  const http::Request r = World::request("POST", "/v2/models/glyph/infer", key, "{}");
  auto got = w.gateway.passage(r);
  REQUIRE(got);
  (*got)->arrived(r);
  const auto to = (*got)->next();
  REQUIRE(to);
  CHECK(to->path == "/v2/models/lease%3Al-1/infer");
  CHECK(http::header(to->headers, "authorization") == "Bearer " + far.secret);
  REQUIRE(to->pin);
  CHECK(hex(*to->pin) == far.pin);
  CHECK_FALSE((*got)->takes(401));
  (*got)->ended({.end = net::TryEnd::declined, .status = 401});
  CHECK_FALSE((*got)->next());
  CHECK((*got)->refusal().status == 502);
}
