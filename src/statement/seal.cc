#include "statement/seal.h"

#include <algorithm>

#include "statement/ids.h"
#include "statement/reasons.h"

namespace hz::statement {

Result<Seal> read_seal(const json::Value& priv) {
  constexpr const char* path = "$.predicate.hz.priv";
  auto read = from_json<Seal>(priv, path);
  const auto refuse = [&](std::string_view what) { return fail(why("statement.header"), "{} {}", path, what); };
  if (!read) return fail(why("statement.header"), "{}", read.error().detail);
  if (!is_sha256(read->commit)) return refuse("commit should be 64 hex digits");
  if (read->bucket < 0 || read->bucket > bucket_max) return refuse("bucket should be 0 to 6");
  if (read->blobs.empty() || read->blobs.size() > seal_blobs_max) return refuse("should list 1 to 8 blobs");
  std::vector<std::string> sorted = read->blobs;
  std::sort(sorted.begin(), sorted.end());
  if (!std::all_of(sorted.begin(), sorted.end(), is_sha256)) return refuse("a blob should be 64 hex digits");
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return refuse("lists a blob twice");
  return *std::move(read);
}

std::string seal_text(const Seal& seal) { return json::dump(to_json(seal)); }

}  // namespace hz::statement
