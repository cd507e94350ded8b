// P5: view rebuild: statements replayed into tables per second on one core, without signatures (they were verified when
// they were appended). A third each of three real kinds, so that decoding, field reading and the rows of a pillar
// count.
//
// Beside it: signed durable appends through Member::append in batches of 1,000, everything included on one thread
// (payload, canonical check, signature, transaction); and the floor of a rebuild in the same run: SQLite with the same
// rows, without reading a single statement.
//
// usage: ./dev bench p5 [STATEMENTS]   (default 60000)
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "alliance/check_views.h"
#include "alliance/member.h"
#include "alliance/replay.h"
#include "log/store.h"
#include "measure.h"
#include "pool/kinds.h"
#include "share/kinds.h"
#include "statement/sign.h"
#include "talent/kinds.h"

using namespace hz;
using bench::need;
using bench::now_s;

namespace {

alliance::Mounted mounted() {
  static const auto kinds = [] {
    std::vector<statement::Kind> out;
    for (const auto& list : {share::kinds(), pool::kinds(), talent::kinds()})
      out.insert(out.end(), list.begin(), list.end());
    return out;
  }();
  static const std::string_view schemas[] = {share::view_schema(), pool::view_schema(), talent::view_schema()};
  return {kinds, schemas};
}

alliance::Draft draft(SeededRng& rng, std::size_t i) {
  const auto amount = [&] { return static_cast<std::int64_t>(rng.below(1000)); };
  switch (i % 3) {
    case 0: {
      Digest digest;
      rng.fill(digest);
      share::Release release;
      release.sha256 = hex(digest);
      release.name = fmt::format("model {}", i);
      release.licence = "Apache-2.0";
      release.size_bytes = amount();
      return alliance::draft(release);
    }
    case 1: {
      const auto low = amount(), minutes = amount();
      return alliance::draft(pool::Site{fmt::format("site:s{}", rng.below(10'000)),
                                        "Hangzhou",
                                        "entity:acme",
                                        "CN",
                                        {{"backend:refrt", low, low + 100, minutes, minutes + 10}}});
    }
    default: {
      const auto low = amount();
      return alliance::draft(
          talent::Need{fmt::format("backend:b{}", rng.below(10'000)), "skill:kernels", 1, low, low + 8});
    }
  }
}

// The same rows from memory: what SQLite itself costs.
double plain_rows_per_s(const fs::path& path, alliance::Member& member, std::uint64_t size) {
  struct Line {
    Digest id;
    std::string kind, issuer, key, id_text;
    std::int64_t issued_ms;
  };
  std::vector<Line> lines;
  need(member.log().visit(0, size, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
    const auto s = HZ_TRY(statement::read_leaf(leaf, member.origin(), index));
    lines.push_back({s.id, s.kind, s.issuer, fmt::format("{}:{}", s.kind, index % 10'000), s.id_text(), s.issued_ms});
    return {};
  }));
  sql::Db db = need(sql::Db::open(path, sql::Mode::scratch));
  need(db.run(
      "CREATE TABLE line(origin TEXT, idx INTEGER, id BLOB NOT NULL UNIQUE, kind TEXT, issuer TEXT, issued_ms INTEGER, "
      "PRIMARY KEY(origin, idx)) STRICT, WITHOUT ROWID;"
      "CREATE TABLE thing(key TEXT PRIMARY KEY, a TEXT, b TEXT, c INTEGER, d INTEGER, statement TEXT) STRICT, WITHOUT "
      "ROWID"));
  const double start = now_s();
  need(db.transaction([&]() -> Result<void> {
    std::int64_t index = 0;
    for (const Line& l : lines) {
      HZ_TRY(db.exec("INSERT INTO line VALUES(?,?,?,?,?,?)",
                     {member.origin(), index++, ByteView(l.id), l.kind, l.issuer, l.issued_ms}));
      HZ_TRY(db.exec("INSERT OR REPLACE INTO thing VALUES(?,?,?,?,?,?)",
                     {l.key, l.kind, l.issuer, l.issued_ms, index, l.id_text}));
    }
    return {};
  }));
  return static_cast<double>(lines.size()) / (now_s() - start);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 60'000;
  constexpr std::size_t batch = 1000;
  const TempDir dir;
  SeededRng rng(5);
  auto member = need(alliance::Member::create(dir.path() / "home", {"Bench", "bench.example/p5"}, mounted(),
                                              {&system_clock(), &rng, &silent_progress()}));
  std::vector<alliance::Draft> drafts;
  for (std::size_t i = 0; i < count; ++i) drafts.push_back(draft(rng, i));
  double start = now_s();
  for (std::size_t i = 0; i < count; i += batch)
    need(member.append(std::span(drafts).subspan(i, std::min(batch, count - i))));
  const double appends = static_cast<double>(count) / (now_s() - start);

  double rebuild_s = 1e9;
  const double before_mb = bench::resident_mb(::getpid());
  std::string digest;
  for (int run = 0; run < 3; ++run) {
    fs::remove(dir.path() / "home" / "views.sqlite");
    auto fresh =
        need(alliance::Member::open(dir.path() / "home", mounted(), {&system_clock(), &rng, &silent_progress()}));
    start = now_s();
    sql::Db* views = need(fresh.views());
    rebuild_s = std::min(rebuild_s, now_s() - start);
    const std::string now = need(alliance::view_digest(*views));
    if (!digest.empty() && digest != now) {
      std::fprintf(stderr, "bench p5: two rebuilds differ\n");
      return 1;
    }
    digest = now;
  }
  const double kept_mb = bench::resident_mb(::getpid()) - before_mb;
  const double rebuilt = static_cast<double>(count) / rebuild_s;

  auto checked =
      need(alliance::Member::open(dir.path() / "home", mounted(), {&system_clock(), &rng, &silent_progress()}));
  start = now_s();
  const bool sound = need(checked.check_views({})).faults.empty();
  const double compared = static_cast<double>(count) / (now_s() - start);
  need(need(checked.views())
           ->exec("UPDATE pool_site SET jurisdiction = 'XX' WHERE site = (SELECT min(site) FROM pool_site)"));
  start = now_s();
  const bool found = need(checked.check_views({})).faults.size() == 1;
  const double mend_s = now_s() - start;
  if (!sound || !found || need(alliance::view_digest(*need(checked.views()))) != digest) {
    std::fprintf(stderr, "bench p5: views were not held against the log\n");
    return 1;
  }

  std::size_t bytes = 0;
  start = now_s();
  need(member.log().visit(0, count, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
    HZ_TRY(statement::read_leaf(leaf, member.origin(), index));
    bytes += leaf.size();
    return {};
  }));
  const double read = static_cast<double>(count) / (now_s() - start);
  const double floor = plain_rows_per_s(dir.path() / "plain.db", member, count);

  const bool ok = rebuilt >= 60'000 && appends >= 10'000;
  std::printf("%zu statements of %zu bytes, one thread\n", count, bytes / count);
  std::printf("  views rebuilt               %9.0f /s   goal 60000; three runs, best; equal digests\n", rebuilt);
  std::printf("    memory kept afterwards    %9.1f MB\n", kept_mb);
  std::printf("    of which leaves read      %9.0f /s   log, frame, canonical check, header, id\n", read);
  std::printf("  views held against the log  %9.0f /s   replayed beside and compared; with a wrong row %.2f s in all\n",
              compared, mend_s);
  std::printf("  signed durable appends      %9.0f /s   goal 10000; batches of %zu\n", appends, batch);
  std::printf("  plain SQLite, like rows     %9.0f /s   the floor of a rebuild; ratio %.2f\n", floor, rebuilt / floor);
  std::printf(
      "{\"id\":\"p5\",\"value\":%.0f,\"unit\":\"statements replayed/s\",\"goal\":60000,"
      "\"peer\":\"plain SQLite %.0f rows/s\",\"ratio\":%.2f,\"ok\":%s,\"read_per_s\":%.0f,\"appends_per_s\":%.0f}\n",
      rebuilt, floor, rebuilt / floor, ok ? "true" : "false", read, appends);
}
