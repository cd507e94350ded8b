// While a node runs, products that a live drill moved are watched: some of their real requests are executed again on
// the incumbent (shadow.h), known answers ride along, and a product that falls short (watch_rule.h) is rolled back
// without anybody's command, through the same code and the same statements as fail-back.
//
// Which products are watched, how far each is and what was decided stands in the log and nowhere else. What the watch
// decides is said (drill.watched, with the reason) before anything is moved: a node that is killed in between reads its
// own word and goes on, and a step that stands is not done again. The newest pairs and what was counted and not said
// outlive the node too (watch_store.h), so that a lying server is not given the same number of requests twice.
//
// A command that moves a drill and this watch take turns (DrillTurn); who waits is the watch.
#pragma once
#include <optional>
#include <thread>

#include "api/op.h"
#include "drill/live.h"
#include "node/known_answers.h"
#include "node/node_world.h"
#include "node/shadow.h"
#include "node/watch_store.h"
#include "pool/kinds.h"
#include "pool/serving.h"

namespace hz::node {

struct WatchOptions {
  std::int64_t canary_ms = 60'000;     // between two rounds of known answers for a product; 0: none
  std::int64_t canary_cases = 100;     // of each round
  std::int64_t absent_ms_max = 3'000;  // a substitute that serves no more for so long is gone
  std::int64_t retry_ms = 60'000;      // after a roll back that could not be
};

// Where the copies for this server go.
ShadowRoute::To incumbent_at(const pool::Serving& server);

class DrillWatch {
 public:
  DrillWatch(NodeWorld world, Shadow& shadow, WatchOptions options)
      : world_(std::move(world)), shadow_(shadow), options_(options) {}
  // Looks every `pause_ms` until stop(). What goes wrong is said on stderr, once until it changes.
  void run(int pause_ms);
  void stop();

 private:
  struct One {
    std::string drill;
    drill::ProductState state;
    drill::DrillWatched base, said;  // before this node began; last said
    drill::DrillWatched canaries;    // this node's rounds: the fields of known answers
    std::deque<Rerun> newest;
    Shadow::Seen seen;  // by this node, the counts alone
    std::optional<QualityTerms> terms;
    std::vector<pool::Target> before;  // of the route that the drill found
    std::int64_t canary_at_ms = 0, said_at_ms = 0, try_at_ms = 0, here_at_ms = 0;
    std::string wrong;  // decided
  };
  One taken_up(const drill::KnownDrill& drill, const drill::ProductState& state);
  Result<void> keep();
  Result<void> look();
  Result<void> read_drills();
  void tell_shadow();
  Result<void> look_at(One& one);
  drill::DrillWatched counts_of(const One& one, const Shadow::Seen& seen) const;
  Result<std::string> ask(One& one);  // why it must go back
  Result<bool> say(const drill::DrillWatched& counts);
  Result<void> go_back(One& one, drill::DrillWatched counts);
  Result<void> end_left();
  // Runs `act` on an open member and gives it back.
  Result<void> on_member(bool writes, const std::function<Result<void>(api::Ctx&)>& act);

  NodeWorld world_;
  Shadow& shadow_;
  const WatchOptions options_;
  fs::path mark_path_;
  Bytes mark_;
  std::uint64_t read_to_ = 0;
  bool known_ = false, read_kept_ = false;
  std::vector<One> ours_;
  std::vector<KeptWatch> kept_;                  // in the file
  std::vector<drill::DrillWatched> last_words_;  // of those that went back by a command
  struct Left {
    std::string drill, product, claim;
  };
  std::vector<Left> left_;  // went back; their servers may have stayed
  std::vector<pool::Serving> servers_;
  std::vector<ShadowRoute> told_;
  std::jthread looking_;  // last: it ends first
};

}  // namespace hz::node
