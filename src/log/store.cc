#include "log/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/folders.h"
#include "log/proof.h"
#include "log/reasons.h"
#include "log/sql_text.h"
#include "log/state.h"
#include "sql/migrate.h"

namespace hz::log {
namespace {

// Ids are random, so every batch dirties pages all over their indexes: a cache that holds those pages and 16 MB of
// write-ahead log between checkpoints almost double the rate at 500,000 entries (docs/decisions/0012), and 64 MB write
// an eighth less (0145).
constexpr std::string_view writer_pragmas = "PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=16000";

constexpr auto lock_wait = std::chrono::seconds(10);

}  // namespace

Result<Fd> lock_writer(const fs::path& folder) {
  const fs::path path = folder / "writer.lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return fail(hz::why("base.write"), "{}: {}", path.string(), std::strerror(errno));
  const auto deadline = std::chrono::steady_clock::now() + lock_wait;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return fail(hz::why("base.write"), "{}: {}", path.string(), std::strerror(errno));
    if (std::chrono::steady_clock::now() > deadline) return fail(why("log.locked"), "{}", folder.string());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return fd;
}

Result<void> migrate_log(sql::Db& db) {
  constexpr std::string_view steps[] = {sql_text::schema, sql_text::published};
  return sql::migrate(db, steps);
}

Result<NoteKey> stored_key(sql::Db& db, const fs::path& path) {
  const auto tables = HZ_TRY(db.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'log'"));
  const auto vkey = tables.value_or(0) == 0 ? std::nullopt : HZ_TRY(db.text("SELECT vkey FROM log WHERE one = 1"));
  if (!vkey) return fail(why("log.missing"), "{}", path.string());
  auto key = parse_vkey(*vkey);
  if (!key) return fail(why("log.head_corrupt"), "{}: stored key: {}", path.string(), key.error().detail);
  return key;
}

namespace {

Result<void> sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0)
    return fail(hz::why("base.write"), "{}: {}", folder.string(), std::strerror(errno));
  return {};
}

}  // namespace

std::pair<std::uint64_t, std::uint64_t> file_of(const fs::path& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) return {};
  return {s.st_dev, s.st_ino};
}

Log::Log(std::unique_ptr<State> state) : state_(std::move(state)) {}
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

const std::string& Log::origin() const { return state_->note_key.name; }
const NoteKey& Log::key() const { return state_->note_key; }
const Head& Log::head() const { return state_->head; }
const std::string& Log::checkpoint() const { return state_->checkpoint; }

Result<Log> Log::create(const fs::path& folder, const fs::path& mark_folder, std::string_view origin,
                        crypto::SigningKey key) {
  if (!valid_origin(origin)) return fail(why("log.origin"), "\"{}\"", origin.substr(0, 300));
  const NoteKey note_key{std::string(origin), KeyType::ed25519, key.verifying_key()};
  const Checkpoint empty{note_key.name, 0, crypto::empty_root()};

  // A mark above zero means that a log of this name was used before: an empty one under the same key would fork it.
  const fs::path mark_path = Mark::path_of(mark_folder, origin);
  if (fs::exists(mark_path)) {
    const Mark mark = HZ_TRY(Mark::open(mark_path));
    const auto marked = open_checkpoint(mark.checkpoint(), note_key);
    if (!marked || marked->size > 0)
      return fail(why("log.rolled_back"), "{}: a log named {} was used before", mark_path.string(), origin);
  }
  HZ_TRY(create_folder_durably(folder));
  {
    const Fd lock = HZ_TRY(lock_writer(folder));
    sql::Db db = HZ_TRY(sql::Db::open(folder / "log.db", sql::Mode::writer));
    HZ_TRY(migrate_log(db));
    const std::string vkey = format_vkey(note_key);
    HZ_TRY(db.transaction([&]() -> Result<void> {
      const auto size = HZ_TRY(db.integer("SELECT size FROM head"));
      const auto stored = HZ_TRY(db.text("SELECT vkey FROM log"));
      if (size && (*size > 0 || stored != vkey)) return fail(why("log.exists"), "{}", folder.string());
      HZ_TRY(db.exec("INSERT OR REPLACE INTO log(one, vkey) VALUES(1, ?)", {std::string_view(vkey)}));
      const std::string signed_head = sign_checkpoint(empty, key);
      return db.exec("INSERT OR REPLACE INTO head(one, size, root, checkpoint) VALUES(1, 0, ?, ?)",
                     {ByteView(empty.root), std::string_view(signed_head)});
    }));
    HZ_TRY(sync_folder(folder));
    HZ_TRY(Mark::create(mark_path, sign_checkpoint(empty, key)));
  }
  return open(folder, mark_folder, std::move(key));
}

Result<Log> Log::open(const fs::path& folder, const fs::path& mark_folder, crypto::SigningKey key, Check check) {
  if (!fs::exists(folder / "log.db")) return fail(why("log.missing"), "{}", folder.string());
  Fd lock = HZ_TRY(lock_writer(folder));
  sql::Db db = HZ_TRY(sql::Db::open(folder / "log.db", sql::Mode::writer));
  NoteKey note_key = HZ_TRY(stored_key(db, folder));
  if (note_key.key != key.verifying_key())
    return fail(why("log.wrong_key"), "{}: the log is {}", folder.string(), format_vkey(note_key));
  HZ_TRY(migrate_log(db));
  HZ_TRY(db.run(writer_pragmas));
  auto state = std::unique_ptr<State>(
      new State{folder, std::move(lock), std::move(db), std::move(note_key), std::move(key), std::nullopt, {}, {}, {}});
  state->file = file_of(state->db_path());
  state->mark_path = Mark::path_of(mark_folder, state->note_key.name);
  HZ_TRY(state->load_head());
  HZ_TRY(state->require_sound(check));

  Mark mark = HZ_TRY(Mark::open(state->mark_path));
  const std::uint64_t marked = HZ_TRY(state->require_marked(mark));
  // Nothing is released before the mark names it.
  if (marked < state->head.size) HZ_TRY(mark.advance(state->checkpoint));
  state->mark = std::move(mark);
  return Log(std::move(state));
}

Result<Log> Log::open_reader(const fs::path& folder, Check check, const fs::path& mark_folder) {
  if (!fs::exists(folder / "log.db")) return fail(why("log.missing"), "{}", folder.string());
  sql::Db db = HZ_TRY(sql::Db::open(folder / "log.db", sql::Mode::reader));
  NoteKey note_key = HZ_TRY(stored_key(db, folder));
  auto state = std::unique_ptr<State>(
      new State{folder, {}, std::move(db), std::move(note_key), std::nullopt, std::nullopt, {}, {}, {}});
  state->file = file_of(state->db_path());
  // A writer moves the mark after its commit, so the mark is read first: the head read after it is never behind in good
  // order.
  std::optional<Mark> mark;
  if (!mark_folder.empty()) mark = HZ_TRY(Mark::open(Mark::path_of(mark_folder, state->note_key.name), false));
  HZ_TRY(state->load_head());
  HZ_TRY(state->require_sound(check));
  if (mark) HZ_TRY(state->require_marked(*mark));
  return Log(std::move(state));
}

// The mark is what this member acknowledged last. A head beyond it is right: a crash may fall between commit and mark.
Result<std::uint64_t> Log::State::require_marked(const Mark& newest) {
  const auto marked = open_checkpoint(newest.checkpoint(), note_key);
  if (!marked) return within("high-water mark", marked.error());
  if (marked->size > head.size)
    return fail(why("log.rolled_back"), "{}: {} entries are stored, {} were acknowledged", folder.string(), head.size,
                marked->size);
  if (HZ_TRY(crypto::tree_root(marked->size, source())) != marked->root)
    return fail(why("log.forked"), "{}: the first {} entries differ from those acknowledged", folder.string(),
                marked->size);
  return marked->size;
}

Result<void> Log::accept_head(const fs::path& folder, const fs::path& mark_folder, crypto::SigningKey key) {
  const Log reader = HZ_TRY(open_reader(folder, Check::leaves));
  if (reader.key().key != key.verifying_key())
    return fail(why("log.wrong_key"), "{}: the log is {}", folder.string(), format_vkey(reader.key()));
  const fs::path mark = Mark::path_of(mark_folder, reader.origin());
  const auto there = Mark::open(mark, false);
  if (there) return fail(why("log.mark_present"), "{}", mark.string());
  if (there.error().reason->slug != "log.mark_missing") return std::unexpected(there.error());
  HZ_TRY(Mark::create(mark, reader.checkpoint()));
  HZ_TRY(open(folder, mark_folder, std::move(key), Check::head));
  return {};
}

Result<bool> Log::State::mirrors() {
  const auto tables = HZ_TRY(db.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'mirror'"));
  return tables.value_or(0) > 0 && HZ_TRY(db.integer("SELECT count(*) FROM mirror")).value_or(0) > 0;
}

Result<void> Log::State::load_head() {
  Head stored;
  std::string note;
  std::vector<std::vector<Digest>> partial;
  bool found = false, whole = true;
  // One read transaction, so that a commit in between cannot mix two heads.
  HZ_TRY(db.run("BEGIN"));
  const auto read = [&]() -> Result<void> {
    HZ_TRY(db.query("SELECT size, root, checkpoint FROM head WHERE one = 1", {}, [&](const sql::Row& row) {
      stored.size = static_cast<std::uint64_t>(row.integer(0));
      found = row.blob(1).size() == 32;
      if (found) std::copy_n(row.blob(1).begin(), 32, stored.root.begin());
      note = row.text(2);
      return false;
    }));
    // Of the same snapshot: the log may have changed its key since this reader looked.
    if (!key) note_key = HZ_TRY(stored_key(db, folder));
    const unsigned levels = found ? level_count(stored.size) : 0;
    for (unsigned level = 0; level < levels; ++level) {
      const std::uint64_t n = hashes_at(level, stored.size) / tile_width;
      const unsigned width = width_at(level, n, stored.size);
      auto& hashes = partial.emplace_back();
      if (width == 0) continue;
      HZ_TRY(db.query("SELECT hashes FROM tile WHERE level = ? AND n = ?",
                      {std::int64_t{level}, static_cast<std::int64_t>(n)}, [&](const sql::Row& row) {
                        // A mirror stores tiles ahead of the head that they will prove.
                        if (row.blob(0).size() >= width * 32 && row.blob(0).size() % 32 == 0)
                          hashes = tile_hashes(row.blob(0).first(width * 32));
                        return false;
                      }));
      whole &= hashes.size() == width;
    }
    return {};
  }();
  HZ_TRY(db.run("ROLLBACK"));
  HZ_TRY(read);

  if (!found && HZ_TRY(db.integer("SELECT count(*) FROM head")).value_or(0) == 0 && HZ_TRY(mirrors()))
    return fail(why("log.mirror_empty"), "{}", folder.string());
  if (!found) return fail(why("log.head_corrupt"), "{}: the head row is missing or damaged", db_path().string());
  const auto signed_head = open_checkpoint(note, note_key);
  if (!signed_head)
    return fail(why("log.head_corrupt"), "{}: checkpoint: {}", db_path().string(), signed_head.error().text());
  if (signed_head->size != stored.size || signed_head->root != stored.root)
    return fail(why("log.head_corrupt"), "{}: the head row says size {} root {}, the checkpoint size {} root {}",
                db_path().string(), stored.size, hex(stored.root), signed_head->size, hex(signed_head->root));
  if (!whole)
    return fail(why("log.tile_corrupt"), "{}: a partial tile of size {} is missing or cut", db_path().string(),
                stored.size);
  head = stored;
  checkpoint = std::move(note);
  edge = TileEdge(stored.size, std::move(partial));
  return {};
}

Result<void> Log::State::advance() {
  if (file_of(db_path()) != file) return fail(why("log.replaced"), "{}", db_path().string());
  std::string newest;
  HZ_TRY(db.query("SELECT checkpoint FROM head WHERE one = 1", {}, [&](const sql::Row& row) {
    newest = row.text_view(0);
    return false;
  }));
  if (newest == checkpoint) return {};
  const Head old = head;
  HZ_TRY(load_head());
  if (edge.root() != head.root) return require_sound(Check::tiles);
  if (head.size < old.size || HZ_TRY(crypto::tree_root(old.size, source())) != old.root)
    return fail(why("log.forked"), "{}: size {} does not extend size {}", folder.string(), head.size, old.size);
  return {};
}

Result<void> Log::refresh() {
  if (state_->may_write()) return {};  // the writer's head is the newest
  return state_->advance();
}

void Log::rest() {
  if (!state_->may_write()) return;
  state_->resting = true;
  state_->lock.reset();
}

Result<void> Log::resume() {
  State& state = *state_;
  if (!state.resting) return {};
  Fd lock = HZ_TRY(lock_writer(state.folder));
  // By its text: reading a key checks a point of a curve.
  const auto now = HZ_TRY(state.db.text("SELECT vkey FROM log WHERE one = 1"));
  if (now != format_vkey(state.note_key))
    return fail(why("log.wrong_key"), "{}: the log is {} by now", state.folder.string(), now.value_or("nobody's"));
  HZ_TRY(state.advance());
  Mark mark = HZ_TRY(Mark::open(state.mark_path));
  if (mark.checkpoint() != state.checkpoint) {
    const std::uint64_t marked = HZ_TRY(state.require_marked(mark));
    if (marked < state.head.size) HZ_TRY(mark.advance(state.checkpoint));
  }
  state.mark = std::move(mark);
  state.lock = std::move(lock);
  state.resting = false;
  return {};
}

}  // namespace hz::log
