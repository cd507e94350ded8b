// Files of usage come from other systems, and accounts.json from an editor. What is accepted is in range, and says each
// thing once.
#include <set>

#include "base/bytes.h"
#include "pool/account_round.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto settings = pool::read_account_settings(text))
    HZ_ASSERT(settings->every_s > 0 && settings->tolerance_permille >= 0);
  const auto usage = pool::read_usage_file(text);
  if (!usage) return 0;
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const pool::Measured& m : *usage) {
    HZ_ASSERT(pool::check(m.used) && seen.emplace(m.member, m.subject, m.what).second);
    if (m.price) HZ_ASSERT(pool::check(*m.price) && pool::exact_cost(m.used, *m.price) >= 0);
  }
  return 0;
}
