// A frame that decodes has exactly one encoding, and nothing else happens to any other bytes.
#include <cstdlib>

#include "onnx/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const hz::ByteView payload(data, size);
  if (auto got = hz::onnx::wire::decode_reply(payload)) {
    const hz::Bytes again = hz::onnx::wire::encode(*got);
    if (again.size() != size || !std::equal(again.begin(), again.end(), data)) std::abort();
  }
  return 0;
}
