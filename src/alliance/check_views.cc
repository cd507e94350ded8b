#include "alliance/check_views.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "alliance/closing.h"
#include "alliance/member_state.h"
#include "alliance/reasons.h"
#include "crypto/hash.h"

namespace hz::alliance {
namespace {

constexpr int rounds_max = 3;
constexpr std::string_view in_pages = "file";

bool is_damage(const Error& error) { return error.reason->slug == "sql.corrupt"; }

fs::path beside_path(const fs::path& home) { return home / "views.beside.sqlite"; }

// One check at a time, of all processes.
Result<Fd> alone(const fs::path& path) {
  const std::string name = path.string() + ".lock";
  Fd fd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail(hz::why("base.write"), "{}: {}", name, std::strerror(errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return fail(why("alliance.views_busy"), "{}", name);
  return fd;
}

// The copy goes, however the check ends; one that a killed process left goes when the next begins.
struct Removed {
  const fs::path& path;
  explicit Removed(const fs::path& of) : path(of) {}
  ~Removed() { remove_views_file(path); }
  Removed(const Removed&) = delete;
  Removed& operator=(const Removed&) = delete;
};

// Ends what begin_read() began. Meanwhile every statement of `db` asks.
class Snapshot {
 public:
  Snapshot(sql::Db& db, std::function<bool()> ask) : db_(db) { db_.ask_meanwhile(std::move(ask)); }
  ~Snapshot() {
    db_.ask_meanwhile({});
    db_.end_read();
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  sql::Db& db_;
};

Result<std::vector<FrontierEntry>> heads_of(sql::Db& db) {
  std::vector<FrontierEntry> out;
  HZ_TRY(db.query("SELECT origin, size, root FROM alliance_log ORDER BY origin", {}, [&](const sql::Row& r) {
    out.push_back({r.text(0), static_cast<std::uint64_t>(r.integer(1)), r.text(2)});
    return true;
  }));
  return out;
}

// The bodies that the rows stand on; nothing when none is sealed.
Result<std::string> bodies_of(sql::Db& db) {
  const bool any = HZ_TRY(db.integer("SELECT count(*) FROM (SELECT 1 FROM alliance_sealed LIMIT 1)")).value_or(0) > 0;
  return any ? HZ_TRY(db.text("SELECT bodies FROM alliance_views")).value_or("") : std::string();
}

Result<std::int64_t> size_of(sql::Db& db) {
  return HZ_TRY(db.integer("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")).value_or(0);
}

using Line = std::vector<std::string>;
Line line_of(const sql::Row& row, const ViewTable& table) {
  Line out;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const ByteView bytes = row.blob(static_cast<int>(c));
    const auto plain = [](std::uint8_t b) { return b >= 0x20 && b < 0x7f; };
    out.push_back(std::ranges::all_of(bytes, plain) ? std::string(as_text(bytes)) : hex(bytes));
  }
  return out;
}
std::string key_of(const Line& line, const ViewTable& table) {
  std::string out;
  const auto add = [&](std::size_t c) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", table.columns[c], line[c].substr(0, 80));
  };
  for (const std::size_t c : table.key) add(c);
  if (table.key.empty()) add(0);
  return out;
}

std::uint64_t short_of(ByteView line) {
  const Digest digest = crypto::sha256(line);
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 8; ++i) out = out << 8 | digest[i];
  return out;
}

// Only for a table that differs: how many rows do, and which is the first.
Result<std::string> first_difference(sql::Db& here, sql::Db& right, const ViewTable& table) {
  std::vector<std::uint64_t> wrong_all, right_all;
  HZ_TRY(each_row(right, table, [&](const sql::Row&, ByteView line) { right_all.push_back(short_of(line)); }));
  HZ_TRY(each_row(here, table, [&](const sql::Row&, ByteView line) { wrong_all.push_back(short_of(line)); }));
  const auto [a, b] = std::ranges::mismatch(wrong_all, right_all);
  const auto at = static_cast<std::size_t>(a - wrong_all.begin());
  const auto nth = [&](sql::Db& db) -> Result<Line> {
    Line out;
    std::size_t n = 0;
    HZ_TRY(each_row(db, table, [&](const sql::Row& row, ByteView) {
      if (n++ == at) out = line_of(row, table);
    }));
    return out;
  };
  const Line found = HZ_TRY(nth(here)), said = HZ_TRY(nth(right));
  std::ranges::sort(wrong_all);
  std::ranges::sort(right_all);
  std::vector<std::uint64_t> more, less;
  std::ranges::set_difference(wrong_all, right_all, std::back_inserter(more));
  std::ranges::set_difference(right_all, wrong_all, std::back_inserter(less));
  std::string out =
      fmt::format("{} of {} rows differ from what the logs say", std::max(more.size(), less.size()), wrong_all.size());
  if (found.empty()) return out + fmt::format("; the first that is missing: {}", key_of(said, table));
  if (said.empty()) return out + fmt::format("; the first that is too much: {}", key_of(found, table));
  out += fmt::format("; the first: {}", key_of(found, table));
  if (key_of(found, table) != key_of(said, table)) return out + fmt::format(", where {} is said", key_of(said, table));
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    if (found[c] != said[c]) return out + fmt::format(", in {}", table.columns[c]);
  return out;
}

// nullopt: as it should be.
Result<std::optional<std::string>> fault_of(sql::Db& here, sql::Db& right, const ViewTable& table) {
  std::string pages;
  HZ_TRY(here.query(fmt::format("PRAGMA integrity_check(\"{}\")", table.name), {}, [&](const sql::Row& row) {
    if (row.text_view(0) != "ok") pages = row.text(0);
    return pages.empty();
  }));
  if (!pages.empty()) return std::optional("SQLite: " + pages.substr(0, 200));
  const auto digest = [&](sql::Db& db) -> Result<Digest> {
    crypto::Sha256 hash;
    HZ_TRY(each_row(db, table, [&](const sql::Row&, ByteView line) { hash.update(line); }));
    return hash.finish();
  };
  if (HZ_TRY(digest(here)) == HZ_TRY(digest(right))) return std::optional<std::string>();
  return std::optional(HZ_TRY(first_difference(here, right, table)));
}

Result<std::string> schema_of(sql::Db& db) {
  std::string out;
  HZ_TRY(db.query("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2", {}, [&](const sql::Row& r) {
    out += fmt::format("{} {} {} {}\n", r.text(0), r.text(1), r.text(2), r.text(3));
    return true;
  }));
  HZ_TRY(db.query("SELECT member FROM alliance_self", {}, [&](const sql::Row& r) {
    out += r.text(0) + "\n";
    return true;
  }));
  return out;
}

}  // namespace

Result<std::vector<ViewsFault>> compare_views(sql::Db& here, sql::Db& right) {
  std::vector<ViewsFault> out;
  const std::string said = HZ_TRY(schema_of(right));
  const auto found = schema_of(here);
  if (!found && !is_damage(found.error())) return std::unexpected(found.error());
  if (!found || *found != said)
    return std::vector{ViewsFault{"schema", found ? "it is not that of this program" : found.error().detail}};
  for (const ViewTable& table : HZ_TRY(view_tables(right))) {
    auto fault = fault_of(here, right, table);
    if (!fault && !is_damage(fault.error())) return std::unexpected(fault.error());
    if (!fault)
      out.push_back({table.name, fault.error().detail});
    else if (*fault)
      out.push_back({table.name, **std::move(fault)});
  }
  return out;
}

Result<ViewsCheck> Member::check_views(const GoOn& go_on) {
  State& state = *state_;
  HZ_ASSERT(!state.hold);
  const fs::path path = beside_path(state.home);
  const Fd turn = HZ_TRY(alone(path));
  const Removed removed(path);
  const auto as_here = [&state](std::vector<Source> logs) {
    for (Source& log : logs)
      log.open = [&state](const statement::Statement& s) -> Result<std::optional<json::Value>> {
        // Opened then, or tried.
        const auto tried =
            HZ_TRY(state.views->db().integer("SELECT opened OR EXISTS(SELECT 1 FROM alliance_refused r WHERE r.origin "
                                             "= s.origin AND r.idx = s.idx) FROM alliance_sealed s WHERE s.origin = ? "
                                             "AND s.idx = ?",
                                             {s.origin, static_cast<std::int64_t>(s.index)}));
        return tried == 1 ? state.open_for_replay(s) : std::optional<json::Value>();
      };
    return logs;
  };
  ViewsCheck out;
  std::optional<Views> beside;
  std::string bodies;
  std::optional<Error> stopped;
  const auto ask = [&] {
    const auto may = go_on ? go_on() : Result<void>();
    if (!may) stopped = may.error();
    return may.has_value();
  };
  // False: they moved in a way that this copy does not follow.
  const auto round = [&](bool first) -> Result<bool> {
    sql::Db& before = *HZ_TRY(views());
    bodies = HZ_TRY(bodies_of(before));
    const auto begun = HZ_TRY(heads_of(before));
    beside.reset();
    beside = HZ_TRY(state.views->beside(path));
    HZ_TRY(beside->catch_up(as_here(HZ_TRY(state.sources_at(begun))), silent_progress(), "", go_on));
    sql::Db& here = *HZ_TRY(views());
    HZ_TRY(here.begin_read());
    const Snapshot held(here, ask);
    if (HZ_TRY(bodies_of(here)) != bodies) return false;
    const auto heads = HZ_TRY(heads_of(here));
    HZ_TRY(beside->catch_up(as_here(HZ_TRY(state.sources_at(heads))), silent_progress(), "", go_on));
    out.statements = 0;
    for (const FrontierEntry& head : heads) out.statements += head.size;
    out.size_bytes = HZ_TRY(size_of(here)) + HZ_TRY(size_of(beside->db()));
    beside->db().ask_meanwhile(ask);
    auto faults = compare_views(here, beside->db());
    beside->db().ask_meanwhile({});
    if (stopped) return std::unexpected(*stopped);
    out.faults = HZ_TRY(std::move(faults));
    // Rows were replayed anew meanwhile, with bodies that had come: seen once more before it is called damage.
    return !first || std::ranges::find(out.faults, "alliance_sealed", &ViewsFault::table) == out.faults.end();
  };
  for (int n = 0;; ++n) {
    if (n == rounds_max) return fail(why("alliance.views_busy"), "they were replayed anew {} times meanwhile", n);
    const auto done = round(n == 0);
    if (stopped) return std::unexpected(*stopped);
    if (!done && !is_damage(done.error())) return std::unexpected(done.error());
    if (!done) {
      out.faults = {{std::string(in_pages), done.error().detail}};
      break;
    }
    if (*done) break;
  }
  if (out.faults.empty()) return out;
  const auto follow = [&](sql::Db& here) -> Result<void> {
    HZ_TRY(beside->catch_up(as_here(HZ_TRY(state.sources_at(HZ_TRY(heads_of(here))))), silent_progress()));
    return {};
  };
  // Which bodies are open stands in the rows, and may be what changed: then all that can be opened now is.
  const bool follows = out.faults.front().table != in_pages && bodies.empty();
  const bool mended = follows && state.views->become(*beside, follow);
  beside.reset();
  if (!mended) HZ_TRY(state.replace_views(path, go_on));
  state.views.reset();
  HZ_TRY(views());
  return out;
}

Result<Member::Rebuilt> Member::rebuild_views() {
  State& state = *state_;
  if (state.before_views) HZ_TRY(state.before_views());
  state.move_on();
  const fs::path path = beside_path(state.home);
  const auto replaced = [&]() -> Result<void> {
    const Fd turn = HZ_TRY(alone(path));
    return state.replace_views(path, {});
  }();
  // Where there is no room for two, or a mirror is damaged.
  if (!replaced) HZ_TRY(HZ_TRY(state.opened_views(state.sources()))->clear());
  Rebuilt out;
  out.own = HZ_TRY(view_digest(*HZ_TRY(views())));
  Views bare = HZ_TRY(Views::in_memory(state.mounted, state.authority.origin));
  HZ_TRY(bare.catch_up(state.sources(), silent_progress()));
  out.shared = HZ_TRY(view_digest(bare.db()));
  return out;
}

// Nothing that stands in the old rows is asked.
Result<void> Member::State::replace_views(const fs::path& path, const GoOn& go_on) {
  const Removed removed(path);
  std::vector<Source> logs = sources();
  for (Source& source : logs) source.open = [this](const statement::Statement& s) { return open_for_replay(s); };
  Views& old = *HZ_TRY(opened_views(logs));
  Views fresh = HZ_TRY(old.beside(path));
  HZ_TRY(fresh.catch_up(std::move(logs), *seams.progress, bodies_text(), go_on));
  const auto replaced = old.become(fresh);
  if (replaced || !is_damage(replaced.error())) return replaced;
  return old.clear();  // not even a first page
}

}  // namespace hz::alliance
