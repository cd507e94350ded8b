#include "node/peer_call.h"

#include <doctest/doctest.h>

#include "base/seams.h"

using namespace hz;
using namespace hz::node;

namespace {

struct Caller {
  SeededRng rng{5};
  crypto::SigningKey author = crypto::SigningKey::generate(rng);
  alliance::Authority authority;
  Caller() {
    authority.origin = "a.example/log";
    authority.keys.push_back({alliance::Role::author, {"a.example/log/author", author.verifying_key()}});
  }
};
constexpr std::int64_t now_s = 1'795'000'000;
constexpr std::string_view asked = "b.example/log";

http::Request signed_request(const Caller& caller) {
  http::Request request{.method = "POST", .path = "/witness/add-checkpoint", .body = "old 0\n"};
  sign_peer_call(request, caller.authority.origin, asked, now_s, caller.author);
  return request;
}
bool passes(const Caller& caller, const http::Request& request, std::string_view to = asked, std::int64_t at = now_s) {
  const auto call = read_peer_call(request);
  return call && holds(*call, to, at, request, caller.authority);
}

}  // namespace

TEST_CASE("peer call: holds for the node it was made for, within five minutes, for this very request") {
  const Caller caller;
  const http::Request good = signed_request(caller);
  CHECK(passes(caller, good));
  CHECK(passes(caller, good, asked, now_s + peer_call_age_s_max));
  CHECK_FALSE(passes(caller, good, asked, now_s + peer_call_age_s_max + 1));
  CHECK_FALSE(passes(caller, good, asked, now_s - peer_call_age_s_max - 1));
  CHECK_FALSE(passes(caller, good, "c.example/log"));
  http::Request other = good;
  other.body = "old 1\n";
  CHECK_FALSE(passes(caller, other));
  other = good;
  other.path = "/log/checkpoint";
  CHECK_FALSE(passes(caller, other));
  other = good;
  other.method = "GET";
  CHECK_FALSE(passes(caller, other));
}

TEST_CASE("peer call: a key that speaks no longer proves nothing") {
  Caller caller;
  const http::Request good = signed_request(caller);
  caller.authority.keys.front().until = 10;
  CHECK_FALSE(passes(caller, good));
}

TEST_CASE("peer call: no changed byte of the header passes") {
  const Caller caller;
  const http::Request good = signed_request(caller);
  for (std::size_t at = 0; at < good.headers.back().value.size(); ++at) {
    CAPTURE(at);
    http::Request bad = good;
    bad.headers.back().value[at] = static_cast<char>(bad.headers.back().value[at] ^ 1);
    const auto call = read_peer_call(bad);
    // Another origin is another caller: its key decides, and this one's is not it.
    if (call && call->origin == caller.authority.origin) CHECK_FALSE(passes(caller, bad));
  }
  for (const char* value : {"", " ", "a", "a 1", "a 1 ", "a x AAAA", "a -1 AAAA", "a 1 A A"}) {
    http::Request bad{.headers = {{std::string(peer_header), value}}};
    CHECK_FALSE(read_peer_call(bad).has_value());
  }
}
