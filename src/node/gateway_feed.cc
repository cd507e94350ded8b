#include "node/gateway_feed.h"

#include <sys/stat.h>

#include <condition_variable>
#include <cstring>
#include <ctime>
#include <mutex>

#include "alliance/authority.h"
#include "log/mark.h"
#include "log/store.h"
#include "pool/serving.h"

namespace hz::node {
namespace {

constexpr std::chrono::milliseconds pause{100};
constexpr std::int64_t quiet_ns = 1'000'000'000;

constexpr int quiet_looks_max = 50;

std::int64_t ns_of(const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; }

// Some statement from `from` on is a pool's, or decides which statements count.
Result<bool> tells_of_gateway(alliance::Member& member, std::uint64_t from) {
  static constexpr std::string_view pool = "https://hezong.example/pool/";
  bool found = false;
  HZ_TRY(member.log().visit(from, member.log().head().size, [&](auto, ByteView leaf) -> Result<void> {
    found |= alliance::may_be_act(leaf) || ::memmem(leaf.data(), leaf.size(), pool.data(), pool.size());
    return {};
  }));
  return found;
}

}  // namespace

Result<std::unique_ptr<GatewayFeed>> GatewayFeed::start(const fs::path& home, const alliance::Mounted& mounted,
                                                        const alliance::Seams& seams, std::vector<Gateway*> gateways) {
  std::unique_ptr<GatewayFeed> out(new GatewayFeed(home, mounted, seams, std::move(gateways)));
  out->member_.emplace(HZ_TRY(alliance::Member::open(home, mounted, seams)));
  out->mark_path_ = log::Mark::path_of(home / "mark", out->member_->origin());
  (void)out->look();
  HZ_TRY(out->read());
  out->looking_ = std::jthread([feed = out.get()](std::stop_token stop) { feed->look_for_ever(std::move(stop)); });
  return out;
}

bool GatewayFeed::look() {
  // Two slots of 4 KiB. What cannot be read now is read at the next look.
  if (auto mark = read_file(mark_path_, 64u << 10); mark && *mark != mark_) {
    mark_ = *std::move(mark);
    said_new_ = true;
  }
  struct stat s{};
  std::int64_t time_ns = 0, inode = 0;
  if (::stat((home_ / "serving").c_str(), &s) == 0) {
    time_ns = ns_of(s.st_mtim);
    inode = static_cast<std::int64_t>(s.st_ino);
  }
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (time_ns != folder_ns_ || inode != folder_inode_ || ns_of(now) - time_ns < quiet_ns) serving_new_ = true;
  folder_ns_ = time_ns;
  folder_inode_ = inode;
  return said_new_ || serving_new_;
}

Result<void> GatewayFeed::read() {
  bool said_changed = false;
  if (said_new_) {
    if (member_ && !member_->refresh()) member_.reset();
    if (!member_) member_.emplace(HZ_TRY(alliance::Member::open(home_, mounted_, seams_)));
    const std::uint64_t head = member_->log().head().size;
    said_changed = read_to_ == 0 || head < read_to_ || HZ_TRY(tells_of_gateway(*member_, read_to_));
    if (said_changed) said_ = HZ_TRY(pool::read_gate_table(*HZ_TRY(member_->views()), member_->id()));
    read_to_ = head;
    said_new_ = false;
  }
  pool::ServingFolder folder = pool::read_serving_folder(home_ / "serving");
  serving_new_ = false;
  if (said_changed || folder.servers != servers_ || tables_ == 0) {
    servers_ = std::move(folder.servers);
    const auto table = make_gateway_table(said_, servers_);
    for (Gateway* gateway : gateways_) gateway->use(table);
    ++tables_;
  }
  const std::string fault = folder.faults.empty() ? std::string() : folder.faults.front().text();
  if (fault != last_fault_ && !fault.empty()) fmt::print(stderr, "serving: {}\n", fault);
  last_fault_ = fault;
  return {};
}

void GatewayFeed::look_for_ever(std::stop_token stop) {
  std::mutex waiting;
  std::condition_variable_any wake;
  std::unique_lock held(waiting);
  for (;;) {
    wake.wait_for(held, stop, pause, [] { return false; });
    if (stop.stop_requested()) return;
    if (!look()) {
      // An idle node is a small one.
      if (member_ && ++quiet_looks_ >= quiet_looks_max) member_.reset();
      continue;
    }
    quiet_looks_ = 0;
    if (const auto done = read(); !done) {
      const std::string fault = done.error().text();
      if (fault != last_fault_) fmt::print(stderr, "gateway: {}\n", fault);
      last_fault_ = fault;
    }
  }
}

}  // namespace hz::node
