// What an open member holds. Shared by member.cc, member_create.cc, member_append.cc and member_state.cc only.
#pragma once
#include "alliance/authority.h"
#include "alliance/member.h"
#include "alliance/peers.h"
#include "alliance/replay.h"
#include "blob/store.h"
#include "log/store.h"

namespace hz::alliance {

struct Places {
  fs::path keys, log, mark, views, blobs, verified;
  explicit Places(const fs::path& home)
      : keys(home / "keys"),
        log(home / "log"),
        mark(home / "mark"),
        views(home / "views.sqlite"),
        blobs(home / "blobs"),
        verified(home / "verified") {}
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

  // As Log::append; gives the reserve back when the disk is full and tries once more.
  Result<std::vector<log::Appended>> append_entries(std::span<const log::Entry> entries);
  // The author key that speaks at the head. Errors: alliance.key*, base.read.
  Result<void> load_author();
  // As many root keys as must sign together. Errors: alliance.no_root_key, alliance.key_mismatch.
  Result<std::vector<statement::NamedSigner>> load_roots() const;
  // Follows the key statements in [from, size) of the own log.
  Result<void> read_authority(std::uint64_t from);
  // Stores what is known about signatures of all logs. Errors: base.write, log.*.
  Result<void> keep_verified();
  Result<std::string> payload(const Draft& draft, const statement::Kind& kind, const statement::Idem& idem,
                              std::int64_t issued_ms) const;
  Result<statement::Statement> at(std::uint64_t index);
  // The place of an earlier statement with this idempotency key. It must say the same; only its claimed time may
  // differ. Errors: alliance.idem_conflict.
  Result<std::optional<Receipt>> repeated(const Draft& draft, const statement::Kind& kind, const statement::Idem& idem);
};

// The first 16 bytes.
statement::Idem idem_of(const Digest& digest);

}  // namespace hz::alliance
