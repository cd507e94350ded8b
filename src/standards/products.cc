#include "standards/products.h"

#include <algorithm>
#include <cstring>

#include "crypto/hash.h"
#include "sql/db.h"
#include "standards/reasons.h"
#include "standards/sql_text.h"

namespace hz::standards {
namespace {

namespace wire = onnx::wire;

// What became of one pass over the golden set.
struct Pass {
  std::optional<std::vector<float>> logits;  // absent: it could not be completed
  Status status = Status::pass;              // why not
  std::string detail;
  std::string note;  // repairs the engine names
};

// A session that is opened again after it was lost.
class Line {
 public:
  Line(const Opener& open, const ProductOptions& options) : open_(open), options_(options) {}

  Result<wire::Reply> ask(const wire::Request& request) {
    if (!session_) {
      session_ = HZ_TRY(open_());
      auto facts = session_->facts(sandbox::in_ms(options_.start_ms));
      if (!facts) {
        session_.reset();
        return std::unexpected(std::move(facts).error());
      }
    }
    auto reply = session_->ask(request, sandbox::in_ms(options_.call_ms));
    if (!reply) session_.reset();
    return reply;
  }

 private:
  const Opener& open_;
  const ProductOptions& options_;
  std::unique_ptr<Session> session_;
};

Pass stopped(Status status, std::string detail) {
  Pass out;
  out.status = status;
  out.detail = one_line(std::move(detail));
  return out;
}

Pass load(Line& line, const Bytes& model) {
  const auto reply = line.ask(load_request(model));
  if (!reply) return stopped(status_of(reply.error()), fmt::format("load: {}", reply.error().detail));
  if (reply->status != wire::Status::ok)
    return stopped(status_of(reply->status), fmt::format("load: {}", reply->message));
  return {};
}

Pass run_all(Line& line, const Golden& golden, std::size_t batch) {
  const std::size_t classes = golden.classes.size();
  Pass out;
  std::vector<float> logits(golden.reference.size());
  for (std::size_t first = 0; first < golden.cases; first += batch) {
    const std::size_t count = std::min(batch, golden.cases - first);
    onnx::Value input;
    input.type = onnx::Value::Type::tensor;
    input.name = golden.input_name;
    input.tensor = golden.batch(first, count);
    const auto reply = line.ask(run_request({std::move(input)}));
    const auto where = [&] { return fmt::format("cases {} to {}", first, first + count - 1); };
    if (!reply) return stopped(status_of(reply.error()), fmt::format("{}: {}", where(), reply.error().detail));
    if (reply->status != wire::Status::ok)
      return stopped(status_of(reply->status), fmt::format("{}: {}", where(), reply->message));
    if (reply->outputs.size() != 1 || reply->outputs[0].type != onnx::Value::Type::tensor)
      return stopped(Status::wrong_shape,
                     fmt::format("{}: {} outputs instead of one tensor", where(), reply->outputs.size()));
    const onnx::Tensor& tensor = reply->outputs[0].tensor;
    if (tensor.dtype != onnx::Dtype::float32)
      return stopped(Status::wrong_dtype,
                     fmt::format("{}: logits of type {}", where(), onnx::dtype_name(tensor.dtype)));
    const std::vector<std::int64_t> wanted{static_cast<std::int64_t>(count), static_cast<std::int64_t>(classes)};
    if (tensor.shape != wanted || tensor.data.size() != count * classes * sizeof(float))
      return stopped(Status::wrong_shape,
                     fmt::format("{}: {} logits, should be {} x {}", where(), tensor.count(), count, classes));
    std::memcpy(logits.data() + first * classes, tensor.data.data(), tensor.data.size());
    if (out.note.empty()) out.note = one_line(reply->message);
  }
  out.logits = std::move(logits);
  return out;
}

void add_repair(std::string& lift, std::string_view more) {
  if (more.empty()) return;
  if (!lift.empty()) lift += "; ";
  lift += more;
}

// Loads the model, lifted by the smallest step when the backend does not support it as it is.
Pass load_or_lift(Line& line, const Bytes& model, const ProductOptions& options, Bytes& loaded, std::string& lift) {
  loaded = model;
  const Pass as_given = load(line, model);
  if (as_given.status != Status::unsupported || !options.lifter) return as_given;
  const auto decoded = onnx::decode_model(model);
  for (const std::int64_t target : options.lift_targets) {
    if (!decoded || decoded->opset("") >= target) continue;
    // Products have no case number; their digest's first bytes keep them apart from the suite's.
    const Digest digest = crypto::sha256(model);
    std::size_t key = 0;
    std::memcpy(&key, digest.data(), sizeof key);
    auto lifted = options.lifter->lift(key | (std::size_t{1} << 63), model, target);
    if (!lifted || load(line, *lifted).status != Status::pass) continue;
    loaded = *std::move(lifted);
    lift = fmt::format("lift to {}", target);
    return {};
  }
  return as_given;
}

// Whether `name` stands in `text` as a word: the engine's own message names what stops it.
bool names_word(std::string_view text, std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !letter(text[at - 1])) && (end == text.size() || !letter(text[end]))) return true;
  }
  return false;
}

std::vector<std::string> blocking_operators(const Bytes& model, const std::set<std::string>& does_not_run,
                                            std::string_view message) {
  std::vector<std::string> out;
  for (const std::string& op : operators_of(model))
    if (does_not_run.contains(op) || names_word(message, op)) out.push_back(op);
  return out;
}

}  // namespace

Result<std::vector<Product>> recorded_products(sql::Db& views) {
  std::vector<Product> out;
  HZ_TRY(views.query(sql_text::list_products, {}, [&](const sql::Row& row) {
    out.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5), row.text(6)});
    return true;
  }));
  return out;
}

std::set<std::string> operators_of(const Bytes& model) {
  std::set<std::string> out;
  if (const auto decoded = onnx::decode_model(model))
    for (const auto& node : decoded->graph.nodes) out.insert(node.op_type);
  return out;
}

Result<std::map<std::string, fs::path>> index_files(const fs::path& folder) {
  constexpr std::size_t files_max = 4096;
  std::map<std::string, fs::path> out;
  std::error_code error;
  std::size_t seen = 0;
  for (fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && it != end; it.increment(error)) {
    if (it.depth() >= 4) it.disable_recursion_pending();
    const std::string extension = it->path().extension().string();
    std::error_code ignored;
    if ((extension != ".onnx" && extension != ".golden") || !it->is_regular_file(ignored) || ++seen > files_max)
      continue;
    const auto bytes = read_file(it->path(), 512u << 20);
    if (bytes) out.emplace(hex(crypto::sha256(*bytes)), it->path());
  }
  if (error) return fail(hz::why("base.read"), "{}: {}", folder.string(), error.message());
  return out;
}

ModelResult test_product(const Product& product, const Bytes& model, const Golden& golden, const Opener& open,
                         const std::set<std::string>& does_not_run, const ProductOptions& options) {
  ModelResult out;
  out.product = product.id;
  out.model_sha256 = product.model_sha256;
  out.golden_sha256 = product.golden_sha256;
  out.cases = static_cast<std::int64_t>(golden.cases);
  out.rule = rule_name;
  Line line(open, options);
  Bytes loaded;
  const Pass loading = load_or_lift(line, model, options, loaded, out.lift);
  if (loading.status != Status::pass) {
    out.verdict = damning(loading.status) ? Verdict::failed : Verdict::untested;
    out.worst = fmt::format("{}: {}", enum_text(loading.status), loading.detail);
    out.blocking = blocking_operators(model, does_not_run, out.worst);
    return out;
  }
  Pass pass = run_all(line, golden, options.batch);
  out.batch = static_cast<std::int64_t>(options.batch);
  std::optional<Judgement> in_batches;
  if (pass.logits)
    in_batches = judge_golden(golden, *pass.logits, product.quality_min_milli, !out.lift.empty() || !pass.note.empty());
  const bool batches_fail = !in_batches || in_batches->verdict == Verdict::failed;
  if (batches_fail && options.batch > 1) {
    // Some backends fix the batch when they load. One at a time is slower, not wrong; but it is not the same promise.
    Pass singles = load(line, loaded);
    if (singles.status == Status::pass) singles = run_all(line, golden, 1);
    if (singles.logits) {
      const Judgement single =
          judge_golden(golden, *singles.logits, product.quality_min_milli, !out.lift.empty() || !singles.note.empty());
      if (single.verdict != Verdict::failed) {
        const std::string batch_fault =
            in_batches ? in_batches->worst : fmt::format("{}: {}", enum_text(pass.status), pass.detail);
        const bool silent = in_batches || damning(pass.status);
        pass = std::move(singles);
        in_batches = single;
        // Silently wrong in batches: right one by one is all that can be promised.
        if (silent && in_batches->verdict == Verdict::strict) in_batches->verdict = Verdict::basic_only;
        if (silent)
          in_batches->worst += fmt::format("{}one case at a time only; in batches: {}",
                                           in_batches->worst.empty() ? "" : "; ", batch_fault);
        out.batch = 1;
      }
    }
  }
  if (!in_batches) {
    out.verdict = damning(pass.status) ? Verdict::failed : Verdict::untested;
    out.worst = fmt::format("{}: {}", enum_text(pass.status), pass.detail);
    out.blocking = blocking_operators(model, does_not_run, out.worst);
    return out;
  }
  add_repair(out.lift, pass.note);
  out.verdict = in_batches->verdict;
  out.quality_milli = in_batches->quality_milli;
  out.agreement_milli = in_batches->agreement_milli;
  out.top5_milli = in_batches->top5_milli;
  out.ties = static_cast<std::int64_t>(in_batches->ties);
  out.logits = in_batches->logits;
  out.worst = in_batches->worst;
  return out;
}

}  // namespace hz::standards
