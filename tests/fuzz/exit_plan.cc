// Exit plans and openings of sealed bodies come in bundles of strangers. What is read has one text again, and comparing
// it with a drill that it does not know never crashes.
#include "drill/exit_plan.h"
#include "statement/sealed.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  statement::Seal seal;
  seal.commit = std::string(64, '0');
  HZ_ASSERT(!statement::read_opening(seal, text));  // nobody finds the opening of zeros
  const auto plan = drill::read_exit_plan(text);
  if (!plan) return 0;
  const std::string again = drill::exit_plan_text(*plan);
  HZ_ASSERT(drill::exit_plan_text(drill::read_exit_plan(again).value()) == again);
  drill::KnownDrill drill;
  drill.id = plan->drill;
  (void)drill::contradictions(*plan, drill, plan->items);
  return 0;
}
