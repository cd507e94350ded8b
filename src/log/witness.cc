#include "log/witness.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "log/cosignature.h"
#include "log/fork.h"
#include "log/reasons.h"
#include "log/sql_text.h"
#include "sql/migrate.h"

namespace hz::log {
namespace {

http::Response plain(int status, std::string body, std::string_view type = "text/plain; charset=utf-8") {
  return {status, {{"content-type", std::string(type)}, {"cache-control", "no-store"}}, std::move(body)};
}
http::Response refuse(int status, std::string_view why) { return plain(status, fmt::format("{}\n", why)); }

struct Remembered {
  std::uint64_t size = 0;
  Digest root = crypto::empty_root();
  std::int64_t time_s = 0;
  std::string checkpoint;  // empty: nothing was cosigned yet
};

}  // namespace

struct Witness::State {
  sql::Db db;
  NoteKey note_key;
  crypto::SigningKey key;
  Clock& clock;
  std::vector<NoteKey> logs;
  bool stopped = false;

  Result<Remembered> remembered(std::string_view hash) {
    Remembered out;
    HZ_TRY(db.query("SELECT size, root, time_s, checkpoint FROM cosigned WHERE origin_hash = ?", {hash},
                    [&](const sql::Row& row) {
                      out.size = static_cast<std::uint64_t>(row.integer(0));
                      if (row.blob(1).size() == 32) std::copy_n(row.blob(1).begin(), 32, out.root.begin());
                      out.time_s = row.integer(2);
                      out.checkpoint = row.text(3);
                      return false;
                    }));
    return out;
  }

  // What is the matter with the request against what is remembered; nullopt when the head may be cosigned.
  std::optional<http::Response> judge(const AddCheckpoint& request, const Checkpoint& head, const Remembered& old) {
    if (request.old_size != old.size) return plain(409, fmt::format("{}\n", old.size), "text/x.tlog.size");
    if (head.size == 0 && head.root != crypto::empty_root()) return refuse(422, "this is not the root of no entries");
    if (request.old_size == 0 && !request.path.empty()) return refuse(422, "old size 0 has no proof");
    if (!crypto::verify_consistency(old.size, head.size, old.root, head.root, request.path))
      return refuse(422, old.size == head.size ? "another root was cosigned for this size"
                                               : "the consistency proof does not hold");
    return std::nullopt;
  }

  Result<http::Response> add(const AddCheckpoint& request, Note note, const Checkpoint& head, const NoteKey& log_key) {
    const std::string hash = origin_hash(head.origin);
    http::Response response;
    HZ_TRY(db.transaction([&]() -> Result<void> {
      const Remembered old = HZ_TRY(remembered(hash));
      if (auto refused = judge(request, head, old)) {
        response = *std::move(refused);
        const bool two_roots = !old.checkpoint.empty() && old.size == head.size && old.root != head.root;
        if (two_roots && response.status == 422) HZ_TRY(keep_fork(hash, old.checkpoint, note, log_key));
        return {};
      }
      const std::int64_t time_s = std::max({clock.now_ms() / 1000, old.time_s, std::int64_t{1}});
      const SignatureLine ours = cosign(note.text, note_key.name, key, static_cast<std::uint64_t>(time_s));
      note.signatures.push_back(ours);
      HZ_TRY(
          db.exec("INSERT OR REPLACE INTO cosigned(origin_hash, origin, size, root, time_s, checkpoint) "
                  "VALUES(?, ?, ?, ?, ?, ?)",
                  {std::string_view(hash), std::string_view(head.origin), static_cast<std::int64_t>(head.size),
                   ByteView(head.root), time_s, std::string_view(format_note(note))}));
      const std::string line = format_note({"\n", {ours}});
      response = plain(200, line.substr(2));
      return {};
    }));
    return response;
  }

  Result<void> keep_fork(std::string_view hash, std::string_view known, const Note& other, const NoteKey& log_key) {
    // The remembered note may be signed by another key of the log; then this is no evidence under one key.
    const auto fork = find_fork(known, format_note(other), log_key, nullptr);
    if (!fork || !*fork) return {};
    return db.exec("INSERT OR IGNORE INTO fork(origin_hash, evidence) VALUES(?, ?)",
                   {hash, std::string_view(format_fork(**fork))});
  }

  Result<std::optional<std::string>> text(std::string_view query, std::string_view hash) {
    return db.text(query, {hash});
  }
};

Witness::Witness(std::unique_ptr<State> state) : state_(std::move(state)) {}
Witness::Witness(Witness&&) noexcept = default;
Witness& Witness::operator=(Witness&&) noexcept = default;
Witness::~Witness() = default;

Result<Witness> Witness::open(const fs::path& path, std::string name, crypto::SigningKey key, Clock& clock) {
  if (!valid_key_name(name)) return fail(why("log.origin"), "\"{}\"", name.substr(0, 300));
  sql::Db db = HZ_TRY(sql::Db::open(path, sql::Mode::writer));
  constexpr std::string_view steps[] = {sql_text::witness};
  HZ_TRY(sql::migrate(db, steps));
  NoteKey note_key{std::move(name), KeyType::cosignature_v1, key.verifying_key()};
  return Witness(std::unique_ptr<State>(new State{std::move(db), std::move(note_key), std::move(key), clock, {}}));
}

const NoteKey& Witness::key() const { return state_->note_key; }
void Witness::watch(std::vector<NoteKey> logs) { state_->logs = std::move(logs); }

Result<std::optional<std::string>> Witness::newest(std::string_view origin) {
  return state_->text("SELECT checkpoint FROM cosigned WHERE origin_hash = ?", origin_hash(origin));
}
Result<std::optional<std::string>> Witness::fork_of(std::string_view origin) {
  return state_->text("SELECT evidence FROM fork WHERE origin_hash = ?", origin_hash(origin));
}

http::Response Witness::answer(const http::Request& request, std::string_view prefix) {
  State& state = *state_;
  const auto stop = [&](const Error& error) {
    if (error.reason->slug == "sql.io") state.stopped = true;
    return refuse(503, error.reason->slug);
  };
  if (state.stopped) return refuse(503, why("log.witness_stopped").slug);
  std::string_view path = request.path;
  if (!path.starts_with(prefix)) return refuse(404, "no such path");
  path.remove_prefix(prefix.size());
  if (!request.query.empty()) return refuse(400, "no query string is accepted");

  if (path != "/add-checkpoint") {
    if (path.size() != 76 || path[0] != '/' || !path.ends_with("/checkpoint")) return refuse(404, "no such path");
    if (request.method != "GET") return refuse(405, "only GET");
    const auto note = state.text("SELECT checkpoint FROM cosigned WHERE origin_hash = ?", path.substr(1, 64));
    if (!note) return stop(note.error());
    return *note ? plain(200, **note) : refuse(404, "no head of this log was cosigned here");
  }
  if (request.method != "POST") return refuse(405, "only POST");
  const auto asked = parse_add_checkpoint(request.body);
  if (!asked) return refuse(400, asked.error().text());
  auto note = parse_note(asked->checkpoint);
  if (!note) return refuse(400, note.error().text());
  const auto head = parse_checkpoint(note->text);
  if (!head) return refuse(400, head.error().text());

  std::vector<NoteKey> trusted;
  std::ranges::copy_if(state.logs, std::back_inserter(trusted),
                       [&](const NoteKey& key) { return key.name == head->origin; });
  if (trusted.empty()) return refuse(404, "this log is not known here");
  const auto signers = verify_note(*note, trusted);
  if (!signers) return refuse(403, signers.error().text());
  if (asked->old_size > head->size) return refuse(400, "the old size is above the checkpoint's");
  // Only verified lines are remembered and shown.
  std::erase_if(note->signatures, [&](const SignatureLine& line) {
    return std::ranges::none_of(*signers,
                                [&](const NoteKey* key) { return key->name == line.name && key->id() == line.key_id; });
  });
  auto response = state.add(*asked, *std::move(note), *head, *signers->front());
  return response ? *std::move(response) : stop(response.error());
}

}  // namespace hz::log
