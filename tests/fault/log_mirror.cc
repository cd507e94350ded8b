// A mirror of 300 statements pulls 600 more in three steps from a folder of static files.
#include "log/mirror.h"
#include "log_story.h"

namespace hz::fault {
namespace {

log::Identity identity_of(ByteView leaf) {
  log::Identity out{crypto::sha256(leaf), {}};
  std::copy_n(out.id.begin(), 16, out.idem.begin());
  return out;
}
http::Exchange files_of(const fs::path& folder) {
  return [folder](const http::Request& request) -> Result<http::Response> {
    const auto bytes = read_file(folder / request.path.substr(1), 20u << 20);
    if (!bytes && bytes.error().detail.find("No such file") == std::string::npos) return std::unexpected(bytes.error());
    if (!bytes) return http::Response{.status = 404, .headers = {}, .body = {}};
    return http::Response{.status = 200, .headers = {}, .body = std::string(as_text(*bytes))};
  };
}
log::NoteKey origin_key() { return {std::string(log_name), log::KeyType::ed25519, log_key().verifying_key()}; }
log::Mirror open_mirror(const fs::path& folder) {
  return need(log::Mirror::open(folder / "mirror", origin_key(),
                                [](ByteView leaf) -> Result<log::Identity> { return identity_of(leaf); }));
}

}  // namespace

void prepare(const fs::path& folder) {
  auto log = need(log::Log::create(folder / "log", folder / "mark", log_name, log_key()));
  need(log.append(log_entries(0, 300)));
  need(log.publish_tree(folder / "public", silent_progress()));
  fs::create_directories(folder / "mirror");
  {
    auto mirror = open_mirror(folder);
    while (!need(mirror.pull(files_of(folder / "public"), "")).complete) {
    }
  }
  need(log.append(log_entries(300, 900)));
  need(log.publish_tree(folder / "public", silent_progress()));
}

void run(const fs::path& folder) {
  auto mirror = open_mirror(folder);
  for (bool complete = false; !complete;) {
    const auto pulled = need(mirror.pull(files_of(folder / "public"), "", {.leaves_max = 256}));
    complete = pulled.complete;
    acknowledge(fmt::format("{} {}", pulled.stored, complete ? "complete" : ""));
  }
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  std::uint64_t acked = 300;
  for (std::size_t at = 0; at < acknowledged.size(); at = acknowledged.find('\n', at) + 1)
    acked = std::strtoull(acknowledged.c_str() + at, nullptr, 10);
  {
    auto mirror = open_mirror(folder);
    require(mirror.stored() >= acked, "no leaf that was stored is lost");
    auto reader = need(log::Log::open_reader(folder / "mirror", log::Check::leaves));
    require(reader.head().size >= (acked == 900 ? 900 : 300), "the mirror never goes back");
    require_log(reader);
    while (!need(mirror.pull(files_of(folder / "public"), "")).complete) {
    }
  }
  auto reader = need(log::Log::open_reader(folder / "mirror", log::Check::leaves));
  require(reader.head() == need(log::Log::open_reader(folder / "log")).head(), "the next pull completes the copy");
  require_log(reader);
}

}  // namespace hz::fault
