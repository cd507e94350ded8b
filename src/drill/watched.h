// What the node itself saw of a product while its traffic was at a substitute: real requests that it sent again to the
// incumbent, and known answers. Counts only: a request or an answer stands nowhere.
//
// Said now and then by `hezong up` (node/drill_watch.h), and always before it rolls a product back: then `wrong` says
// why. A node that dies between the two finds its own word in the log and goes on.
#pragma once
#include <string>

#include "base/fields.h"
#include "drill/answers.h"
#include "statement/kind.h"

namespace hz::drill {

struct DrillWatched {
  static constexpr std::string_view kind = "drill.watched";
  std::string drill = {}, product = {};
  std::string claim = {};                         // of the substitute's server; all counts are of this server
  std::int64_t from_ms = 0;                       // since when
  std::int64_t requests = 0;                      // that the product got
  std::int64_t drawn = 0, skipped = 0;            // of these: drawn to be sent again; drawn and let go
  std::int64_t compared = 0;                      // of the drawn: both answers were there
  std::int64_t agreed = 0, disagreed = 0;         // of the compared, by first class
  std::int64_t within = 0;                        // of the compared: all logits equal or within tolerance
  std::int64_t unanswered = 0, incomparable = 0;  // by the incumbent; by any rule
  std::int64_t canaries = 0, canaries_short = 0;  // rounds of known answers; rounds that fell short
  Answers answers = {}, incumbent = {};           // the last round
  std::string wrong = {};
  bool operator==(const DrillWatched&) const = default;
  static constexpr auto fields() {
    return rows(
        row("drill", &DrillWatched::drill, "statement id of the drill, hex"),
        row("product", &DrillWatched::product, "product id"),
        row("claim", &DrillWatched::claim, "claim of the substitute's server that was watched"),
        row("from_ms", &DrillWatched::from_ms, "since when, ms since 1970", or_default),
        row("requests", &DrillWatched::requests, "requests of the product since then", or_default),
        row("drawn", &DrillWatched::drawn, "of these: drawn to be executed again on the incumbent", or_default),
        row("skipped", &DrillWatched::skipped, "drawn and let go: too large, too many at a time, or not answered there",
            or_default),
        row("compared", &DrillWatched::compared, "of the drawn: both answers were compared", or_default),
        row("agreed", &DrillWatched::agreed, "of the compared: the same first class", or_default),
        row("disagreed", &DrillWatched::disagreed, "of the compared: another one, or no good answer", or_default),
        row("within", &DrillWatched::within, "of the compared: every logit equal or within tolerance", or_default),
        row("unanswered", &DrillWatched::unanswered, "of the drawn: the incumbent gave no answer", or_default),
        row("incomparable", &DrillWatched::incomparable, "requests whose answers no rule compares, such as text",
            or_default),
        row("canaries", &DrillWatched::canaries, "rounds of known answers", or_default),
        row("canaries_short", &DrillWatched::canaries_short, "rounds whose sample fell short", or_default),
        row("answers", &DrillWatched::answers, "of the substitute in the last round", or_default),
        row("incumbent", &DrillWatched::incumbent, "of what served before, on the same cases", or_default),
        row("wrong", &DrillWatched::wrong, "why it must go back; empty: it need not", or_default));
  }
};

}  // namespace hz::drill
