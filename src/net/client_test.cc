#include "net/client.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>

#include "net/resolve.h"
#include "net/server.h"
#include "net/test_socket.h"

using namespace hz;
using namespace hz::net;

namespace {

Client to(std::string url, ClientOptions options = {}) {
  options.url = std::move(url);
  auto client = Client::make(options);
  REQUIRE(client);
  return *std::move(client);
}

std::string_view slug(const Result<http::Response>& r) { return r ? "an answer" : r.error().reason->slug; }

constexpr std::string_view fine = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";

}  // namespace

TEST_CASE("client: method, path, query, headers and body arrive; the answer comes back; the connection is reused") {
  auto server = Server::start({}, {[](const http::Request& r) -> http::Response {
                                return {.status = 202,
                                        .headers = {{"x-seen", std::string(http::header(r.headers, "x-sent"))},
                                                    {"x-auth", std::string(http::header(r.headers, "authorization"))}},
                                        .body = r.method + r.path + r.query + r.body};
                              }});
  REQUIRE(server);
  const Client client = to(server->url() + "/prefix/", {.headers = {{"authorization", "Bearer t"}}});
  for (int i = 0; i < 5; ++i) {
    const auto answer = client.send({"POST", "/p%20q", "a=1", {{"x-sent", "yes"}}, "body"});
    REQUIRE(answer);
    CHECK(answer->status == 202);
    CHECK(answer->body == "POST/prefix/p%20qa=1body");
    CHECK(http::header(answer->headers, "x-seen") == "yes");
    CHECK(http::header(answer->headers, "x-auth") == "Bearer t");
  }
  CHECK(client.connections_made() == 1);
  CHECK(server->counters().accepted == 1);
  const auto head = client.send({"HEAD", "/"});
  REQUIRE(head);
  CHECK(head->body.empty());
  CHECK(client.exchange()({"GET", "/"})->body == "GET/prefix/");
}

TEST_CASE("client: several threads share one client") {
  auto server = Server::start({}, {[](const http::Request& r) -> http::Response { return {.body = r.body}; }});
  const Client client = to(server->url());
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string said = fmt::format("{}-{}", t, i);
        const auto answer = client.send({"POST", "/", "", {}, said});
        good += answer && answer->body == said;
      }
    });
  for (auto& t : threads) t.join();
  CHECK(good == 300);
  CHECK(client.connections_made() < 300);
}

TEST_CASE("client: a kept connection that the peer has closed is replaced before anything is sent") {
  std::atomic<int> requests = 0;
  TestPeer peer([&](TestSocket& s) {
    s.read_until("\r\n\r\n");
    ++requests;
    s.send(fine);  // keep-alive is promised, and then the peer closes
  });
  const Client client = to(peer.url());
  for (int i = 0; i < 10; ++i) {
    // The end has arrived when the kernel has handled close(), which on loopback may be after our read of the answer.
    const auto answer = client.send({});
    if (!answer) CHECK(slug(answer) == "net.closed");
    if (answer) CHECK(answer->body == "fine");
  }
  CHECK(requests >= 5);
}

TEST_CASE("client: a request that was sent is never sent again") {
  std::atomic<int> requests = 0;
  TestPeer peer([&](TestSocket& s) {
    s.read_until("\r\n\r\n");
    ++requests;
  });
  CHECK(slug(to(peer.url()).send({"POST", "/pay"})) == "net.closed");
  CHECK(requests == 1);
}

TEST_CASE("client: a silent peer, a dripping peer and a stop end the exchange") {
  std::latch asked(1);
  TestPeer silent([&](TestSocket& s) {
    s.read_until("\r\n\r\n");
    s.read_to_end();  // until the client gives up
  });
  const auto start = std::chrono::steady_clock::now();
  CHECK(slug(to(silent.url(), {.total_ms_max = 150}).send({})) == "net.deadline");
  TestPeer dripping([&](TestSocket& s) {
    s.read_until("\r\n\r\n");
    s.send("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
    while (s.send("a"))
      if (s.readable(5)) break;
  });
  CHECK(slug(to(dripping.url(), {.total_ms_max = 150}).send({})) == "net.deadline");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));

  TestPeer waiting([&](TestSocket& s) {
    s.read_until("\r\n\r\n");
    asked.count_down();
    s.read_to_end();
  });
  std::stop_source stop;
  const Client client = to(waiting.url(), {.stop = stop.get_token()});
  std::thread stopper([&] {
    asked.wait();
    stop.request_stop();
  });
  CHECK(slug(client.send({})) == "base.cancelled");
  stopper.join();
  CHECK(slug(client.send({})) == "base.cancelled");
}

TEST_CASE("client: answers that are too large, cut short, or no HTTP are errors of their own") {
  const std::pair<std::string, std::string_view> cases[] = {
      {"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n", "net.response_too_large"},
      {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'a') + "\r\n0\r\n\r\n",
       "net.response_too_large"},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(2000, 'a'), "net.response_too_large"},
      {"HTTP/1.1 200 OK\r\nx: " + std::string(100'000, 'a'), "net.response_too_large"},
      {"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", "net.closed"},
      {"HTTP/1.1 20", "net.closed"},
      {"", "net.closed"},
      {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "net.http_syntax"},
      {"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "net.http_syntax"},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "an answer"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: "
       "1\r\n\r\na",
       "an answer"},
      {"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "an answer"},
  };
  for (const auto& [said, wanted] : cases) {
    TestPeer peer([&](TestSocket& s) {
      s.read_until("\r\n\r\n");
      s.send(said);
    });
    CAPTURE(said.substr(0, 80));
    const auto answer = to(peer.url(), {.response_bytes_max = 1000}).send({});
    CHECK(slug(answer) == wanted);
    if (answer && said.find("302") != std::string::npos) CHECK(answer->status == 302);
  }
}

TEST_CASE("client: nobody there, no such name, and requests that HTTP cannot carry") {
  std::uint16_t free_port = 0;
  {
    TestPeer gone([](TestSocket&) {});
    free_port = gone.port();
  }
  CHECK(slug(to(fmt::format("http://127.0.0.1:{}", free_port)).send({})) == "net.connect");
  const auto nowhere = to("http://no-such-host.invalid", {.total_ms_max = 3000}).send({});
  CHECK((slug(nowhere) == "net.resolve" || slug(nowhere) == "net.deadline"));
  auto server = Server::start({}, {[](const http::Request&) -> http::Response { return {}; }});
  const Client client = to(server->url());
  for (const http::Request& bad : std::initializer_list<http::Request>{
           {"GET", "/a b"}, {"GET", "a"}, {"G T", "/"}, {"GET", "/", "a b"}, {"GET", "/", "", {{"x", "1\r\ny: 2"}}}}) {
    CAPTURE(bad.path);
    CHECK(slug(client.send(bad)) == "net.request");
  }
  CHECK(server->counters().accepted == 0);
  const auto here = resolve("localhost", std::chrono::steady_clock::now() + std::chrono::seconds(10), {});
  REQUIRE(here);
  CHECK_FALSE(here->empty());
  CHECK(resolve("::1", {}, {})->front() == "::1");
}
