// `hezong conform run`: suite and products on every backend present, and the statements that follow.
#pragma once
#include "api/op.h"
#include "standards/backends.h"
#include "standards/kinds.h"
#include "standards/products.h"

namespace hz::standards {

struct ConformIn {
  std::vector<std::string> backend;
  std::optional<std::string> suite;
  std::optional<std::string> products;
  std::vector<std::string> only;
  std::optional<std::int64_t> jobs;
  std::optional<std::string> transport;
  std::optional<std::string> ort_library;
  static constexpr auto fields() {
    return rows(
        row("backend", &ConformIn::backend, "ort, opencv or refrt; all when absent"),
        row("suite", &ConformIn::suite, "folder of the official cases; Debian's when absent"),
        row("products", &ConformIn::products, "folder with the models and golden sets of recorded products"),
        row("only", &ConformIn::only, "case pattern, e.g. 'node/test_conv*'; a part of the suite is not recorded"),
        row("jobs", &ConformIn::jobs, "workers in parallel; 2 when absent"),
        row("transport", &ConformIn::transport, "pipe or oip; pipe when absent"),
        row("ort_library", &ConformIn::ort_library, "path of ONNX Runtime's shared library"));
  }
};

struct BackendOutcome {
  std::string backend, name, version;
  bool present = false;
  std::string why;  // when absent
  std::vector<StatusCount> counts;
  std::int64_t cases = 0, wall_ms = 0, workers_lost = 0, return_ms_max = 0;
  std::int64_t strict = 0, basic_only = 0, failed = 0, untested = 0;  // operator verdicts
  static constexpr auto fields() {
    return rows(
        row("backend", &BackendOutcome::backend, "backend id"), row("name", &BackendOutcome::name, "for people"),
        row("version", &BackendOutcome::version, "as it states"),
        row("present", &BackendOutcome::present, "it could be started"), row("why", &BackendOutcome::why, "why not"),
        row("counts", &BackendOutcome::counts, "outcomes of the cases"),
        row("cases", &BackendOutcome::cases, "cases tried"), row("wall_ms", &BackendOutcome::wall_ms, "wall time"),
        row("workers_lost", &BackendOutcome::workers_lost, "crashed or killed"),
        row("return_ms_max", &BackendOutcome::return_ms_max, "slowest replacement of a worker"),
        row("strict", &BackendOutcome::strict, "operator rows"),
        row("basic_only", &BackendOutcome::basic_only, "operator rows"),
        row("failed", &BackendOutcome::failed, "operator rows"),
        row("untested", &BackendOutcome::untested, "operator rows"));
  }
};

struct ProductOutcome {
  std::string product, member, backend;
  bool incumbent = false;
  Verdict verdict = Verdict::untested;
  std::int64_t quality_milli = 0, agreement_milli = 0;
  std::string worst, lift;
  std::vector<std::string> blocking;
  static constexpr auto fields() {
    return rows(row("product", &ProductOutcome::product, "product id"),
                row("member", &ProductOutcome::member, "whose product it is"),
                row("backend", &ProductOutcome::backend, "backend id"),
                row("incumbent", &ProductOutcome::incumbent, "the product runs on it today"),
                row("verdict", &ProductOutcome::verdict, "STRICT, BASIC_ONLY, FAILED or UNTESTED"),
                row("quality_milli", &ProductOutcome::quality_milli, "labels met, of 1000"),
                row("agreement_milli", &ProductOutcome::agreement_milli, "same first class, of 1000"),
                row("worst", &ProductOutcome::worst, "worst witness or reason"),
                row("lift", &ProductOutcome::lift, "named repairs"),
                row("blocking", &ProductOutcome::blocking, "operators the backend does not run"));
  }
};

struct ConformOut {
  std::string suite, suite_digest;
  std::int64_t cases = 0, read_ms = 0;
  std::vector<BackendOutcome> backends;
  std::vector<ProductOutcome> products;
  std::vector<std::string> notes;
  std::int64_t statements = 0;  // appended
  bool incumbent_failed = false;
  static constexpr auto fields() {
    return rows(row("suite", &ConformOut::suite, "name of the suite; empty when none was run"),
                row("suite_digest", &ConformOut::suite_digest, "SHA-256 over its files"),
                row("cases", &ConformOut::cases, "cases read"),
                row("read_ms", &ConformOut::read_ms, "reading and decoding"),
                row("backends", &ConformOut::backends, "outcome per backend"),
                row("products", &ConformOut::products, "outcome per product and backend"),
                row("notes", &ConformOut::notes, "what was left out and why"),
                row("statements", &ConformOut::statements, "appended to the log"),
                row("incumbent_failed", &ConformOut::incumbent_failed, "a product FAILED on the backend it runs on"));
  }
};

Result<ConformOut> conform_run(api::Ctx& ctx, const ConformIn& in);
std::string text(const ConformOut& out, const api::Style& style);
bool answer_is_no(const ConformOut& out);

// The case table of one run: canonical JSON without times, so that two runs with the same outcome give the same bytes.
// docs/formats/conformance_results.md
std::string case_table(const Suite& suite, const Run& run, std::string_view backend, std::string_view transport);
// Rows cut into parts whose JSON stays below `bytes_max` each.
std::vector<std::vector<OperatorRow>> cut(std::vector<OperatorRow> rows, std::size_t bytes_max = 28 * 1024);

}  // namespace hz::standards
