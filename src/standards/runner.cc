#include "standards/runner.h"

#include <atomic>
#include <thread>

#include "standards/reasons.h"

namespace hz::standards {
namespace {

namespace wire = onnx::wire;
using Steady = std::chrono::steady_clock;

std::int64_t us_since(Steady::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - start).count();
}

CaseResult refused(const wire::Reply& reply, std::string_view where) {
  const std::string_view what = reply.status == wire::Status::resource ? "out of resources: " : "";
  return {.status = status_of(reply.status), .detail = one_line(fmt::format("{}: {}{}", where, what, reply.message))};
}

// Where the workers of one run come from and what their losses cost. Thread-safe.
class Pool {
 public:
  Pool(const Opener& open, std::vector<std::unique_ptr<Session>> warm, const RunOptions& options)
      : open_(open), options_(options), warm_(std::move(warm)) {}

  Result<std::unique_ptr<Session>> take() {
    std::unique_ptr<Session> session;
    {
      const std::scoped_lock lock(mutex_);
      if (!warm_.empty()) {
        session = std::move(warm_.back());
        warm_.pop_back();
      }
    }
    if (!session) session = HZ_TRY(open_());
    const EngineFacts facts = HZ_TRY(session->facts(sandbox::in_ms(options_.start_ms)));
    const std::scoped_lock lock(mutex_);
    facts_ = facts;
    return session;
  }

  void lost(std::int64_t return_us) {
    const std::scoped_lock lock(mutex_);
    ++lost_;
    return_us_max_ = std::max(return_us_max_, return_us);
  }

  void close_books(Run& run) {
    run.facts = facts_;
    run.workers_lost = lost_;
    run.return_us_max = return_us_max_;
  }

 private:
  const Opener& open_;
  const RunOptions& options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> warm_;
  EngineFacts facts_;
  int lost_ = 0;
  std::int64_t return_us_max_ = 0;
};

// One thread of the pool: a session, and the judgement of one case after the other.
class Bench {
 public:
  Bench(Pool& pool, const RunOptions& options) : pool_(pool), options_(options) {}

  // Errors: standards.worker when no worker can be made ready any more.
  Result<CaseResult> judge(const Case& c, std::size_t index) {
    if (!session_) session_ = HZ_TRY(pool_.take());
    if (!session_->expresses(c.tensors_only))
      return CaseResult{.status = Status::inexpressible, .detail = "needs sequences, optionals or bfloat16"};
    CaseResult first = HZ_TRY(attempt(c, c.model));
    if (first.status == Status::unsupported && options_.lifter) first = HZ_TRY(lifted(c, index, std::move(first)));
    if (first.status == Status::pass || first.status == Status::repaired || first.status == Status::waived)
      return first;
    std::string tries{enum_text(first.status)};
    bool agree = true, any_damning = damning(first.status);
    for (int i = 0; i < options_.reruns; ++i) {
      CaseResult again = HZ_TRY(attempt(c, c.model));
      tries += fmt::format(", {}", enum_text(again.status));
      agree = agree && again.status == first.status;
      any_damning = any_damning || damning(again.status);
    }
    if (agree) return first;
    first.detail = fmt::format("tries disagree: {}; first: {}", tries, first.detail);
    first.status = Status::flaky;
    first.damning_try = any_damning;
    return first;
  }

 private:
  Result<CaseResult> attempt(const Case& c, const Bytes& model) {
    const auto started = Steady::now();
    if (!session_) session_ = HZ_TRY(pool_.take());
    CaseResult result = HZ_TRY(load_and_run(c, model));
    result.us = static_cast<std::uint32_t>(us_since(started));
    return result;
  }

  Result<CaseResult> load_and_run(const Case& c, const Bytes& model) {
    auto loaded = session_->ask(load_request(model), sandbox::in_ms(options_.case_ms));
    if (!loaded) return mourn(loaded.error(), "load");
    if (loaded->status != wire::Status::ok) return refused(*loaded, "load");
    auto ran = session_->ask(run_request(c.inputs), sandbox::in_ms(options_.case_ms));
    if (!ran) return mourn(ran.error(), "run");
    if (ran->status != wire::Status::ok) return refused(*ran, "run");
    return verdict(c, *ran);
  }

  CaseResult verdict(const Case& c, const wire::Reply& reply) const {
    const bool unjudged = c.erratum && c.erratum->cls == ErratumClass::random;
    const Comparison compared =
        unjudged ? compare_form(reply.outputs, c.expected) : compare(reply.outputs, c.expected, options_.scope);
    CaseResult out{.status = status_of(compared),
                   .match = compared.match,
                   .detail = compared.text,
                   .excess = compared.worst.excess};
    const bool contested =
        c.erratum && (c.erratum->cls == ErratumClass::formatting || c.erratum->cls == ErratumClass::disputed);
    if ((unjudged && out.status == Status::pass) || (contested && out.status == Status::wrong)) {
      out.status = Status::waived;
      out.detail = c.erratum->reason;
    }
    std::string repair = one_line(reply.message);
    if (out.status == Status::wrong_dtype) {
      auto [values, what] = retyped(reply.outputs, c.expected);
      const Comparison again = compare(values, c.expected, options_.scope);
      if (status_of(again) == Status::pass) {
        out = {.status = Status::pass, .match = again.match, .detail = again.text};
        repair = repair.empty() ? what : repair + "; " + what;
      }
    }
    if (!repair.empty() && out.status == Status::pass) {
      out.status = Status::repaired;
      out.repair = std::move(repair);
    }
    return out;
  }

  // Outputs of a runtime that computes in float32 only, read in the dtypes they should have, and the name of that
  // repair.
  static std::pair<std::vector<onnx::Value>, std::string> retyped(const std::vector<onnx::Value>& got,
                                                                  const std::vector<onnx::Value>& want) {
    std::vector<onnx::Value> values = got;
    std::string what;
    for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
      if (got[i].type != onnx::Value::Type::tensor || got[i].tensor.dtype == want[i].tensor.dtype) continue;
      auto tensor = read_as(got[i].tensor, want[i].tensor.dtype);
      if (!tensor) continue;
      what += fmt::format("{}output {} read from {} as {}", what.empty() ? "" : "; ", i,
                          onnx::dtype_name(got[i].tensor.dtype), onnx::dtype_name(tensor->dtype));
      values[i].tensor = *std::move(tensor);
    }
    return {std::move(values), std::move(what)};
  }

  // The worker is gone or speaks nonsense: record why, replace it at once.
  Result<CaseResult> mourn(const Error& error, std::string_view where) {
    CaseResult out{.status = status_of(error), .detail = one_line(fmt::format("{}: {}", where, error.detail))};
    const auto lost_at = Steady::now();
    session_.reset();
    session_ = HZ_TRY(pool_.take());
    pool_.lost(us_since(lost_at));
    return out;
  }

  // The smallest lift with which the case passes; otherwise the refusal of the model as given, with what lifting
  // brought.
  Result<CaseResult> lifted(const Case& c, std::size_t index, CaseResult refusal_as_given) {
    for (const std::int64_t target : options_.lift_targets) {
      if (c.opset == 0 || c.opset >= target) continue;
      const auto model = options_.lifter->lift(index, c.model, target);
      if (!model) continue;
      CaseResult result = HZ_TRY(attempt(c, *model));
      if (result.status == Status::pass || result.status == Status::repaired) {
        result.repair = fmt::format("lift to {}{}{}", target, result.repair.empty() ? "" : "; ", result.repair);
        result.status = Status::repaired;
        return result;
      }
      if (result.status == Status::waived) return result;
      // Our own repair may be at fault: this never becomes an accusation.
      refusal_as_given.detail += fmt::format("; after lift to {}: {}", target, enum_text(result.status));
      if (result.status != Status::unsupported) break;
    }
    return refusal_as_given;
  }

  Pool& pool_;
  const RunOptions& options_;
  std::unique_ptr<Session> session_;
};

}  // namespace

std::map<Status, int> Run::counts() const {
  std::map<Status, int> out;
  for (const CaseResult& r : results) ++out[r.status];
  return out;
}

Status status_of(const Error& error) {
  const std::string_view slug = error.reason->slug;
  if (slug == "sandbox.timeout") return Status::timeout;
  if (slug == "sandbox.frame" || slug == "onnx.wire" || slug == "standards.oip") return Status::garbage;
  return Status::crash;
}

Status status_of(const Comparison& comparison) {
  if (comparison.match != Match::different) return Status::pass;
  switch (comparison.difference) {
    case Difference::dtype:
      return Status::wrong_dtype;
    case Difference::shape:
    case Difference::structure:
      return Status::wrong_shape;
    default:
      return Status::wrong;
  }
}

Status status_of(onnx::wire::Status refusal) {
  switch (refusal) {
    case wire::Status::unsupported:
      return Status::unsupported;
    case wire::Status::invalid:
      return Status::invalid;
    default:
      return Status::run_error;
  }
}

std::string one_line(std::string text, std::size_t size_max) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  if (text.size() <= size_max) return text;
  std::size_t cut = size_max;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return text.substr(0, cut) + "…";
}

bool Lifter::available() {
  const std::scoped_lock lock(mutex_);
  if (!available_) {
    auto session = open_ ? open_() : fail(why("standards.worker"), "no converter");
    if (session && (*session)->facts(sandbox::in_ms(10'000))) session_ = *std::move(session);
    available_ = session_ != nullptr;
  }
  return *available_;
}

Result<Bytes> Lifter::lift(std::size_t case_index, const Bytes& model, std::int64_t opset) {
  if (!available()) return fail(why("standards.worker"), "no converter");
  const std::scoped_lock lock(mutex_);
  const auto known = done_.find({case_index, opset});
  if (known != done_.end()) return known->second;
  Result<Bytes> out = fail(why("standards.worker"), "the converter died twice");
  // The process dies with the thread that started it, so a first failure proves nothing about this model.
  for (int tries = 0; tries < 2; ++tries) {
    if (!session_) {
      auto session = open_();
      if (!session) break;
      session_ = *std::move(session);
    }
    auto reply = session_->ask(lift_request(model, opset), sandbox::in_ms(10'000));
    if (!reply) {
      session_.reset();
      continue;
    }
    if (reply->status == wire::Status::ok)
      out = std::move(reply->model);
    else
      out = fail(why("standards.worker"), "the converter declined: {}", one_line(reply->message));
    break;
  }
  done_.emplace(std::pair{case_index, opset}, out);
  return out;
}

Result<Run> run_suite(const Suite& suite, const Opener& open, std::vector<std::unique_ptr<Session>> warm,
                      const RunOptions& options, Progress& progress) {
  const auto started = Steady::now();
  Run run;
  run.results.resize(suite.cases.size());
  run.lift_available = options.lifter && options.lifter->available();
  Pool pool(open, std::move(warm), options);
  std::atomic<std::size_t> next = 0, done = 0;
  std::mutex mutex;
  std::optional<Error> failure;
  const auto work = [&] {
    Bench bench(pool, options);
    for (std::size_t i = 0; (i = next.fetch_add(1)) < suite.cases.size();) {
      auto result = bench.judge(suite.cases[i], i);
      const std::scoped_lock lock(mutex);
      if (!result) {
        if (!failure) failure = std::move(result).error();
        next = suite.cases.size();
        return;
      }
      run.results[i] = *std::move(result);
      if (++done % 16 == 0 || done == suite.cases.size()) progress.step(static_cast<std::int64_t>(done));
    }
  };
  {
    std::vector<std::jthread> threads;
    const int jobs = std::max(1, std::min(options.jobs, static_cast<int>(suite.cases.size())));
    for (int i = 1; i < jobs; ++i) threads.emplace_back(work);
    work();
  }
  if (failure) return std::unexpected(*std::move(failure));
  pool.close_books(run);
  run.wall_us = us_since(started);
  return run;
}

}  // namespace hz::standards
