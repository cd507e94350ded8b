// What a scan collects before anything is signed: one item per evidence source, and the files it refused.
#pragma once
#include "supply/kinds.h"

namespace hz::supply {

struct Evidence {
  Source source;
  Facts facts;
};

struct Refusal {
  std::string path;  // relative to the scan, or a system path
  std::string reason;
  std::string detail;
  std::string next;
  static constexpr auto fields() {
    return rows(row("path", &Refusal::path, "file"), row("reason", &Refusal::reason, "reason slug"),
                row("detail", &Refusal::detail, "what is wrong, with line or JSON path"),
                row("next", &Refusal::next, "what to do"));
  }
};
inline Refusal refusal(std::string path, const Error& error) {
  return {std::move(path), std::string(error.reason->slug), error.detail, std::string(error.reason->next)};
}

struct Collected {
  std::vector<Evidence> evidence;
  std::vector<Product> products;
  std::vector<Refusal> refused;
  std::vector<std::string> remarks;  // what was left out on purpose
  std::int64_t files_read = 0;
};

// Facts in parts whose JSON is at most `size_max` bytes each; long notes are shortened. At least one part.
std::vector<Observation> split_evidence(const Evidence& evidence, std::int64_t observed_ms,
                                        std::size_t size_max = 30 * 1024);

// Digest over everything a source says, independent of when it was read.
std::string facts_digest(const Evidence& evidence);
std::string facts_digest(Product product);

}  // namespace hz::supply
