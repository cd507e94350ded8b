// What a desk gives to whom: three members and somebody whose log is mirrored and who is no member.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

#include "alliance/body.h"
#include "alliance/charter.h"
#include "alliance/keys.h"
#include "alliance/peers.h"
#include "blob/store.h"
#include "crypto/hash.h"
#include "log/store.h"
#include "net/range.h"
#include "node/bodies.h"
#include "node/fetched.h"
#include "node/mount.h"
#include "node/peer_call.h"
#include "node/peer_desk.h"
#include "node/serve_artifact.h"
#include "node/served.h"
#include "pool/kinds.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::alliance;

namespace {

const std::string weights = "weights of a model, forty-two bytes long..";

struct Town {
  TempDir dir;
  ManualClock clock{1795442706123};
  SeededRng rng{5};
  std::vector<std::string> names{"founder", "hall", "lab", "outsider"};

  Seams seams() { return {&clock, &rng, &silent_progress()}; }
  static std::string origin(const std::string& name) { return name + ".example/log"; }
  fs::path home(const std::string& name) { return dir.path() / name; }
  Member open(const std::string& name) { return Member::open(home(name), node::mounted(), seams()).value(); }

  Town() {
    for (const std::string& name : names)
      REQUIRE(Member::create(home(name), {name, origin(name)}, node::mounted(), seams()));
    {
      Member founder = open("founder");
      Charter charter = default_charter("Town", founder.origin());
      std::erase_if(charter.rules, [](const VoteRule& rule) { return rule.act == "expel"; });  // without a ballot
      REQUIRE(founder.append(draft(charter)));
      for (const char* name : {"hall", "lab"}) {
        Member m = open(name);
        REQUIRE(m.append(draft(JoinRequest{founder.origin(), "", "", "", "", ""})));
        REQUIRE(founder.append(draft(Admit{m.origin(), root_fingerprint(m.authority().genesis), "member", 0, "", ""})));
      }
    }
    copy();
  }
  void copy() {
    for (const std::string& from : names)
      for (const std::string& to : names) {
        if (from == to) continue;
        const fs::path folder = peer_folder(home(to), origin(from));
        fs::remove_all(folder);  // a journal of before would undo the copy
        fs::create_directories(folder);
        for (const auto& file : fs::directory_iterator(home(from) / "log"))
          fs::copy_file(file.path(), folder / file.path().filename(), fs::copy_options::overwrite_existing);
      }
  }
  void expel(const std::string& name) {
    Member founder = open("founder");
    Member m = open(name);
    const log::Head& head = m.log().head();
    REQUIRE(founder.append(draft(Expel{origin(name), static_cast<std::int64_t>(head.size), hex(head.root), "test"})));
    copy();
  }
  // A release of the bytes, by hand: no gate of the signer is asked.
  std::string release(const std::string& by, const std::string& audience, std::string_view bytes = weights) {
    Member m = open(by);
    const share::Release said{.sha256 = hex(crypto::sha256(as_bytes(bytes))),
                              .name = "model",
                              .licence = "MIT",
                              .audience = audience,
                              .size_bytes = static_cast<std::int64_t>(bytes.size()),
                              .media_type = "application/x-model",
                              .control = share::Control::none};
    const std::string id = m.append(draft(said)).value().id;
    copy();
    return id;
  }
  void put(const std::string& where, std::string_view bytes = weights) {
    REQUIRE(open(where).blobs().put(as_bytes(bytes)));
  }
  node::PeerDesk desk(const std::string& of) {
    Member m = open(of);
    return node::PeerDesk::open(m).value();
  }
  http::Request signed_request(const std::string& from, const std::string& to, http::Request request) {
    const auto key = load_key(open(from).keys_folder(), Role::author).value();
    node::sign_peer_call(request, origin(from), origin(to), clock.now_ms() / 1000, key.key);
    return request;
  }
};

std::string path_of(std::string_view bytes = weights) { return "/artifact/" + hex(crypto::sha256(as_bytes(bytes))); }
// As the server sends it.
std::string sent(http::Request request, http::Response response) {
  const net::Range range = net::choose_range(request, response);
  std::string body = response.body;
  if (response.source) {
    body.resize(range.length);
    REQUIRE(response.source->read(range.offset, {reinterpret_cast<std::uint8_t*>(body.data()), body.size()}));
  }
  std::string out = fmt::format("{}\n", response.status);
  for (const http::Header& h : response.headers) out += fmt::format("{}: {}\n", h.name, h.value);
  return out + "\n" + body;
}
int status(Town& t, node::PeerDesk& desk, const std::string& of, const std::string& from) {
  return desk.answer(t.signed_request(from, of, {.path = path_of()})).status;
}

// As a round does, for statements that were replayed long ago.
Result<std::size_t> fetch_bodies(alliance::Member& member, const std::vector<node::Contact>& known,
                                 const std::vector<std::optional<http::Exchange>>& exchanges) {
  HZ_TRY(member.views());
  return node::fetch_bodies(member, HZ_TRY(node::begin_bodies(member)), known, exchanges, [](auto tasks) {
    for (const auto& task : tasks) task();
  });
}

}  // namespace

TEST_CASE("artifact: each audience class decides at the desk too, and only members are served at all") {
  struct Case {
    const char* audience;
    int hall, lab;
  };
  for (const auto& [audience, hall, lab] :
       {Case{"public", 200, 200}, Case{"members", 200, 200},
        Case{"bilateral:founder.example/log,hall.example/log", 200, 404},
        Case{"sealed-until:2026-01-01T00:00:00Z", 200, 200}, Case{"sealed-until:2036-01-01T00:00:00Z", 404, 404},
        Case{"group:g", 404, 404}, Case{"clean-team:t", 404, 404}, Case{"owner", 404, 404}}) {
    CAPTURE(audience);
    Town t;
    t.put("founder");
    t.release("founder", audience);
    node::PeerDesk desk = t.desk("founder");
    CHECK(status(t, desk, "founder", "hall") == hall);
    CHECK(status(t, desk, "founder", "lab") == lab);
    CHECK(status(t, desk, "founder", "outsider") == 404);
  }
}

TEST_CASE("artifact: an answer names the release, the type and the range, and HEAD and GET agree") {
  Town t;
  t.put("founder");
  const std::string id = t.release("founder", "members");
  node::PeerDesk desk = t.desk("founder");
  http::Request part = t.signed_request("hall", "founder", {.path = path_of(), .headers = {{"range", "bytes=8-9"}}});
  http::Response answer = desk.answer(part);
  CHECK(http::header(answer.headers, node::release_header) == id);
  CHECK(http::header(answer.headers, "content-type") == "application/x-model");
  const std::string text = sent(part, answer);
  CHECK(text.starts_with("206\n"));
  CHECK(text.ends_with("content-range: bytes 8-9/42\n\nof"));
  const http::Response head = desk.answer(t.signed_request("hall", "founder", {.method = "HEAD", .path = path_of()}));
  CHECK(head.headers == answer.headers);
  CHECK(desk.answer(t.signed_request("hall", "founder", {.method = "PUT", .path = path_of()})).status == 404);
}

TEST_CASE("artifact: what is not here, denied, asked by a stranger or badly signed has one answer, byte for byte") {
  Town t;
  t.put("founder");
  t.put("founder", "only ours");
  t.release("founder", "members");
  t.release("founder", "owner", "only ours");
  node::PeerDesk desk = t.desk("founder");
  std::vector<http::Request> refused{
      {.path = path_of()},                                                                     // nobody
      {.path = path_of("never was")},                                                          // nobody, nothing
      t.signed_request("outsider", "founder", {.path = path_of()}),                            // known, no member
      t.signed_request("hall", "founder", {.path = path_of("never was")}),                     // member, nothing
      t.signed_request("hall", "founder", {.path = path_of("only ours")}),                     // member, denied
      t.signed_request("hall", "lab", {.path = path_of()}),                                    // meant for another node
      t.signed_request("hall", "founder", {.path = "/artifact/nonsense"}),                     // no digest
      t.signed_request("hall", "founder", {.path = "/artifact/"}),                             //
      t.signed_request("hall", "founder", {.method = "DELETE", .path = path_of()}),            // no such method
      t.signed_request("hall", "founder", {.path = "/mirror/" + std::string(64, '0') + "/x"})  // no such thing at all
  };
  refused.push_back(t.signed_request("hall", "founder", {.path = path_of()}));
  refused.back().headers.back().value.back() = '!';
  refused.push_back(t.signed_request("hall", "founder", {.path = path_of()}));
  refused.back().path = path_of("only ours");
  http::Request old = t.signed_request("hall", "founder", {.path = path_of()});
  const std::string expected = sent(refused[0], desk.answer(refused[0]));
  CHECK(expected.starts_with("404\n"));
  for (const http::Request& request : refused) CHECK(sent(request, desk.answer(request)) == expected);
  CHECK(sent(old, desk.answer(old)).starts_with("200\n"));
  t.clock.advance_ms(301'000);
  CHECK(sent(old, desk.answer(old)) == expected);
}

TEST_CASE("artifact: refusals take the same time, whatever is behind them") {
  Town t;
  t.put("founder");
  t.put("founder", "only ours");
  t.release("founder", "members");
  t.release("founder", "owner", "only ours");
  node::PeerDesk desk = t.desk("founder");
  http::Request bad = t.signed_request("hall", "founder", {.path = path_of()});
  bad.path = path_of("only ours");
  http::Request unknown = t.signed_request("hall", "founder", {.path = path_of("never was")});
  http::Request invented = unknown;
  invented.headers.back().value.replace(0, 4, "nobo");
  const std::vector<http::Request> asked{unknown, t.signed_request("hall", "founder", {.path = path_of("only ours")}),
                                         t.signed_request("outsider", "founder", {.path = path_of()}), invented, bad};
  // Interleaved, so that a busy machine slows all of them; the fastest quarter, so that it matters little.
  std::vector<std::vector<std::int64_t>> took_ns(asked.size());
  for (int round = 0; round < 400; ++round)
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto before = std::chrono::steady_clock::now();
      const http::Response answer = desk.answer(asked[i]);
      took_ns[i].push_back(std::chrono::nanoseconds(std::chrono::steady_clock::now() - before).count());
      REQUIRE(answer.status == 404);
    }
  std::vector<std::int64_t> quarter;
  for (auto& times : took_ns) {
    std::ranges::sort(times);
    quarter.push_back(times[times.size() / 4]);
  }
  const auto [least, most] = std::ranges::minmax(quarter);
  MESSAGE("refusals take " << least << " to " << most << " ns");
  CHECK(most < least * 3 / 2 + 30'000);
}

TEST_CASE("artifact: whoever fetched gives on under the releaser's audience, and a claim alone opens nothing") {
  Town t;
  t.put("hall");
  t.release("founder", "bilateral:founder.example/log,hall.example/log");
  const auto digest = crypto::sha256(as_bytes(weights));
  // The lab never had the bytes: it only says so.
  t.release("lab", "members");
  {
    node::PeerDesk desk = t.desk("hall");
    CHECK(status(t, desk, "hall", "lab") == 404);
    CHECK(status(t, desk, "hall", "founder") == 404);  // here, and nothing says under which release
  }
  REQUIRE(node::keep_origin(t.home("hall"), digest, t.origin("founder")));
  REQUIRE(node::keep_origin(t.home("hall"), digest, t.origin("founder")));
  node::PeerDesk desk = t.desk("hall");
  CHECK(status(t, desk, "hall", "founder") == 200);
  CHECK(status(t, desk, "hall", "lab") == 404);
  // A wider release of the founder's counts after the next look, a narrower one as well.
  t.release("founder", "members");
  Member hall = t.open("hall");
  REQUIRE(desk.know(hall));
  CHECK(status(t, desk, "hall", "lab") == 200);
  t.release("founder", "owner");
  hall = t.open("hall");
  REQUIRE(desk.know(hall));
  CHECK(status(t, desk, "hall", "lab") == 404);
}

TEST_CASE("artifact: an expelled member is served no longer") {
  Town t;
  t.put("founder");
  t.release("founder", "members");
  t.release("founder", "public");
  node::PeerDesk desk = t.desk("founder");
  CHECK(status(t, desk, "founder", "hall") == 200);
  t.expel("hall");
  Member founder = t.open("founder");
  REQUIRE(desk.know(founder));
  CHECK(status(t, desk, "founder", "hall") == 404);
  CHECK(status(t, desk, "founder", "lab") == 200);
}

TEST_CASE("artifact: one member has so many answers under way and no more, others still get theirs") {
  Town t;
  t.put("founder");
  t.release("founder", "members");
  node::PeerDesk desk = t.desk("founder");
  std::vector<http::Response> under_way;
  for (int i = 0; i < 4; ++i)
    under_way.push_back(desk.answer(t.signed_request("hall", "founder", {.path = path_of()})));
  CHECK(under_way.back().status == 200);
  CHECK(status(t, desk, "founder", "hall") == 503);
  CHECK(status(t, desk, "founder", "lab") == 200);
  // Who may not have the bytes is not told that there is a limit.
  CHECK(status(t, desk, "founder", "outsider") == 404);
  under_way.pop_back();
  CHECK(status(t, desk, "founder", "hall") == 200);
}

TEST_CASE("artifact: each distinct answer is one line of the served log, given or not, and strangers are none") {
  Town t;
  t.put("founder");
  const std::string id = t.release("founder", "bilateral:founder.example/log,hall.example/log");
  const fs::path file = t.home("founder") / "served.jsonl";
  for (int run = 0; run < 2; ++run) {
    node::PeerDesk desk = t.desk("founder");
    for (const char* who : {"hall", "lab", "hall", "lab"}) status(t, desk, "founder", who);
    desk.answer({.path = path_of()});
  }
  const auto rows = node::ServedLog::read(file);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].given);
  CHECK(rows[0].reader == t.origin("hall"));
  CHECK(rows[0].statement == id);
  CHECK_FALSE(rows[1].given);
  CHECK(rows[1].reasons.front().starts_with("share.gate_audience"));
}

TEST_CASE("fetched: records that are none are passed over") {
  const TempDir temp;
  const Digest digest = crypto::sha256(as_bytes("x"));
  REQUIRE(node::keep_origin(temp.path(), digest, "a.example/log"));
  REQUIRE(node::keep_origin(temp.path(), digest, "b.example/log"));
  REQUIRE(write_file_durably(temp.path() / "fetched" / "nonsense", as_bytes("{}")));
  REQUIRE(write_file_durably(temp.path() / "fetched" / std::string(64, '0'), as_bytes("no json")));
  const node::Origins origins = node::kept_origins(temp.path());
  CHECK(origins.size() == 1);
  CHECK(origins.at(digest) == std::set<std::string>{"a.example/log", "b.example/log"});
}

namespace {

// A statement of this class, with its blob at the founder; its one blob.
std::string sealed_at_founder(Town& t, const char* audience) {
  Member m = t.open("founder");
  Draft said = draft(pool::Site{"site:a", "Hall A", "unknown", "CN", {{"backend:refrt", 1, 2, 1, 2}}});
  said.audience = Audience::parse(audience).value();
  const auto s = m.find(m.append(said).value().id).value();
  t.copy();
  REQUIRE(s.seal->blobs.size() == 1);
  return s.seal->blobs[0];
}
void list_hall(Town& t) {
  Member m = t.open("founder");
  for (const bool clean_team : {false, true}) REQUIRE(m.append(draft(Group{"g", clean_team, {t.origin("hall")}})));
  t.copy();
}
http::Exchange asks(Town& t, node::PeerDesk& desk, const std::string& from, const std::string& of) {
  return [&t, &desk, from, of](const http::Request& request) -> Result<http::Response> {
    const http::Request signed_one = t.signed_request(from, of, request);
    http::Response out = desk.answer(signed_one);
    if (out.source) {
      out.body.resize(out.source->size());
      HZ_TRY(out.source->read(0, {reinterpret_cast<std::uint8_t*>(out.body.data()), out.body.size()}));
    }
    return out;
  };
}

}  // namespace

TEST_CASE("sealed body: the desk gives it to its readers, and the others get what is not there") {
  struct Case {
    const char* audience;
    int hall, lab;
  };
  Town t;
  list_hall(t);
  for (const auto& [audience, hall, lab] :
       {Case{"members", 200, 200}, Case{"bilateral:founder.example/log,hall.example/log", 200, 404},
        Case{"group:g", 200, 404}, Case{"clean-team:g", 200, 404}, Case{"group:other", 404, 404},
        Case{"sealed-until:2036-01-01T00:00:00Z", 404, 404}, Case{"owner", 404, 404}}) {
    CAPTURE(audience);
    const std::string path = "/artifact/" + sealed_at_founder(t, audience);
    node::PeerDesk desk = t.desk("founder");
    const auto ask = [&](const char* from) {
      const http::Request request = t.signed_request(from, "founder", {.path = path});
      return sent(request, desk.answer(request));
    };
    const http::Request missing = t.signed_request("lab", "founder", {.path = path_of("never was")});
    const std::string nothing = sent(missing, desk.answer(missing));
    CHECK((ask("hall") != nothing) == (hall == 200));
    CHECK((ask("lab") != nothing) == (lab == 200));
    CHECK(ask("outsider") == nothing);
  }
}

TEST_CASE("sealed body: a round fetches what is for this member, and another holder gives what it may judge") {
  Town t;
  list_hall(t);
  sealed_at_founder(t, "owner");
  sealed_at_founder(t, "group:g");
  const Digest blob = parse_digest(sealed_at_founder(t, "members")).value();
  node::PeerDesk founder = t.desk("founder");
  const auto count = [&](const char* name) {
    Member m = t.open(name);
    return m.views().value()->integer("SELECT count(*) FROM public_pool_site").value().value_or(-1);
  };
  Member hall = t.open("hall");
  CHECK(count("hall") == 0);
  std::vector<node::Contact> known(1), others(1);
  known[0].origin = t.origin("founder");
  others[0].origin = t.origin("hall");
  CHECK(fetch_bodies(hall, known, {asks(t, founder, "hall", "founder")}).value() == 2);
  CHECK(fetch_bodies(hall, known, {asks(t, founder, "hall", "founder")}).value() == 0);
  CHECK(count("hall") == 1);
  // The founder is away: the lab gets the members' body from the hall, and nothing else.
  node::PeerDesk at_hall = t.desk("hall");
  Member lab = t.open("lab");
  CHECK(fetch_bodies(lab, others, {asks(t, at_hall, "lab", "hall")}).value() == 1);
  CHECK(lab.blobs().has(blob));
  CHECK(count("lab") == 1);
  // Somebody who serves other bytes under this name.
  Member again = t.open("lab");
  REQUIRE(again.blobs().erase(blob));
  REQUIRE(again.note_bodies_changed());
  t.clock.advance_ms(60'000);  // or it would not be asked for yet
  int asked = 0;
  const http::Exchange liar = [&](const http::Request&) -> Result<http::Response> {
    ++asked;
    return http::Response{.body = "x"};
  };
  CHECK(fetch_bodies(again, others, {liar}).value() == 0);
  CHECK(asked == 1);
  CHECK_FALSE(again.blobs().has(blob));
}
