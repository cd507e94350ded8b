// The statements of this pillar. Results bind to exact digests: of the suite, the errata, the library and the model.
#pragma once
#include <span>

#include "standards/runner.h"
#include "standards/verdict.h"
#include "statement/kind.h"

namespace hz::standards {

// The signer has this backend and it answered.
struct BackendFact {
  std::string backend;  // "backend:ort"
  std::string name;     // for people
  std::string engine;   // what the worker calls itself
  std::string version;
  std::string library;  // file name of the library that computes; "" when it is the worker itself
  std::string library_digest;
  sandbox::Isolation isolation = sandbox::Isolation::s0;
  static constexpr std::string_view kind = "standards.backend";
  static constexpr auto fields() {
    return rows(row("backend", &BackendFact::backend, "backend id"), row("name", &BackendFact::name, "for people"),
                row("engine", &BackendFact::engine, "what the worker calls itself"),
                row("version", &BackendFact::version, "as the engine states it"),
                row("library", &BackendFact::library, "file name of the library"),
                row("library_digest", &BackendFact::library_digest, "SHA-256 of the library, hex; may be empty"),
                row("isolation", &BackendFact::isolation, "S0 to S3"));
  }
  bool operator==(const BackendFact&) const = default;
};

struct StatusCount {
  Status status = Status::pass;
  std::int64_t cases = 0;
  static constexpr auto fields() {
    return rows(row("status", &StatusCount::status, "what happened"), row("cases", &StatusCount::cases, "how often"));
  }
};

struct ToleranceFact {
  std::string dtype;
  std::int64_t rtol_ppb = 0;
  std::int64_t c_ppb = 0;
  static constexpr auto fields() {
    return rows(row("dtype", &ToleranceFact::dtype, "element type"),
                row("rtol_ppb", &ToleranceFact::rtol_ppb, "relative part, in billionths"),
                row("c_ppb", &ToleranceFact::c_ppb, "part of the tensor's peak, in billionths"));
  }
};

struct Machine {
  std::string architecture, kernel, processor;
  std::int64_t cores = 0;
  static constexpr auto fields() {
    return rows(row("architecture", &Machine::architecture, "e.g. x86_64"), row("kernel", &Machine::kernel, "release"),
                row("processor", &Machine::processor, "model name"), row("cores", &Machine::cores, "usable ones"));
  }
};

// The signer ran this whole suite on this backend; the blob holds every case's outcome.
struct RunFact {
  std::string backend, backend_digest;
  std::string suite, suite_digest, errata_digest;
  std::string runner;     // "hezong-conform/1"
  std::string rule;       // "peak-relative/1"
  std::string transport;  // pipe or oip
  std::vector<ToleranceFact> tolerances;
  std::vector<StatusCount> counts;
  std::string table_digest;  // SHA-256 of the case table, a blob; docs/formats/conformance_results.md
  std::int64_t case_deadline_ms = 0;
  std::int64_t duration_ms = 0;
  std::int64_t workers = 0, workers_lost = 0;
  sandbox::Isolation isolation = sandbox::Isolation::s0;
  Machine machine;
  static constexpr std::string_view kind = "standards.run";
  static constexpr auto fields() {
    return rows(
        row("backend", &RunFact::backend, "backend id"),
        row("backend_digest", &RunFact::backend_digest, "SHA-256 of its library, hex; may be empty"),
        row("suite", &RunFact::suite, "name of the suite"),
        row("suite_digest", &RunFact::suite_digest, "SHA-256 over its files, hex"),
        row("errata_digest", &RunFact::errata_digest, "SHA-256 of the errata list, hex"),
        row("runner", &RunFact::runner, "name and version of the runner"),
        row("rule", &RunFact::rule, "how answers were compared"), row("transport", &RunFact::transport, "pipe or oip"),
        row("tolerances", &RunFact::tolerances, "numbers of the rule"), row("counts", &RunFact::counts, "outcomes"),
        row("table_digest", &RunFact::table_digest, "blob with every case's outcome"),
        row("case_deadline_ms", &RunFact::case_deadline_ms, "of one load or run"),
        row("duration_ms", &RunFact::duration_ms, "wall time"), row("workers", &RunFact::workers, "in parallel"),
        row("workers_lost", &RunFact::workers_lost, "crashed or killed"),
        row("isolation", &RunFact::isolation, "S0 to S3"), row("machine", &RunFact::machine, "where it ran"));
  }
};

struct OperatorRow {
  std::string op_type, domain, dtype;
  std::int64_t opset = 0;
  Verdict verdict = Verdict::untested;
  std::int64_t cases = 0, passed = 0, repaired = 0;
  std::string worst;
  static constexpr auto fields() {
    return rows(
        row("op_type", &OperatorRow::op_type, "operator"), row("domain", &OperatorRow::domain, "empty is ai.onnx"),
        row("dtype", &OperatorRow::dtype, "of the first tensor"), row("opset", &OperatorRow::opset, "operator set"),
        row("verdict", &OperatorRow::verdict, "STRICT, BASIC_ONLY, FAILED or UNTESTED"),
        row("cases", &OperatorRow::cases, "judged or refused"), row("passed", &OperatorRow::passed, "passed as given"),
        row("repaired", &OperatorRow::repaired, "passed after a named repair"),
        row("worst", &OperatorRow::worst, "most damning case", or_default));
  }
};

// The operator verdicts that follow from one run, in parts of at most 30 KiB. They replace those of every earlier run.
struct OperatorResults {
  std::string backend, backend_digest, suite_digest, table_digest;
  std::int64_t part = 1, parts = 1;
  std::vector<OperatorRow> results;
  static constexpr std::string_view kind = "standards.operator_results";
  static constexpr auto fields() {
    return rows(row("backend", &OperatorResults::backend, "backend id"),
                row("backend_digest", &OperatorResults::backend_digest, "SHA-256 of its library, hex; may be empty"),
                row("suite_digest", &OperatorResults::suite_digest, "SHA-256 over the suite's files, hex"),
                row("table_digest", &OperatorResults::table_digest, "the run's case table"),
                row("part", &OperatorResults::part, "1 to parts"), row("parts", &OperatorResults::parts, "how many"),
                row("results", &OperatorResults::results, "verdicts"));
  }
};

// The signer ran a product's model on a backend over the product's golden set.
struct ModelResult {
  std::string product;
  std::string model_sha256, golden_sha256;
  std::string backend, backend_digest;
  Verdict verdict = Verdict::untested;
  std::int64_t quality_milli = 0, agreement_milli = 0, cases = 0, ties = 0;
  std::int64_t top5_milli = 0;
  Match logits = Match::different;
  std::string worst;                  // the worst witness, or why it could not be tested
  std::string lift;                   // named repairs: "lift to 17", "coerced ..."; "" when none
  std::int64_t batch = 0;             // cases per call; 1 when larger batches failed
  std::vector<std::string> blocking;  // UNTESTED: operators of the model that the backend does not run
  std::string rule;
  sandbox::Isolation isolation = sandbox::Isolation::s0;
  static constexpr std::string_view kind = "standards.model_result";
  static constexpr auto fields() {
    return rows(row("product", &ModelResult::product, "product id"),
                row("model_sha256", &ModelResult::model_sha256, "SHA-256 of the model, hex"),
                row("golden_sha256", &ModelResult::golden_sha256, "SHA-256 of the golden set, hex"),
                row("backend", &ModelResult::backend, "backend id"),
                row("backend_digest", &ModelResult::backend_digest, "SHA-256 of its library, hex; may be empty"),
                row("verdict", &ModelResult::verdict, "STRICT, BASIC_ONLY, FAILED or UNTESTED"),
                row("quality_milli", &ModelResult::quality_milli, "labels met, of 1000"),
                row("agreement_milli", &ModelResult::agreement_milli, "same first class as the reference, of 1000"),
                row("top5_milli", &ModelResult::top5_milli, "same set of the first five classes, of 1000", or_default),
                row("cases", &ModelResult::cases, "golden cases"),
                row("ties", &ModelResult::ties, "cases left out of the agreement"),
                row("logits", &ModelResult::logits, "all logits: equal, within tolerance or different"),
                row("worst", &ModelResult::worst, "worst witness, or why it is untested", or_default),
                row("lift", &ModelResult::lift, "named repairs", or_default),
                row("batch", &ModelResult::batch, "cases per call"),
                row("blocking", &ModelResult::blocking, "operators the backend does not run"),
                row("rule", &ModelResult::rule, "how answers were compared"),
                row("isolation", &ModelResult::isolation, "S0 to S3"));
  }
};

inline constexpr std::string_view rule_name = "peak-relative/1";
inline constexpr std::string_view runner_name = "hezong-conform/1";

std::span<const statement::Kind> kinds();
std::string_view view_schema();

Result<void> replay_backend(sql::Db&, const statement::Statement&, const BackendFact&);
Result<void> replay_run(sql::Db&, const statement::Statement&, const RunFact&);
Result<void> replay_operators(sql::Db&, const statement::Statement&, const OperatorResults&);
Result<void> replay_model(sql::Db&, const statement::Statement&, const ModelResult&);

}  // namespace hz::standards
