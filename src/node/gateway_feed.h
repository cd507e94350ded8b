// Keeps the gateway's table in step with what was said and with what runs, on a thread of its own.
//
// Opening a member costs milliseconds, asking whether anything is new must not. So two cheap things are looked at ten
// times a second: the log's high-water mark, which moves with every append of any process, and the time of the folder
// serving/. A folder's time has the grain of the kernel's clock, so a folder that changed within the last second is
// read again until it has been quiet for one. Most appends say nothing about the gateway: their leaves are looked
// through, and the views are asked only when one does.
#pragma once
#include <atomic>
#include <optional>
#include <thread>

#include "alliance/member.h"
#include "node/gateway.h"

namespace hz::node {

class GatewayFeed {
 public:
  // Reads everything once before it returns; whatever is wrong then is an error, and later a line on stderr while the
  // old table stays. Errors: what Member::open says, sql.*.
  static Result<std::unique_ptr<GatewayFeed>> start(const fs::path& home, const alliance::Mounted& mounted,
                                                    const alliance::Seams& seams, std::vector<Gateway*> gateways);
  // Tables given to the gateways so far.
  std::uint64_t tables() const { return tables_; }

 private:
  GatewayFeed(fs::path home, alliance::Mounted mounted, alliance::Seams seams, std::vector<Gateway*> gateways)
      : home_(std::move(home)), mounted_(mounted), seams_(seams), gateways_(std::move(gateways)) {}
  // Something is new since the last look.
  bool look();
  Result<void> read();
  void look_for_ever(std::stop_token stop);

  const fs::path home_;
  const alliance::Mounted mounted_;
  alliance::Seams seams_;
  const std::vector<Gateway*> gateways_;
  fs::path mark_path_;
  Bytes mark_;
  bool said_new_ = true, serving_new_ = true;
  std::optional<alliance::Member> member_;  // kept open while much is appended
  std::uint64_t read_to_ = 0;               // statements of the own log that said_ stands on
  int quiet_looks_ = 0;
  pool::GateTable said_;
  std::vector<pool::Serving> servers_;
  std::int64_t folder_ns_ = -1, folder_inode_ = -1;
  std::string last_fault_;
  std::atomic<std::uint64_t> tables_ = 0;
  std::jthread looking_;  // last: it ends first
};

}  // namespace hz::node
