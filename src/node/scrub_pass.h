// Everything that is stored, read again piece by piece: what a node does in the background.
//
// A start reads what came since the last one (log/checked.h), so bytes that rot where nobody reads are this pass's to
// find. `hezong log scrub` reads everything in one go; a pass is made of pieces and remembers where it is, so that it
// ends also on a node that is restarted more often than a pass takes. The simpler idea, a fresh pass after each start,
// would never reach the end of a large store.
//
// Each entry is held against its tile and the signed root, and its stored ids against itself; each blob against its
// name. State and result stand in scrub.json in the member's folder (docs/formats/member_folder.md).
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/fs.h"
#include "base/seams.h"

namespace hz::node {

struct Damage {
  std::string place, reason, detail;
  bool repaired = false;
  bool operator==(const Damage&) const = default;
  static constexpr auto fields() {
    return rows(row("place", &Damage::place, "origin of the log, or blobs"),
                row("reason", &Damage::reason, "reason slug"),
                row("detail", &Damage::detail, "which object, and how it was found"),
                row("repaired", &Damage::repaired, "it was put right by this run"));
  }
};

struct ScrubCount {
  std::int64_t began_ms = 0, ended_ms = 0;  // ended_ms: 0 while it runs
  std::int64_t logs = 0, leaves = 0, blobs = 0, size_bytes = 0;
  std::vector<Damage> damage;  // the first 100
  static constexpr auto fields() {
    return rows(row("began_ms", &ScrubCount::began_ms, "when it began, milliseconds since 1970"),
                row("ended_ms", &ScrubCount::ended_ms, "when it ended; 0 while it runs"),
                row("logs", &ScrubCount::logs, "logs read to their end"),
                row("leaves", &ScrubCount::leaves, "statements read and hashed"),
                row("blobs", &ScrubCount::blobs, "blobs read and hashed"),
                row("size_bytes", &ScrubCount::size_bytes, "bytes read"),
                row("damage", &ScrubCount::damage, "what is damaged, object by object"));
  }
};

// The content of scrub.json.
struct ScrubReport {
  std::optional<ScrubCount> running;  // the pass that is under way
  std::string place, next;            // where it goes on: log, peers/<hash> or blobs, and a position or a blob's name
  std::optional<ScrubCount> last;     // the newest whole pass
  static constexpr auto fields() {
    return rows(row("running", &ScrubReport::running, "the pass that is under way"),
                row("place", &ScrubReport::place, "where it goes on: log, peers/<hash> or blobs", or_default),
                row("next", &ScrubReport::next, "the position there, or the name of a blob", or_default),
                row("last", &ScrubReport::last, "the newest whole pass"));
  }
  // Damage that the newest look at each place found and that stands.
  std::vector<Damage> damage() const;
};
// nullopt when no pass ever began.
std::optional<ScrubReport> kept_scrub(const fs::path& home);
// For people: when everything was read last, and what is wrong. One line, more with damage.
std::string scrub_text(const ScrubReport& report);

class ScrubPass {
 public:
  // Goes on where the file says, or begins.
  ScrubPass(fs::path home, Clock& clock);
  ScrubPass(ScrubPass&&) noexcept;
  ~ScrubPass();

  // Called with the bytes just read; may wait. False: stop here.
  using Pace = std::function<bool(std::uint64_t bytes)>;
  // Reads one piece. True when that ended the pass. What is damaged is in report(); nothing is an error.
  bool step(const Pace& pace);
  // The damage of the pass that ended is repaired, so far as these say.
  void mark_repaired(const std::vector<Damage>& after);
  const ScrubReport& report() const { return report_; }
  // Keeps report() in the file, for the next process. Not synced: a lost file costs time.
  void keep() const;

 private:
  struct Open;
  void begin_place();
  void damaged(std::string place, const Error& error);
  bool read_log(const Pace& pace);
  bool read_blobs(const Pace& pace);

  const fs::path home_;
  Clock* clock_;
  ScrubReport report_;
  std::unique_ptr<Open> open_;
};

}  // namespace hz::node
