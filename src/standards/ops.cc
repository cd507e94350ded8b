#include "standards/ops.h"

#include <algorithm>

#include "base/text_match.h"
#include "sql/db.h"
#include "standards/conform.h"
#include "standards/reasons.h"
#include "standards/sql_text.h"
#include "standards/text.h"

namespace hz::standards {
namespace {

// ---- conform show

struct ShowIn {
  std::optional<std::string> op;
  std::optional<std::string> backend;
  bool failed = false;
  static constexpr auto fields() {
    return rows(row("op", &ShowIn::op, "operator pattern, e.g. 'Conv*'"),
                row("backend", &ShowIn::backend, "one backend only"),
                row("failed", &ShowIn::failed, "only FAILED rows, with their worst witness", or_default));
  }
};
struct ShowRow {
  std::string op_type, domain, dtype;
  std::int64_t opset = 0;
  std::string backend, verdict;
  std::int64_t cases = 0, passed = 0, repaired = 0;
  std::string worst, statement;
  static constexpr auto fields() {
    return rows(row("op_type", &ShowRow::op_type, "operator"), row("domain", &ShowRow::domain, "empty is ai.onnx"),
                row("dtype", &ShowRow::dtype, "of the first tensor"), row("opset", &ShowRow::opset, "operator set"),
                row("backend", &ShowRow::backend, "backend id"),
                row("verdict", &ShowRow::verdict, "STRICT, BASIC_ONLY, FAILED or UNTESTED"),
                row("cases", &ShowRow::cases, "judged or refused"), row("passed", &ShowRow::passed, "as given"),
                row("repaired", &ShowRow::repaired, "after a named repair"),
                row("worst", &ShowRow::worst, "most damning case"),
                row("statement", &ShowRow::statement, "where it is claimed"));
  }
};
struct ShowOut {
  std::vector<std::string> backends;
  std::vector<ShowRow> results;
  bool failed = false;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("backends", &ShowOut::backends, "columns"),
                row("results", &ShowOut::results, "one per operator row and backend"),
                row("failed", &ShowOut::failed, "only FAILED rows were asked for"),
                row("frontier", &ShowOut::frontier, "what the answer was computed from"));
  }
};

Result<ShowOut> show(api::Ctx& ctx, const ShowIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  std::string wanted;
  if (in.backend) wanted = backend_ref(*HZ_TRY(find_backend(*in.backend)));
  ShowOut out;
  out.failed = in.failed;
  HZ_TRY(HZ_TRY(member.views())->query(sql_text::list_operators, {}, [&](const sql::Row& r) {
    ShowRow item{r.text(0),    r.text(1),    r.text(2),    r.integer(3), r.text(4), r.text(5),
                 r.integer(6), r.integer(7), r.integer(8), r.text(9),    r.text(10)};
    const bool keep = (wanted.empty() || item.backend == wanted) && (!in.op || glob(*in.op, item.op_type)) &&
                      (!in.failed || item.verdict == enum_text(Verdict::failed));
    if (!keep) return true;
    if (std::ranges::find(out.backends, item.backend) == out.backends.end()) out.backends.push_back(item.backend);
    out.results.push_back(std::move(item));
    return true;
  }));
  std::ranges::sort(out.backends);
  out.frontier = member.frontier();
  return out;
}

std::string operator_name(const ShowRow& r) { return r.domain.empty() ? r.op_type : r.domain + "." + r.op_type; }

std::string text(const ShowOut& out, const api::Style& style) {
  if (out.results.empty())
    return out.failed ? "No operator FAILED.\n"
                      : "No operator results are recorded here: `hezong conform run` makes them.\n";
  if (out.failed) {
    std::vector<std::vector<std::string>> table{{"operator", "dtype", "opset", "backend", "passed", "worst witness"}};
    for (const ShowRow& r : out.results)
      table.push_back({operator_name(r), r.dtype, fmt::format("{}", r.opset), r.backend,
                       fmt::format("{}/{}", r.passed, r.cases), r.worst});
    return api::table(table, style);
  }
  std::vector<std::vector<std::string>> table{{"operator", "dtype", "opset"}};
  for (const auto& b : out.backends) table[0].push_back(b);
  const ShowRow* line = nullptr;
  for (const ShowRow& r : out.results) {
    if (!line || line->op_type != r.op_type || line->domain != r.domain || line->dtype != r.dtype ||
        line->opset != r.opset) {
      table.push_back({operator_name(r), r.dtype, fmt::format("{}", r.opset)});
      table.back().resize(3 + out.backends.size(), "-");
    }
    line = &r;
    const auto column = static_cast<std::size_t>(std::ranges::find(out.backends, r.backend) - out.backends.begin());
    table.back()[3 + column] = fmt::format("{} {}/{}", paint(r.verdict, style), r.passed + r.repaired, r.cases);
  }
  return api::table(table, style);
}

// ---- conform matrix

struct MatrixIn {
  static constexpr auto fields() { return rows(); }
};
struct MatrixRow {
  std::string product, member, backend, verdict;
  bool own = false, incumbent = false;
  std::int64_t quality_milli = 0, agreement_milli = 0;
  std::string worst, lift, model_sha256, statement;
  static constexpr auto fields() {
    return rows(
        row("product", &MatrixRow::product, "product id"), row("member", &MatrixRow::member, "whose product it is"),
        row("own", &MatrixRow::own, "it is this member's"), row("backend", &MatrixRow::backend, "backend id"),
        row("verdict", &MatrixRow::verdict, "STRICT, BASIC_ONLY, FAILED or UNTESTED"),
        row("incumbent", &MatrixRow::incumbent, "the product runs on it today"),
        row("quality_milli", &MatrixRow::quality_milli, "labels met, of 1000"),
        row("agreement_milli", &MatrixRow::agreement_milli, "same first class, of 1000"),
        row("worst", &MatrixRow::worst, "worst witness or reason"), row("lift", &MatrixRow::lift, "named repairs"),
        row("model_sha256", &MatrixRow::model_sha256, "the model tested"),
        row("statement", &MatrixRow::statement, "where it is claimed; empty when never tested"));
  }
};
struct MatrixOut {
  std::vector<std::string> backends;
  std::vector<MatrixRow> results;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("backends", &MatrixOut::backends, "columns"),
                row("results", &MatrixOut::results, "one per product and backend"),
                row("frontier", &MatrixOut::frontier, "what the answer was computed from"));
  }
};

Result<MatrixOut> matrix(api::Ctx& ctx, const MatrixIn&) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  MatrixOut out;
  HZ_TRY(HZ_TRY(member.views())->query(sql_text::list_models, {}, [&](const sql::Row& r) {
    MatrixRow item{
        r.text(0), r.text(10), r.text(2),    r.is_null(3) ? std::string(enum_text(Verdict::untested)) : r.text(3),
        false,     false,      r.integer(4), r.integer(5),
        r.text(6), r.text(7),  r.text(9),    r.text(8)};
    item.own = item.member == member.id();
    item.incumbent = !item.backend.empty() && item.backend == r.text(1);
    if (!item.backend.empty() && std::ranges::find(out.backends, item.backend) == out.backends.end())
      out.backends.push_back(item.backend);
    out.results.push_back(std::move(item));
    return true;
  }));
  std::ranges::sort(out.backends);
  out.frontier = member.frontier();
  return out;
}

std::string text(const MatrixOut& out, const api::Style& style) {
  if (out.results.empty())
    return "No product is recorded here: `hezong exposure scan DIR` records the manifests it finds.\n";
  std::vector<std::vector<std::string>> table{{"product"}};
  for (const auto& b : out.backends) table[0].push_back(b);
  const MatrixRow* line = nullptr;
  for (const MatrixRow& r : out.results) {
    if (!line || line->product != r.product || line->member != r.member) {
      line = &r;
      table.push_back({r.own ? r.product : r.product + "@" + r.member});
      table.back().resize(1 + out.backends.size(), style.dim(enum_text(Verdict::untested)));
    }
    if (r.backend.empty()) continue;
    const auto column = static_cast<std::size_t>(std::ranges::find(out.backends, r.backend) - out.backends.begin());
    table.back()[1 + column] =
        fmt::format("{}{}{}", paint(r.verdict, style), r.quality_milli > 0 ? " " + percent(r.quality_milli) : "",
                    r.incumbent ? " *" : "");
  }
  return api::table(table, style) + "* the backend the product runs on today\n";
}

// ---- conform backends

struct BackendsIn {
  std::optional<std::string> ort_library;
  static constexpr auto fields() {
    return rows(row("ort_library", &BackendsIn::ort_library, "path of ONNX Runtime's shared library"));
  }
};
struct BackendsRow {
  std::string backend, name;
  bool present = false;
  std::string version, library_path, library_digest, why, obtain;
  sandbox::Isolation isolation = sandbox::Isolation::s0;
  static constexpr auto fields() {
    return rows(row("backend", &BackendsRow::backend, "backend id"), row("name", &BackendsRow::name, "for people"),
                row("present", &BackendsRow::present, "a worker of it answers"),
                row("version", &BackendsRow::version, "as it states"),
                row("library_path", &BackendsRow::library_path, "the library that computes"),
                row("library_digest", &BackendsRow::library_digest, "its SHA-256"),
                row("why", &BackendsRow::why, "why it is absent"), row("obtain", &BackendsRow::obtain, "how to get it"),
                row("isolation", &BackendsRow::isolation, "S0 to S3"));
  }
};
struct BackendsOut {
  std::vector<BackendsRow> backends;
  static constexpr auto fields() {
    return rows(row("backends", &BackendsOut::backends, "every backend known by name"));
  }
};

Result<BackendsOut> backends(api::Ctx& ctx, const BackendsIn& in) {
  const Places places{ctx.tool_dirs, in.ort_library.value_or("")};
  BackendsOut out;
  for (const Backend& backend : known_backends()) {
    BackendsRow row;
    row.backend = backend_ref(backend);
    row.name = backend.name;
    row.obtain = backend.obtain;
    const auto ask = [&]() -> Result<EngineFacts> {
      auto session = HZ_TRY(open_pipe_session(HZ_TRY(worker_command(places, backend.id))));
      return session->facts(sandbox::in_ms(30'000));
    };
    if (auto facts = ask()) {
      row.present = true;
      row.version = facts->version;
      row.library_path = facts->library_path;
      row.library_digest = facts->library_digest;
      row.isolation = facts->isolation;
    } else {
      row.why = facts.error().detail;
    }
    out.backends.push_back(std::move(row));
  }
  return out;
}

std::string text(const BackendsOut& out, const api::Style& style) {
  std::vector<std::vector<std::string>> table{{"backend", "name", "version", "library"}};
  for (const BackendsRow& b : out.backends)
    table.push_back({b.backend, b.name,
                     b.present ? style.green(b.version.empty() ? "present" : b.version) : style.dim("absent"),
                     b.present ? fmt::format("{} {}", b.library_digest.substr(0, 12), b.library_path) : b.why});
  std::string s = api::table(table, style);
  for (const BackendsRow& b : out.backends)
    if (!b.present) s += fmt::format("{}: {}\n", b.name, b.obtain);
  return s + fmt::format("isolation {}: {}\n", enum_text(sandbox::Isolation::s0),
                         sandbox::describe(sandbox::Isolation::s0));
}

}  // namespace

std::span<const api::Op> ops() {
  static const api::Op table[] = {
      api::op<&conform_run>(
          {.id = "standards.run",
           .http = "POST /v1/standards/runs",
           .cli = "conform run",
           .may = api::May::author,
           .emits = {"standards.backend", "standards.run", "standards.operator_results", "standards.model_result"},
           .fails = {"standards.no_suite", "standards.suite", "standards.no_backend", "standards.unknown_backend",
                     "standards.worker", "standards.pattern"},
           .doc = "Test every backend present with the official operator cases and with each product's golden set.",
           .example = "hezong conform run --products examples/alliance/products",
           .more =
               "Backends run in processes of their own; one that crashes, hangs or talks nonsense is classified and "
               "replaced, and costs no other verdict. A wrong answer outranks any number of passes. Results are "
               "signed and appended. Exit code 3: a product FAILED on the backend it runs on."}),
      api::op<&show>({.id = "standards.operators",
                      .http = "GET /v1/standards/operators",
                      .cli = "conform show",
                      .may = api::May::reader,
                      .fails = {"standards.unknown_backend"},
                      .doc = "The operator matrix: verdict per operator, element type, operator set and backend.",
                      .example = "hezong conform show --op 'Softmax*'"}),
      api::op<&matrix>({.id = "standards.matrix",
                        .http = "GET /v1/standards/matrix",
                        .cli = "conform matrix",
                        .may = api::May::reader,
                        .doc = "Which product gives the right answers on which backend.",
                        .example = "hezong conform matrix"}),
      api::op<&backends>({.id = "standards.backends",
                          .http = "GET /v1/standards/backends",
                          .cli = "conform backends",
                          .may = api::May::anyone,
                          .doc = "Which inference backends are on this machine, and why the others are not.",
                          .example = "hezong conform backends",
                          .local = true}),
  };
  return table;
}

}  // namespace hz::standards
