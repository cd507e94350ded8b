// The folder of other members' logs: peers/<hex SHA-256 of the origin>/, one mirrored log each.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alliance/authority.h"
#include "alliance/source.h"
#include "base/fs.h"
#include "log/store.h"

namespace hz::alliance {

fs::path peer_folder(const fs::path& home, std::string_view origin);

// One mirrored log, open for reading.
struct PeerLog {
  fs::path folder;
  log::Log log;
  Verified verified;
  std::optional<Authority> authority = {};  // up to `keys_read`
  std::uint64_t keys_read = 0;
  std::optional<Error> damage = {};  // found by a source of this log while it read

  // Its keys up to its head; null when it has no valid genesis, or a leaf cannot be read.
  const Authority* keys();
};

// Every log under peers/, by origin. A folder without a log yet is left out; one that cannot be read is left out and
// named in faults(), so that one bad disk sector at one member's mirror stops nobody.
class PeerLogs {
 public:
  explicit PeerLogs(fs::path home) : home_(std::move(home)) {}
  // Opens what is new and moves the others to their newest head. `own` is never taken for a peer.
  void refresh(std::string_view own);
  const std::vector<std::unique_ptr<PeerLog>>& logs() const { return logs_; }
  const std::vector<Error>& faults() const { return faults_; }
  // The keys of one; null without such a log, or when it has no valid genesis.
  const Authority* authority(std::string_view origin) const;
  // Leaves out the logs in which damage was found, until their files change. True when there was one.
  bool drop_damaged();
  // Keeps what replay found out about signatures. Errors: base.write.
  Result<void> store_verified();

 private:
  fs::path home_;
  std::vector<std::unique_ptr<PeerLog>> logs_;
  std::vector<Error> faults_;
  struct Damaged {
    std::string stamp;  // of the files then
    Error error;
  };
  std::map<fs::path, Damaged> damaged_;
};

// An open log as replay reads it; both must outlive the source.
Source source_of(log::Log& log, Verified& verified);
Source source_of(PeerLog& peer);
// The stored verdicts, when they stand on a prefix of this log.
Verified verified_of(log::Log& log, const fs::path& file);

}  // namespace hz::alliance
