// Everything that is stored, read again piece by piece: what a node does in the background.
//
// A start reads what came since the last one (log/checked.h), so bytes that rot where nobody reads are this pass's to
// find. `hezong log scrub` reads everything in one go; a pass is made of pieces and remembers where it is, so that it
// ends also on a node that is restarted more often than a pass takes. The simpler idea, a fresh pass after each start,
// would never reach the end of a large store.
//
// Each entry is held against its tile and the signed root, and its stored ids against itself; each blob against its
// name; and last, when all of that was found sound, the views against the logs (alliance/check_views.h). That is one
// piece: a pass that is cut there begins it again. State and result stand in scrub.json in the member's folder
// (docs/formats/member_folder.md).
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alliance/check_views.h"
#include "base/fields.h"
#include "base/fs.h"
#include "base/seams.h"

namespace hz::node {

struct Damage {
  std::string place, reason, detail;
  bool repaired = false;
  bool operator==(const Damage&) const = default;
  static constexpr auto fields() {
    return rows(row("place", &Damage::place, "origin of the log, blobs, or views and the table"),
                row("reason", &Damage::reason, "reason slug"),
                row("detail", &Damage::detail, "which object, and how it was found"),
                row("repaired", &Damage::repaired, "it was put right by this run"));
  }
};

// The views, held against the logs.
struct ViewsRead {
  std::int64_t statements = 0;
  std::string not_compared;
  static constexpr auto fields() {
    return rows(row("statements", &ViewsRead::statements, "statements that were replayed once more and compared"),
                row("not_compared", &ViewsRead::not_compared, "why they were not; absent: they were", or_default));
  }
};

struct ScrubCount {
  std::int64_t began_ms = 0, ended_ms = 0;  // ended_ms: 0 while it runs
  std::int64_t logs = 0, leaves = 0, blobs = 0, size_bytes = 0;
  std::optional<ViewsRead> views = {};
  std::vector<Damage> damage;  // the first 100
  static constexpr auto fields() {
    return rows(row("began_ms", &ScrubCount::began_ms, "when it began, milliseconds since 1970"),
                row("ended_ms", &ScrubCount::ended_ms, "when it ended; 0 while it runs"),
                row("logs", &ScrubCount::logs, "logs read to their end"),
                row("leaves", &ScrubCount::leaves, "statements read and hashed"),
                row("blobs", &ScrubCount::blobs, "blobs read and hashed"),
                row("size_bytes", &ScrubCount::size_bytes, "bytes read"),
                row("views", &ScrubCount::views, "whether the views say what the logs say"),
                row("damage", &ScrubCount::damage, "what is damaged, object by object"));
  }
};

// The content of scrub.json.
struct ScrubReport {
  std::optional<ScrubCount> running;  // the pass that is under way
  std::string place, next;          // where it goes on: log, peers/<hash>, blobs or views; a position or a blob's name
  std::optional<ScrubCount> last;   // the newest whole pass
  std::int64_t views_replaced = 0;  // times that the views were not what the logs say, in all passes
  static constexpr auto fields() {
    return rows(row("running", &ScrubReport::running, "the pass that is under way"),
                row("place", &ScrubReport::place, "where it goes on: log, peers/<hash>, blobs or views", or_default),
                row("next", &ScrubReport::next, "the position there, or the name of a blob", or_default),
                row("last", &ScrubReport::last, "the newest whole pass"),
                row("views_replaced", &ScrubReport::views_replaced,
                    "times that the views were not what the logs say and were replaced", or_default));
  }
  // Damage that the newest look at each place found and that stands.
  std::vector<Damage> damage() const;
};
// nullopt when no pass ever began.
std::optional<ScrubReport> kept_scrub(const fs::path& home);
// For people: when everything was read last, and what is wrong. One line, more with damage.
std::string scrub_text(const ScrubReport& report);

// Holds the views of the home against the logs, and replaces them when they differ. Errors: as Member::check_views and
// Member::open.
using CheckViews = std::function<Result<alliance::ViewsCheck>(const alliance::GoOn& go_on)>;
CheckViews views_checker(const fs::path& home, const alliance::Mounted& mounted, const alliance::Seams& seams);
// What it found, among the damage: put right already.
Result<ViewsRead> check_views(const CheckViews& check, const alliance::GoOn& go_on, std::vector<Damage>& damage);

class ScrubPass {
 public:
  // Goes on where the file says, or begins. Without `views` they are left out.
  ScrubPass(fs::path home, Clock& clock, CheckViews views = {});
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
  bool read_views(const Pace& pace);

  const fs::path home_;
  Clock* clock_;
  CheckViews views_;
  ScrubReport report_;
  std::unique_ptr<Open> open_;
};

}  // namespace hz::node
