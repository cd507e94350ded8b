// The body of a witness request as text. witness.cc says what is done with it.
#include "log/decimal.h"
#include "log/reasons.h"
#include "log/witness.h"

namespace hz::log {

Result<AddCheckpoint> parse_add_checkpoint(std::string_view body) {
  if (body.size() > add_checkpoint_size_bytes_max)
    return fail(hz::why("base.too_large"), "{} bytes, limit {}", body.size(), add_checkpoint_size_bytes_max);
  std::size_t number = 0;
  const auto refuse = [&](std::string_view what) {
    return fail(why("log.add_checkpoint"), "line {}: {}", number, what);
  };
  AddCheckpoint out;
  for (;;) {
    ++number;
    const auto end = body.find('\n');
    if (end == std::string_view::npos) return refuse("the line has no end");
    const auto line = body.substr(0, end);
    body.remove_prefix(end + 1);
    if (number == 1) {
      const auto size = line.starts_with("old ") ? parse_decimal(line.substr(4)) : std::nullopt;
      if (!size) return refuse("should be `old` and a plain decimal");
      out.old_size = *size;
      continue;
    }
    if (line.empty()) break;
    const auto hash = parse_base64(line);
    if (!hash || hash->size() != 32) return refuse("should be the base64 of 32 bytes");
    if (out.path.size() == add_checkpoint_hashes_max) return refuse("more than 63 hashes");
    std::copy(hash->begin(), hash->end(), out.path.emplace_back().begin());
  }
  if (body.empty()) return refuse("the checkpoint is missing");
  out.checkpoint = std::string(body);
  return out;
}

std::string format_add_checkpoint(const AddCheckpoint& request) {
  std::string out = fmt::format("old {}\n", request.old_size);
  for (const Digest& hash : request.path) out += base64(hash) + "\n";
  return out + "\n" + request.checkpoint;
}

}  // namespace hz::log
