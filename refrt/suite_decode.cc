// Decodes every model and tensor of the official suite: proof that the strict reader accepts what others write.
#include <chrono>
#include <cstdio>

#include "refrt/suite.h"

int main() {
  namespace suite = hz::refrt::suite;
  const auto root = suite::default_root();
  const auto cases = suite::list(root);
  if (cases.empty()) {
    std::printf("SKIPPED: no ONNX test data at %s (Debian package libonnx-testdata)\n", root.c_str());
    return 77;
  }
  const auto start = std::chrono::steady_clock::now();
  std::size_t failed = 0, values = 0, bytes = 0;
  for (const auto& c : cases) {
    const auto content = suite::read(c);
    if (!content) {
      std::printf("%s/%s: %s\n", c.kind.c_str(), c.name.c_str(), content.error().text().c_str());
      ++failed;
      continue;
    }
    values += content->inputs.size() + content->outputs.size();
    for (const auto* list : {&content->inputs, &content->outputs})
      for (const auto& v : *list) bytes += v.tensor.data.size();
  }
  const auto ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  std::printf("%zu cases, %zu values, %.1f MB decoded in %.0f ms, %zu refused\n", cases.size(), values,
              static_cast<double>(bytes) / 1e6, ms, failed);
  return failed == 0 ? 0 : 1;
}
