#include "node/scrub_pass.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "alliance/reasons.h"
#include "blob/reasons.h"
#include "crypto/hash.h"
#include "log/store.h"
#include "node/identify.h"

namespace hz::node {
namespace {

constexpr std::uint64_t piece_leaves = 1024, bundle_leaves = 256;
constexpr std::size_t damage_max = 100;
constexpr std::string_view logs_place = "log", peers_place = "peers/", blobs_place = "blobs", views_place = "views";

// The places of a pass, in order; a folder without a log is none.
std::vector<std::string> places_of(const fs::path& home, bool with_views) {
  std::vector<std::string> peers;
  std::error_code error;
  for (fs::directory_iterator at(home / "peers", error), end; !error && at != end; at.increment(error))
    if (std::error_code inner; fs::exists(at->path() / "log.db", inner))
      peers.push_back(std::string(peers_place) + at->path().filename().string());
  std::ranges::sort(peers);
  peers.insert(peers.begin(), std::string(logs_place));
  peers.emplace_back(blobs_place);
  if (with_views) peers.emplace_back(views_place);
  return peers;
}

std::vector<std::string> blobs_of(const fs::path& home) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator shelf(home / "blobs", error), none; !error && shelf != none; shelf.increment(error)) {
    const std::string head = shelf->path().filename().string();
    if (head.size() != 2 || !shelf->is_directory()) continue;
    std::error_code inner;
    for (fs::directory_iterator at(shelf->path(), inner), end; !inner && at != end; at.increment(inner))
      if (std::string name = head + at->path().filename().string(); parse_digest(name)) out.push_back(std::move(name));
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

struct ScrubPass::Open {
  std::optional<log::Log> log;
  std::uint64_t next = 0;          // position in the log
  std::vector<std::string> blobs;  // names that are left, last first
};

std::vector<Damage> ScrubReport::damage() const {
  std::vector<Damage> out;
  const auto add = [&](const std::optional<ScrubCount>& count) {
    if (!count) return;
    for (const Damage& one : count->damage)
      if (!one.repaired && std::ranges::find(out, one) == out.end()) out.push_back(one);
  };
  add(running);
  add(last);
  return out;
}

std::optional<ScrubReport> kept_scrub(const fs::path& home) {
  const auto text = read_text(home / "scrub.json", 1u << 20);
  const auto value = text ? json::parse(*text) : std::unexpected(text.error());
  auto report = value ? from_json<ScrubReport>(*value) : std::unexpected(value.error());
  return report ? std::optional(*std::move(report)) : std::nullopt;
}

std::string scrub_text(const ScrubReport& report) {
  std::string out = "stored bytes: ";
  if (report.last)
    out += fmt::format("all read again by {}: {} statements, {} blobs", utc_text(report.last->ended_ms),
                       report.last->leaves, report.last->blobs);
  else
    out += "not all read again yet";
  if (report.last && report.last->views)
    out += report.last->views->not_compared.empty()
               ? ", and the views are as the logs say"
               : fmt::format(", and the views not ({})", report.last->views->not_compared);
  if (report.running) out += fmt::format("; a pass has read {} statements so far", report.running->leaves);
  out += '\n';
  if (report.last)
    for (const Damage& one : report.last->damage)
      if (one.repaired) out += fmt::format("  repaired: {}: {}: {}\n", one.place, one.reason, one.detail);
  const std::vector<Damage> damage = report.damage();
  for (const Damage& one : damage) out += fmt::format("  damaged: {}: {}: {}\n", one.place, one.reason, one.detail);
  if (!damage.empty())
    out += "  what to do: hezong log scrub --repair fetches what is damaged from mirrors and known nodes\n";
  return out;
}

CheckViews views_checker(const fs::path& home, const alliance::Mounted& mounted, const alliance::Seams& seams) {
  return [home, mounted, seams](const alliance::GoOn& go_on) -> Result<alliance::ViewsCheck> {
    alliance::Member own = HZ_TRY(alliance::Member::open(home, mounted, seams));
    return own.check_views(go_on);
  };
}

Result<ViewsRead> check_views(const CheckViews& check, const alliance::GoOn& go_on, std::vector<Damage>& damage) {
  if (std::ranges::any_of(damage, [](const Damage& one) { return !one.repaired; }))
    return ViewsRead{0, "what they follow from is damaged"};
  bool stopped = false;
  const auto asks = [&]() -> Result<void> {
    auto may = go_on();
    stopped = !may;
    return may;
  };
  const auto found = check(asks);
  if (!found && stopped) return std::unexpected(found.error());
  if (!found) return ViewsRead{0, found.error().text()};
  for (const alliance::ViewsFault& fault : found->faults)
    if (damage.size() < damage_max)
      damage.push_back({"views " + fault.table, "alliance.views_differ", fault.detail, true});
  return ViewsRead{static_cast<std::int64_t>(found->statements), ""};
}

ScrubPass::ScrubPass(fs::path home, Clock& clock, CheckViews views)
    : home_(std::move(home)),
      clock_(&clock),
      views_(std::move(views)),
      report_(kept_scrub(home_).value_or(ScrubReport{})) {}
ScrubPass::ScrubPass(ScrubPass&&) noexcept = default;
ScrubPass::~ScrubPass() = default;

void ScrubPass::keep() const {
  const fs::path path = home_ / "scrub.json", next = home_ / "scrub.json.next";
  std::error_code error;
  {
    std::ofstream out(next, std::ios::binary | std::ios::trunc);
    out << json::dump(to_json(report_)) << '\n';
    if (!out.flush()) return;
  }
  fs::rename(next, path, error);
}

void ScrubPass::damaged(std::string place, const Error& error) {
  auto& damage = report_.running->damage;
  if (damage.size() < damage_max)
    damage.push_back({std::move(place), std::string(error.reason->slug), error.detail, false});
}

void ScrubPass::mark_repaired(const std::vector<Damage>& after) {
  if (!report_.last) return;
  for (Damage& one : report_.last->damage)
    one.repaired = std::ranges::none_of(after, [&](const Damage& d) { return d.place == one.place && !d.repaired; });
}

bool ScrubPass::step(const Pace& pace) {
  if (!report_.running) {
    report_.running = ScrubCount{.began_ms = clock_->now_ms(), .damage = {}};
    report_.place = logs_place;
    report_.next = "0";
    open_.reset();
  }
  if (!open_) begin_place();
  const bool ended = report_.place == views_place   ? read_views(pace)
                     : report_.place == blobs_place ? read_blobs(pace)
                                                    : read_log(pace);
  if (!ended) return false;
  const auto places = places_of(home_, views_ != nullptr);
  const auto after = std::ranges::upper_bound(places, report_.place, [&](const auto& a, const auto& b) {
    const auto rank = [](const std::string& p) {
      return p == logs_place ? 0 : p == blobs_place ? 2 : p == views_place ? 3 : 1;
    };
    return std::pair(rank(a), a) < std::pair(rank(b), b);
  });
  open_.reset();
  if (after != places.end()) {
    report_.place = *after;
    report_.next = report_.place == blobs_place || report_.place == views_place ? "" : "0";
    return false;
  }
  report_.running->ended_ms = clock_->now_ms();
  report_.last = std::exchange(report_.running, std::nullopt);
  report_.place = report_.next = "";
  return true;
}

void ScrubPass::begin_place() {
  open_ = std::make_unique<Open>();
  if (report_.place == views_place) return;
  if (report_.place == blobs_place) {
    open_->blobs = blobs_of(home_);
    std::erase_if(open_->blobs, [&](const std::string& name) { return name <= report_.next; });
    std::ranges::reverse(open_->blobs);
    return;
  }
  std::from_chars(report_.next.data(), report_.next.data() + report_.next.size(), open_->next);
  auto log = log::Log::open_reader(home_ / report_.place, log::Check::head);
  if (log)
    open_->log.emplace(*std::move(log));
  else if (log.error().reason->slug != "log.mirror_empty" && log.error().reason->slug != "log.missing")
    damaged((home_ / report_.place).string(), log.error());
}

bool ScrubPass::read_log(const Pace& pace) {
  if (!open_->log) return true;
  log::Log& log = *open_->log;
  const std::string origin = log.origin();
  const std::uint64_t size = log.head().size, begin = std::min(open_->next, size);
  const std::uint64_t end = std::min(size, begin + piece_leaves);
  std::uint64_t bytes = 0;
  const auto identity = [&](ByteView leaf) {
    bytes += leaf.size() + 48;
    return identify(origin, leaf);
  };
  // Where a piece is damaged, bundle by bundle: each names what is first in it.
  if (!log.check_entries(begin, end, identity)) {
    bytes = 0;
    for (std::uint64_t at = begin; at < end; at += bundle_leaves)
      if (const auto read = log.check_entries(at, std::min(end, at + bundle_leaves), identity); !read)
        damaged(origin, read.error());
  }
  report_.running->leaves += static_cast<std::int64_t>(end - begin);
  report_.running->size_bytes += static_cast<std::int64_t>(bytes);
  open_->next = end;
  report_.next = std::to_string(end);
  if (!pace(bytes) || end < size) return false;
  // What came while the pass was under way was hashed by whoever wrote it.
  ++report_.running->logs;
  return true;
}

bool ScrubPass::read_views(const Pace& pace) {
  if (!views_) return true;
  ScrubCount& count = *report_.running;
  const std::size_t known = count.damage.size();
  const auto go_on = [&]() -> Result<void> {
    if (pace(0)) return {};
    return fail(alliance::why("alliance.views_busy"), "stopped");
  };
  auto read = check_views(views_, go_on, count.damage);
  if (!read) return false;  // stopped
  report_.views_replaced += count.damage.size() > known;
  count.views = *std::move(read);
  return true;
}

bool ScrubPass::read_blobs(const Pace& pace) {
  if (open_->blobs.empty()) return true;
  const std::string name = std::exchange(open_->blobs.back(), "");
  open_->blobs.pop_back();
  const fs::path path = home_ / "blobs" / name.substr(0, 2) / name.substr(2);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) {  // erased meanwhile
    report_.next = name;
    return open_->blobs.empty();
  }
  crypto::Sha256 hash;
  Bytes piece(256u << 10);
  for (;;) {
    const auto n = fd ? ::read(fd.get(), piece.data(), piece.size()) : -1;
    if (n < 0 && errno == EINTR && fd) continue;
    if (n < 0) {
      damaged("blobs", Error{&blob::why("blob.corrupt"), fmt::format("{}: {}", name, std::strerror(errno))});
      break;
    }
    if (n == 0) {
      if (const std::string found = hex(hash.finish()); found != name)
        damaged("blobs", Error{&blob::why("blob.corrupt"), fmt::format("{} hashes to {}", name, found)});
      break;
    }
    hash.update(ByteView(piece).first(static_cast<std::size_t>(n)));
    report_.running->size_bytes += n;
    if (!pace(static_cast<std::uint64_t>(n))) {
      open_->blobs.push_back(name);  // again from its start
      return false;
    }
  }
  ++report_.running->blobs;
  report_.next = name;
  return open_->blobs.empty();
}

}  // namespace hz::node
