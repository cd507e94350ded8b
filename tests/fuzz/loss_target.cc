// Any text is a target or a refusal; matching and suggesting end, and an id always matches itself.
#include <cstdlib>

#include "base/bytes.h"
#include "drill/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = hz::as_text(hz::ByteView(data, size));
  const auto target = hz::drill::parse_target(text);
  if (!target) return 0;
  if (target->pattern.empty() || target->text != text) std::abort();
  if (!hz::drill::glob_match(target->pattern, target->pattern)) std::abort();
  if (hz::drill::without_version(text).size() > text.size()) std::abort();
  const std::vector<std::string> known{"entity:microsoft", "npm:onnxruntime-node@1.16.3", std::string(text),
                                       "jurisdiction:US"};
  if (hz::drill::nearest(text, known, 2).size() > 2) std::abort();
  return 0;
}
