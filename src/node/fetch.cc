#include "node/fetch.h"

#include <algorithm>
#include <chrono>

#include "net/range.h"
#include "node/reasons.h"
#include "node/serve_artifact.h"

namespace hz::node {
namespace {

// A fetch in progress.
struct Work {
  blob::Partial& partial;
  const Want& want;
  Progress& progress;
  std::vector<FetchFault>& faults;
  std::string path;
  const share::KnownRelease* under = nullptr;  // the release of the last piece
  std::uint64_t piece_bytes = piece_bytes_min;

  // As the release says under which the bytes come. Before the first piece, the largest that any says: whoever signs a
  // small number only delays itself.
  std::uint64_t size_bytes() const {
    if (under) return static_cast<std::uint64_t>(under->release.size_bytes);
    std::int64_t out = 0;
    for (const share::KnownRelease& one : want.releases) out = std::max(out, one.release.size_bytes);
    return static_cast<std::uint64_t>(out);
  }
  Result<void> restart() {
    under = nullptr;
    return partial.restart();
  }
  bool whole() const { return partial.size() >= size_bytes(); }

  // One piece, from where the partial ends.
  Result<void> step(const Holder& holder) {
    const std::uint64_t first = partial.size(), last = std::min(first + piece_bytes, size_bytes()) - 1;
    http::Request request{.path = path, .headers = {{"range", fmt::format("bytes={}-{}", first, last)}}};
    const http::Response answer = HZ_TRY(holder.exchange(request));
    if (answer.status == 404) return fail(why("node.not_given"), "{}", holder.origin);
    if (answer.status == 503) return fail(why("node.holder_busy"), "{}", holder.origin);
    const auto bad = [&](std::string_view what) { return fail(why("node.bad_piece"), "{}: {}", holder.origin, what); };
    if (answer.status == 416) return bad(fmt::format("it has no byte {}", first));
    if (answer.status != 206) return bad(fmt::format("status {}", answer.status));
    const auto range = net::parse_content_range(http::header(answer.headers, "content-range"));
    if (!range) return bad("no content-range");
    const std::string_view named = http::header(answer.headers, release_header);
    const auto release = std::ranges::find(want.releases, named, &share::KnownRelease::statement);
    if (release == want.releases.end()) return bad("it gives them under a release that is none for us");
    if (range->total != static_cast<std::uint64_t>(release->release.size_bytes))
      return bad(fmt::format("{} bytes in all, released with {}", range->total, release->release.size_bytes));
    const std::uint64_t last_there = std::min(last, range->total - 1);
    if (range->first != first || range->last != last_there)
      return bad(fmt::format("bytes {} to {} instead of {} to {}", range->first, range->last, first, last_there));
    if (answer.body.size() != last_there - first + 1)
      return bad(fmt::format("{} bytes instead of {}", answer.body.size(), last_there - first + 1));
    under = &*release;
    return partial.write(as_bytes(answer.body));
  }

  // All that this holder gives; what it did wrong is a fault. Errors: of this machine only.
  Result<void> from(const Holder& holder, std::vector<std::string>& givers) {
    using Clock = std::chrono::steady_clock;
    int patience = 2;  // a cut connection or a piece too large for the line is tried again, while something comes
    while (!whole()) {
      const auto before = Clock::now();
      const auto done = step(holder);
      if (!done) {
        const std::string_view slug = done.error().reason->slug;
        if (slug.starts_with("blob.") || slug == "base.cancelled") return done;
        if (slug.starts_with("net.") && slug != "net.response_too_large" && patience-- > 0 &&
            (piece_bytes > piece_bytes_min || (!givers.empty() && givers.back() == holder.origin))) {
          piece_bytes = piece_bytes_min;
          continue;
        }
        faults.push_back({holder.origin, done.error().text()});
        return {};
      }
      patience = 2;
      if (givers.empty() || givers.back() != holder.origin) givers.push_back(holder.origin);
      progress.step(static_cast<std::int64_t>(partial.size()));
      // Pieces of about a second: few requests on a fast line, no deadline missed on a slow one.
      const auto took = Clock::now() - before;
      if (took < std::chrono::milliseconds(500))
        piece_bytes = std::min(piece_bytes * 2, piece_bytes_max);
      else if (took > std::chrono::seconds(2))
        piece_bytes = std::max(piece_bytes / 2, piece_bytes_min);
    }
    return {};
  }
};

}  // namespace

Result<Fetched> fetch(blob::Partial& partial, const Want& want, const std::vector<Holder>& holders, Progress& progress,
                      std::vector<FetchFault>& faults) {
  Fetched out;
  out.resumed_at = static_cast<std::int64_t>(partial.size());
  Work work{.partial = partial,
            .want = want,
            .progress = progress,
            .faults = faults,
            .path = std::string(artifact_prefix) + hex(want.digest)};
  const auto give_up = [&](std::string_view what) {
    std::string all;
    for (const FetchFault& fault : faults) all += fmt::format("; {}: {}", fault.holder, fault.fault);
    return fail(why("node.fetch_failed"), "{}: {}{}", hex(want.digest), what, all);
  };
  const auto is_whole = [&] { return work.whole() && partial.verify(); };
  const auto finished = [&]() -> Fetched {
    if (work.under) out.releaser = work.under->member;
    out.faults = faults;
    return out;
  };
  progress.phase("fetching bytes", static_cast<std::int64_t>(work.size_bytes()));
  progress.step(out.resumed_at);

  // Together: whoever has the next piece.
  for (const Holder& holder : holders) {
    if (work.whole()) break;
    HZ_TRY(work.from(holder, out.from));
  }
  if (is_whole()) return finished();
  if (!work.whole()) return give_up(fmt::format("{} of {} bytes are here", partial.size(), work.size_bytes()));

  // Alone: from nothing, each by itself.
  const bool alone_before = out.resumed_at == 0 && out.from.size() == 1;
  if (alone_before) faults.push_back({out.from.front(), Error{&why("node.wrong_bytes"), hex(want.digest)}.text()});
  const std::string liar = alone_before ? out.from.front() : "";
  HZ_TRY(work.restart());
  progress.note("the bytes do not have their digest; fetching them again, from one node at a time");
  for (const Holder& holder : holders) {
    if (holder.origin == liar) continue;
    HZ_TRY(work.restart());
    out.from.clear();
    out.resumed_at = 0;
    HZ_TRY(work.from(holder, out.from));
    if (is_whole()) return finished();
    if (work.whole()) faults.push_back({holder.origin, Error{&why("node.wrong_bytes"), hex(want.digest)}.text()});
  }
  HZ_TRY(work.restart());
  return give_up("no holder gave bytes with this digest");
}

}  // namespace hz::node
