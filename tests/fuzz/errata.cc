// Errata lists decide what counts against a backend.
#include "standards/errata.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto errata = hz::standards::parse_errata({reinterpret_cast<const char*>(data), size});
  if (errata) (void)errata->find("node/test_abs");
  return 0;
}
