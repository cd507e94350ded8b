#include "node/scrub_home.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "alliance/keys.h"
#include "blob/reasons.h"
#include "blob/store.h"
#include "crypto/hash.h"
#include "log/reasons.h"
#include "log/scrub.h"
#include "log/tile_reader.h"
#include "net/client.h"
#include "node/card.h"
#include "node/contact.h"
#include "node/fetched.h"
#include "node/identify.h"
#include "node/peer_call.h"
#include "share/known.h"

namespace hz::node {
namespace {

// Keeps the mean rate below the limit from the start on. Waiting is about this process's own pace, so the steady clock
// is read directly.
class Throttle {
 public:
  explicit Throttle(std::int64_t mb_per_s)
      : bytes_per_s_(static_cast<double>(std::max<std::int64_t>(mb_per_s, 0)) * 1e6) {}
  void operator()(std::uint64_t bytes) {
    taken_ += static_cast<double>(bytes);
    if (bytes_per_s_ > 0)
      std::this_thread::sleep_until(start_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                 std::chrono::duration<double>(taken_ / bytes_per_s_)));
  }
  std::int64_t taken() const { return static_cast<std::int64_t>(taken_); }

 private:
  double bytes_per_s_, taken_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

http::Exchange files_of(const fs::path& folder) {
  return [folder](const http::Request& request) -> Result<http::Response> {
    const auto bytes = read_file(folder / request.path.substr(1), 64u << 20);
    if (!bytes) return http::Response{.status = 404, .headers = {}, .body = {}};
    return http::Response{.status = 200, .headers = {}, .body = std::string(as_text(*bytes))};
  };
}

log::GetBundle bundles_of(const http::Exchange& exchange, const std::string& prefix) {
  return [exchange, prefix](std::uint64_t n, unsigned width) {
    return log::TileReader(exchange, prefix).entries(n, width);
  };
}

// Who may have the log: what the operator named, then every node with a card here, asked as this member.
std::vector<log::GetBundle> sources_of(api::Ctx& ctx, const ScrubTerms& terms, const std::string& own,
                                       const std::string& origin) {
  std::vector<log::GetBundle> out;
  for (const std::string& from : terms.from) {
    if (!from.starts_with("http://") && !from.starts_with("https://"))
      out.push_back(bundles_of(files_of(from), ""));
    else if (auto client = net::Client::make({.url = from}))
      out.push_back(bundles_of(client->exchange(), ""));
  }
  auto author = alliance::load_key(ctx.home / "keys", alliance::Role::author);
  if (!author) return out;
  const auto key = std::make_shared<statement::NamedSigner>(*std::move(author));
  std::error_code gone;
  for (fs::directory_iterator at(ctx.home / "peers", gone), end; !gone && at != end; at.increment(gone)) {
    const auto text = read_text(at->path() / "card.json", card_size_bytes_max);
    const auto card = text ? parse_card(*text) : Result<Card>(std::unexpected(text.error()));
    const auto evidence = card ? parse_evidence(card->evidence) : Result<Evidence>(std::unexpected(card.error()));
    const auto checked = evidence ? check_evidence(*evidence) : Result<Checked>(std::unexpected(evidence.error()));
    if (!checked || card->url.empty()) continue;
    net::ClientOptions options{.url = card->url, .connect_ms_max = 3'000};
    if (!card->pin.empty())
      if (const auto pin = parse_digest(card->pin)) options.pin = *pin;
    const auto client = net::Client::make(std::move(options));
    if (!client) continue;
    const std::string& asked = checked->authority.origin;
    const http::Exchange exchange = signing(client->exchange(), own, asked, key->key, ctx.clock());
    out.push_back([key, get = bundles_of(exchange, asked == origin ? "/log" : mirror_prefix(origin))](
                      std::uint64_t n, unsigned width) { return get(n, width); });
  }
  return out;
}

// One log's folder: read, repaired when asked, read again. The origin once it is known.
Result<std::string> scrub_log(api::Ctx& ctx, const ScrubTerms& terms, const fs::path& folder, const std::string& own,
                              Throttle& throttle, Scrubbed& out) {
  std::string origin;
  const log::Pace pace = [&](std::uint64_t bytes) { throttle(bytes); };
  const auto read = [&] {
    return log::scrub(
        folder, pace, [&](std::string_view of, ByteView leaf) { return identify(of, leaf); }, ctx.progress());
  };
  auto found = read();
  if (!found) {
    if (found.error().reason->slug == "log.mirror_empty") return origin;
    out.damage.push_back({folder.string(), std::string(found.error().reason->slug), found.error().detail});
    return origin;
  }
  origin = found->origin;
  ++out.logs;
  out.leaves += static_cast<std::int64_t>(found->findings.leaves);
  out.tiles += static_cast<std::int64_t>(found->findings.tiles);
  std::vector<Damage> damage;
  for (const Error& fault : found->findings.faults)
    damage.push_back({origin, std::string(fault.reason->slug), fault.detail});
  if (!damage.empty() && terms.repair) {
    const auto sources = sources_of(ctx, terms, own.empty() ? origin : own, origin);
    const auto repaired = log::repair(
        folder, found->findings.bundles, sources, [&](ByteView leaf) { return identify(origin, leaf); },
        ctx.progress());
    if (!repaired) {
      damage.push_back({origin, std::string(repaired.error().reason->slug), repaired.error().detail});
    } else if (const auto again = read(); again && again->findings.faults.empty()) {
      for (Damage& one : damage) one.repaired = true;
    }
  }
  out.damage.insert(out.damage.end(), damage.begin(), damage.end());
  return origin;
}

Result<Digest> hash_file(const fs::path& path, Throttle& throttle) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  crypto::Sha256 hash;
  Bytes piece(1u << 20);
  for (;;) {
    const auto n = fd ? ::read(fd.get(), piece.data(), piece.size()) : -1;
    if (n < 0 && errno == EINTR && fd) continue;
    if (n < 0) return fail(hz::why("base.read"), "{}: {}", path.string(), std::strerror(errno));
    if (n == 0) return hash.finish();
    hash.update(ByteView(piece).first(static_cast<std::size_t>(n)));
    throttle(static_cast<std::uint64_t>(n));
  }
}

// Bytes that are wrong or not there come back the way released bytes come here in the first place.
bool bring_back(api::Ctx& ctx, const fs::path& file, const std::string& digest) {
  const fs::path aside = file.string() + ".damaged";
  std::error_code error;
  const bool there = fs::exists(file, error);
  if (there) fs::rename(file, aside, error);
  if (error) return false;
  const auto fetched = fetch_released(ctx, digest);
  if (!there) return fetched.has_value();
  if (fetched)
    fs::remove(aside, error);
  else
    fs::rename(aside, file, error);
  return fetched.has_value();
}

void scrub_blobs(api::Ctx& ctx, const ScrubTerms& terms, Throttle& throttle, Scrubbed& out) {
  std::vector<std::pair<std::string, fs::path>> files;
  std::error_code error;
  for (fs::directory_iterator shelf(ctx.home / "blobs", error), none; !error && shelf != none; shelf.increment(error)) {
    const std::string head = shelf->path().filename().string();
    if (head.size() != 2 || !shelf->is_directory()) continue;
    std::error_code inner;
    for (fs::directory_iterator at(shelf->path(), inner), end; !inner && at != end; at.increment(inner))
      if (const std::string name = head + at->path().filename().string(); parse_digest(name))
        files.emplace_back(name, at->path());
  }
  std::ranges::sort(files);
  ctx.progress().phase("reading blobs", static_cast<std::int64_t>(files.size()));
  const auto damaged = [&](const std::string& name, const fs::path& file, const Reason& reason, std::string detail) {
    const bool repaired = terms.repair && bring_back(ctx, file, name);
    out.damage.push_back({"blobs", std::string(reason.slug), std::move(detail), repaired});
  };
  for (const auto& [name, file] : files) {
    const auto digest = hash_file(file, throttle);
    if (!digest)
      damaged(name, file, blob::why("blob.corrupt"), digest.error().detail);
    else if (hex(*digest) != name)
      damaged(name, file, blob::why("blob.corrupt"), fmt::format("{} hashes to {}", name, hex(*digest)));
    ctx.progress().step(++out.blobs);
  }
  // What this member released and has no more.
  const auto member = ctx.member();
  const auto views = member ? (*member)->views() : Result<sql::Db*>(std::unexpected(member.error()));
  if (!views) return;
  const auto known = share::KnownReleases::read(**views);
  if (!known) return;
  for (const share::KnownRelease& one : known->all()) {
    const auto digest = parse_digest(one.release.sha256);
    if (one.member != (*member)->id() || !digest || (*member)->blobs().has(*digest)) continue;
    damaged(one.release.sha256, (*member)->blobs().path(*digest), blob::why("blob.missing"),
            fmt::format("{} of {}", one.release.sha256, one.release.name));
  }
}

}  // namespace

Result<Scrubbed> scrub_home(api::Ctx& ctx, const ScrubTerms& terms) {
  Scrubbed out;
  Throttle throttle(terms.mb_per_s);
  std::error_code error;
  if (!fs::exists(ctx.home / "log" / "log.db", error)) {
    HZ_TRY(ctx.member());  // says what is missing
    return out;
  }
  const std::string own = HZ_TRY(scrub_log(ctx, terms, ctx.home / "log", "", throttle, out));
  for (fs::directory_iterator at(ctx.home / "peers", error), end; !error && at != end; at.increment(error))
    if (std::error_code inner; fs::exists(at->path() / "log.db", inner))
      HZ_TRY(scrub_log(ctx, terms, at->path(), own, throttle, out));
  const std::int64_t leaf_bytes = out.leaves > 0 ? throttle.taken() / out.leaves : 0;
  scrub_blobs(ctx, terms, throttle, out);
  ctx.progress().phase("holding the views against the logs", out.leaves);
  // Asked every 1,000 statements while they are replayed.
  const auto pace = [&]() -> Result<void> {
    throttle(static_cast<std::uint64_t>(1'000 * leaf_bytes));
    return {};
  };
  const std::int64_t read_bytes = throttle.taken();
  const auto check = views_checker(ctx.home, ctx.mounted, ctx.seams);
  out.views = HZ_TRY(check_views(check, pace, out.damage));
  out.size_bytes = read_bytes;
  return out;
}

}  // namespace hz::node
