#include "node/fetched.h"

#include <algorithm>

#include "base/fields.h"
#include "base/folders.h"

namespace hz::node {
namespace {

struct Record {
  std::vector<std::string> releasers;
  static constexpr auto fields() {
    return rows(row("releasers", &Record::releasers, "members under whose releases the bytes came"));
  }
};
constexpr std::size_t record_size_bytes_max = 64u << 10;

fs::path folder_of(const fs::path& home) { return home / "fetched"; }

Record read(const fs::path& file) {
  const auto text = read_text(file, record_size_bytes_max);
  const auto value = text ? json::parse(*text) : Result<json::Value>(std::unexpected(text.error()));
  const auto record = value ? from_json<Record>(*value) : Result<Record>(std::unexpected(value.error()));
  return record ? *record : Record{};
}

}  // namespace

Result<void> keep_origin(const fs::path& home, const Digest& blob, const std::string& releaser) {
  HZ_TRY(create_folder_durably(folder_of(home)));
  const fs::path file = folder_of(home) / hex(blob);
  Record record = read(file);
  if (std::ranges::find(record.releasers, releaser) != record.releasers.end()) return {};
  record.releasers.push_back(releaser);
  return write_file_durably(file, as_bytes(json::dump(to_json(record)) + "\n"));
}

Origins kept_origins(const fs::path& home) {
  Origins out;
  std::error_code gone;
  for (fs::directory_iterator at(folder_of(home), gone), end; !gone && at != end; at.increment(gone)) {
    const auto digest = parse_digest(at->path().filename().string());
    if (!digest) continue;
    for (std::string& releaser : read(at->path()).releasers) out[*digest].insert(std::move(releaser));
  }
  return out;
}

}  // namespace hz::node
