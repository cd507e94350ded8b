// A policy that parses can be decided: all witnesses together meet the quorum, and it survives the loss of nobody.
#include <cstdint>
#include <cstdlib>

#include "log/policy.h"

using namespace hz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 10'000) return 0;
  const auto policy = log::parse_policy(as_text({data, size}));
  if (!policy) return 0;
  const auto keys = policy->witness_keys();
  std::vector<const log::NoteKey*> all;
  for (const auto& key : keys) all.push_back(&key);
  if (!log::quorum_met(*policy, all) || !log::survives(*policy, {})) std::abort();
  if (policy->quorum && log::quorum_met(*policy, {})) std::abort();
  (void)log::breaking_losses(*policy);
  return 0;
}
