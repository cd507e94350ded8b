#include "log/serve.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>

#include "log/proof.h"
#include "log/test_world.h"
#include "log/tile.h"
#include "log/tile_reader.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

namespace {
http::Response get(Log& log, std::string path, std::string query = "", std::string method = "GET") {
  http::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  return serve(log, request, "/logs/a");
}
}  // namespace

TEST_CASE("serve: every file of an export is served with the same bytes under the prefix") {
  const TempDir dir;
  Log log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 700)));
  REQUIRE(log.publish_tree(dir.path() / "export", silent_progress()));
  std::size_t files = 0;
  for (const auto& file : fs::recursive_directory_iterator(dir.path() / "export")) {
    if (!file.is_regular_file()) continue;
    const std::string name = fs::relative(file.path(), dir.path() / "export").generic_string();
    const auto response = get(log, "/logs/a/" + name);
    CAPTURE(name);
    REQUIRE(response.status == 200);
    const Bytes bytes = read_file(file.path(), 10'000'000).value();
    CHECK(response.body == as_text(bytes));
    const bool checkpoint = name == "checkpoint";
    CHECK(http::header(response.headers, "content-type") ==
          (checkpoint ? "text/plain; charset=utf-8" : "application/octet-stream"));
    CHECK((http::header(response.headers, "cache-control").find("immutable") == std::string_view::npos) == checkpoint);
    ++files;
  }
  CHECK(files == 1 + tiles_of(700).size());
}

TEST_CASE("serve: nothing beyond the published head, no query string, no other path or method") {
  const TempDir dir;
  Log log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 300)));
  REQUIRE(log.publish(log.checkpoint(), {}));
  const std::string shown = log.checkpoint();
  REQUIRE(log.append(entries_of(300, 800)));
  CHECK(get(log, "/logs/a/checkpoint").body == shown);
  CHECK(get(log, "/logs/a/tile/0/001.p/44").status == 200);
  CHECK(get(log, "/logs/a/tile/0/001.p/7").status == 200);  // of an older checkpoint
  CHECK(get(log, "/logs/a/tile/0/000.p/255").status == 200);
  for (const char* path : {"tile/0/001.p/45", "tile/0/001", "tile/0/002", "tile/entries/001", "tile/entries/001.p/45",
                           "tile/1/000.p/2", "tile/2/000", "tile/63/000", "tile/0/1", "", "x", "tile", "checkpoint/"}) {
    CAPTURE(path);
    const auto response = get(log, fmt::format("/logs/a/{}", path));
    CHECK(response.status == 404);
    CHECK(http::header(response.headers, "cache-control") == "no-store");
  }
  CHECK(get(log, "/logs/b/checkpoint").status == 404);
  CHECK(get(log, "/logs/acheckpoint").status == 404);
  CHECK(get(log, "/logs/a").status == 404);
  CHECK(get(log, "/logs/a/checkpoint", "x=1").status == 400);
  CHECK(get(log, "/logs/a/checkpoint", "", "POST").status == 405);
  CHECK(get(log, "/logs/a/tile/0/000", "", "HEAD").status == 200);
  CHECK(get(log, "/logs/a/tile/0/000", "", "HEAD").body.empty());
}

TEST_CASE("serve: a reader beside the writer follows the published head") {
  const TempDir dir;
  Log log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 10)));
  Log reader = Log::open_reader(dir.path() / "log").value();
  CHECK(get(reader, "/logs/a/tile/0/000.p/11").status == 404);
  REQUIRE(log.append(entries_of(10, 20)));
  REQUIRE(log.publish(log.checkpoint(), {}));
  CHECK(get(reader, "/logs/a/tile/0/000.p/20").status == 200);
  CHECK(get(reader, "/logs/a/checkpoint").body == log.checkpoint());
}

TEST_CASE("publish: never a smaller head, never another tree, and only lines of known keys that hold") {
  const TempDir dir;
  Log log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 5)));
  const std::string five = log.checkpoint();
  REQUIRE(log.append(entries_of(5, 9)));
  REQUIRE(log.publish(log.checkpoint(), {}));
  CHECK(slug(log.publish(five, {})) == "log.publish");
  Digest other{};
  other[0] = 1;
  CHECK(slug(log.publish(sign_checkpoint({std::string(origin), 9, other}, key_of(42)), {})) == "log.forked");
  CHECK(slug(log.publish(sign_checkpoint({std::string(origin), 9, log.head().root}, key_of(43)), {})) ==
        "log.note_unsigned");
  Log reader = Log::open_reader(dir.path() / "log").value();
  CHECK(slug(reader.publish(log.checkpoint(), {})) == "log.read_only");
  CHECK(reader.fsck(silent_progress()).value().faults.empty());
}

TEST_CASE("publish: a change of the log's key leaves the public note sound, and proofs under the new key hold") {
  const TempDir dir;
  Log log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 9)));
  REQUIRE(log.publish(log.checkpoint(), {}));
  REQUIRE(log.rekey(key_of(43)));
  CHECK(log.fsck(silent_progress()).value().faults.empty());
  CHECK(verify_proof(parse_proof(log.prove(3).value()).value(), log.key()).value().leaf == leaf_of(3));
  REQUIRE(log.publish(log.checkpoint(), {}));
  CHECK(open_checkpoint(log.published().value().note, log.key()).value().size == 9);
}

TEST_CASE("tile reader: a partial file that was replaced by the full one is read from that") {
  const TempDir dir;
  Log log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 512)));
  const auto only_full = [&](const http::Request& request) -> Result<http::Response> {
    if (request.path.find("/001.p/") != std::string::npos) return http::Response{404};
    return serve(log, request, "");
  };
  TileReader reader(only_full, "");
  const auto entries = reader.entries(1, 44).value();
  REQUIRE(entries.size() == 44);
  CHECK(entries[43] == leaf_of(299));
  CHECK(crypto::tree_root(300, reader.nodes(300)).value() == log.root_at(300).value());
  CHECK(slug(reader.entries(2, 1)) == "log.fetch_absent");
}
