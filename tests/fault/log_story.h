// Entries and keys that the log's fault programs share.
#pragma once
#include "crypto/hash.h"
#include "log/store.h"
#include "story.h"

namespace hz::fault {

inline crypto::SigningKey log_key() {
  SeededRng rng(77);
  return crypto::SigningKey::generate(rng);
}
inline constexpr std::string_view log_name = "fault.example/log";

inline log::Entry log_entry(std::uint64_t i) {
  const std::string text = fmt::format("entry {} {}", i, std::string(i % 40 * 10, 'x'));
  log::Entry entry{Bytes(text.begin(), text.end()), crypto::sha256(as_bytes(text)), {}};
  std::copy_n(entry.id.begin(), 16, entry.idem.begin());
  return entry;
}
inline std::vector<log::Entry> log_entries(std::uint64_t begin, std::uint64_t end) {
  std::vector<log::Entry> out;
  for (auto i = begin; i < end; ++i) out.push_back(log_entry(i));
  return out;
}
inline log::Log open_log(const fs::path& folder) {
  return need(log::Log::open(folder / "log", folder / "mark", log_key()));
}
// The whole log is sound and its entry i is log_entry(i).
inline void require_log(log::Log& log) {
  const auto findings = need(log.fsck(silent_progress()));
  for (const Error& fault : findings.faults) std::fprintf(stderr, "fault: %s\n", fault.text().c_str());
  require(findings.faults.empty(), "the full check finds nothing");
  need(log.visit(0, log.head().size, [](std::uint64_t index, ByteView leaf) -> Result<void> {
    require(std::ranges::equal(leaf, log_entry(index).leaf), "every entry is the one appended at its place");
    return {};
  }));
}

}  // namespace hz::fault
