#include "node/vote_file.h"

#include "node/reasons.h"
#include "statement/ids.h"

namespace hz::node {

Result<void> keep_vote(const fs::path& home, std::string_view ballot, const VoteFile& vote) {
  std::error_code error;
  fs::create_directories(home / "votes", error);
  if (error) return fail(hz::why("base.write"), "{}: {}", (home / "votes").string(), error.message());
  return write_file_durably(home / "votes" / ballot, as_bytes(fmt::format("{}\n{}\n", vote.choice, vote.salt)), 0600);
}

Result<VoteFile> kept_vote(const fs::path& home, std::string_view ballot) {
  const fs::path path = home / "votes" / ballot;
  const auto content = read_text(path, 4096);
  if (!content) return fail(why("node.no_vote"), "{}", path.string());
  const std::size_t line = content->find('\n');
  if (line == std::string::npos || content->size() != line + 66 || content->back() != '\n')
    return fail(why("node.no_vote"), "{} is damaged", path.string());
  VoteFile out{content->substr(0, line), content->substr(line + 1, 64)};
  if (!statement::is_sha256(out.salt)) return fail(why("node.no_vote"), "{} is damaged", path.string());
  return out;
}

}  // namespace hz::node
