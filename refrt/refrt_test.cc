#include "refrt/refrt.h"

#include <doctest/doctest.h>
TEST_CASE("operators are listed") { CHECK(hz::refrt::operators().size() >= 60); }
