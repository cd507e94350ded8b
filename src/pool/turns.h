// Whose turn it is among weighted targets: smooth weighted round robin.
//
// Choosing at random by weight needs a random source and lets short runs go far off. Here each target gains its weight
// at every choice and the richest pays the sum of the weights, so any run of that many choices holds each target as
// often as its weight says, spread evenly (the rule nginx uses). Pure.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace hz::pool {

class Turns {
 public:
  explicit Turns(std::vector<std::int64_t> weights) : weights_(std::move(weights)), credit_(weights_.size(), 0) {}

  // The next target that `may` lets through; nothing when it lets none. Targets of weight 0 come only when no other
  // may: they are spares, in their order.
  std::optional<std::size_t> next(const std::function<bool(std::size_t)>& may) {
    std::optional<std::size_t> best;
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      if (weights_[i] == 0 || !may(i)) continue;
      sum += weights_[i];
      credit_[i] += weights_[i];
      if (!best || credit_[i] > credit_[*best]) best = i;
    }
    if (best) {
      credit_[*best] -= sum;
      return best;
    }
    for (std::size_t i = 0; i < weights_.size(); ++i)
      if (weights_[i] == 0 && may(i)) return i;
    return std::nullopt;
  }

 private:
  std::vector<std::int64_t> weights_, credit_;
};

}  // namespace hz::pool
