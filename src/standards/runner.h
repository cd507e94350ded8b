// Runs every case of a suite on one backend and says, case by case, what happened.
//
// A pool of long-lived workers, each replaced when it dies. The simpler ideas that failed: one process per case costs
// 35.7 s for the suite (the engine initialises 1,072 times), a fork of a warm parent 8.8 s; everything in one process
// loses all verdicts to the first crash. The pool takes about a second and gives the same verdicts as in-process.
#pragma once
#include <map>
#include <mutex>
#include <span>

#include "base/seams.h"
#include "standards/session.h"
#include "standards/suite.h"
#include "standards/tolerance.h"

namespace hz::standards {

enum class Status : std::uint8_t {
  pass,           // equal or within tolerance, model and inputs as given
  repaired,       // passes, but only after a repair that is named: opset lift, coerced inputs
  waived,         // ran with the right form; the value is not judged because of an erratum
  wrong,          // an answer, and it is wrong
  wrong_shape,    // an answer of the wrong shape or number of outputs
  wrong_dtype,    // an answer of the wrong element type
  unsupported,    // the backend says it cannot
  invalid,        // the backend says the model or the inputs are invalid
  run_error,      // the backend says it failed
  crash,          // the worker died
  timeout,        // the worker did not answer in time
  garbage,        // the worker's bytes are no answer
  flaky,          // three tries disagree
  inexpressible,  // the transport cannot carry the case's value types
};
constexpr auto enum_names(Status) {
  return std::array<EnumName<Status>, 14>{{{Status::pass, "pass"},
                                           {Status::repaired, "repaired"},
                                           {Status::waived, "waived"},
                                           {Status::wrong, "wrong"},
                                           {Status::wrong_shape, "wrong_shape"},
                                           {Status::wrong_dtype, "wrong_dtype"},
                                           {Status::unsupported, "unsupported"},
                                           {Status::invalid, "invalid"},
                                           {Status::run_error, "run_error"},
                                           {Status::crash, "crash"},
                                           {Status::timeout, "timeout"},
                                           {Status::garbage, "garbage"},
                                           {Status::flaky, "flaky"},
                                           {Status::inexpressible, "inexpressible"}}};
}
// An answer that must never be trusted, as opposed to an honest refusal.
constexpr bool damning(Status s) {
  return s == Status::wrong || s == Status::wrong_shape || s == Status::wrong_dtype || s == Status::crash ||
         s == Status::timeout || s == Status::garbage;
}

struct CaseResult {
  Status status = Status::unsupported;
  Match match = Match::equal;  // of pass and repaired
  std::string detail = {};     // one sentence: the worst witness, the refusal, how the worker died
  std::string repair = {};     // "lift to 8", "coerced x int64 to float32"; "" when none
  bool damning_try = false;    // flaky: one of the tries was damning
  double excess = 0;           // of a wrong value: how many allowances beyond; orders worst witnesses
  std::uint32_t us = 0;        // first try, load and run
};

struct Run {
  EngineFacts facts;
  std::vector<CaseResult> results;  // by case index
  std::int64_t wall_us = 0;
  int workers_lost = 0;            // died or were killed during the run
  std::int64_t return_us_max = 0;  // slowest replacement: from the loss to the next worker ready
  bool lift_available = false;
  std::map<Status, int> counts() const;
};

// Converts models to newer operator sets in a worker of its own; keeps what it converted, so that all backends share
// it.
class Lifter {
 public:
  explicit Lifter(Opener open) : open_(std::move(open)) {}
  bool available();
  // Thread-safe. Errors: what the converter said; a converter that crashed is restarted.
  Result<Bytes> lift(std::size_t case_index, const Bytes& model, std::int64_t opset);

 private:
  std::mutex mutex_;
  Opener open_;
  std::unique_ptr<Session> session_;
  std::optional<bool> available_;
  std::map<std::pair<std::size_t, std::int64_t>, Result<Bytes>> done_;
};

struct RunOptions {
  int jobs = 2;
  std::int64_t case_ms = 10'000;                         // deadline of one load and of one run
  std::int64_t start_ms = 30'000;                        // deadline for a worker to be ready
  int reruns = 2;                                        // of every non-pass
  std::vector<std::int64_t> lift_targets = {8, 13, 17};  // tried in order: the smallest change first
  Lifter* lifter = nullptr;
  Scope scope = Scope::one_operator;
};

// `warm` holds sessions opened ahead; more are opened as needed. A dying worker costs no other verdict.
// Errors: standards.worker when no worker can be made ready.
Result<Run> run_suite(const Suite& suite, const Opener& open, std::vector<std::unique_ptr<Session>> warm,
                      const RunOptions& options, Progress& progress);

// How an error of Session::ask is classified. Pure.
Status status_of(const Error& error);
Status status_of(const Comparison& comparison);
Status status_of(onnx::wire::Status refusal);
// A sentence from an engine: printable, one line, at most size_max bytes and an ellipsis.
std::string one_line(std::string text, std::size_t size_max = 300);

}  // namespace hz::standards
