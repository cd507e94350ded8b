// RNN, GRU and LSTM, written as the operator specification gives them: one step at a time, gate by gate.
//
// All three share everything but the step: directions, sequence lengths, both memory layouts, biases and activations.
// The simpler idea, one function per operator, repeated those hundred lines three times and got layout wrong in one of
// them.
#include <algorithm>
#include <cmath>

#include "refrt/activation.h"
#include "refrt/matmul.h"
#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

enum class Cell { rnn, gru, lstm };
constexpr std::size_t gates_of(Cell cell) { return cell == Cell::rnn ? 1 : cell == Cell::gru ? 3 : 4; }

struct Squash {
  const Activation* activation;
  double alpha, beta;
  double operator()(double x) const { return activation->f(x, alpha, beta); }
};

// The parts of one layer in one direction, over the loaded weights.
struct Direction {
  std::vector<double> w, r;       // turned: of each gate [inputs, hidden] and [hidden, hidden]
  const double *bias_w, *bias_r;  // [gates * hidden] each, or null
  const double* peephole;         // [3 * hidden]: i, o, f; or null
  std::vector<Squash> f;
  bool backward;
};

struct Sizes {
  std::size_t steps, batch, inputs, hidden, directions;
};

// Each gate's block of [gates * hidden, columns] turned to [columns, hidden]: then a product with a vector runs along
// all units of a gate at once. A dot product for each unit waits for every addition before the next.
std::vector<double> turned(const double* m, std::size_t gates, std::size_t hidden, std::size_t columns) {
  std::vector<double> out(gates * hidden * columns);
  for (std::size_t g = 0; g < gates; ++g)
    for (std::size_t k = 0; k < hidden; ++k)
      for (std::size_t i = 0; i < columns; ++i) out[(g * columns + i) * hidden + k] = m[(g * hidden + k) * columns + i];
  return out;
}

class Layer {
 public:
  Layer(Cell cell, const Sizes& sizes, double clip, bool linear_before_reset, bool input_forget)
      : cell_(cell),
        s_(sizes),
        clip_(clip),
        linear_before_reset_(linear_before_reset),
        input_forget_(input_forget),
        pre_(gates_of(cell) * sizes.hidden),
        state_(gates_of(cell) * sizes.hidden),
        next_(sizes.hidden) {}

  // One step of one sequence: h (and c) become the new state.
  void step(const Direction& d, const double* x, double* h, double* c) {
    switch (cell_) {
      case Cell::rnn:
        rnn(d, x, h);
        break;
      case Cell::gru:
        gru(d, x, h);
        break;
      case Cell::lstm:
        lstm(d, x, h, c);
        break;
    }
  }

 private:
  // out[units] = bias + product of the gate's block with x, for `count` gates from `gate` on.
  void multiply(const std::vector<double>& blocks, const double* bias, std::size_t gate, std::size_t count,
                const double* x, std::size_t columns, double* out) const {
    const std::size_t H = s_.hidden;
    if (bias)
      std::copy(bias + gate * H, bias + (gate + count) * H, out);
    else
      std::fill(out, out + count * H, 0);
    const auto n = static_cast<std::int64_t>(H), k = static_cast<std::int64_t>(columns);
    for (std::size_t g = 0; g < count; ++g)
      multiply_add(x, blocks.data() + (gate + g) * columns * H, out + g * H, 1, k, n, n);
  }
  // What the inputs give to all gates, into pre_; what the state gives to `count` gates from `gate` on, into state_.
  void inputs(const Direction& d, const double* x) {
    multiply(d.w, d.bias_w, 0, gates_of(cell_), x, s_.inputs, pre_.data());
  }
  void states(const Direction& d, std::size_t gate, std::size_t count, const double* h) {
    multiply(d.r, d.bias_r, gate, count, h, s_.hidden, state_.data() + gate * s_.hidden);
  }
  double clipped(double v) const { return clip_ > 0 ? std::clamp(v, -clip_, clip_) : v; }

  void rnn(const Direction& d, const double* x, double* h) {
    inputs(d, x);
    states(d, 0, 1, h);
    for (std::size_t k = 0; k < s_.hidden; ++k) h[k] = d.f[0](clipped(pre_[k] + state_[k]));
  }

  // Gates z, r, h. With linear_before_reset the reset gate scales R.h + bias, else it scales h before R.
  void gru(const Direction& d, const double* x, double* h) {
    const std::size_t H = s_.hidden;
    inputs(d, x);
    states(d, 0, linear_before_reset_ ? 3 : 2, h);
    for (std::size_t k = 0; k < 2 * H; ++k) pre_[k] = d.f[0](clipped(pre_[k] + state_[k]));
    const double* z = pre_.data();
    const double* r = pre_.data() + H;
    if (!linear_before_reset_) {
      reset_.resize(H);
      for (std::size_t k = 0; k < H; ++k) reset_[k] = r[k] * h[k];
      states(d, 2, 1, reset_.data());
    }
    for (std::size_t k = 0; k < H; ++k) {
      const std::size_t row = 2 * H + k;
      const double inner = linear_before_reset_ ? r[k] * state_[row] : state_[row];
      const double candidate = d.f[1](clipped(pre_[row] + inner));
      next_[k] = (1 - z[k]) * candidate + z[k] * h[k];
    }
    std::copy(next_.begin(), next_.end(), h);
  }

  // Gates i, o, f, c.
  void lstm(const Direction& d, const double* x, double* h, double* c) {
    const std::size_t H = s_.hidden;
    inputs(d, x);
    states(d, 0, 4, h);
    for (std::size_t k = 0; k < 4 * H; ++k) pre_[k] += state_[k];
    const auto peep = [&](std::size_t gate, std::size_t k, double cell) {
      return d.peephole ? d.peephole[gate * H + k] * cell : 0;
    };
    for (std::size_t k = 0; k < H; ++k) {
      const double i = d.f[0](clipped(pre_[k] + peep(0, k, c[k])));
      const double f = input_forget_ ? 1 - i : d.f[0](clipped(pre_[2 * H + k] + peep(2, k, c[k])));
      c[k] = f * c[k] + i * d.f[1](clipped(pre_[3 * H + k]));
      const double o = d.f[0](clipped(pre_[H + k] + peep(1, k, c[k])));
      h[k] = o * d.f[2](c[k]);
    }
  }

  Cell cell_;
  Sizes s_;
  double clip_;
  bool linear_before_reset_, input_forget_;
  std::vector<double> pre_, state_, next_, reset_;
};

Result<std::vector<std::vector<Squash>>> squashes(const Call& call, Cell cell, std::size_t directions) {
  std::vector<std::string_view> names = cell == Cell::rnn   ? std::vector<std::string_view>{"Tanh"}
                                        : cell == Cell::gru ? std::vector<std::string_view>{"Sigmoid", "Tanh"}
                                                            : std::vector<std::string_view>{"Sigmoid", "Tanh", "Tanh"};
  const std::size_t each = names.size();
  for (std::size_t d = 1; d < directions; ++d)
    for (std::size_t k = 0; k < each; ++k) names.push_back(names[k]);
  const onnx::Attribute* given = call.node.find("activations");
  if (given && !given->strings.empty()) {
    if (given->strings.size() != names.size())
      return call.invalid("{} activations, {} needed", given->strings.size(), names.size());
    std::copy(given->strings.begin(), given->strings.end(), names.begin());
  }
  const onnx::Attribute* alpha = call.node.find("activation_alpha");
  const onnx::Attribute* beta = call.node.find("activation_beta");
  std::vector<std::vector<Squash>> out(directions);
  for (std::size_t k = 0; k < names.size(); ++k) {
    const Activation* a = find_activation(names[k]);
    if (!a) return call.unsupported("activation {}", names[k]);
    out[k / each].push_back({a, alpha && k < alpha->floats.size() ? alpha->floats[k] : a->alpha,
                             beta && k < beta->floats.size() ? beta->floats[k] : a->beta});
  }
  return out;
}

template <Cell cell>
Result<void> recurrent(Call& call) {
  constexpr std::size_t gates = gates_of(cell);
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& w = *HZ_TRY(call.tensor(1));
  const Tensor& r = *HZ_TRY(call.tensor(2));
  const std::string direction = call.string_of("direction", "forward");
  const bool batch_first = call.int_of("layout", 0) != 0;
  if (x.shape.size() != 3 || w.shape.size() != 3 || r.shape.size() != 3) return call.invalid("X, W and R have 3 axes");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    return call.invalid("direction {}", direction);
  const auto at = [](const Tensor& t, std::size_t axis) { return static_cast<std::size_t>(t.shape[axis]); };
  const Sizes s{at(x, batch_first ? 1 : 0), at(x, batch_first ? 0 : 1), at(x, 2), at(r, 2),
                direction == "bidirectional" ? 2UL : 1UL};
  const auto i64 = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  const auto expect = [&](const Tensor& t, const Shape& wanted, std::string_view name) -> Result<void> {
    if (t.shape != wanted) return call.invalid("{} is {}, not {}", name, text(t.shape), text(wanted));
    return {};
  };
  HZ_TRY(expect(w, {i64(s.directions), i64(gates * s.hidden), i64(s.inputs)}, "W"));
  HZ_TRY(expect(r, {i64(s.directions), i64(gates * s.hidden), i64(s.hidden)}, "R"));
  const Shape state_shape = batch_first ? Shape{i64(s.batch), i64(s.directions), i64(s.hidden)}
                                        : Shape{i64(s.directions), i64(s.batch), i64(s.hidden)};
  const Shape y_shape = batch_first ? Shape{i64(s.batch), i64(s.steps), i64(s.directions), i64(s.hidden)}
                                    : Shape{i64(s.steps), i64(s.directions), i64(s.batch), i64(s.hidden)};
  if (s.hidden == 0) return call.invalid("no hidden units");
  HZ_TRY(call.admit(y_shape));
  HZ_TRY(call.admit(state_shape));
  HZ_TRY(call.work(static_cast<double>(s.steps * s.batch * s.directions) * static_cast<double>(gates * s.hidden) *
                   static_cast<double>(s.inputs + s.hidden)));

  const auto xs = HZ_TRY(reals(call, x));
  const auto ws = HZ_TRY(reals(call, w));
  const auto rs = HZ_TRY(reals(call, r));
  std::vector<double> bias, peephole, h(s.directions * s.batch * s.hidden), c(h.size());
  if (const Tensor* b = call.find(3)) {
    HZ_TRY(expect(*b, {i64(s.directions), i64(2 * gates * s.hidden)}, "B"));
    bias = HZ_TRY(reals(call, *b));
  }
  std::vector<std::int64_t> lengths(s.batch, i64(s.steps));
  if (call.has(4)) {
    lengths = HZ_TRY(call.integers(4));
    if (lengths.size() != s.batch)
      return call.invalid("{} sequence lengths for a batch of {}", lengths.size(), s.batch);
    for (const auto length : lengths)
      if (length < 0 || length > i64(s.steps)) return call.invalid("sequence length {}", length);
  }
  // Position of (direction, item) in a state tensor of either layout.
  const auto state_at = [&](std::size_t d, std::size_t n) {
    return (batch_first ? n * s.directions + d : d * s.batch + n) * s.hidden;
  };
  if (const Tensor* initial = call.find(5)) {
    HZ_TRY(expect(*initial, state_shape, "initial_h"));
    h = HZ_TRY(reals(call, *initial));
  }
  if constexpr (cell == Cell::lstm) {
    if (const Tensor* initial = call.find(6)) {
      HZ_TRY(expect(*initial, state_shape, "initial_c"));
      c = HZ_TRY(reals(call, *initial));
    }
    if (const Tensor* p = call.find(7)) {
      HZ_TRY(expect(*p, {i64(s.directions), i64(3 * s.hidden)}, "P"));
      peephole = HZ_TRY(reals(call, *p));
    }
  }
  const auto functions = HZ_TRY(squashes(call, cell, s.directions));
  Layer layer(cell, s, call.float_of("clip", 0), call.int_of("linear_before_reset", 0) != 0,
              call.int_of("input_forget", 0) != 0);
  std::vector<double> y(s.steps * s.directions * s.batch * s.hidden);
  for (std::size_t d = 0; d < s.directions; ++d) {
    const std::size_t rows = gates * s.hidden;
    const Direction way{turned(ws.data() + d * rows * s.inputs, gates, s.hidden, s.inputs),
                        turned(rs.data() + d * rows * s.hidden, gates, s.hidden, s.hidden),
                        bias.empty() ? nullptr : bias.data() + d * 2 * rows,
                        bias.empty() ? nullptr : bias.data() + d * 2 * rows + rows,
                        peephole.empty() ? nullptr : peephole.data() + d * 3 * s.hidden,
                        functions[d],
                        direction == "reverse" || d == 1};
    for (std::size_t n = 0; n < s.batch; ++n) {
      double* const hn = h.data() + state_at(d, n);
      double* const cn = c.data() + state_at(d, n);
      const auto length = static_cast<std::size_t>(lengths[n]);
      for (std::size_t i = 0; i < length; ++i) {
        const std::size_t t = way.backward ? length - 1 - i : i;
        layer.step(way, xs.data() + (batch_first ? n * s.steps + t : t * s.batch + n) * s.inputs, hn, cn);
        const std::size_t place =
            batch_first ? (n * s.steps + t) * s.directions + d : (t * s.directions + d) * s.batch + n;
        std::copy(hn, hn + s.hidden, y.data() + place * s.hidden);
      }
    }
  }
  if (call.wants(0)) call.give(0, store(x.dtype, y_shape, y));
  if (call.wants(1)) call.give(1, store(x.dtype, state_shape, h));
  if constexpr (cell == Cell::lstm)
    if (call.wants(2)) call.give(2, store(x.dtype, state_shape, c));
  return {};
}

constexpr OpRow rows[] = {
    {"RNN", recurrent<Cell::rnn>, 7},
    {"GRU", recurrent<Cell::gru>, 7},
    {"LSTM", recurrent<Cell::lstm>, 7},
};

}  // namespace

std::span<const OpRow> recurrent_ops() { return rows; }

}  // namespace hz::refrt
