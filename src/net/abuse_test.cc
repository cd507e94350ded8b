// What hostile and broken clients do. After each of them the server still answers, and stop() ends.
#include <doctest/doctest.h>

#include <chrono>

#include "net/client.h"
#include "net/server.h"
#include "net/test_socket.h"

using namespace hz;
using namespace hz::net;
using Steady = std::chrono::steady_clock;

namespace {

constexpr ServerLimits impatient{.header_bytes_max = 4096,
                                 .body_bytes_max = 4096,
                                 .header_ms_max = 150,
                                 .body_ms_max = 150,
                                 .idle_ms_max = 150,
                                 .write_ms_max = 150,
                                 .stop_ms_max = 2000};

http::Response ok(const http::Request&) { return {.body = "ok"}; }

std::int64_t ms_since(Steady::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - start).count();
}

// The server is alive, and nothing of what was done to it is left when it stops.
void check_alive_then_stop(Server& server) {
  TestSocket s(server.port());
  s.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  CHECK(s.read_answer().ends_with("ok"));
  server.stop();
  CHECK(server.counters().open == 0);
}

// Sends a byte every ten milliseconds until the other end closes; how long that took.
std::int64_t drip(TestSocket& s, std::string_view forever) {
  const auto start = Steady::now();
  for (std::size_t i = 0; ms_since(start) < test_patience_ms; ++i) {
    if (!s.send(forever.substr(i % forever.size(), 1))) break;
    if (s.readable(10)) {
      s.read_to_end();
      break;
    }
  }
  return ms_since(start);
}

}  // namespace

TEST_CASE("abuse: heads that are too large are 431, in one header or in many") {
  auto server = Server::start({.limits = impatient}, {ok});
  std::string many;
  for (int i = 0; i < 500; ++i) many += fmt::format("x-{}: {}\r\n", i, i);
  // Just too many, and all there when the head is read.
  std::string few;
  while (few.size() < impatient.header_bytes_max + 100) few += "x: y\r\n";
  for (const std::string& headers : {"x: " + std::string(5000, 'a') + "\r\n", many, few}) {
    TestSocket s(server->port());
    s.send("GET / HTTP/1.1\r\nhost: x\r\n" + headers + "\r\n");
    CHECK(s.read_to_end().starts_with("HTTP/1.1 431 "));
  }
  TestSocket s(server->port());
  s.send("GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\nhost: x\r\n\r\n");
  CHECK(s.read_to_end().starts_with("HTTP/1.1 431 "));
  check_alive_then_stop(*server);
}

TEST_CASE("abuse: what is not HTTP, or could be read in two ways, is refused and ends the connection") {
  auto server = Server::start({.limits = impatient}, {ok});
  const std::string nul(1, '\0');
  const std::string bad[] = {
      "nonsense\r\n\r\n",
      nul + nul + nul + "\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",                                // no Host
      "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",          // two
      "GET / HTTP/1.1\r\nhost : x\r\n\r\n",                    // space before the colon
      "GET / HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n",              // no name
      "GET / HTTP/1.1\r\nhost: x\r\na: b" + nul + "\r\n\r\n",  // NUL in a value
      "GET x HTTP/1.1\r\nhost: x\r\n\r\n",                     // no path
      "GET /a b HTTP/1.1\r\nhost: x\r\n\r\n",                  // a space in it
      "CONNECT a:1 HTTP/1.1\r\nhost: x\r\n\r\n",               // not a proxy
      "GET /#f HTTP/1.1\r\nhost: x\r\n\r\n",                   // a fragment
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
      "POST / HTTP/1.1\r\nhost: x\r\nexpect: miracles\r\ncontent-length: 1\r\n\r\na",
      "GET / HTTP/2.0\r\nhost: x\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  for (const std::string& text : bad) {
    CAPTURE(text);
    TestSocket s(server->port());
    s.send(text + "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n");
    const std::string answer = s.read_to_end();
    CAPTURE(answer);
    CHECK(answer.starts_with("HTTP/1.1 "));
    CHECK((answer.substr(9, 1) == "4" || answer.substr(9, 3) == "505"));
    CHECK(answer.find("HTTP/1.1 ", 1) == std::string::npos);  // nothing after it was taken for a request
  }
  CHECK(server->counters().malformed >= std::size(bad));
  check_alive_then_stop(*server);
}

TEST_CASE("abuse: transfer encodings other than chunked are not guessed at") {
  auto server = Server::start({.limits = impatient}, {ok});
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "xchunked", "identity",
                             "chunked\r\ntransfer-encoding: chunked", "gzip\r\ntransfer-encoding: chunked"}) {
    CAPTURE(coding);
    TestSocket s(server->port());
    s.send(fmt::format("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: {}\r\n\r\n0\r\n\r\n", coding) +
           "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n");
    const std::string answer = s.read_to_end();
    CAPTURE(answer);
    CHECK(answer.find("HTTP/1.1 ", 1) == std::string::npos);
    CHECK(answer.starts_with("HTTP/1.1 400"));
  }
  TestSocket old(server->port());
  old.send("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
  CHECK(old.read_to_end().starts_with("HTTP/1.1 400"));
  check_alive_then_stop(*server);
}

TEST_CASE("abuse: slow drips of head and body, and silence, are cut at the deadline") {
  auto server = Server::start({.limits = impatient}, {ok});
  TestSocket head(server->port());
  head.send("GET / HTTP/1.1\r\nx: ");
  CHECK(drip(head, "a") < 3000);
  TestSocket body(server->port());
  body.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4000\r\n\r\n");
  CHECK(drip(body, "a") < 3000);
  TestSocket chunks(server->port());
  chunks.send("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
  CHECK(drip(chunks, "1\r\na\r\n") < 3000);
  TestSocket silent(server->port());
  CHECK(silent.read_to_end().empty());
  TestSocket idle(server->port());
  idle.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  idle.read_answer();
  CHECK(idle.read_to_end().empty());
  CHECK(server->counters().deadlines == 3);
  check_alive_then_stop(*server);
}

TEST_CASE("abuse: a client that asks for much and reads nothing is cut") {
  const std::string large(64u << 20, 'x');
  auto server = Server::start({.limits = impatient}, {[&](const http::Request& r) -> http::Response {
                                return {.body = r.path == "/large" ? large : "ok"};
                              }});
  TestSocket s(server->port(), 4096);
  s.send("GET /large HTTP/1.1\r\nhost: x\r\n\r\n");
  wait_for([&] { return server->counters().deadlines > 0; });
  check_alive_then_stop(*server);
}

TEST_CASE("abuse: a flood of pipelined requests is held back, others are served meanwhile") {
  ServerLimits limits = impatient;
  limits.write_ms_max = 5000;
  const std::string answer(64u << 10, 'x');
  auto server = Server::start({.limits = limits}, {[&](const http::Request& r) -> http::Response {
                                return {.body = r.path == "/flood" ? answer : "ok"};
                              }});
  std::string flood;
  for (int i = 0; i < 20'000; ++i) flood += "GET /flood HTTP/1.1\r\nhost: x\r\n\r\n";
  TestSocket s(server->port(), 4096);
  std::size_t sent = 0;
  // Send until the server takes no more: it has stopped reading because its answers are not read.
  for (int stuck = 0; sent < flood.size() && stuck < 20;) {
    const std::size_t n = s.send_some(std::string_view(flood).substr(sent));
    sent += n;
    if (n == 0) {
      pollfd p{s.fd(), POLLOUT, 0};
      stuck = ::poll(&p, 1, 10) == 0 ? stuck + 1 : 0;
    }
  }
  CHECK(server->counters().requests < 2000);
  TestSocket other(server->port());
  other.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  CHECK(other.read_answer().ends_with("ok"));
  s.close();
  check_alive_then_stop(*server);
}

TEST_CASE("abuse: a half-closed client still gets its answer, one that is gone costs nothing") {
  auto server = Server::start({.limits = impatient}, {ok});
  TestSocket half(server->port());
  half.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  half.shut();
  CHECK(half.read_to_end().ends_with("ok"));
  for (int i = 0; i < 50; ++i) {
    TestSocket gone(server->port());
    gone.send(i % 2 ? "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
                    : "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nab");
  }
  check_alive_then_stop(*server);
}

TEST_CASE("abuse: many connections at once: a limit is kept, and there is room again afterwards") {
  ServerLimits limits;
  limits.connections_max = 100;
  limits.connections_per_client_max = 1000;
  auto server = Server::start({.limits = limits}, {ok});
  {
    std::vector<std::unique_ptr<TestSocket>> crowd;
    int served = 0, refused = 0;
    for (int i = 0; i < 300; ++i) {
      crowd.push_back(std::make_unique<TestSocket>(server->port()));
      crowd.back()->send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      const std::string answer = crowd.back()->read_until("\r\n");
      served += answer.starts_with("HTTP/1.1 200");
      refused += !answer.starts_with("HTTP/1.1 200");
    }
    CHECK(served == 100);
    CHECK(refused == 200);
    CHECK(server->counters().refused == 200);
  }
  wait_for([&] { return server->counters().open == 0; });
  check_alive_then_stop(*server);
}

TEST_CASE("abuse: garbage, plain HTTP and silence on a TLS port, with honest clients between them") {
  const TempDir temp;
  const auto identity = ensure_identity(temp.path() / "tls", {}, system_clock());
  REQUIRE(identity);
  auto server = Server::start({.limits = impatient, .tls = *identity}, {ok});
  REQUIRE(server);
  const auto client = Client::make({.url = server->url(), .pin = *pin_of(*identity)});
  SeededRng rng(11);
  for (int i = 0; i < 30; ++i) {
    std::string noise(200, '\0');
    rng.fill({reinterpret_cast<std::uint8_t*>(noise.data()), noise.size()});
    if (i % 3 == 1) noise = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    if (i % 3 == 2) noise = std::string("\x16\x03\x01\x02\x00\x01\x00", 7) + noise;  // begins like a ClientHello
    TestSocket s(server->port());
    s.send(noise);
    if (i % 2) s.shut();
    s.read_to_end();
    const auto honest = client->send({});
    REQUIRE(honest);
    CHECK(honest->body == "ok");
  }
  CHECK(server->counters().tls_failures == 30);
  server->stop();
  CHECK(server->counters().open == 0);
}
