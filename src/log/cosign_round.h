// Brings the head of an own log to its witnesses and publishes it with what they sign.
#pragma once
#include <functional>

#include "base/http.h"
#include "log/policy.h"
#include "log/store.h"

namespace hz::log {

// Where one witness is reached. The exchange holds the deadline: a slow witness costs one deadline, not the round.
struct WitnessPeer {
  NoteKey key;
  http::Exchange exchange;
  std::string prefix;  // submission prefix, "" or a path without a slash at the end
};

// Runs all of these and returns when each has ended. A simulation runs them one after the other.
using RunAll = std::function<void(std::span<const std::function<void()>>)>;
void run_in_threads(std::span<const std::function<void()>> tasks);

// What came of one witness.
struct WitnessAnswer {
  NoteKey key;
  std::optional<std::uint64_t> time_s;  // it cosigned the head, and this holds
  std::optional<Error> fault;           // it did not: transport error, log.witness_answer, log.witness_ahead
};

struct CosignRound {
  Head head;
  std::vector<WitnessAnswer> answers;  // one a peer, in order
  bool quorum = false;                 // of the policy, counting what the published note holds for this head
  bool published = false;
};

enum class WithoutQuorum {
  withhold,  // the older published head stays: for ballots and settlement
  publish,   // the head becomes public without its quorum; the note shows who signed
};

// Each peer is asked from the size it is believed to know, and again, at most twice, from the size a 409 names. Every
// line that enters the note is verified under the peer's key; other lines of an answer are ignored. A peer that is
// slow, lies or answers garbage is a row in `answers` and nothing else. Errors: log.witness_ahead when a peer proves,
// by a verified head of ours that is larger, that this store is old; and what Log::publish says.
//
// `before_publish` may turn a log that was opened for reading into its writer, so that nobody has to wait for the
// writer while a slow witness is asked. Nothing is published when the log's key changed or a larger head became public
// meanwhile; the next round does it.
Result<CosignRound> cosign_round(Log& log, std::span<const WitnessPeer> peers, const Policy& policy,
                                 WithoutQuorum without_quorum, const RunAll& run_all = run_in_threads,
                                 const std::function<Result<void>()>& before_publish = {});

}  // namespace hz::log
