// What an open member holds. Shared by member.cc, member_create.cc, member_append.cc,
// member_seal.cc and check_views.cc only.
#pragma once
#include <map>

#include "alliance/authority.h"
#include "alliance/box_key.h"
#include "alliance/fold.h"
#include "alliance/member.h"
#include "alliance/peers.h"
#include "alliance/replay.h"
#include "alliance/sealed_to.h"
#include "blob/store.h"
#include "log/store.h"
#include "statement/sealed.h"

namespace hz::alliance {

struct Places {
  fs::path keys, log, mark, views, blobs, verified, bodies, sealed_to;
  explicit Places(const fs::path& home)
      : keys(home / "keys"),
        log(home / "log"),
        mark(home / "mark"),
        views(home / "views.sqlite"),
        blobs(home / "blobs"),
        verified(home / "verified"),
        bodies(home / "bodies"),
        sealed_to(home / "sealed_to.json") {}
};

struct Member::State {
  fs::path home;
  Places places;
  Mounted mounted;
  Seams seams;
  log::Log log;
  Authority authority;
  blob::Store blobs;
  PeerLogs peers;
  Verified verified;  // of the own log
  bool writer = false;
  std::optional<statement::NamedSigner> author;
  std::optional<Views> views;
  bool dry_run = false;
  std::vector<std::string> dry_run_payloads;
  std::optional<Audience> audience = {};                       // set_audience
  std::optional<std::vector<crypto::AgeIdentity>> boxes = {};  // keys/box*
  fs::file_time_type boxes_read = {};                          // the folder's time then
  std::multimap<std::string, std::string> shared = {};         // statement -> blobs of alliance.body_shared; hex
  std::optional<std::string> opened = {};                      // for frontier()
  std::vector<std::uint64_t> landmarks = {};  // positions of key changes in the own log, for its record (log/checked.h)
  std::uint64_t recorded = 0;                 // how far that record goes
  // From here to the head all was appended by this object, which checked it: known before what lies below is.
  std::uint64_t appended_from = no_end, appended_to = 0;
  std::uint64_t verified_kept = 0;    // how far `verified` was stored, or read
  bool settled = false;               // settle_bodies ran since the member was opened
  bool hold = false;                  // hold_views
  std::optional<Frontier> held = {};  // a read of the views is open, at this frontier
  GoOn before_views = {};             // ask_before_views

  // The views replayed anew into a file at `path`, and then in their place (check_views.cc). Errors: sql.*, log.*.
  Result<void> replace_views(const fs::path& path, const GoOn& go_on);
  // The file of the views, open: one that outlives a reboot as soon as so much stands in the logs.
  Result<Views*> opened_views(const std::vector<Source>& logs);

  // The newest heads, not those that are held.
  Frontier frontier_now() const;
  // Opens the read when the views stand at the heads that are known here; else another process has moved them on.
  Result<bool> try_hold();
  void move_on();
  // At both ends of an append: what it reads and what follows are as new as can be.
  struct MovesOn {
    State& state;
    explicit MovesOn(State& s) : state(s) { state.move_on(); }
    ~MovesOn() { state.move_on(); }
    MovesOn(const MovesOn&) = delete;
    MovesOn& operator=(const MovesOn&) = delete;
  };

  // The logs as replay reads them, without a way to open bodies.
  std::vector<Source> sources();
  // The same at earlier heads, where they stay. Errors: alliance.closing_waiting, alliance.other_history, log.*.
  Result<std::vector<Source>> sources_at(std::span<const FrontierEntry> heads);
  // As Log::append; gives the reserve back when the disk is full and tries once more.
  Result<std::vector<log::Appended>> append_entries(std::span<const log::Entry> entries);
  // The author key that speaks at the head. Errors: alliance.key*, base.read.
  Result<void> load_author();
  // As many root keys as must sign together. Errors: alliance.no_root_key, alliance.key_mismatch.
  Result<std::vector<statement::NamedSigner>> load_roots() const;
  // Follows the key statements in [from, size) of the own log.
  Result<void> read_authority(std::uint64_t from);
  // The same at the positions that the log's record names, then all that came since.
  Result<void> read_authority_by_record();
  // Remembers for the next start how far the own log was read, when that is much more than its record says.
  void keep_checked();
  // Statements from `before` on were appended here just now: their signatures need not be checked again.
  void appended(std::uint64_t before);
  // Joins what this object appended to what was checked below it, also by others.
  void join_verified();
  // Stores what is known about signatures of all logs. Errors: base.write, log.*.
  Result<void> keep_verified();
  Result<std::string> payload(const Draft& draft, const statement::Kind& kind, const statement::Idem& idem,
                              std::int64_t issued_ms, const statement::Seal* seal = nullptr) const;
  // Whom the draft is for. Errors: alliance.audience.
  Result<Audience> audience_of(const Draft& draft, const statement::Kind& kind) const;

  // The rest is member_seal.cc: sealed bodies.
  Result<const std::vector<crypto::AgeIdentity>*> identities();
  // Everyone in the audience at a time, with the box keys, this member's own first. Errors: alliance.no_box_key.
  struct SealFor {
    std::vector<crypto::AgeRecipient> keys;
    Readers others;
  };
  Result<SealFor> readers(Member& member, const Audience& audience, std::int64_t now_ms = 0);
  // Notes to whom what is appended next is sealed. Errors: base.write.
  Result<void> note_readers(const std::map<std::string, SealFor>& by_audience);
  // What gives a body to further readers; its blobs are added to `to`.
  Result<Draft> wrapped(const statement::Statement& s, const statement::OpenedBody& body, const Audience& readers_class,
                        std::span<const crypto::AgeRecipient> keys, std::vector<Bytes>& to);
  // Nothing when the body is not here or not for this member. Errors: statement.sealed, base.*.
  Result<std::optional<statement::OpenedBody>> open(const statement::Statement& s);
  Result<std::optional<json::Value>> open_for_replay(const statement::Statement& s);
  // An idempotency key that tells nothing about the body: one of a row, of which `attempt` is the number.
  Result<statement::Idem> sealed_idem(const statement::Idem& idem, std::uint32_t attempt);
  // The idempotency key to use for a sealed draft, or the receipt of the same draft before.
  struct SealedPlace {
    statement::Idem idem{};
    std::optional<Receipt> known = {};
  };
  Result<SealedPlace> sealed_place(const Draft& draft, const statement::Kind& kind, const Audience& audience,
                                   const statement::Idem& idem);
  // What the views stand on beside the logs (Views::catch_up).
  std::string bodies_text() const;
  // Another text than before. Errors: base.write.
  Result<void> note_bodies() const;
  // After a replay: learns of shared blobs, deletes erased ones. True when views have to be replayed again.
  Result<bool> settle_bodies();

  Result<statement::Statement> at(std::uint64_t index);
  // The place of an earlier statement with this idempotency key. It must say the same; only its claimed time may
  // differ. Errors: alliance.idem_conflict.
  Result<std::optional<Receipt>> repeated(const Draft& draft, const statement::Kind& kind, const statement::Idem& idem);
};

// The first 16 bytes.
statement::Idem idem_of(const Digest& digest);

}  // namespace hz::alliance
