#include "api/route.h"

#include <doctest/doctest.h>

#include "api/route_input.h"
#include "api/target.h"
#include "crypto/hash.h"

using namespace hz;

namespace {

struct In {
  std::string id;
  std::optional<std::int64_t> limit;
  bool deep = false;
  std::vector<std::string> lose;
  static constexpr auto fields() {
    return rows(row("id", &In::id, "id", or_default), row("limit", &In::limit, "limit"),
                row("deep", &In::deep, "deep", or_default), row("lose", &In::lose, "lost"));
  }
};
Result<In> echo(api::Ctx&, const In& in) { return in; }
std::string text(const In& out, const api::Style&) { return "id " + out.id + "\n"; }
bool answer_is_no(const In& out) { return out.deep; }

const api::Op table[] = {
    api::op<&echo>(
        {.id = "a.open", .http = "GET /v1/open", .cli = "open", .may = api::May::anyone, .doc = "d.", .example = "e"}),
    api::op<&echo>({.id = "a.local",
                    .http = "POST /v1/local",
                    .cli = "l",
                    .may = api::May::anyone,
                    .doc = "d.",
                    .example = "e",
                    .local = true}),
    api::op<&echo>({.id = "a.item", .http = "GET /v1/items/{id}", .cli = "i", .doc = "d.", .example = "e"}),
    api::op<&echo>({.id = "a.special", .http = "GET /v1/items/special", .cli = "s", .doc = "d.", .example = "e"}),
    api::op<&echo>({.id = "a.put",
                    .http = "POST /v1/items/{id}",
                    .cli = "p",
                    .may = api::May::author,
                    .doc = "d.",
                    .example = "e"}),
    api::op<&echo>({.id = "a.cli", .http = "", .cli = "only", .doc = "d.", .example = "e"}),
};
const std::vector<const api::Op*> ops{&table[0], &table[1], &table[2], &table[3], &table[4], &table[5]};
const api::Gate gate{crypto::sha256(as_bytes("secret-token")), {"node.example"}};

struct Asked {
  http::Response response;
  std::string op;  // the row that was called, "" for none
};
Asked ask(http::Request request, bool with_token = true, std::string_view host = "127.0.0.1:80") {
  const api::Routes routes(ops);
  request.headers.push_back({"host", std::string(host)});
  if (with_token) request.headers.push_back({"authorization", "Bearer secret-token"});
  Asked out;
  out.response = routes.answer(gate, request, [&](const api::Op& op, const json::Value& in) {
    out.op = op.id;
    api::Ctx ctx{.home = {}, .mounted = {}, .seams = {&system_clock(), &system_rng(), &silent_progress()}};
    return op.call(ctx, in, {});
  });
  return out;
}
std::string slug(const Asked& a) {
  const auto value = json::parse(a.response.body);
  return value && value->find("error") ? std::string(value->find("error")->text("reason")) : "";
}
http::Request post(std::string path, std::string body, std::string media = "application/json") {
  return {"POST", std::move(path), "", {{"content-type", std::move(media)}}, std::move(body)};
}

}  // namespace

TEST_CASE("route: path parts, query and body become the input; the answer is the output") {
  const auto item = ask({"GET", "/v1/items/a%2Fb%20c", "limit=-5&deep=false&lose=x&lose=y+z"});
  CHECK(item.op == "a.item");
  CHECK(item.response.status == 200);
  CHECK(item.response.body == R"({"deep":false,"id":"a/b c","limit":-5,"lose":["x","y z"]})"
                              "\n");
  CHECK(http::header(item.response.headers, "content-type") == "application/json");
  CHECK(http::header(item.response.headers, "hezong-answer") == "yes");
  CHECK(http::header(ask({"GET", "/v1/items/x", "deep"}).response.headers, "hezong-answer") == "no");
  CHECK(ask({"GET", "/v1/items/special"}).op == "a.special");
  const auto put = ask(post("/v1/items/x", R"({"limit":3,"lose":["q"]})", "Application/JSON; charset=utf-8"));
  CHECK(put.op == "a.put");
  CHECK(put.response.body == R"({"deep":false,"id":"x","limit":3,"lose":["q"]})"
                             "\n");
  CHECK(ask({"POST", "/v1/local"}).op == "a.local");  // no body is an empty object
  http::Request people{"GET", "/v1/items/x"};
  people.headers.push_back({"accept", "text/plain"});
  CHECK(ask(people).response.body == "id x\n");
}

TEST_CASE("route: inputs that do not fit are refused with the reason, and nothing is called") {
  const std::pair<http::Request, std::string> cases[] = {
      {{"GET", "/v1/items/x", "limit=many"}, "api.bad_value"},
      {{"GET", "/v1/items/x", "limit=1&limit=2"}, "api.bad_value"},
      {{"GET", "/v1/items/x", "id=y"}, "api.bad_value"},
      {{"GET", "/v1/items/x", "unknown=1"}, "api.bad_value"},
      {{"GET", "/v1/items/x", "deep=maybe"}, "api.bad_value"},
      {{"GET", "/v1/items/x", "limit=%zz"}, "api.target"},
      {{"GET", "/v1/items/x", "", {}, "body"}, "api.bad_value"},
      {{"GET", "/v1/items/%00"}, "api.target"},
      {{"GET", "/v1/items/../open"}, "api.target"},
      {{"GET", "/v1//open"}, "api.target"},
      {post("/v1/items/x?", ""), "api.no_route"},
      {post("/v1/items/x", "{}", "text/plain"), "api.media"},
      {post("/v1/items/x", "{}", "application/x-www-form-urlencoded"), "api.media"},
      {post("/v1/items/x", "[]"), "api.bad_value"},
      {post("/v1/items/x", "{"), "base.json_syntax"},
      {post("/v1/items/x", R"({"id":"y"})"), "api.bad_value"},
      {{"POST", "/v1/items/x", "limit=1"}, "api.bad_value"},
      {{"GET", "/v1/nothing"}, "api.no_route"},
      {{"GET", "/v1"}, "api.no_route"},
  };
  for (const auto& [request, wanted] : cases) {
    CAPTURE(request.path);
    CAPTURE(request.query);
    const auto asked = ask(request);
    if (request.path == "/v1/items/x?") {
      CHECK(asked.op == "a.put");  // '?' never reaches a path; here it is a character of the id
      continue;
    }
    CHECK(slug(asked) == wanted);
    CHECK(asked.op.empty());
  }
  CHECK(ask(post("/v1/items/x", "{}", "text/plain")).response.status == 415);
  CHECK(slug(ask(post("/v1/items/x", R"({"no":1})"))) == "base.json_field");
  CHECK(ask(post("/v1/items/x", R"({"no":1})")).response.status == 422);
}

TEST_CASE("route: methods: HEAD is GET, OPTIONS lists, others are 405 with Allow") {
  CHECK(ask({"HEAD", "/v1/items/x"}).op == "a.item");
  const auto options = ask({"OPTIONS", "/v1/items/x"});
  CHECK(options.response.status == 204);
  CHECK(options.op.empty());
  CHECK(http::header(options.response.headers, "allow") == "GET, HEAD, OPTIONS, POST");
  CHECK(http::header(options.response.headers, "access-control-allow-origin").empty());
  for (const char* method : {"PUT", "DELETE", "PATCH", "TRACE", "get", "BREW"}) {
    const auto wrong = ask({method, "/v1/items/special"});
    CHECK(wrong.response.status == 405);
    CHECK(slug(wrong) == "api.method");
    CHECK(http::header(wrong.response.headers, "allow") == "GET, HEAD, OPTIONS, POST");
  }
}

TEST_CASE("route: without the token, what is there and what is not are one and the same answer") {
  const auto nothing = ask({"GET", "/v1/no/such/thing"}, false);
  CHECK(nothing.response.status == 401);
  CHECK(slug(nothing) == "api.token");
  CHECK(http::header(nothing.response.headers, "www-authenticate").starts_with("Bearer"));
  for (const http::Request& request : std::initializer_list<http::Request>{{"GET", "/v1/items/x"},
                                                                           {"GET", "/v1/items/x", "limit=many"},
                                                                           {"PUT", "/v1/items/x"},
                                                                           {"OPTIONS", "/v1/items/x"},
                                                                           {"HEAD", "/v1/items/x"},
                                                                           {"POST", "/v1/items/x", "", {}, "{"},
                                                                           {"POST", "/v1/local"},
                                                                           {"GET", "/v1/%zz"}}) {
    CAPTURE(request.path);
    const auto asked = ask(request, false);
    CHECK(asked.op.empty());
    CHECK(asked.response.status == nothing.response.status);
    CHECK(asked.response.body == nothing.response.body);
    CHECK(asked.response.headers == nothing.response.headers);
  }
  CHECK(ask({"GET", "/v1/open"}, false).op == "a.open");
  CHECK(http::header(ask({"POST", "/v1/open"}, false).response.headers, "allow") == "GET, HEAD, OPTIONS");
  for (const char* wrong :
       {"Bearer secret-toke", "Bearer secret-token2", "Bearer ", "Basic secret-token", "secret-token", ""}) {
    CAPTURE(wrong);
    http::Request request{"GET", "/v1/items/x", "", {{"authorization", wrong}}};
    CHECK(ask(request, false).response.status == 401);
  }
  CHECK(ask({"GET", "/v1/items/x", "", {{"authorization", "bearer secret-token"}}}, false).response.status == 200);
}

TEST_CASE("route: pages of other sites and names that lead here by rebinding are refused before anything else") {
  for (const char* host : {"127.0.0.1", "127.0.0.1:8080", "[::1]:80", "localhost:1", "LOCALHOST", "node.example",
                           "Node.Example:443", "192.0.2.1"}) {
    CAPTURE(host);
    CHECK(ask({"GET", "/v1/open"}, false, host).response.status == 200);
  }
  for (const char* host :
       {"evil.example", "localhost.evil.example", "node.example.evil", "127.0.0.1.nip.example", "[evil]", ""}) {
    CAPTURE(host);
    CHECK(slug(ask({"GET", "/v1/open"}, true, host)) == "api.foreign");
  }
  const auto with = [](std::string name, std::string value) {
    return ask({"GET", "/v1/open", "", {{std::move(name), std::move(value)}}}, true, "127.0.0.1:80");
  };
  CHECK(with("origin", "http://127.0.0.1:80").response.status == 200);
  CHECK(with("sec-fetch-site", "same-origin").response.status == 200);
  for (const char* origin : {"http://evil.example", "http://127.0.0.1:81", "null", "http://127.0.0.1"})
    CHECK(slug(with("origin", origin)) == "api.foreign");
  CHECK(slug(with("sec-fetch-site", "cross-site")) == "api.foreign");
  CHECK(slug(with("sec-fetch-site", "same-site")) == "api.foreign");
}

TEST_CASE("target: decoding is strict and goes round") {
  for (const std::string text : {"", "a b", "a/b?c&d=e+f", "\xe5\x90\x88\xe7\xba\xb5", "%", "100%25"})
    CHECK(api::percent_decoded(api::percent_encoded(text)) == text);
  for (const char* bad : {"%", "%2", "%g0", "%c3%28", "%0a", "%00", "%7f", "\xff"})
    CHECK_FALSE(api::percent_decoded(bad));
  CHECK(api::percent_decoded("a+b") == "a+b");
  CHECK(api::percent_decoded("a+b", true) == "a b");
  CHECK_FALSE(api::path_segments(std::string(40, '/')));
  std::string deep, wide;
  for (int i = 0; i < 33; ++i) deep += "/a";
  for (int i = 0; i < 300; ++i) wide += "a=1&";
  CHECK_FALSE(api::path_segments(deep));
  CHECK_FALSE(api::query_parameters(wide));
  CHECK_FALSE(api::path_segments("/" + std::string(20'000, 'a')));
  const auto parameters = api::query_parameters("&a=1&&b&c=%3D=");
  REQUIRE(parameters);
  REQUIRE(parameters->size() == 3);
  CHECK((*parameters)[1].name == "b");
  CHECK((*parameters)[2].value == "==");
}
