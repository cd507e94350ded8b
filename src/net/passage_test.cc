// Requests that are passed on: what each end sees, and that every try's fate is told once.
#include "net/passage.h"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <semaphore>

#include "net/server.h"
#include "net/test_socket.h"

using namespace hz;
using namespace hz::net;

namespace {

// What a gateway would be told, kept for the test.
struct Book {
  std::mutex mutex;
  std::vector<Tried> tried;
  std::string seen;
  std::atomic<int> ended = 0, refused = 0;
  Tried last() {
    const std::scoped_lock lock(mutex);
    return tried.back();
  }
};

class Tries final : public Passage {
 public:
  Tries(std::vector<Upstream> to, Book& book) : to_(std::move(to)), book_(book) {}
  std::optional<Upstream> next() override {
    if (at_ == to_.size()) return std::nullopt;
    return to_[at_++];
  }
  void ended(const Tried& tried) override {
    const std::scoped_lock lock(book_.mutex);
    book_.tried.push_back(tried);
    ++book_.ended;
  }
  http::Response refusal() override {
    ++book_.refused;
    return {.status = 502, .headers = {{"x-tries", std::to_string(at_)}}, .body = "nobody answers"};
  }
  bool takes(int status) override { return status != 503; }
  void saw(std::string_view piece) override {
    const std::scoped_lock lock(book_.mutex);
    book_.seen += piece;
  }

 private:
  std::vector<Upstream> to_;
  Book& book_;
  std::size_t at_ = 0;
};

Upstream to(std::uint16_t port) {
  Upstream out;
  out.address = "127.0.0.1";
  out.port = port;
  out.path = "/there?x=1";
  return out;
}

// Everything under /gate is passed on, the rest answered here.
Server gateway(std::vector<Upstream> upstreams, Book& book, ServerLimits limits = {}) {
  auto server = Server::start(
      {.limits = limits},
      {.handle = [](const http::Request&) -> http::Response { return {.body = "here"}; },
       .body_bytes_max = [](const http::Request&) -> std::size_t { return 64u << 20; },
       .passage = [upstreams,
                   &book](const http::Request& head) -> std::expected<std::unique_ptr<Passage>, http::Response> {
         if (head.path == "/gate/closed") return std::unexpected(http::Response{.status = 401, .body = "no key"});
         if (!head.path.starts_with("/gate")) return nullptr;
         return std::make_unique<Tries>(upstreams, book);
       }});
  REQUIRE(server);
  return *std::move(server);
}

std::string get(std::string_view path) { return fmt::format("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", path); }
std::string post(std::string_view path, std::string_view body) {
  return fmt::format("POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{}", path, body.size(), body);
}
http::Response mirror(const http::Request& r) {
  http::Response out{.status = 201, .headers = {{"content-type", "text/plain"}, {"x-kind", "upstream"}}};
  out.body = fmt::format("{} {}?{}\n", r.method, r.path, r.query);
  for (const auto& h : r.headers) out.body += fmt::format("{}: {}\n", h.name, h.value);
  out.body += r.body;
  return out;
}
std::uint16_t closed_port() {
  TestPeer peer([](TestSocket&) {});
  return peer.port();
}

}  // namespace

TEST_CASE("passage: the message passes, what belongs to a connection or to the gateway does not") {
  auto upstream = Server::start({}, {mirror});
  REQUIRE(upstream);
  Book book;
  Upstream target = to(upstream->port());
  target.headers = {{"x-claim", "7"}, {"x-mine", "gateway"}};
  target.shown = {{"x-route", "a"}, {"x-kind", "shown"}};
  auto server = gateway({target}, book);
  TestSocket s(server.port());
  s.send(
      "POST /gate HTTP/1.1\r\nhost: x\r\nauthorization: Bearer secret\r\ncookie: c=1\r\nx-mine: client\r\n"
      "x-other: kept\r\nte: trailers\r\nkeep-alive: 5\r\ncontent-length: 4\r\n\r\nbody");
  const std::string answer = s.read_answer();
  CHECK(answer.starts_with("HTTP/1.1 201 Created\r\n"));
  CHECK(answer.find("x-route: a\r\n") != std::string::npos);
  CHECK(answer.find("x-kind: shown\r\n") != std::string::npos);
  CHECK(answer.find("x-kind: upstream") == std::string::npos);
  CHECK(answer.find("POST /there?x=1\n") != std::string::npos);
  CHECK(answer.find(fmt::format("host: 127.0.0.1:{}\n", upstream->port())) != std::string::npos);
  CHECK(answer.find("x-claim: 7\n") != std::string::npos);
  CHECK(answer.find("x-mine: gateway\n") != std::string::npos);
  CHECK(answer.find("x-mine: client") == std::string::npos);
  CHECK(answer.find("x-other: kept\n") != std::string::npos);
  for (const char* gone : {"secret", "c=1", "trailers", "keep-alive"}) CHECK(answer.find(gone) == std::string::npos);
  CHECK(answer.ends_with("\nbody"));
  wait_for([&] { return book.ended == 1; });
  CHECK(book.last().end == TryEnd::whole);
  CHECK(book.last().status == 201);
  CHECK(book.last().request_bytes == 4);
  CHECK(book.last().answer_bytes == book.seen.size());
  CHECK(book.last().first_byte_us >= 0);
  CHECK(book.last().total_us >= book.last().first_byte_us);
  // The same connection goes on, with requests for both.
  s.send(get("/other"));
  CHECK(s.read_answer().ends_with("here"));
}

TEST_CASE("passage: one upstream connection serves many requests, and a closed one is replaced unseen") {
  std::atomic<int> connections = 0, closed = 0;
  TestPeer peer([&](TestSocket& s) {
    ++connections;
    for (int i = 0; i < 50; ++i) {
      if (s.read_until("\r\n\r\n").empty()) return;
      s.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }
    s.close();
    ++closed;
  });
  Book book;
  auto server = gateway({to(peer.port())}, book);
  TestSocket s(server.port());
  for (int i = 0; i < 100; ++i) {
    s.send(get("/gate"));
    REQUIRE(s.read_answer().ends_with("ok"));
    // The peer closes after 50; its end has to arrive before the next request for the gateway to see it.
    if (i == 49) wait_for([&] { return closed == 1; });
  }
  CHECK(connections >= 2);
  CHECK(connections <= 4);
  CHECK(book.refused == 0);
}

TEST_CASE("passage: what an upstream says unasked is not taken for the next request's answer") {
  std::binary_semaphore go(0), said(0);
  TestPeer peer([&](TestSocket& s) {
    s.read_until("\r\n\r\n");
    s.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nasked");
    go.acquire();
    s.send("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nunasked");
    said.release();
  });
  Book book;
  auto server = gateway({to(peer.port())}, book);
  TestSocket s(server.port());
  for (int i = 0; i < 50; ++i) {
    s.send(get("/gate"));
    CHECK(s.read_answer().ends_with("\nasked"));
    wait_for([&] { return book.ended == i + 1; });  // it is settled after the answer went out
    CHECK_FALSE(book.last().kept);
    go.release();
    said.acquire();
  }
  CHECK(book.refused == 0);
}

TEST_CASE("passage: an upstream that resets in the middle cuts the answer, not at the pause's deadline") {
  TestPeer peer([](TestSocket& s) {
    s.read_until("\r\n\r\n");
    s.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    s.reset();
  });
  Book book;
  auto server = gateway({to(peer.port())}, book);
  for (int i = 0; i < 50; ++i) {
    TestSocket s(server.port());
    s.send(get("/gate"));
    (void)s.read_to_end();
    wait_for([&] { return book.ended == i + 1; });
    const TryEnd end = book.last().end;
    // The reset may overtake what was not read yet.
    CHECK((end == TryEnd::cut || end == TryEnd::closed));
  }
}

TEST_CASE("passage: what arrived together is settled together, and before any of it goes out") {
  struct Ledger {
    std::atomic<int> arrived = 0, settled = 0, calls = 0, early = 0;
  } ledger;
  class Noted final : public Passage {
   public:
    Noted(Upstream to, Ledger& ledger) : to_(std::move(to)), ledger_(ledger) {}
    void arrived(const http::Request&) override { number_ = ++ledger_.arrived; }
    std::optional<Upstream> next() override {
      ledger_.early += ledger_.settled < number_;
      return to_;
    }
    void ended(const Tried&) override {}
    http::Response refusal() override { return {.status = 502}; }

   private:
    Upstream to_;
    Ledger& ledger_;
    int number_ = 0;
  };
  auto upstream = Server::start({}, {mirror});
  REQUIRE(upstream);
  auto server = Server::start(
      {}, {.handle = mirror,
           .passage = [&](const http::Request&) -> std::expected<std::unique_ptr<Passage>, http::Response> {
             return std::make_unique<Noted>(to(upstream->port()), ledger);
           },
           .settle_passages =
               [&] {
                 ++ledger.calls;
                 ledger.settled = ledger.arrived.load();
               }});
  REQUIRE(server);
  std::vector<TestSocket> clients;
  for (int i = 0; i < 20; ++i) clients.emplace_back(server->port());
  for (int round = 0; round < 20; ++round) {
    for (TestSocket& c : clients) c.send(get("/x"));
    for (TestSocket& c : clients) CHECK(c.read_answer().starts_with("HTTP/1.1 201 "));
  }
  CHECK(ledger.arrived == 400);
  CHECK(ledger.early == 0);
  CHECK(ledger.calls < 800);  // a begin and an end each would be 800
}

TEST_CASE("passage: pieces of a stream arrive as they are sent, not when the answer is whole") {
  std::binary_semaphore go(0);
  TestPeer peer([&](TestSocket& s) {
    s.read_until("\r\n\r\n");
    s.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
    go.acquire();
    s.send("7\r\ndata: 1\r\n");
    go.acquire();
    s.send("7\r\ndata: 2\r\n0\r\n\r\n");
  });
  Book book;
  auto server = gateway({to(peer.port())}, book);
  TestSocket s(server.port());
  s.send(get("/gate"));
  CHECK(s.read_until("\r\n\r\n").find("transfer-encoding: chunked\r\n") != std::string::npos);
  CHECK_FALSE(s.readable(0));
  go.release();
  CHECK(s.read_until("data: 1\r\n") == "7\r\ndata: 1\r\n");
  go.release();
  CHECK(s.read_until("0\r\n\r\n") == "7\r\ndata: 2\r\n0\r\n\r\n");
  wait_for([&] { return book.ended == 1; });
  CHECK(book.seen == "data: 1data: 2");
  s.send(get("/other"));
  CHECK(s.read_answer().ends_with("here"));
}

TEST_CASE("passage: an answer without a length becomes chunks, and for HTTP/1.0 lasts until the connection ends") {
  TestPeer peer([](TestSocket& s) {
    s.read_until("\r\n\r\n");
    s.send("HTTP/1.1 200 OK\r\n\r\nto the end");
  });
  Book book;
  auto server = gateway({to(peer.port())}, book);
  TestSocket s(server.port());
  s.send(get("/gate"));
  CHECK(s.read_until("0\r\n\r\n").ends_with("a\r\nto the end\r\n0\r\n\r\n"));
  TestSocket old(server.port());
  old.send("GET /gate HTTP/1.0\r\n\r\n");
  const std::string answer = old.read_to_end();
  CHECK(answer.ends_with("\r\n\r\nto the end"));
  CHECK(answer.find("chunked") == std::string::npos);
}

TEST_CASE("passage: before the first byte the next upstream is tried, with the whole body; each fate is told once") {
  auto good = Server::start({}, {mirror});
  REQUIRE(good);
  TestPeer closes([](TestSocket& s) { s.read_until("\r\n\r\n"); });
  TestPeer babbles([](TestSocket& s) {
    s.read_until("\r\n\r\n");
    s.send("SSH-2.0-nonsense\r\n\r\n");
  });
  std::binary_semaphore late_ends(0);
  TestPeer late([&](TestSocket& s) {
    s.read_until("\r\n\r\n");
    late_ends.acquire();
  });
  Book book;
  Upstream slow = to(late.port());
  slow.first_byte_ms_max = 50;
  TestPeer promises([](TestSocket& s) {
    s.read_until("\r\n\r\n");
    s.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n");
  });
  auto server = gateway(
      {to(closed_port()), to(closes.port()), to(babbles.port()), slow, to(promises.port()), to(good->port())}, book);
  TestSocket s(server.port());
  s.send(post("/gate", "the body"));
  const std::string answer = s.read_answer();
  CHECK(answer.starts_with("HTTP/1.1 201 "));
  CHECK(answer.ends_with("\nthe body"));
  wait_for([&] { return book.ended == 6; });
  const TryEnd ends[] = {TryEnd::unreachable, TryEnd::closed, TryEnd::not_http,
                         TryEnd::late,        TryEnd::closed, TryEnd::whole};
  for (std::size_t i = 0; i < 6; ++i) CHECK(book.tried[i].end == ends[i]);
  CHECK(book.tried[3].first_byte_us == -1);
  late_ends.release();
}

TEST_CASE(
    "passage: an answer that is not taken leaves no trace and the next upstream is tried; a body may be replaced") {
  auto busy =
      Server::start({}, {[](const http::Request&) -> http::Response { return {.status = 503, .body = "busy"}; }});
  auto good = Server::start({}, {mirror});
  REQUIRE(busy);
  REQUIRE(good);
  Book book;
  const std::string other = "another body";
  Upstream replaced = to(good->port());
  replaced.body = &other;
  auto server = gateway({to(busy->port()), replaced}, book);
  TestSocket s(server.port());
  s.send(post("/gate", "x"));
  const std::string answer = s.read_answer();
  CHECK(answer.starts_with("HTTP/1.1 201 "));
  CHECK(answer.find("content-length: 12\n") != std::string::npos);
  CHECK(answer.ends_with("another body"));
  wait_for([&] { return book.ended == 2; });
  CHECK(book.tried[0].end == TryEnd::declined);
  CHECK(book.tried[0].status == 503);
  CHECK_FALSE(book.tried[0].kept);
  CHECK(book.tried[1].request_bytes == 12);
  s.send(post("/gate", "x"));
  CHECK(s.read_answer().ends_with("another body"));
  wait_for([&] { return book.ended == 4; });
  CHECK(book.last().kept);
}

TEST_CASE("passage: when nobody answers, the refusal does, and the connection goes on") {
  Book book;
  auto server = gateway({to(closed_port()), to(closed_port())}, book);
  TestSocket s(server.port());
  s.send(post("/gate", "x"));
  const std::string answer = s.read_answer();
  CHECK(answer.starts_with("HTTP/1.1 502 "));
  CHECK(answer.find("x-tries: 2\r\n") != std::string::npos);
  CHECK(book.ended == 2);
  CHECK(book.refused == 1);
  s.send(get("/other"));
  CHECK(s.read_answer().ends_with("here"));
}

TEST_CASE("passage: a head can be refused before its body is read") {
  Book book;
  auto server = gateway({to(closed_port())}, book);
  TestSocket s(server.port());
  s.send("POST /gate/closed HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n");
  CHECK(s.read_until("no key").starts_with("HTTP/1.1 401 "));
  CHECK(book.ended == 0);
}

TEST_CASE("passage: after the first byte a broken answer cuts the client's connection and is not tried again") {
  const std::pair<const char*, const char*> broken[] = {
      {"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", "half"},
      {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "half\r\n"},
      {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", "half\r\n"}};
  for (const auto& [bytes, end] : broken) {
    TestPeer peer([text = bytes](TestSocket& s) {
      s.read_until("\r\n\r\n");
      s.send(text);
    });
    Book book;
    auto server = gateway({to(peer.port()), to(peer.port())}, book);
    TestSocket s(server.port());
    s.send(get("/gate"));
    CHECK(s.read_to_end().ends_with(end));
    wait_for([&] { return book.ended == 1; });
    CHECK(book.last().end == TryEnd::cut);
    CHECK(book.last().answer_bytes == 4);
    CHECK(book.refused == 0);
  }
}

TEST_CASE("passage: an answer that pauses too long is cut") {
  std::binary_semaphore over(0);
  TestPeer peer([&](TestSocket& s) {
    s.read_until("\r\n\r\n");
    s.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    over.acquire();
  });
  Book book;
  Upstream target = to(peer.port());
  target.pause_ms_max = 50;
  auto server = gateway({target}, book);
  TestSocket s(server.port());
  s.send(get("/gate"));
  CHECK(s.read_to_end().ends_with("1\r\na\r\n"));
  wait_for([&] { return book.ended == 1; });
  CHECK(book.last().end == TryEnd::cut);
  over.release();
}

TEST_CASE("passage: a client that goes away ends the upstream's work, before and within an answer") {
  for (const bool within : {false, true}) {
    CAPTURE(within);
    std::atomic<bool> upstream_saw_end = false;
    TestPeer peer([&](TestSocket& s) {
      s.read_until("\r\n\r\n");
      if (within) s.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
      upstream_saw_end = s.read_to_end().empty();
    });
    Book book;
    auto server = gateway({to(peer.port()), to(peer.port())}, book);
    TestSocket s(server.port());
    s.send(get("/gate"));
    if (within) s.read_until("a\r\n");
    if (!within) wait_for([&] { return server.counters().requests == 1; });
    s.close();
    wait_for([&] { return upstream_saw_end.load(); });
    wait_for([&] { return book.ended == 1; });
    CHECK(book.last().end == TryEnd::client_gone);
    CHECK(book.refused == 0);
    server.stop();
  }
}

TEST_CASE("passage: large bodies pass both ways in bounded pieces, to a slow reader too") {
  const std::string large(8u << 20, 'x');
  auto upstream = Server::start({.limits = {.body_bytes_max = 16u << 20}},
                                {[](const http::Request& r) -> http::Response { return {.body = r.body}; }});
  REQUIRE(upstream);
  Book book;
  auto server = gateway({to(upstream->port())}, book);
  TestSocket s(server.port(), 4096);
  s.send(post("/gate", large));
  const std::string answer = s.read_answer();
  CHECK(answer.size() > large.size());
  CHECK(answer.ends_with(large));
  wait_for([&] { return book.ended == 1; });
  CHECK(book.last().answer_bytes == large.size());
}

TEST_CASE("passage: a client that reads nothing is let go at the write deadline") {
  auto upstream =
      Server::start({}, {[](const http::Request&) -> http::Response { return {.body = std::string(32u << 20, 'x')}; }});
  REQUIRE(upstream);
  Book book;
  auto server = gateway({to(upstream->port())}, book, {.write_ms_max = 100});
  TestSocket s(server.port(), 4096);
  s.send(get("/gate"));
  wait_for([&] { return book.ended == 1; });
  CHECK(book.last().end == TryEnd::client_gone);
  CHECK(book.last().answer_bytes < (32u << 20));
}

TEST_CASE("passage: stopping waits for a passing answer, and cuts it at its deadline") {
  std::binary_semaphore over(0);
  TestPeer peer([&](TestSocket& s) {
    s.read_until("\r\n\r\n");
    over.acquire();
  });
  Book book;
  auto server = gateway({to(peer.port())}, book, {.stop_ms_max = 50});
  TestSocket s(server.port());
  s.send(get("/gate"));
  wait_for([&] { return server.counters().requests == 1; });
  server.stop();
  CHECK(server.counters().open == 0);
  CHECK(book.ended == 1);
  CHECK(book.last().end == TryEnd::client_gone);
  over.release();
}

TEST_CASE("passage: HEAD and 204 carry no body and keep the connection") {
  TestPeer peer([](TestSocket& s) {
    for (;;) {
      const std::string head = s.read_until("\r\n\r\n");
      if (head.empty()) return;
      s.send(head.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
                                      : "HTTP/1.1 204 No Content\r\n\r\n");
    }
  });
  Book book;
  auto server = gateway({to(peer.port())}, book);
  TestSocket s(server.port());
  s.send("HEAD /gate HTTP/1.1\r\nhost: x\r\n\r\n");
  CHECK(s.read_until("\r\n\r\n").find("content-length: 5\r\n") != std::string::npos);
  s.send("DELETE /gate HTTP/1.1\r\nhost: x\r\n\r\n");
  CHECK(s.read_until("\r\n\r\n").starts_with("HTTP/1.1 204 "));
  s.send(get("/other"));
  CHECK(s.read_answer().ends_with("here"));
}
