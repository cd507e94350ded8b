// Batches of signed statements over HTTP, and members that stay open between requests.
#include <doctest/doctest.h>

#include <latch>
#include <thread>

#include "alliance/incoming.h"
#include "alliance/keys.h"
#include "alliance/membership.h"
#include "log/store.h"
#include "net/client.h"
#include "node/append_queue.h"
#include "node/mount.h"
#include "node/serve.h"
#include "pool/kinds.h"
#include "share/kinds.h"
#include "sql/db.h"
#include "statement/sign.h"
#include "talent/kinds.h"

using namespace hz;

namespace {

struct World {
  TempDir temp;
  fs::path home = temp.path() / "home";
  api::Ctx ctx = context(home);
  std::int64_t made = 0;

  World() { REQUIRE(alliance::Member::create(home, {"Acme", "hezong.example/acme"}, ctx.mounted, ctx.seams)); }
  static api::Ctx context(const fs::path& folder) {
    return {.home = folder, .mounted = node::mounted(), .seams = {&system_clock(), &system_rng(), &silent_progress()}};
  }
  net::Client client(const node::Served& served, bool operating = true) const {
    net::ClientOptions options{.url = served.file().url};
    std::string token = *read_text(home / "api_token", 1024);
    token.pop_back();
    if (operating) options.headers = {{"authorization", "Bearer " + token}};
    return *net::Client::make(options);
  }
  statement::NamedSigner author() const { return alliance::load_key(home / "keys", alliance::Role::author).value(); }
  // A statement as a signing machine would make it.
  Bytes leaf(const statement::NamedSigner& by, std::string_view log = "hezong.example/acme", std::int64_t idem = -1,
             std::string_view kind = talent::Need::kind) {
    const json::Value body = to_json(talent::Need{fmt::format("backend:b{}", made), "skill:kernels", 1, 2, 3});
    statement::Idem key{};
    const auto number = static_cast<std::uint64_t>(idem < 0 ? made : idem);
    for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<std::uint8_t>(number >> (8 * i));
    ++made;
    const auto payload = statement::build_payload({.kind = kind,
                                                   .issuer = log,
                                                   .log = log,
                                                   .role = "author",
                                                   .issued_ms = 1795442706123,
                                                   .idem = key,
                                                   .audience = {},
                                                   .refs = {},
                                                   .subjects = {},
                                                   .body = &body});
    const statement::NamedSigner* signers[] = {&by};
    return statement::sign(payload.value(), signers).value().leaf;
  }
};

std::string batch(const std::vector<Bytes>& leaves) {
  json::Array list;
  for (const Bytes& leaf : leaves) list.emplace_back(base64(leaf));
  json::Value out;
  out.set("leaf", std::move(list));
  return json::dump(out);
}
http::Request post(std::string body) {
  return {"POST", "/v1/statements", "", {{"content-type", "application/json"}}, std::move(body)};
}
std::string reason(const Result<http::Response>& r) {
  REQUIRE(r);
  const auto value = json::parse(r->body);
  REQUIRE(value);
  const json::Value* error = value->find("error");
  return error ? std::string(error->text("reason")) : "ok";
}
std::int64_t statements(const net::Client& client) {
  const auto r = client.send({"GET", "/v1/status"});
  REQUIRE(r);
  REQUIRE(r->status == 200);
  return *json::parse(r->body)->find("statements")->integer();
}

}  // namespace

TEST_CASE("append over HTTP: the operator's batch of the member's own statements is appended, all or none") {
  World world;
  auto served = node::Served::start({}, world.ctx).value();
  const net::Client mine = world.client(served), stranger = world.client(served, false);
  const auto author = world.author();
  std::vector<Bytes> leaves;
  for (int i = 0; i < 300; ++i) leaves.push_back(world.leaf(author));

  // Denied: without the token, and by another member's key, name or log, whoever sends it.
  CHECK(stranger.send(post(R"({"leaf":["AA=="]})"))->status == 401);
  CHECK(stranger.send(post(batch(leaves)))->status == 413);  // a stranger's bytes are not even collected
  SeededRng rng(9);
  const statement::NamedSigner other("hezong.example/other+author", crypto::SigningKey::generate(rng));
  const statement::NamedSigner renamed(author.name, crypto::SigningKey::generate(rng));
  const auto refused = [&](const Bytes& bad) {
    std::vector<Bytes> with = leaves;
    with.push_back(bad);
    const auto answer = mine.send(post(batch(with)));
    CHECK(answer->status >= 400);
    CHECK((answer->status < 500 || answer->status == 501));
    CHECK(answer->body.find("leaf 300") != std::string::npos);
    return reason(answer);
  };
  CHECK(refused(world.leaf(other)) == "statement.no_signature");
  CHECK(refused(world.leaf(renamed)) == "statement.no_signature");
  CHECK(refused(world.leaf(author, "hezong.example/other")) == "statement.wrong_log");
  CHECK(refused(world.leaf(author, "hezong.example/acme", -1, "talent.nothing")) == "alliance.unknown_kind");
  CHECK(refused(world.leaf(author, "hezong.example/acme", -1, share::Release::kind)) == "base.json_field");
  CHECK(refused(world.leaf(author, "hezong.example/acme", -1, alliance::KeyRotate::kind)) == "alliance.key_change");
  Bytes flipped = world.leaf(author);
  flipped[60] ^= 1;
  CHECK(refused(flipped) == "alliance.incoming");
  CHECK(reason(mine.send(post(R"({"leaf":["!"]})"))) == "base.text_form");
  CHECK(reason(mine.send(post(R"({"leaf":[]})"))) == "alliance.batch");
  CHECK(statements(mine) == 1);

  // Allowed.
  const auto first = mine.send(post(batch(leaves)));
  REQUIRE(first);
  CAPTURE(first->body);
  CHECK(first->status == 200);
  CHECK(statements(mine) == 301);
  // Sent again after a lost answer: the same places, nothing new.
  const auto again = mine.send(post(batch(leaves)));
  CHECK(again->status == 200);
  const auto receipts = *json::parse(again->body)->find("receipts")->array();
  REQUIRE(receipts.size() == 300);
  CHECK(*receipts[7].find("index")->integer() == 8);
  CHECK(*receipts[7].find("repeated")->boolean());
  CHECK(statements(mine) == 301);
  // A used idempotency key for something else refuses the statement beside it too.
  CHECK(reason(mine.send(post(batch({world.leaf(author), world.leaf(author, "hezong.example/acme", 3)})))) ==
        "log.idem_conflict");
  CHECK(statements(mine) == 301);
  const std::vector<Bytes> many(alliance::incoming_max + 1, leaves[0]);
  CHECK(reason(mine.send(post(batch(many)))) == "alliance.batch");
  // What was appended counts in the views of a member that opens the folder from nothing.
  auto member = alliance::Member::open(world.home, world.ctx.mounted, world.ctx.seams).value();
  sql::Db& views = *member.views().value();
  CHECK(views.integer("SELECT count(*) FROM alliance_refused").value() == 0);
  CHECK(views.integer("SELECT count(*) FROM alliance_statement").value() == 301);
}

TEST_CASE("open members: a command appends while the node runs, and the next request sees and extends it") {
  World world;
  auto served = node::Served::start({}, world.ctx).value();
  const net::Client mine = world.client(served);
  const auto author = world.author();
  for (int i = 0; i < 5; ++i) {
    CHECK(mine.send(post(batch({world.leaf(author)})))->status == 200);
    auto command = alliance::Member::open(world.home, world.ctx.mounted, world.ctx.seams).value();
    CHECK(command.log().head().size == static_cast<std::uint64_t>(2 + 2 * i));
    REQUIRE(command.append(alliance::draft(talent::Need{fmt::format("backend:c{}", i), "skill:k", 1, 2, 3})));
    REQUIRE(command.rest());
    CHECK(statements(mine) == 3 + 2 * i);
  }
}

TEST_CASE("open members: a folder that goes back while the node runs is refused at the next request, to read or sign") {
  World world;
  auto served = node::Served::start({.sync_ms = 0}, world.ctx).value();
  const net::Client mine = world.client(served);
  const auto author = world.author();
  CHECK(mine.send(post(batch({world.leaf(author)})))->status == 200);
  // A backup as a careful person makes one: through SQLite, so that it is whole.
  {
    sql::Db live = sql::Db::open(world.home / "log" / "log.db", sql::Mode::writer).value();
    REQUIRE(live.run(fmt::format("VACUUM INTO '{}'", (world.temp.path() / "backup").string())));
  }
  CHECK(mine.send(post(batch({world.leaf(author)})))->status == 200);
  CHECK(statements(mine) == 3);
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(world.home / "log" / (std::string("log.db") + suffix));
  fs::rename(world.temp.path() / "backup", world.home / "log" / "log.db");
  const auto read = mine.send({"GET", "/v1/status"});
  CHECK(reason(read) == "log.rolled_back");
  CHECK(reason(mine.send(post(batch({world.leaf(author)})))) == "log.rolled_back");
}

TEST_CASE(
    "back-pressure: while one batch waits for the disk, the queue takes what it may and the rest get 503 at once") {
  World world;
  net::ServerLimits limits;
  limits.workers = 1;
  limits.queue_max = 2;
  auto served = node::Served::start({.sync_ms = 0, .limits = limits}, world.ctx).value();
  const auto author = world.author();
  auto command = alliance::Member::open(world.home, world.ctx.mounted, world.ctx.seams).value();
  REQUIRE(command.become_writer());  // another process has the log
  std::vector<std::string> bodies;
  for (int i = 0; i < 6; ++i) bodies.push_back(batch({world.leaf(author)}));
  std::vector<std::thread> clients;
  std::atomic<int> taken = 0, busy = 0, other = 0;
  for (int i = 0; i < 6; ++i)
    clients.emplace_back([&, i] {
      const auto answer = world.client(served).send(post(bodies[static_cast<std::size_t>(i)]));
      const int status = answer ? answer->status : 0;
      ++(status == 200 ? taken : status == 503 ? busy : other);
    });
  // One runs and two wait (or two in all, when the third came before the worker took the first); the others were told
  // to come back. Only then the log is free again.
  while (busy < 3 && other == 0) std::this_thread::yield();
  REQUIRE(command.rest());
  for (auto& thread : clients) thread.join();
  CHECK(taken + busy == 6);
  CHECK(taken >= 2);
  CHECK(taken <= 3);
  CHECK(other == 0);
  CHECK(served.counters().busy == static_cast<std::uint64_t>(busy.load()));
}

TEST_CASE("append queue: batches that wait are appended together, and one that is refused takes no other with it") {
  World world;
  auto member = alliance::Member::open(world.home, world.ctx.mounted, world.ctx.seams).value();
  const auto author = world.author();
  const auto checked = [&](std::vector<Bytes> leaves) {
    return alliance::check_incoming(member.authority(), world.ctx.mounted, std::move(leaves)).value();
  };
  std::vector<std::vector<alliance::Incoming>> batches;
  for (int i = 0; i < 6; ++i) batches.push_back(checked({world.leaf(author), world.leaf(author)}));
  // The third uses the key of the first for something else.
  batches[2] = checked({world.leaf(author, "hezong.example/acme", 0), world.leaf(author)});
  REQUIRE(member.append_incoming(batches[0]));

  node::AppendQueue queue;
  std::timed_mutex turn;
  std::latch waiting{5}, go{1};
  std::vector<std::size_t> sizes;
  std::vector<std::string_view> slugs(6);
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < 6; ++i)
    threads.emplace_back([&, i] {
      const auto done = queue.append(
          std::move(batches[i]),
          [&]() -> Result<std::unique_lock<std::timed_mutex>> {
            waiting.count_down();
            go.wait();
            return std::unique_lock(turn);
          },
          [&](std::span<alliance::Incoming> all) {
            sizes.push_back(all.size());
            return member.append_incoming(all);
          });
      slugs[i] = done ? "ok" : done.error().reason->slug;
    });
  waiting.wait();
  go.count_down();
  for (auto& thread : threads) thread.join();
  CHECK(slugs == std::vector<std::string_view>{"", "ok", "log.idem_conflict", "ok", "ok", "ok"});
  CHECK(sizes == std::vector<std::size_t>{10, 2, 2, 2, 2, 2});
  CHECK(member.log().head().size == 1 + 2 + 4 * 2);
}
