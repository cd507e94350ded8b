// Cards and invitations come from strangers. What is accepted has one text; checking its evidence never crashes.
#include "node/card.h"
#include "alliance/charter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto card = node::parse_card(text);
  if (!card) return 0;
  HZ_ASSERT(node::format_card(*card) == text);
  if (const auto checked = node::check_card(*card, alliance::Charter::kind))
    if (const auto charter = from_json<alliance::Charter>(checked->statement.body)) (void)alliance::check(*charter);
  return 0;
}
