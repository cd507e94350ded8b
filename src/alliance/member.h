// This node's member: its keys, its log, its blobs, and the views replayed from its and other members' statements.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alliance/audience.h"
#include "base/fs.h"
#include "base/seams.h"
#include "statement/statement.h"

namespace hz::sql {
class Db;
}
namespace hz::blob {
class Store;
}
namespace hz::log {
class Log;
}

namespace hz::alliance {

struct Authority;   // alliance/authority.h
struct Incoming;    // alliance/incoming.h
struct Verified;    // alliance/verified.h
struct ViewsCheck;  // alliance/check_views.h

// What a command wants to sign. `idem` makes a repeat harmless: the same idem and the same payload return the first
// receipt.
struct Draft {
  std::string_view kind;  // slug of a mounted kind row
  json::Value body;
  std::vector<statement::Ref> refs = {};
  std::optional<Digest> idem = {};                // its first 16 bytes are used; absent = random
  std::int64_t issued_ms = -1;                    // -1 = the clock's now
  std::vector<statement::Subject> subjects = {};  // what it is about; empty = the body itself
  std::optional<Audience> audience = {};          // who may read the body; absent = what the kind's row says
};

// Draft of a payload struct: the usual way.
template <class Payload>
Draft draft(const Payload& payload, std::vector<statement::Ref> refs = {}, std::optional<Digest> idem = {}) {
  return {Payload::kind, to_json(payload), std::move(refs), idem};
}

struct Receipt {
  std::string id;           // statement id, hex
  std::uint64_t index = 0;  // position in the log
  bool repeated = false;    // this very statement was there already
  static constexpr auto fields() {
    return rows(row("id", &Receipt::id, "statement id, hex"), row("index", &Receipt::index, "position in the log"),
                row("repeated", &Receipt::repeated, "it was in the log already"));
  }
};

// The heads a view was computed from, and the digest every answer carries.
struct FrontierEntry {
  std::string origin;
  std::uint64_t size = 0;
  std::string root;  // hex
  static constexpr auto fields() {
    return rows(row("origin", &FrontierEntry::origin, "log"), row("size", &FrontierEntry::size, "statements"),
                row("root", &FrontierEntry::root, "Merkle root, hex"));
  }
};
struct Frontier {
  std::vector<FrontierEntry> logs;
  std::string digest;  // hex SHA-256 of the canonical list
  // Where sealed bodies were read: hex digest of which. Answers are equal where both digests are.
  std::optional<std::string> opened = {};
  static constexpr auto fields() {
    return rows(row("logs", &Frontier::logs, "heads, sorted by origin"), row("digest", &Frontier::digest, "hex digest"),
                row("opened", &Frontier::opened, "digest of the sealed bodies read; absent: none"));
  }
};

// Everything the outside gives a member, so that tests decide it.
struct Seams {
  Clock* clock;
  Rng* rng;
  Progress* progress;
};

// Asked whether long work may go on; an error ends it.
using GoOn = std::function<Result<void>()>;

// The tables and replay functions of the mounted modules (node/mount.cc).
struct Mounted {
  std::span<const statement::Kind> kinds;
  std::span<const std::string_view> view_schemas;  // each pillar's views.sql, in dependency order
};

struct CreateOptions {
  std::string name;    // shown to people
  std::string origin;  // schema-less URL prefix that names the log, e.g. "hezong.example/acme"
  std::int64_t root_keys = 1, root_threshold = 1;  // so many root keys, of which so many sign together
};

class Member {
 public:
  // A new member: root, log, author and witness keys, an empty log, and the genesis statement in it. A creation that
  // was cut short is finished when name and origin are the same. Layout of the folder: docs/formats/member_folder.md.
  // Errors: alliance.exists, alliance.unfinished, alliance.origin, alliance.name, alliance.root_keys, base.write,
  // log.*.
  static Result<Member> create(const fs::path& home, const CreateOptions&, const Mounted&, const Seams&);
  // Runs the log's start-up check first, as a reader: any number of commands may read while one writes. The first
  // append becomes the writer. Errors: alliance.no_member, alliance.unfinished, alliance.genesis, log.*.
  static Result<Member> open(const fs::path& home, const Mounted&, const Seams&);
  Member(Member&&) noexcept;
  Member& operator=(Member&&) noexcept;
  ~Member();

  // Moves to the newest head and keys, so that an object may be kept between requests: about 50 us where opening costs
  // as much as the log is long. Errors: log.replaced and the others of open; the object is then of no more use.
  Result<void> refresh();
  // Lets other processes write after this object wrote; the next append takes the log's lock again. Keeps what is known
  // about signatures. Errors: base.write, log.*.
  Result<void> rest();

  const std::string& id() const;  // member id
  const std::string& origin() const;
  const fs::path& home() const;

  // Signs and appends; on return the statements are durable and views() shows them. All or nothing.
  // Errors: alliance.unknown_kind, base.json_field, alliance.no_root_key, alliance.idem_conflict, alliance.key*,
  // statement.*, log.*.
  // With set_dry_run(true) nothing is appended; the exact payloads collect in dry_run_payloads().
  Result<std::vector<Receipt>> append(std::span<const Draft> drafts);
  Result<Receipt> append(const Draft& draft);
  // A body that is for some readers only is sealed to them: its blobs are durable before the statement is.
  // Errors: alliance.audience (an act is for everyone), alliance.no_box_key, alliance.key*, blob.write.
  void set_dry_run(bool on);
  // For drafts that name no audience and are no acts, in place of their kind's.
  void set_audience(std::optional<Audience> audience);
  const std::vector<std::string>& dry_run_payloads() const;

  // The views, replayed up to the own head and those of the mirrored logs. Callers read; only replay writes. Errors:
  // sql.*, log.*; alliance.replaying when another object has replayed for 10 s, or ask_before_views says so.
  Result<sql::Db*> views();
  // Asked by views() before it does anything and every 1,000 statements that it replays; its error is the answer.
  void ask_before_views(GoOn go_on);
  // How many statements views() would replay now; with another program that is every one. Errors: sql.*, log.*.
  Result<std::uint64_t> views_behind();
  // Held, the views stay where the next views() finds them, and frontier() says where that is: every read sees the rows
  // of one frontier, whatever other processes sign, mirror or replay meanwhile. What this object appends, refresh()
  // and rest() move them on. Not for a member that mirrors, nor for long: old pages are kept as long as they are held.
  void hold_views(bool on);
  // How much of each log the views stand on, without replaying more; a replay that runs is waited for. Errors: sql.*.
  Result<std::map<std::string, std::uint64_t>> replayed();
  // Mirrored logs that could not be opened just now, with the reason: their statements are not in the views.
  const std::vector<Error>& peer_faults() const;
  blob::Store& blobs();
  // What is known of signatures of the own log, for another object of the same member in this process, which need not
  // check them again. Null when nothing is known beyond what the file `verified` says.
  std::shared_ptr<const Verified> verdicts() const;
  void learn(const Verified& verdicts);
  Frontier frontier() const;
  Seams& seams();

  // One statement by hex id. Errors: alliance.no_statement.
  Result<statement::Statement> find(std::string_view id);
  // The exact bytes at a position. Errors: alliance.no_index.
  Result<Bytes> leaf(std::uint64_t index);

  const Authority& authority() const;  // which keys speak for this member, as of its head
  const fs::path& keys_folder() const;
  // Appends a change of keys that was signed elsewhere. Errors: alliance.role, alliance.revoked, statement.*, log.*.
  Result<Receipt> append_signed(ByteView leaf);
  // Appends statements that were signed elsewhere (incoming.h), all or none; a statement that stands in the log already
  // is answered with its place. Errors: alliance.revoked, statement.no_signature, log.idem_conflict, log.*.
  Result<std::vector<Receipt>> append_incoming(std::span<Incoming> batch);
  log::Log& log();
  // The other members' logs that are mirrored here, by origin; opened anew when their folder appeared.
  std::vector<log::Log*> peer_logs();
  // The keys of a mirrored log up to its head; null without such a log, or when it has no valid genesis. Each leaf is
  // looked at once in the life of this object.
  const Authority* peer_authority(std::string_view origin);
  // Becomes the writer now: takes the log's lock and compares its head with the high-water mark. Errors: log.*,
  // alliance.key*.
  Result<void> become_writer();
  // Takes over a key that a change made this member's, from <role>.next. Nothing happens when there is none.
  // Errors: alliance.key*, base.write, log.*.
  Result<void> adopt_next_keys();
  // Replays every statement into a file beside the views, at the heads they stand on, and compares: pages, tables,
  // rows. What differs is replaced by what was replayed, for every process that reads the views. `go_on` is asked every
  // few milliseconds and may wait; its error ends the check. Not while views are held. Errors: alliance.views_busy,
  // sql.*, log.*.
  Result<ViewsCheck> check_views(const GoOn& go_on);
  // Throws the views away and replays every statement. The digests of the new views, hex: with the bodies that this
  // member can open, and with none, which is equal at every member on an equal frontier.
  struct Rebuilt {
    std::string own, shared;
  };
  Result<Rebuilt> rebuild_views();
  // Reads the views as they were at these heads: what a closing was computed from, whatever is known since. They are
  // replayed in memory, without sealed bodies, as `as` (an origin) would: every node gets the same rows. Errors:
  // alliance.closing_waiting (a log is not here so far), alliance.other_history (its root is another), sql.*, log.*.
  Result<void> views_at(std::span<const FrontierEntry> heads, const std::string& as,
                        const std::function<Result<void>(sql::Db&)>& read);

  // Fills in the body of a sealed statement of any log. Errors: alliance.body_gone (erased, not here, or not for this
  // member), statement.sealed.
  Result<void> open(statement::Statement& s);
  // Every field of a sealed body at these paths, with what proves it against the commitment in the log: canonical JSON
  // (statement/field_tree.h). Errors: as open; alliance.not_sealed, statement.no_field.
  Result<std::string> disclose(const statement::Statement& s, std::span<const std::string> paths);
  // What opens the whole body to anybody who has the log: canonical JSON of body and salt. Errors: as open;
  // alliance.not_sealed, statement.not_canonical.
  Result<std::string> reveal(const statement::Statement& s);
  // Gives a sealed body of this member to further readers. Errors: as open; alliance.not_sealed, alliance.no_box_key.
  Result<Receipt> share(const statement::Statement& s, const Audience& audience);
  // A sealed body of this member that somebody may read by now to whom it was not sealed: who was admitted, put on a
  // list or got a box key later, and everybody once the time of a sealed-until has come.
  struct BodyDue {
    std::string statement;
    Audience audience;
    std::uint64_t index = 0;
  };
  // At most so many, by the caller's clock: one that goes back gives out nothing. Cost while none is due: one look at
  // each class. Errors: what views() says.
  Result<std::vector<BodyDue>> bodies_due(std::int64_t now_ms, std::size_t max);
  // Gives them out as alliance.body_shared, to those who lack them only. How many. Errors: as append.
  Result<std::size_t> give_bodies(std::span<const BodyDue> due, std::int64_t now_ms);
  // Says that a sealed body of this member is gone, and deletes it here. Errors: alliance.not_sealed, blob.write.
  Result<Receipt> erase(const statement::Statement& s, std::string_view reason);
  // Blobs came or went other than by these calls: views are replayed at the next call. Errors: base.write.
  Result<void> note_bodies_changed();
  // It is so long, or the clock went back, since bodies were last noted as changed.
  bool bodies_settled(std::int64_t now_ms, std::int64_t for_ms) const;

 private:
  struct State;
  explicit Member(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

}  // namespace hz::alliance
