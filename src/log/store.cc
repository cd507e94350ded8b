#include "log/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/folders.h"
#include "log/proof.h"
#include "log/reasons.h"
#include "log/sql_text.h"
#include "log/state.h"
#include "log/stored_tile.h"
#include "sql/migrate.h"

namespace hz::log {
namespace {

// Keys are random, so a cache that holds the pages of their index counts (docs/decisions/0012). A checkpoint stalls one
// append: 8 MiB between two is 20 ms, and more would save little since keys are written in sweeps (0154).
constexpr std::string_view writer_pragmas = "PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=2000";

constexpr auto lock_wait = std::chrono::seconds(10);

}  // namespace

Result<Fd> lock_writer(const fs::path& folder) {
  const fs::path path = folder / "writer.lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return fail(hz::why("base.write"), "{}: {}", path.string(), std::strerror(errno));
  HZ_TRY(lock_again(fd, folder));
  return fd;
}

Result<void> lock_again(const Fd& fd, const fs::path& folder) {
  const fs::path path = folder / "writer.lock";
  const auto deadline = std::chrono::steady_clock::now() + lock_wait;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return fail(hz::why("base.write"), "{}: {}", path.string(), std::strerror(errno));
    if (std::chrono::steady_clock::now() > deadline) return fail(why("log.locked"), "{}", folder.string());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {};
}

namespace {
constexpr std::string_view steps[] = {sql_text::schema, sql_text::published, sql_text::places};
}

Result<sql::Db> open_db(const fs::path& folder, sql::Mode mode) {
  const fs::path path = folder / "log.db";
  if (mode == sql::Mode::reader) {
    if (!fs::exists(path)) return fail(why("log.missing"), "{}", folder.string());
    {
      sql::Db db = HZ_TRY(sql::Db::open(path, mode));
      const auto version = HZ_TRY(db.integer("PRAGMA user_version")).value_or(0);
      // 0 is a file that is being created, or none of ours: reading it says so.
      if (version == 0 || version >= std::ssize(steps)) return db;
    }
    // Alone, so that the writer's end takes the write-ahead log of the whole file away.
    const Fd lock = HZ_TRY(lock_writer(folder));
    HZ_TRY(open_db(folder, sql::Mode::writer));
    return sql::Db::open(path, mode);
  }
  sql::Db db = HZ_TRY(sql::Db::open(path, mode));
  HZ_TRY(sql::migrate(db, steps));
  return db;
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
    sql::Db db = HZ_TRY(open_db(folder, sql::Mode::writer));
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
  sql::Db db = HZ_TRY(open_db(folder, sql::Mode::writer));
  NoteKey note_key = HZ_TRY(stored_key(db, folder));
  if (note_key.key != key.verifying_key())
    return fail(why("log.wrong_key"), "{}: the log is {}", folder.string(), format_vkey(note_key));
  HZ_TRY(db.run(writer_pragmas));
  auto state = std::unique_ptr<State>(
      new State{folder, std::move(lock), std::move(db), std::move(note_key), std::move(key), std::nullopt, {}, {}, {}});
  state->file = inode_of(state->db_path());
  state->lock_file = inode_of(folder / "writer.lock");
  state->vkey = format_vkey(state->note_key);
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
  sql::Db db = HZ_TRY(open_db(folder, sql::Mode::reader));
  NoteKey note_key = HZ_TRY(stored_key(db, folder));
  auto state = std::unique_ptr<State>(
      new State{folder, {}, std::move(db), std::move(note_key), std::nullopt, std::nullopt, {}, {}, {}});
  state->file = inode_of(state->db_path());
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

Result<bool> Log::State::mirrors() { return HZ_TRY(db.integer("SELECT count(*) FROM mirror")).value_or(0) > 0; }

Result<void> Log::State::load_head() {
  Head stored;
  std::string note;
  std::optional<std::vector<std::vector<Digest>>> partial;
  bool found = false;
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
    if (found) partial = HZ_TRY(stored_partial(db, stored.size));
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
  if (!partial)
    return fail(why("log.tile_corrupt"), "{}: a partial tile of size {} is missing or cut", db_path().string(),
                stored.size);
  head = stored;
  checkpoint = std::move(note);
  edge = TileEdge(stored.size, *std::move(partial));
  return {};
}

Result<void> Log::State::advance(bool to_write) {
  if (inode_of(db_path()) != file) return fail(why("log.replaced"), "{}", db_path().string());
  bool same = false;
  std::optional<std::string> other;  // by its text: reading a key checks a point of a curve
  HZ_TRY(db.query("SELECT checkpoint, vkey, (SELECT count FROM repaired) FROM head, log", {}, [&](const sql::Row& row) {
    same = row.text_view(0) == checkpoint;
    if (row.text_view(1) != vkey) other = row.text(1);
    if (row.integer(2) != repaired) places.forget();
    repaired = row.integer(2);
    return false;
  }));
  if (to_write && other) return fail(why("log.wrong_key"), "{}: the log is {} by now", folder.string(), *other);
  if (same) return {};
  const Head old = head;
  HZ_TRY(load_head());
  if (edge.root() != head.root) return require_sound(Check::tiles);
  if (head.size < old.size || HZ_TRY(crypto::tree_root(old.size, source())) != old.root)
    return fail(why("log.forked"), "{}: size {} does not extend size {}", folder.string(), head.size, old.size);
  return {};
}

Result<void> Log::refresh() {
  if (state_->may_write()) return {};  // the writer's head is the newest
  return state_->advance(false);
}

void Log::rest() {
  if (!state_->may_write()) return;
  state_->resting = true;
  ::flock(state_->lock.get(), LOCK_UN);
}

Result<void> Log::resume() {
  State& state = *state_;
  if (!state.resting) return {};
  // The file that others would lock now.
  if (inode_of(state.folder / "writer.lock") == state.lock_file) {
    HZ_TRY(lock_again(state.lock, state.folder));
  } else {
    state.lock = HZ_TRY(lock_writer(state.folder));
    state.lock_file = inode_of(state.folder / "writer.lock");
  }
  const auto go_on = [&]() -> Result<void> {
    HZ_TRY(state.advance(true));
    HZ_TRY(state.mark->refresh());
    if (state.mark->checkpoint() == state.checkpoint) return {};
    const std::uint64_t marked = HZ_TRY(state.require_marked(*state.mark));
    if (marked < state.head.size) HZ_TRY(state.mark->advance(state.checkpoint));
    return {};
  };
  if (auto done = go_on(); !done) {
    ::flock(state.lock.get(), LOCK_UN);
    return done;
  }
  state.resting = false;
  return {};
}

}  // namespace hz::log
