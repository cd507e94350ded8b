// RNN, GRU and LSTM: one loop over directions, batch rows and time, with the gate equations of the operator texts.
#include <algorithm>
#include <cmath>

#include "refrt/activation.h"
#include "refrt/operators.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

struct Gate {
  const Activation* activation = nullptr;
  double alpha = 0, beta = 0;
  double operator()(double x) const { return activation->f(x, alpha, beta); }
};

// The inputs of one layer, read and checked. Sizes: T times, N rows, I inputs, H hidden, D directions, G gates.
struct Layer {
  Dtype dtype = Dtype::float32;
  std::size_t times = 0, rows = 0, in = 0, hidden = 0, directions = 1, gates = 1;
  bool batch_first = false, reverse = false;
  double clip = 0;
  std::vector<double> x, w, r, b, h0, c0, p;
  std::vector<std::int64_t> lengths;
  std::vector<Gate> activations;  // a fixed number for each direction

  double clipped(double v) const { return clip > 0 ? std::clamp(v, -clip, clip) : v; }
  const double* input(std::size_t t, std::size_t n) const {
    return x.data() + (batch_first ? n * times + t : t * rows + n) * in;
  }
  // The start of row n of direction d in a state tensor: [D, N, H], or [N, D, H] when the batch comes first.
  std::size_t state(std::size_t d, std::size_t n) const {
    return (batch_first ? n * directions + d : d * rows + n) * hidden;
  }
};

// out[k] = bias_w[k] + bias_r[k] (when asked) + W x + R h for one gate.
void project(const Layer& l, std::size_t d, std::size_t gate, const double* x, const double* h, double* out,
             bool add_w = true, bool add_r = true) {
  const std::size_t width = l.gates * l.hidden;
  for (std::size_t k = 0; k < l.hidden; ++k) {
    const std::size_t row = gate * l.hidden + k;
    double sum = 0;
    if (add_w) {
      const double* w = l.w.data() + (d * width + row) * l.in;
      for (std::size_t i = 0; i < l.in; ++i) sum += w[i] * x[i];
      if (!l.b.empty()) sum += l.b[d * 2 * width + row];
    }
    if (add_r) {
      const double* r = l.r.data() + (d * width + row) * l.hidden;
      for (std::size_t i = 0; i < l.hidden; ++i) sum += r[i] * h[i];
      if (!l.b.empty()) sum += l.b[d * 2 * width + width + row];
    }
    out[k] = sum;
  }
}

Result<Layer> read_layer(Call& call, std::size_t gates, std::initializer_list<std::string_view> defaults) {
  Layer l;
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& w = *HZ_TRY(call.tensor(1));
  const Tensor& r = *HZ_TRY(call.tensor(2));
  if (x.shape.size() != 3 || w.shape.size() != 3 || r.shape.size() != 3)
    return call.invalid("X, W and R must have three axes");
  const std::string direction = call.string_of("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    return call.invalid("direction {}", direction);
  l.dtype = x.dtype;
  l.batch_first = call.int_of("layout", 0) != 0;
  l.reverse = direction == "reverse";
  l.directions = direction == "bidirectional" ? 2 : 1;
  l.times = static_cast<std::size_t>(x.shape[l.batch_first ? 1 : 0]);
  l.rows = static_cast<std::size_t>(x.shape[l.batch_first ? 0 : 1]);
  l.in = static_cast<std::size_t>(x.shape[2]);
  l.hidden = static_cast<std::size_t>(r.shape[2]);
  l.gates = gates;
  l.clip = call.float_of("clip", 0);
  const auto d = static_cast<std::int64_t>(l.directions), h = r.shape[2], g = static_cast<std::int64_t>(gates);
  if (h < 1 || h > (1 << 24) || call.int_of("hidden_size", h) != h || w.shape != Shape{d, g * h, x.shape[2]} ||
      r.shape != Shape{d, g * h, h})
    return call.invalid("W or R does not fit hidden_size and direction");
  l.x = HZ_TRY(reals(call, x));
  l.w = HZ_TRY(reals(call, w));
  l.r = HZ_TRY(reals(call, r));
  const auto optional = [&](std::size_t i, std::size_t count, std::vector<double>& to) -> Result<void> {
    if (!call.has(i)) return {};
    to = HZ_TRY(reals(call, *HZ_TRY(call.tensor(i))));
    if (to.size() != count) return call.invalid("input {} needs {} elements", i, count);
    return {};
  };
  const std::size_t states = l.directions * l.rows * l.hidden;
  HZ_TRY(optional(3, l.directions * 2 * gates * l.hidden, l.b));
  HZ_TRY(optional(5, states, l.h0));
  HZ_TRY(optional(6, states, l.c0));
  HZ_TRY(optional(7, l.directions * 3 * l.hidden, l.p));
  if (l.h0.empty()) l.h0.assign(states, 0);
  if (l.c0.empty()) l.c0.assign(states, 0);
  l.lengths.assign(l.rows, static_cast<std::int64_t>(l.times));
  if (call.has(4)) {
    l.lengths = HZ_TRY(call.integers(4));
    if (l.lengths.size() != l.rows) return call.invalid("{} lengths", l.lengths.size());
    for (const std::int64_t n : l.lengths)
      if (n < 0 || n > static_cast<std::int64_t>(l.times)) return call.invalid("length {}", n);
  }
  // Activation names for all directions; alphas and betas are taken in order by those that stand there.
  std::vector<std::string> names;
  if (const auto* a = call.node.find("activations")) names = a->strings;
  if (names.empty())
    for (std::size_t i = 0; i < l.directions; ++i) names.insert(names.end(), defaults.begin(), defaults.end());
  if (names.size() != l.directions * defaults.size()) return call.invalid("{} activations", names.size());
  const auto* alphas = call.node.find("activation_alpha");
  const auto* betas = call.node.find("activation_beta");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Activation* a = find_activation(names[i]);
    if (!a) return call.unsupported("activation {}", names[i]);
    const auto value = [&](const onnx::Attribute* list, double otherwise) {
      return list && i < list->floats.size() ? static_cast<double>(list->floats[i]) : otherwise;
    };
    l.activations.push_back({a, value(alphas, a->alpha), value(betas, a->beta)});
  }
  HZ_TRY(call.work(static_cast<double>(l.directions * gates * l.hidden) * static_cast<double>(l.in + l.hidden) *
                   static_cast<double>(l.times) * static_cast<double>(l.rows)));
  return l;
}

// Runs step(direction, x, h, c) over time; it updates the row's state h (and cell c) in place.
template <class Step>
Result<void> run_layer(Call& call, Layer& l, Step&& step) {
  const auto size = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  const Shape y_shape = l.batch_first ? Shape{size(l.rows), size(l.times), size(l.directions), size(l.hidden)}
                                      : Shape{size(l.times), size(l.directions), size(l.rows), size(l.hidden)};
  const Shape h_shape = l.batch_first ? Shape{size(l.rows), size(l.directions), size(l.hidden)}
                                      : Shape{size(l.directions), size(l.rows), size(l.hidden)};
  std::vector<double> y(HZ_TRY(call.admit(y_shape)));
  HZ_TRY(call.admit(h_shape));
  for (std::size_t d = 0; d < l.directions; ++d)
    for (std::size_t n = 0; n < l.rows; ++n) {
      double* h = l.h0.data() + l.state(d, n);
      double* c = l.c0.data() + l.state(d, n);
      const auto length = static_cast<std::size_t>(l.lengths[n]);
      for (std::size_t i = 0; i < length; ++i) {
        const std::size_t t = l.reverse || d == 1 ? length - 1 - i : i;
        step(d, l.input(t, n), h, c);
        const std::size_t at =
            l.batch_first ? (n * l.times + t) * l.directions + d : (t * l.directions + d) * l.rows + n;
        std::copy(h, h + l.hidden, y.begin() + static_cast<std::ptrdiff_t>(at * l.hidden));
      }
    }
  call.give(0, store(l.dtype, y_shape, y));
  call.give(1, store(l.dtype, h_shape, l.h0));
  call.give(2, store(l.dtype, h_shape, l.c0));
  return {};
}

Result<void> rnn(Call& call) {
  Layer l = HZ_TRY(read_layer(call, 1, {"Tanh"}));
  std::vector<double> sum(l.hidden);
  return run_layer(call, l, [&](std::size_t d, const double* x, double* h, double*) {
    project(l, d, 0, x, h, sum.data());
    for (std::size_t k = 0; k < l.hidden; ++k) h[k] = l.activations[d](l.clipped(sum[k]));
  });
}

// Gates in the weights: update z, reset r, candidate h.
Result<void> gru(Call& call) {
  Layer l = HZ_TRY(read_layer(call, 3, {"Sigmoid", "Tanh"}));
  const bool reset_after = call.int_of("linear_before_reset", 0) != 0;
  std::vector<double> z(l.hidden), r(l.hidden), g(l.hidden), rest(l.hidden), reset(l.hidden);
  return run_layer(call, l, [&](std::size_t d, const double* x, double* h, double*) {
    const Gate &f = l.activations[d * 2], &candidate = l.activations[d * 2 + 1];
    project(l, d, 0, x, h, z.data());
    project(l, d, 1, x, h, r.data());
    for (std::size_t k = 0; k < l.hidden; ++k) {
      z[k] = f(l.clipped(z[k]));
      r[k] = f(l.clipped(r[k]));
      reset[k] = r[k] * h[k];
    }
    project(l, d, 2, x, h, g.data(), true, false);
    project(l, d, 2, x, reset_after ? h : reset.data(), rest.data(), false, true);
    for (std::size_t k = 0; k < l.hidden; ++k) {
      const double value = candidate(l.clipped(g[k] + (reset_after ? r[k] : 1) * rest[k]));
      h[k] = (1 - z[k]) * value + z[k] * h[k];
    }
  });
}

// Gates in the weights: input i, output o, forget f, cell c. Peepholes in the order i, o, f.
Result<void> lstm(Call& call) {
  Layer l = HZ_TRY(read_layer(call, 4, {"Sigmoid", "Tanh", "Tanh"}));
  const bool coupled = call.int_of("input_forget", 0) != 0;
  std::vector<double> i(l.hidden), o(l.hidden), f(l.hidden), g(l.hidden);
  return run_layer(call, l, [&](std::size_t d, const double* x, double* h, double* c) {
    const Gate &gate = l.activations[d * 3], &cell = l.activations[d * 3 + 1], &out = l.activations[d * 3 + 2];
    const auto peephole = [&](std::size_t which, std::size_t k) {
      return l.p.empty() ? 0 : l.p[(d * 3 + which) * l.hidden + k];
    };
    project(l, d, 0, x, h, i.data());
    project(l, d, 1, x, h, o.data());
    project(l, d, 2, x, h, f.data());
    project(l, d, 3, x, h, g.data());
    for (std::size_t k = 0; k < l.hidden; ++k) {
      const double in = gate(l.clipped(i[k] + peephole(0, k) * c[k]));
      const double keep = coupled ? 1 - in : gate(l.clipped(f[k] + peephole(2, k) * c[k]));
      c[k] = keep * c[k] + in * cell(l.clipped(g[k]));
      h[k] = gate(l.clipped(o[k] + peephole(1, k) * c[k])) * out(c[k]);
    }
  });
}

constexpr OpRow rows[] = {
    {"RNN", rnn, 7},
    {"GRU", gru, 7},
    {"LSTM", lstm, 7},
};

}  // namespace

std::span<const OpRow> recurrent_ops() { return rows; }

}  // namespace hz::refrt
