// How ids, quantities and chains look to people, in the terminal and in the report.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drill/impact.h"
#include "drill/plan.h"

namespace hz::drill {

std::string short_id(std::string_view statement);                     // first 12 digits of a statement id
std::string price_range(std::int64_t fen_min, std::int64_t fen_max);  // "3.00–5.00 yuan/h"
std::string minutes_range(std::int64_t min, std::int64_t max);        // "10–30 min", "2–4 h"
std::string seconds_text(std::int64_t s);                             // "90 s", "30 min", "4 h", "2 d"
std::string percent_milli(std::int64_t milli);                        // 985 -> "98.5 %"
std::string chain_line(const std::vector<Step>& chain);  // "backend:ort ← npm:x@1 ← entity:y", gates left out
std::string set_line(const LossSet& set);                // "entity:a + entity:b"
// A node's name for people: model digests are cut, "product:" and "entity:" dropped.
std::string label(std::string_view id);

}  // namespace hz::drill
