#include "drill/item.h"

#include <algorithm>
#include <chrono>

namespace hz::drill {

std::vector<DrillItem> items_of(const Plan& plan) {
  std::vector<DrillItem> out;
  for (const RdItem& one : plan.rd) {
    DrillItem item{.sort = ItemSort::research, .subject = fmt::format("{} on {}", one.op, one.backend)};
    for (const std::string& product : one.products) item.products.push_back(product);
    item.why = fmt::format("{}: {}", one.status, one.detail.empty() ? "no case was tested" : one.detail);
    item.closes = one.op == "whole model"
                      ? fmt::format("a STRICT or BASIC_ONLY result of these products' models on {}", one.backend)
                      : fmt::format(
                            "passing cases of {} on {}, and a STRICT or BASIC_ONLY result of these products' "
                            "models there",
                            one.op, one.backend);
    item.evidence = one.statement;
    out.push_back(std::move(item));
  }
  for (const TrainingItem& one : plan.training) {
    DrillItem item{.sort = ItemSort::training, .subject = fmt::format("{} for {}", one.skill, one.component)};
    item.why = one.reason;
    for (const ProductPlan& p : plan.products)
      if (p.choice && p.choice->backend == one.component) item.products.push_back(p.product);
    for (const RdItem& rd : plan.rd)
      if (rd.backend == one.component)
        for (const std::string& product : rd.products)
          if (std::ranges::find(item.products, product) == item.products.end()) item.products.push_back(product);
    item.closes = fmt::format("{} or more people who have {}", one.people_min, one.skill);
    item.evidence = one.statement;
    out.push_back(std::move(item));
  }
  return out;
}

bool is_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const auto number = [&](std::size_t at, std::size_t count) {
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  return year >= 0 && month >= 0 && day >= 0 &&
         std::chrono::year_month_day{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                     std::chrono::day{static_cast<unsigned>(day)}}
             .ok();
}

}  // namespace hz::drill
