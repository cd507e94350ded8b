#include "node/node_world.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <future>

using namespace hz;
using namespace hz::node;

namespace {
int own_nice() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); }
}  // namespace

TEST_CASE("a look runs as the node does, so what it starts does too; only one that steps back is behind") {
  const int here = own_nice();
  std::promise<int> plain, behind;
  {
    std::atomic<bool> first = true, second = true;
    const auto a = every("a", 1, [&](std::stop_token) -> Result<void> {
      if (first.exchange(false)) plain.set_value(own_nice());
      return {};
    });
    const auto b = every("b", 1, [&](std::stop_token) -> Result<void> {
      step_back();
      if (second.exchange(false)) behind.set_value(own_nice());
      return {};
    });
    CHECK(plain.get_future().get() == here);
    CHECK(behind.get_future().get() == std::max(here, 10));
  }
  CHECK(own_nice() == here);
}
