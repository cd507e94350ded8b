// A closing: a result that names the logs it was computed from, so that anyone with these logs computes it again.
//
// The tempting rule, "what was said before midnight counts", needs a clock that everybody believes, and claimed times
// can be invented. A closing names the head of every log instead: what stands below these heads is counted, what stands
// above is not. Ballots are closed so, and any other period that ends in numbers (a settlement) can be.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alliance/member.h"

namespace hz::alliance {

// How far each log goes, by origin. A log that is not named has no statements.
using Sizes = std::map<std::string, std::uint64_t>;

struct Closing {
  std::string what, of;
  std::vector<FrontierEntry> frontier;
  std::string result;
  static constexpr auto fields() {
    return rows(row("what", &Closing::what, "kind of the thing that is closed: ballot ..."),
                row("of", &Closing::of, "which one: a statement id, or the name of a period"),
                row("frontier", &Closing::frontier, "head of every log that was counted, sorted by origin"),
                row("result", &Closing::result, "hex SHA-256 of the result in canonical JSON"));
  }
};

inline constexpr std::size_t closing_logs_max = 200;

// Every log once, sorted by origin, at most closing_logs_max of them; a root is 64 hex digits, and empty exactly for a
// log without statements. Errors: alliance.closing.
Result<void> check_frontier(const std::vector<FrontierEntry>& frontier);
// A frontier that stands, names and a result digest. Errors: alliance.closing.
Result<void> check(const Closing& closing);

// The entry of a log; null when it is not named.
const FrontierEntry* entry_of(const std::vector<FrontierEntry>& frontier, std::string_view origin);
Sizes sizes_of(const std::vector<FrontierEntry>& frontier);
// `later` names every log of `earlier` with at least as many statements. The log that goes back, or nothing.
std::optional<std::string> goes_back(const std::vector<FrontierEntry>& earlier,
                                     const std::vector<FrontierEntry>& later);
// Hex SHA-256 of a value's canonical text: what a closing's result is.
std::string result_digest(const json::Value& result);

}  // namespace hz::alliance
