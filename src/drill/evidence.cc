#include "drill/evidence.h"

#include <algorithm>

namespace hz::drill {

// 985 -> "98.5 %"
static std::string percent(std::int64_t milli) { return fmt::format("{}.{} %", milli / 10, milli % 10); }

Fitness judge_evidence(const World& world, const Product& product, std::string_view backend) {
  Fitness out;
  const ModelResult* result = find_result(world, product.model, backend);
  if (!result || result->verdict == "UNTESTED") {
    out.why = "untested on this model";
    if (result && !result->worst.empty()) {
      out.why += ": " + result->worst;
      out.evidence = result;  // a signed statement that it could not be tested, and why
    }
    return out;
  }
  out.evidence = result;
  if (!proves(result->verdict)) {
    out.why = result->verdict + (result->worst.empty() ? "" : ": " + result->worst);
    return out;
  }
  if (!product.golden.empty() && !result->golden.empty() && product.golden != result->golden) {
    out.why = fmt::format("tested on another golden set ({}), not on the product's", result->golden.substr(0, 12));
    return out;
  }
  if (result->quality_milli < product.quality_min_milli) {
    out.why = fmt::format("quality {} is below the least {}", percent(result->quality_milli),
                          percent(product.quality_min_milli));
    return out;
  }
  const ModelResult* incumbent = find_result(world, product.model, product.incumbent);
  if (incumbent && proves(incumbent->verdict) && incumbent != result)
    out.drop_milli = std::max<std::int64_t>(0, incumbent->quality_milli - result->quality_milli);
  if (out.drop_milli > product.quality_drop_max_milli) {
    out.why = fmt::format("quality drops by {}, more than the tolerated {}", percent(out.drop_milli),
                          percent(product.quality_drop_max_milli));
    return out;
  }
  out.proven = true;
  out.why = fmt::format("{}, quality {}", result->verdict, percent(result->quality_milli));
  return out;
}

}  // namespace hz::drill
