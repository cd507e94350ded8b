#include "log/survival.h"

namespace hz::log {

Survival survival(const Policy& policy, std::span<const std::string> jurisdictions, std::string_view lost) {
  std::vector<std::string> surely, perhaps;
  for (std::size_t i = 0; i < policy.witnesses.size(); ++i) {
    const std::string_view where = i < jurisdictions.size() ? jurisdictions[i] : unknown_jurisdiction;
    const std::string& name = policy.witnesses[i].name;
    if (where == lost) surely.push_back(name);
    if (where == lost || where == unknown_jurisdiction) perhaps.push_back(name);
  }
  if (!survives(policy, surely)) return Survival::fails;
  return lost == unknown_jurisdiction || survives(policy, perhaps) ? Survival::survives : Survival::unknown;
}

}  // namespace hz::log
