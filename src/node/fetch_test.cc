// Fetching from nodes that lie, stop and die.
#include "node/fetch.h"

#include <doctest/doctest.h>

#include "base/fs.h"
#include "crypto/hash.h"
#include "net/range.h"
#include "node/reasons.h"
#include "node/serve_artifact.h"

using namespace hz;
using namespace hz::node;

namespace {

std::string bytes_of(std::uint64_t seed, std::size_t size) {
  std::string out(size, '\0');
  SeededRng rng(seed);
  rng.fill({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  return out;
}

struct Scene {
  TempDir temp;
  blob::Store store = blob::Store::open(temp.path()).value();
  std::string good = bytes_of(1, 3'000'000);
  Want want{crypto::sha256(as_bytes(good)), {}};
  std::vector<FetchFault> faults;
  int asked = 0;

  Scene() { want.releases = {release("a.example/log", "r1")}; }
  share::KnownRelease release(std::string member, std::string id, std::int64_t size = 3'000'000) const {
    return {std::move(member),
            std::move(id),
            {.sha256 = hex(want.digest), .name = "model", .licence = "MIT", .size_bytes = size}};
  }
  // Serves `bytes` as a node does; `twist` makes it lie.
  Holder holder(std::string origin, std::string bytes, std::function<void(http::Response&)> twist = {}) {
    return {std::move(origin),
            [this, bytes = std::move(bytes), twist](const http::Request& request) -> Result<http::Response> {
              ++asked;
              CHECK(request.path == "/artifact/" + hex(want.digest));
              const net::Range range = net::parse_range(http::header(request.headers, "range"), bytes.size());
              http::Response out{.status = 206, .headers = {{std::string(release_header), "r1"}}};
              if (range.kind == net::Range::Kind::unsatisfiable) return http::Response{.status = 416};
              out.headers.push_back({"content-range", fmt::format("bytes {}-{}/{}", range.offset,
                                                                  range.offset + range.length - 1, bytes.size())});
              out.body = bytes.substr(range.offset, range.length);
              if (twist) twist(out);
              return out;
            }};
  }
  // Gives so many pieces, then ends each connection.
  Holder dying(std::string origin, std::string bytes, int pieces) {
    auto left = std::make_shared<int>(pieces);
    Holder out = holder(std::move(origin), std::move(bytes));
    out.exchange = [inner = out.exchange, left](const http::Request& request) -> Result<http::Response> {
      if ((*left)-- <= 0) return fail(net_reason(), "gone");
      return inner(request);
    };
    return out;
  }
  static const Reason& net_reason() {
    static constexpr Reason closed{"net.closed", Code::unavailable, "Closed.", "Try again."};
    return closed;
  }
  Result<Fetched> run(const std::vector<Holder>& holders) {
    auto partial = blob::Partial::open(store, want.digest).value();
    faults.clear();
    auto got = fetch(partial, want, holders, silent_progress(), faults);
    if (got) REQUIRE(partial.publish());
    CHECK(store.has(want.digest) == got.has_value());
    return got;
  }
};

}  // namespace

TEST_CASE("fetch: an honest holder gives everything, in few pieces") {
  Scene s;
  const auto got = s.run({s.holder("a", s.good)});
  REQUIRE(got);
  CHECK(got->from == std::vector<std::string>{"a"});
  CHECK(got->releaser == "a.example/log");
  CHECK(got->faults.empty());
  CHECK(as_text(*s.store.get(s.want.digest)) == s.good);
  CHECK(s.asked <= 5);
}

TEST_CASE("fetch: a holder that dies is followed by the next where it ended, and what is left is resumed") {
  Scene s;
  auto got = s.run({s.dying("a", s.good, 2), s.dying("b", s.good, 1)});
  REQUIRE_FALSE(got);
  CHECK(got.error().reason->slug == "node.fetch_failed");
  CHECK(s.faults.size() == 2);
  s.asked = 0;
  got = s.run({s.dying("a", s.good, 1), s.holder("b", s.good)});
  REQUIRE(got);
  CHECK(got->resumed_at > 768 * 1024);
  CHECK(got->from == std::vector<std::string>{"a", "b"});
}

TEST_CASE("fetch: every lie about a piece is refused by name, and the next holder gives the bytes") {
  struct Lie {
    const char* what;
    std::function<void(http::Response&)> twist;
    const char* starts;
  };
  for (const Lie& lie : {
           Lie{"too short", [](http::Response& r) { r.body.pop_back(); }, "node.bad_piece:"},
           Lie{"too long", [](http::Response& r) { r.body.push_back('x'); }, "node.bad_piece:"},
           Lie{"empty", [](http::Response& r) { r.body.clear(); }, "node.bad_piece:"},
           Lie{"another place", [](http::Response& r) { r.headers[1].value = "bytes 1-262144/3000000"; },
               "node.bad_piece:"},
           Lie{"another size", [](http::Response& r) { r.headers[1].value = "bytes 0-262143/3000001"; },
               "node.bad_piece:"},
           Lie{"no range", [](http::Response& r) { r.headers.pop_back(); }, "node.bad_piece:"},
           Lie{"odd range", [](http::Response& r) { r.headers[1].value = "bytes 0-262143/*"; }, "node.bad_piece:"},
           Lie{"another release", [](http::Response& r) { r.headers[0].value = "r2"; }, "node.bad_piece:"},
           Lie{"everything", [](http::Response& r) { r.status = 200; }, "node.bad_piece:"},
           Lie{"nothing", [](http::Response& r) { r = {.status = 404}; }, "node.not_given:"},
           Lie{"busy", [](http::Response& r) { r = {.status = 503}; }, "node.holder_busy:"},
       }) {
    CAPTURE(lie.what);
    Scene s;
    const auto got = s.run({s.holder("liar", s.good, lie.twist), s.holder("b", s.good)});
    REQUIRE(got);
    REQUIRE(got->faults.size() == 1);
    CHECK(got->faults[0].holder == "liar");
    CHECK(got->faults[0].fault.starts_with(lie.starts));
    CHECK(got->from == std::vector<std::string>{"b"});
  }
}

TEST_CASE("fetch: wrong bytes of one holder are its fault, and nothing of them is kept") {
  Scene s;
  const auto got = s.run({s.holder("liar", bytes_of(2, 3'000'000)), s.holder("b", s.good)});
  REQUIRE(got);
  REQUIRE(got->faults.size() == 1);
  CHECK(got->faults[0].holder == "liar");
  CHECK(got->faults[0].fault.starts_with("node.wrong_bytes"));
  CHECK(as_text(*s.store.get(s.want.digest)) == s.good);

  Scene alone;
  CHECK_FALSE(alone.run({alone.holder("liar", bytes_of(2, 3'000'000))}));
  CHECK(blob::Partial::open(alone.store, alone.want.digest)->size() == 0);
}

TEST_CASE("fetch: when wrong bytes have several givers, each is asked alone, and the liar is named") {
  Scene s;
  const auto got = s.run({s.dying("a", s.good, 2), s.holder("liar", bytes_of(2, 3'000'000)), s.holder("c", s.good)});
  REQUIRE(got);
  CHECK(got->from == std::vector<std::string>{"c"});
  bool named = false;
  for (const FetchFault& fault : got->faults) {
    if (!fault.fault.starts_with("node.wrong_bytes")) continue;
    CHECK(fault.holder == "liar");
    named = true;
  }
  CHECK(named);
  CHECK(as_text(*s.store.get(s.want.digest)) == s.good);
}

TEST_CASE("fetch: bytes that an earlier process left wrong are fetched again") {
  Scene s;
  {
    auto partial = blob::Partial::open(s.store, s.want.digest).value();
    REQUIRE(partial.write(as_bytes(bytes_of(3, 500'000))));
  }
  const auto got = s.run({s.holder("a", s.good)});
  REQUIRE(got);
  CHECK(as_text(*s.store.get(s.want.digest)) == s.good);
}

TEST_CASE("fetch: a false size of another release of the same digest delays nobody but its signer") {
  for (const std::int64_t size : {std::int64_t{0}, std::int64_t{10}, std::int64_t{1} << 50}) {
    Scene s;
    s.want.releases.insert(s.want.releases.begin(), s.release("0.example/log", "r0", size));
    const auto got = s.run({s.holder("a", s.good)});
    REQUIRE(got);
    CHECK(got->releaser == "a.example/log");
  }
}

TEST_CASE("fetch: without holders nothing comes, and empty bytes need none") {
  Scene s;
  CHECK(s.run({}).error().reason->slug == "node.fetch_failed");
  Scene empty;
  empty.want.digest = crypto::sha256({});
  empty.want.releases = {empty.release("a.example/log", "r1", 0)};
  CHECK(empty.run({}));
}
