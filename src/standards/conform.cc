#include "standards/conform.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "blob/store.h"
#include "crypto/hash.h"
#include "sql/db.h"
#include "standards/oip_session.h"
#include "standards/reasons.h"
#include "standards/sql_text.h"

namespace hz::standards {
namespace {

constexpr std::size_t product_bytes_max = 512u << 20;

Machine this_machine() {
  Machine out;
  struct utsname names{};
  if (::uname(&names) == 0) {
    out.architecture = names.machine;
    out.kernel = names.release;
  }
  out.cores = std::thread::hardware_concurrency();
  if (const auto cpu = read_text("/proc/cpuinfo", 4u << 20)) {
    const auto at = cpu->find("model name");
    const auto colon = at == std::string::npos ? at : cpu->find(": ", at);
    if (colon != std::string::npos) out.processor = cpu->substr(colon + 2, cpu->find('\n', colon) - colon - 2);
  }
  if (out.processor.empty()) out.processor = "unknown";
  return out;
}

std::vector<ToleranceFact> tolerance_facts() {
  std::vector<ToleranceFact> out;
  for (const onnx::Dtype dtype :
       {onnx::Dtype::float32, onnx::Dtype::float64, onnx::Dtype::float16, onnx::Dtype::bfloat16}) {
    const Tolerance t = tolerance_of(dtype, Scope::one_operator);
    out.push_back({std::string(onnx::dtype_name(dtype)), std::llround(t.rtol * 1e9), std::llround(t.c * 1e9)});
  }
  return out;
}

std::vector<StatusCount> count_rows(const Run& run) {
  std::vector<StatusCount> out;
  for (const auto& [status, n] : run.counts()) out.push_back({status, n});
  return out;
}

BackendFact fact_of(const Backend& backend, const EngineFacts& facts) {
  return {backend_ref(backend),
          std::string(backend.name),
          facts.engine,
          facts.version,
          fs::path(facts.library_path).filename().string(),
          facts.library_digest,
          facts.isolation};
}

// A product with its bytes at hand.
struct Ready {
  Product product;
  Bytes model;
  Golden golden;
};

class Bytestore {
 public:
  Bytestore(const blob::Store& blobs, std::map<std::string, fs::path> files)
      : blobs_(blobs), files_(std::move(files)) {}
  Result<Bytes> get(const std::string& sha256) const {
    if (const auto file = files_.find(sha256); file != files_.end()) return read_file(file->second, product_bytes_max);
    return blobs_.get(HZ_TRY(parse_digest(sha256)), product_bytes_max);
  }

 private:
  const blob::Store& blobs_;
  std::map<std::string, fs::path> files_;
};

// One call of `conform run`.
class Conformance {
 public:
  Conformance(api::Ctx& ctx, const ConformIn& in, alliance::Member& member)
      : in_(in),
        member_(member),
        progress_(ctx.progress()),
        dry_run_(ctx.dry_run),
        places_{ctx.tool_dirs, in.ort_library.value_or("")},
        lifter_([this]() -> Result<std::unique_ptr<Session>> {
          return open_pipe_session(HZ_TRY(worker_command(places_, "lift")));
        }) {}

  Result<ConformOut> run() {
    HZ_TRY(choose());
    HZ_TRY(gather_products());
    std::map<std::string_view, std::vector<std::unique_ptr<Session>>> warm;
    // The first backend's workers start while the suite is read.
    if (!chosen_.empty()) warm[chosen_[0]->id] = warm_up(*chosen_[0]);
    HZ_TRY(read());
    int present = 0;
    for (const Backend* backend : chosen_) {
      auto sessions = warm.contains(backend->id) ? std::move(warm[backend->id]) : warm_up(*backend);
      present += HZ_TRY(one(*backend, std::move(sessions)));
    }
    if (present == 0) {
      std::string reasons;
      for (const auto& b : out_.backends) reasons += fmt::format(" {} ({})", b.backend, b.why);
      return fail(why("standards.no_backend"), "tried{}", reasons);
    }
    return std::move(out_);
  }

 private:
  Result<void> choose() {
    transport_ = in_.transport.value_or("pipe");
    if (transport_ != "pipe" && transport_ != "oip")
      return fail(hz::why("base.json_field"), "$.transport should be pipe or oip");
    if (in_.backend.empty())
      for (const Backend& backend : known_backends()) chosen_.push_back(&backend);
    for (const std::string& name : in_.backend) chosen_.push_back(HZ_TRY(find_backend(name)));
    if (transport_ == "oip") note("over the network protocol: outcomes are shown, not recorded");
    options_.jobs = static_cast<int>(std::clamp<std::int64_t>(in_.jobs.value_or(2), 1, 64));
    options_.lifter = &lifter_;
    return {};
  }

  Result<void> gather_products() {
    const std::vector<Product> products = HZ_TRY(recorded_products(*HZ_TRY(member_.views())));
    if (products.empty()) {
      note("no product is recorded: `hezong exposure scan DIR` records the manifests it finds");
      return {};
    }
    std::map<std::string, fs::path> files;
    if (in_.products) files = HZ_TRY(index_files(*in_.products));
    const Bytestore store(member_.blobs(), std::move(files));
    for (const Product& product : products) {
      const auto model = store.get(product.model_sha256), golden_bytes = store.get(product.golden_sha256);
      if (!model || !golden_bytes) {
        note(fmt::format("{}: the {} with digest {} is not at hand{}", product.id, model ? "golden set" : "model",
                         (model ? product.golden_sha256 : product.model_sha256).substr(0, 12),
                         in_.products ? " in " + *in_.products : std::string("; name its folder with --products DIR")));
        continue;
      }
      auto golden = decode_golden(*golden_bytes);
      if (!golden) {
        note(fmt::format("{}: {}", product.id, golden.error().text()));
        continue;
      }
      ready_.push_back({product, *model, *std::move(golden)});
    }
    return {};
  }

  Result<void> read() {
    const fs::path folder = in_.suite.value_or(std::string(suite_folder_debian));
    progress_.phase("reading the suite", 0);
    auto suite = read_suite(folder, in_.only, builtin_errata(), options_.jobs);
    if (!suite) {
      // Products can be tested without the suite; asked for by name, its absence is an error.
      if (in_.suite || !in_.only.empty() || ready_.empty() || suite.error().reason->slug != "standards.no_suite")
        return std::unexpected(std::move(suite).error());
      note(fmt::format("operators are not tested: {}", suite.error().detail));
      return {};
    }
    suite_ = *std::move(suite);
    out_.suite = in_.suite ? folder.filename().string() : builtin_errata().suite;
    out_.suite_digest = suite_.digest;
    out_.cases = static_cast<std::int64_t>(suite_.cases.size());
    out_.read_ms = suite_.read_us / 1000;
    if (!in_.only.empty()) note("a part of the suite is no evidence: its outcome is shown, not recorded");
    return {};
  }

  Opener opener(const Backend& backend) {
    if (transport_ == "oip")
      return [this, &backend]() -> Result<std::unique_ptr<Session>> {
        return open_oip_session(HZ_TRY(server_command(places_, backend.id)));
      };
    return [this, &backend]() -> Result<std::unique_ptr<Session>> {
      return open_pipe_session(HZ_TRY(worker_command(places_, backend.id)));
    };
  }

  std::vector<std::unique_ptr<Session>> warm_up(const Backend& backend) {
    std::vector<std::unique_ptr<Session>> out;
    const Opener open = opener(backend);
    for (int i = 0; i < options_.jobs; ++i) {
      auto session = open();
      if (!session) break;
      out.push_back(*std::move(session));
    }
    return out;
  }

  // 1 when the backend is present.
  Result<int> one(const Backend& backend, std::vector<std::unique_ptr<Session>> sessions) {
    BackendOutcome& row = out_.backends.emplace_back();
    row.backend = backend_ref(backend);
    row.name = backend.name;
    const Opener open = opener(backend);
    // Its facts first: an absent backend is a fact of this machine, not an error of the run.
    if (sessions.empty()) {
      auto session = open();
      if (!session) return absent(row, session.error());
      sessions.push_back(*std::move(session));
    }
    const auto facts = sessions.back()->facts(sandbox::in_ms(options_.start_ms));
    if (!facts) return absent(row, facts.error());
    row.present = true;
    row.version = facts->version;
    const BackendFact fact = fact_of(backend, *facts);
    if (transport_ == "pipe" && (in_.only.empty() || !ready_.empty())) HZ_TRY(record_backend(fact));
    std::set<std::string> does_not_run;
    if (!suite_.cases.empty()) HZ_TRY(suite_on(backend, fact, open, std::move(sessions), row, does_not_run));
    HZ_TRY(products_on(backend, fact, open, does_not_run));
    return 1;
  }

  static int absent(BackendOutcome& row, const Error& error) {
    row.why = error.detail;
    return 0;
  }

  Result<void> suite_on(const Backend& backend, const BackendFact& fact, const Opener& open,
                        std::vector<std::unique_ptr<Session>> sessions, BackendOutcome& row,
                        std::set<std::string>& does_not_run) {
    progress_.phase(fmt::format("{}: operators", backend.name), static_cast<std::int64_t>(suite_.cases.size()));
    const Run run = HZ_TRY(run_suite(suite_, open, std::move(sessions), options_, progress_));
    row.counts = count_rows(run);
    row.cases = static_cast<std::int64_t>(run.results.size());
    row.wall_ms = run.wall_us / 1000;
    row.workers_lost = run.workers_lost;
    row.return_ms_max = run.return_us_max / 1000;
    if (!run.lift_available) note("the operator set converter is not here: models are not lifted");
    std::vector<OperatorRow> rows;
    std::set<std::string> runs;
    for (const OperatorVerdict& v : judge_operators(suite_, run)) {
      rows.push_back(
          {v.key.op_type, v.key.domain, v.key.dtype, v.key.opset, v.verdict, v.cases, v.passed, v.repaired, v.worst});
      ++(v.verdict == Verdict::strict       ? row.strict
         : v.verdict == Verdict::basic_only ? row.basic_only
         : v.verdict == Verdict::failed     ? row.failed
                                            : row.untested);
      if (v.passed + v.repaired > 0) runs.insert(v.key.op_type);
    }
    for (const OperatorRow& r : rows)
      if (!runs.contains(r.op_type)) does_not_run.insert(r.op_type);
    if (!in_.only.empty()) does_not_run.clear();
    if (!in_.only.empty() || transport_ != "pipe") return {};
    return record_run(fact, run, std::move(rows));
  }

  Result<void> products_on(const Backend& backend, const BackendFact& fact, const Opener& open,
                           const std::set<std::string>& does_not_run) {
    if (ready_.empty()) return {};
    progress_.phase(fmt::format("{}: products", backend.name), static_cast<std::int64_t>(ready_.size()));
    ProductOptions options;
    options.lifter = &lifter_;
    std::vector<ModelResult> results;
    std::set<std::string> proven;  // operators of models that do run here: they block nothing
    for (const Ready& ready : ready_) {
      ModelResult result = test_product(ready.product, ready.model, ready.golden, open, does_not_run, options);
      result.backend = fact.backend;
      result.backend_digest = fact.library_digest;
      result.isolation = fact.isolation;
      if (result.verdict == Verdict::strict || result.verdict == Verdict::basic_only)
        proven.merge(operators_of(ready.model));
      results.push_back(std::move(result));
      progress_.step(static_cast<std::int64_t>(results.size()));
    }
    std::vector<alliance::Draft> drafts;
    for (std::size_t i = 0; i < ready_.size(); ++i) {
      ModelResult& result = results[i];
      std::erase_if(result.blocking, [&](const std::string& op) { return proven.contains(op); });
      const bool incumbent = ready_[i].product.incumbent == fact.backend;
      out_.incumbent_failed = out_.incumbent_failed || (incumbent && result.verdict == Verdict::failed);
      out_.products.push_back({result.product, ready_[i].product.member, result.backend, incumbent, result.verdict,
                               result.quality_milli, result.agreement_milli, result.worst, result.lift,
                               result.blocking});
      drafts.push_back(alliance::draft(result));
    }
    return transport_ == "pipe" ? append(drafts) : Result<void>();
  }

  Result<void> record_backend(const BackendFact& fact) {
    BackendFact known;
    HZ_TRY(HZ_TRY(member_.views())->query(sql_text::find_backend_fact, {fact.backend}, [&](const sql::Row& row) {
      known = {fact.backend,
               row.text(0),
               row.text(1),
               row.text(2),
               row.text(3),
               row.text(4),
               parse_enum<sandbox::Isolation>(row.text(5)).value_or(sandbox::Isolation::s0)};
      return false;
    }));
    if (known == fact) return {};
    return append({alliance::draft(fact)});
  }

  Result<void> record_run(const BackendFact& fact, const Run& run, std::vector<OperatorRow> rows) {
    const std::string table = case_table(suite_, run, fact.backend, transport_);
    const std::string table_digest = hex(crypto::sha256(as_bytes(table)));
    if (!dry_run_) HZ_TRY(member_.blobs().put(as_bytes(table)));
    RunFact said;
    said.backend = fact.backend;
    said.backend_digest = fact.library_digest;
    said.suite = out_.suite;
    said.suite_digest = suite_.digest;
    said.errata_digest = builtin_errata().digest;
    said.runner = runner_name;
    said.rule = rule_name;
    said.transport = transport_;
    said.tolerances = tolerance_facts();
    said.counts = count_rows(run);
    said.table_digest = table_digest;
    said.case_deadline_ms = options_.case_ms;
    said.duration_ms = run.wall_us / 1000;
    said.workers = options_.jobs;
    said.workers_lost = run.workers_lost;
    said.isolation = fact.isolation;
    said.machine = this_machine();
    std::vector<alliance::Draft> drafts{alliance::draft(said)};
    auto parts = cut(std::move(rows));
    for (std::size_t i = 0; i < parts.size(); ++i) {
      OperatorResults part{fact.backend,
                           fact.library_digest,
                           suite_.digest,
                           table_digest,
                           static_cast<std::int64_t>(i + 1),
                           static_cast<std::int64_t>(parts.size()),
                           std::move(parts[i])};
      drafts.push_back(alliance::draft(part));
    }
    return append(drafts);
  }

  Result<void> append(const std::vector<alliance::Draft>& drafts) {
    HZ_TRY(member_.append(drafts));
    if (!dry_run_) out_.statements += static_cast<std::int64_t>(drafts.size());
    return {};
  }

  void note(std::string text) {
    if (std::ranges::find(out_.notes, text) == out_.notes.end()) out_.notes.push_back(std::move(text));
  }

  const ConformIn& in_;
  alliance::Member& member_;
  Progress& progress_;
  bool dry_run_;
  Places places_;
  Lifter lifter_;
  std::string transport_;
  std::vector<const Backend*> chosen_;
  std::vector<Ready> ready_;
  RunOptions options_;
  Suite suite_;
  ConformOut out_;
};

}  // namespace

Result<ConformOut> conform_run(api::Ctx& ctx, const ConformIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  return Conformance(ctx, in, member).run();
}

std::string case_table(const Suite& suite, const Run& run, std::string_view backend, std::string_view transport) {
  json::Array cases;
  for (std::size_t i = 0; i < suite.cases.size(); ++i) {
    const CaseResult& r = run.results[i];
    json::Value row;
    row.set("case", suite.cases[i].name).set("status", enum_text(r.status));
    if (r.status == Status::pass || r.status == Status::repaired) row.set("match", enum_text(r.match));
    if (!r.repair.empty()) row.set("repair", r.repair);
    if (!r.detail.empty()) row.set("detail", r.detail);
    cases.push_back(std::move(row));
  }
  json::Value out;
  out.set("format", "hezong-conformance/1").set("backend", backend).set("transport", transport);
  out.set("suite_digest", suite.digest).set("errata_digest", builtin_errata().digest);
  out.set("backend_digest", run.facts.library_digest).set("rule", rule_name).set("cases", std::move(cases));
  return json::dump(out);
}

std::vector<std::vector<OperatorRow>> cut(std::vector<OperatorRow> rows, std::size_t bytes_max) {
  std::vector<std::vector<OperatorRow>> out(1);
  std::size_t bytes = 0;
  for (OperatorRow& row : rows) {
    const std::size_t size = json::dump(to_json(row)).size() + 1;
    if (bytes + size > bytes_max && !out.back().empty()) {
      out.emplace_back();
      bytes = 0;
    }
    bytes += size;
    out.back().push_back(std::move(row));
  }
  return out;
}

bool answer_is_no(const ConformOut& out) { return out.incumbent_failed; }

}  // namespace hz::standards
