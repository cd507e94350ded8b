// Whether conformance evidence lets a backend carry a product.
#pragma once
#include <string>
#include <string_view>

#include "drill/world.h"

namespace hz::drill {

struct Fitness {
  bool proven = false;
  std::string why;  // one clause: what proves it, or what is missing, with the worst witness
  const ModelResult* evidence = nullptr;
  std::int64_t drop_milli =
      0;  // quality lost against the incumbent's own evidence; 0 when there is none or it is better
};

// Proven = evidence on that very model digest with verdict STRICT or BASIC_ONLY, on the product's golden set, with at
// least the product's least quality, and no larger drop against the incumbent than the product tolerates.
Fitness judge_evidence(const World& world, const Product& product, std::string_view backend);

}  // namespace hz::drill
