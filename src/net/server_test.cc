#include "net/server.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <semaphore>

#include "net/test_socket.h"
#include "net/workers.h"

using namespace hz;
using namespace hz::net;

namespace {

http::Response echo(const http::Request& r) {
  return {.headers = {{"content-type", "text/plain"}},
          .body = fmt::format("{} {} {} {}", r.method, r.path, r.query, r.body)};
}

Server serve(Site site, ServerLimits limits = {}) {
  auto server = Server::start({.limits = limits}, std::move(site));
  REQUIRE(server);
  return *std::move(server);
}

std::string get(std::string_view path) { return fmt::format("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", path); }

class Text final : public http::Source {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  std::uint64_t size() const override { return text_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) override {
    std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }

 private:
  std::string text_;
};

}  // namespace

TEST_CASE("server: requests on one connection are answered in order, pipelined or not") {
  auto server = serve({echo});
  TestSocket s(server.port());
  s.send(get("/a?b=1"));
  CHECK(s.read_answer().ends_with("\r\n\r\nGET /a b=1 "));
  std::string many;
  for (int i = 0; i < 200; ++i) many += get(fmt::format("/n/{}", i));
  s.send(many);
  for (int i = 0; i < 200; ++i) CHECK(s.read_answer().ends_with(fmt::format("GET /n/{}  ", i)));
  CHECK(server.counters().requests == 201);
  CHECK(server.counters().by_class[2] == 201);
  CHECK(server.counters().accepted == 1);
}

TEST_CASE("server: HEAD carries the length and no body; HTTP/1.0 and close end the connection") {
  auto server = serve({echo});
  TestSocket s(server.port());
  s.send("HEAD /h HTTP/1.1\r\nhost: x\r\n\r\n" + get("/after"));
  const std::string head = s.read_until("\r\n\r\n");
  CHECK(head.find("content-length: 9\r\n") != std::string::npos);
  CHECK(s.read_answer().ends_with("GET /after  "));
  s.send("GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  const std::string last = s.read_to_end();
  CHECK(last.find("connection: close\r\n") != std::string::npos);
  TestSocket old(server.port());
  old.send("GET /old HTTP/1.0\r\n\r\n");
  CHECK(old.read_to_end().ends_with("GET /old  "));
}

TEST_CASE("server: bodies arrive whole, with a length or chunked, after 100-continue when it is expected") {
  auto server = serve({echo}, {.body_bytes_max = 64});
  TestSocket s(server.port());
  s.send("POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello");
  CHECK(s.read_answer().ends_with("POST /p  hello"));
  s.send("POST /p HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nx-t: 1\r\n\r\n");
  CHECK(s.read_answer().ends_with("POST /p  hello"));
  s.send("POST /p HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
  CHECK(s.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  s.send("ok");
  CHECK(s.read_answer().ends_with("POST /p  ok"));
}

TEST_CASE("server: a body over the limit is 413 without being read, also where the site sets the limit") {
  auto server = serve({.handle = echo, .body_bytes_max = [](const http::Request& r) -> std::size_t {
                         return r.path == "/large" ? 1000 : 10;
                       }});
  for (const std::string_view framing :
       {"content-length: 11\r\n\r\n", "transfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n"}) {
    TestSocket s(server.port());
    s.send(fmt::format("POST /small HTTP/1.1\r\nhost: x\r\n{}", framing));
    const std::string answer = s.read_to_end();
    CHECK(answer.starts_with("HTTP/1.1 413 "));
    CHECK(answer.find("connection: close") != std::string::npos);
  }
  TestSocket s(server.port());
  s.send("POST /large HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\nhello world");
  CHECK(s.read_answer().ends_with("hello world"));
}

TEST_CASE("server: a handler that throws is a 500, and the connection goes on") {
  auto server = serve({[](const http::Request& r) -> http::Response {
    if (r.path == "/throw") throw std::runtime_error("secret");
    return {.body = "fine"};
  }});
  TestSocket s(server.port());
  s.send(get("/throw"));
  const std::string answer = s.read_answer();
  CHECK(answer.starts_with("HTTP/1.1 500 "));
  CHECK(answer.find("secret") == std::string::npos);
  s.send(get("/"));
  CHECK(s.read_answer().ends_with("fine"));
}

TEST_CASE("server: a value with a line break never becomes a header") {
  auto server = serve({[](const http::Request&) -> http::Response {
    return {.headers = {{"x-a", "1\r\nset-cookie: evil"}, {"x b", "2"}, {"x-c", "3"}, {"content-length", "999"}},
            .body = "ok"};
  }});
  TestSocket s(server.port());
  s.send(get("/"));
  const std::string answer = s.read_answer();
  CHECK(answer.find("evil") == std::string::npos);
  CHECK(answer.find("x b") == std::string::npos);
  CHECK(answer.find("999") == std::string::npos);
  CHECK(answer.find("x-c: 3\r\n") != std::string::npos);
}

TEST_CASE("server: when every worker is busy and the queue is full, the answer is 503 at once") {
  std::counting_semaphore<> go(0);
  std::latch begun(1);
  std::atomic<int> running = 0;
  auto server = serve({[&](const http::Request& r) -> http::Response {
                        if (r.path == "/wait") {
                          if (running++ == 0) begun.count_down();
                          go.acquire();
                        }
                        return {.body = "done"};
                      }},
                      {.workers = 1, .queue_max = 1});
  TestSocket first(server.port()), second(server.port()), third(server.port());
  first.send(get("/wait"));
  begun.wait();
  second.send(get("/wait"));  // queued
  wait_for([&] { return server.counters().waiting > 0; });
  third.send(get("/"));
  const std::string answer = third.read_answer();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(answer.find("retry-after: 1\r\n") != std::string::npos);
  go.release(2);
  CHECK(first.read_answer().ends_with("done"));
  CHECK(second.read_answer().ends_with("done"));
  third.send(get("/"));
  CHECK(third.read_answer().ends_with("done"));
  CHECK(server.counters().busy == 1);
}

TEST_CASE("server: one client cannot take every connection, and closing one makes room") {
  auto server = serve({echo}, {.connections_per_client_max = 2});
  TestSocket a(server.port()), b(server.port());
  a.send(get("/a"));
  b.send(get("/b"));
  a.read_answer();
  b.read_answer();
  TestSocket c(server.port());
  CHECK(c.read_to_end().starts_with("HTTP/1.1 503 "));
  a.close();
  wait_for([&] { return server.counters().open < 2; });
  TestSocket d(server.port());
  d.send(get("/d"));
  CHECK(d.read_answer().ends_with("GET /d  "));
  CHECK(server.counters().refused == 1);
}

TEST_CASE("server: a stop finishes what runs, closes what idles and refuses what comes") {
  std::binary_semaphore go(0);
  std::latch begun(1);
  auto server = serve({[&](const http::Request&) -> http::Response {
    begun.count_down();
    go.acquire();
    return {.body = "finished"};
  }});
  const std::uint16_t port = server.port();
  TestSocket idle(port), running(port);
  running.send(get("/"));
  begun.wait();
  std::thread stopping([&] { server.stop(); });
  CHECK(idle.read_to_end().empty());  // closed although nothing was asked
  go.release();
  const std::string answer = running.read_to_end();
  CHECK(answer.ends_with("finished"));
  CHECK(answer.find("connection: close") != std::string::npos);
  stopping.join();
  CHECK_FALSE(TestSocket(port).connected());
  CHECK(server.counters().open == 0);
  server.stop();  // harmless
}

TEST_CASE("server: 40 MiB arrive as they were sent") {
  std::string large(40u << 20, '\0');
  SeededRng rng(7);
  rng.fill({reinterpret_cast<std::uint8_t*>(large.data()), large.size()});
  auto server = serve({[&](const http::Request&) -> http::Response { return {.body = large}; }});
  TestSocket s(server.port());
  s.send("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  const std::string answer = s.read_to_end();
  CHECK(answer.substr(answer.find("\r\n\r\n") + 4) == large);
}

TEST_CASE("server: a source is streamed, and a range of it where one is asked for") {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += fmt::format("{:06}\n", i);
  auto server =
      serve({[&](const http::Request&) -> http::Response { return {.source = std::make_shared<Text>(text)}; }});
  const auto ask = [&](std::string_view method, std::string_view range) {
    TestSocket s(server.port());
    s.send(fmt::format("{} / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{}\r\n", method, range));
    return s.read_to_end();
  };
  const auto body = [](const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); };
  const std::string whole = ask("GET", "");
  CHECK(whole.starts_with("HTTP/1.1 200 "));
  CHECK(body(whole) == text);
  const std::string part = ask("GET", "range: bytes=7-13\r\n");
  CHECK(part.starts_with("HTTP/1.1 206 "));
  CHECK(part.find("content-range: bytes 7-13/1400000\r\n") != std::string::npos);
  CHECK(body(part) == "000001\n");
  CHECK(body(ask("GET", "range: bytes=-7\r\n")) == "199999\n");
  CHECK(body(ask("GET", "range: bytes=300000-\r\n")) == text.substr(300'000));
  const std::string beyond = ask("GET", "range: bytes=1400000-\r\n");
  CHECK(beyond.starts_with("HTTP/1.1 416 "));
  CHECK(beyond.find("content-range: bytes */1400000\r\n") != std::string::npos);
  const std::string head = ask("HEAD", "range: bytes=7-13\r\n");
  CHECK(head.starts_with("HTTP/1.1 200 "));
  CHECK(head.find("content-length: 1400000\r\n") != std::string::npos);
  CHECK(body(head).empty());
  CHECK(ask("GET", "range: lines=1-2\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("server: an upload reaches its sink in pieces; a refused one is not read") {
  struct Count final : http::Sink {
    std::atomic<int>& pieces;
    std::string all;
    explicit Count(std::atomic<int>& p) : pieces(p) {}
    Result<void> write(std::span<const std::uint8_t> bytes) override {
      ++pieces;
      all += as_text(bytes);
      if (all.size() > (4u << 20)) return fail(hz::why("base.too_large"), "4 MiB");
      return {};
    }
    http::Response finish() override { return {.status = 201, .body = fmt::format("{}", all.size())}; }
  };
  std::atomic<int> pieces = 0;
  auto server =
      serve({.handle = echo,
             .body_bytes_max = {},
             .upload = [&](const http::Request& r) -> std::expected<std::unique_ptr<http::Sink>, http::Response> {
               if (r.path == "/up") return std::make_unique<Count>(pieces);
               if (r.path == "/no") return std::unexpected(http::Response{.status = 403, .body = "no"});
               return nullptr;
             }});
  TestSocket s(server.port());
  const std::string three(3u << 20, 'x');
  s.send(fmt::format("PUT /up HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", three.size()) + three);
  CHECK(s.read_answer().ends_with("3145728"));
  CHECK(pieces >= 12);
  s.send("PUT /else HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi");
  CHECK(s.read_answer().ends_with("PUT /else  hi"));
  s.send("PUT /up HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  CHECK(s.read_answer().ends_with("\r\n\r\n5"));
  s.send("PUT /no HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2000000\r\n\r\n");
  CHECK(s.read_to_end().starts_with("HTTP/1.1 403 "));
  TestSocket huge(server.port());
  huge.send("PUT /up HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000000000\r\n\r\n");
  const std::string piece(64u << 10, 'y');
  std::string answer;
  for (int i = 0; i < 1000 && !huge.readable(0); ++i)
    if (!huge.send(piece)) break;
  CHECK(huge.read_to_end().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("server: an address that is taken or is none is refused") {
  auto server = serve({echo});
  const auto again = Server::start({.port = server.port()}, {echo});
  REQUIRE_FALSE(again);
  CHECK(again.error().reason->slug == "net.listen");
  CHECK_FALSE(Server::start({.address = "nowhere"}, {echo}));
}

TEST_CASE("workers: what waits is run before the end, and a full queue leaves the task with the caller") {
  std::binary_semaphore go(0);
  std::latch begun(1);
  int ran = 0;
  {
    Workers workers(1, 1);
    Workers::Task blocking = [&] {
      begun.count_down();
      go.acquire();
    };
    REQUIRE(workers.try_add(blocking));
    begun.wait();
    Workers::Task waits = [&] { ++ran; };
    CHECK(workers.try_add(waits));
    Workers::Task more = [&] { ran += 100; };
    CHECK_FALSE(workers.try_add(more));
    CHECK(static_cast<bool>(more));
    go.release();
  }
  CHECK(ran == 1);
}
