// Strings and word counts: StringNormalizer, TfIdfVectorizer.
#include <algorithm>

#include "refrt/operators.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

// Letters beyond ASCII keep their case: the locale attribute would make the answer depend on the machine.
std::string changed(std::string text, const std::string& action) {
  for (char& c : text) {
    if (action == "LOWER" && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (action == "UPPER" && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

Result<void> normalize(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  if (x.dtype != Dtype::string) return call.bad_dtype(x.dtype);
  if (x.shape.empty() || x.shape.size() > 2 || (x.shape.size() == 2 && x.shape[0] != 1))
    return call.invalid("[C] or [1, C] is needed");
  const std::string action = call.string_of("case_change_action", "NONE");
  const bool sensitive = call.int_of("is_case_sensitive", 0) != 0;
  std::vector<std::string> stop;
  if (const auto* a = call.node.find("stopwords")) stop = a->strings;
  const std::string compare = sensitive ? "NONE" : "LOWER";
  Tensor out;
  out.dtype = Dtype::string;
  for (const std::string& s : x.strings) {
    HZ_TRY(call.work(static_cast<double>(stop.size() + 1) * 10));
    const bool dropped =
        std::ranges::any_of(stop, [&](const std::string& w) { return changed(w, compare) == changed(s, compare); });
    if (!dropped) out.strings.push_back(changed(s, action));
  }
  if (out.strings.empty()) out.strings.emplace_back();
  out.shape = x.shape;
  out.shape.back() = static_cast<std::int64_t>(out.strings.size());
  call.give(0, std::move(out));
  return {};
}

// Counts n-grams of the pool in each row, skipping up to max_skip_count items between neighbours.
Result<void> tf_idf(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  if (x.shape.empty() || x.shape.size() > 2) return call.invalid("[C] or [N, C] is needed");
  const std::int64_t n_min = call.int_of("min_gram_length", 1), n_max = call.int_of("max_gram_length", 1),
                     skip_max = call.int_of("max_skip_count", 0);
  const auto starts = call.ints_of("ngram_counts"), places = call.ints_of("ngram_indexes");
  const std::string mode = call.string_of("mode", "TF");
  if (n_min < 1 || n_max < n_min || n_max > 64 || skip_max < 0 || skip_max > (1 << 20) ||
      n_max > static_cast<std::int64_t>(starts.size()))
    return call.invalid("gram lengths {} to {}", n_min, n_max);
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") return call.invalid("mode {}", mode);
  // Items are compared as texts, so that string and integer pools share the code.
  std::vector<std::string> pool, items = x.strings;
  if (const auto* a = call.node.find("pool_strings")) pool = a->strings;
  for (const std::int64_t v : call.ints_of("pool_int64s")) pool.push_back(std::to_string(v));
  if (x.dtype != Dtype::string)
    for (const std::int64_t v : HZ_TRY(call.integers(0))) items.push_back(std::to_string(v));
  std::vector<double> weights;
  if (const auto* a = call.node.find("weights")) weights.assign(a->floats.begin(), a->floats.end());
  std::int64_t columns = 0;
  for (const std::int64_t p : places) {
    if (p < 0 || p > (1 << 28)) return call.invalid("index {}", p);
    columns = std::max(columns, p + 1);
  }
  Shape shape = x.shape;
  shape.back() = columns;
  std::vector<double> out(HZ_TRY(call.admit(shape)));
  const std::size_t rows = x.shape.size() == 2 ? static_cast<std::size_t>(x.shape[0]) : 1,
                    length = static_cast<std::size_t>(x.shape.back());
  std::size_t gram = 0;  // counts all n-grams of the pool, whether long enough to be used or not
  for (std::size_t n = 1; n <= starts.size(); ++n) {
    const std::int64_t begin = starts[n - 1],
                       end = n < starts.size() ? starts[n] : static_cast<std::int64_t>(pool.size());
    if (begin < 0 || end < begin || end > static_cast<std::int64_t>(pool.size())) return call.invalid("ngram_counts");
    for (std::int64_t at = begin; at + static_cast<std::int64_t>(n) <= end;
         at += static_cast<std::int64_t>(n), ++gram) {
      if (static_cast<std::int64_t>(n) < n_min || static_cast<std::int64_t>(n) > n_max) continue;
      if (gram >= places.size()) return call.invalid("ngram_indexes");
      const std::size_t strides = n == 1 ? 1 : static_cast<std::size_t>(skip_max) + 1;
      HZ_TRY(call.work(static_cast<double>(rows * length) * static_cast<double>(strides * n)));
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t stride = 1; stride <= strides; ++stride)
          for (std::size_t i = 0; i + (n - 1) * stride < length; ++i) {
            bool same = true;
            for (std::size_t k = 0; same && k < n; ++k)
              same = items[r * length + i + k * stride] == pool[static_cast<std::size_t>(at) + k];
            if (same) out[r * static_cast<std::size_t>(columns) + static_cast<std::size_t>(places[gram])] += 1;
          }
    }
  }
  if (mode != "TF")
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t c = i % static_cast<std::size_t>(columns);
      const auto k = std::ranges::find(places, static_cast<std::int64_t>(c)) - places.begin();
      const double weight = k < static_cast<std::ptrdiff_t>(weights.size()) ? weights[static_cast<std::size_t>(k)] : 1;
      out[i] = (mode == "IDF" ? (out[i] > 0 ? 1 : 0) : out[i]) * weight;
    }
  call.give(0, store(Dtype::float32, shape, out));
  return {};
}

constexpr OpRow rows[] = {
    {"StringNormalizer", normalize, 10},
    {"TfIdfVectorizer", tf_idf, 9},
};

}  // namespace

std::span<const OpRow> text_ops() { return rows; }

}  // namespace hz::refrt
