#include "alliance/box_key.h"

#include <sys/stat.h>

#include <algorithm>

#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "sql/db.h"
#include "statement/statement.h"

namespace hz::alliance {
namespace {

Result<crypto::AgeIdentity> load(const fs::path& file) {
  std::string text = HZ_TRY(read_text(file, 4096));
  struct stat facts{};
  if (::stat(file.c_str(), &facts) != 0 || (facts.st_mode & 077) != 0)
    return fail(why("alliance.key_open"), "{} has mode {:o}", file.string(), facts.st_mode & 0777);
  const std::string_view line(text.data(), text.ends_with('\n') ? text.size() - 1 : text.size());
  auto out = crypto::AgeIdentity::parse(line);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!out) return fail(why("alliance.key"), "{}: {}", file.string(), out.error().detail);
  return out;
}

Result<void> move(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return fail(hz::why("base.write"), "{}: {}", to.string(), error.message());
  return {};
}

}  // namespace

Result<void> replay_box_key(sql::Db& views, const statement::Statement& from, const BoxKey& said) {
  HZ_TRY(crypto::AgeRecipient::parse(said.key));
  return views.exec("INSERT OR REPLACE INTO alliance_box VALUES(?,?,?)", {from.issuer, said.key, from.id_text()});
}

fs::path box_path(const fs::path& keys) { return keys / "box"; }
fs::path next_box_path(const fs::path& keys) { return keys / "box.next"; }

Result<std::vector<crypto::AgeIdentity>> load_boxes(const fs::path& keys) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(keys, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name == "box" || name.starts_with("box.")) files.push_back(at->path());
  }
  std::ranges::sort(files);  // "box" sorts first
  std::vector<crypto::AgeIdentity> out;
  for (const fs::path& file : files) out.push_back(HZ_TRY(load(file)));
  return out;
}

Result<crypto::AgeIdentity> load_or_create_box(const fs::path& file, Rng& rng) {
  std::error_code ignored;
  if (fs::exists(file, ignored)) return load(file);
  crypto::AgeIdentity made = crypto::AgeIdentity::generate(rng);
  std::string text = made.text() + "\n";
  const auto written = write_file_durably(file, as_bytes(text), 0600);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!written) return std::unexpected(written.error());
  return made;
}

Result<void> adopt_next_box(const fs::path& keys) {
  std::error_code ignored;
  if (!fs::exists(next_box_path(keys), ignored)) return {};
  if (fs::exists(box_path(keys), ignored)) {
    const auto old = HZ_TRY(load(box_path(keys)));
    const std::string id = hex(crypto::sha256(as_bytes(old.recipient().text())));
    HZ_TRY(move(box_path(keys), keys / fmt::format("box.{}", id.substr(0, 8))));
  }
  return move(next_box_path(keys), box_path(keys));
}

}  // namespace hz::alliance
