// `hezong job logs`: of a job at an own site, or, asked of its owner's node, of one at another member's. Here and not
// in pool/, which is below net/.
#include "node/contact.h"
#include "node/dial.h"
#include "node/lend_out.h"
#include "node/ops.h"
#include "node/reasons.h"
#include "pool/ops.h"
#include "pool/reasons.h"
#include "pool/taken.h"

namespace hz::node {
namespace {

struct LogIn {
  std::string claim;
  static constexpr auto fields() { return rows(row("claim", &LogIn::claim, "id of the job")); }
};
struct LogOut {
  std::string claim, log;
  static constexpr auto fields() {
    return rows(row("claim", &LogOut::claim, "id of the job"), row("log", &LogOut::log, "the end of what it printed"));
  }
};

Result<std::string> log_of(alliance::Member& member, const pool::TakenRow& taken) {
  constexpr DialLimits limits{.total_ms_max = 10'000, .response_bytes_max = 1u << 20};
  for (const Contact& contact : HZ_TRY(contacts(member))) {
    if (contact.origin != taken.owner || contact.address.url.empty()) continue;
    Dialer dialer = HZ_TRY(Dialer::of(member, {}, limits));
    const http::Exchange ask = HZ_TRY(dialer.connect()(contact));
    http::Response said = HZ_TRY(ask({.path = std::string(lease_prefix) + taken.lease + "/log", .headers = {}}));
    if (said.status != 200) return fail(pool::why("pool.no_lease"), "{} at {}", taken.lease, taken.owner);
    // Another member's words on this member's screen.
    for (char& c : said.body)
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || static_cast<unsigned char>(c) >= 0x7f) c = '?';
    return std::move(said.body);
  }
  return fail(why("node.no_address"), "{}", taken.owner);
}

Result<LogOut> logs(api::Ctx& ctx, const LogIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  if (const auto taken = HZ_TRY(pool::taken(ctx, in.claim))) return LogOut{in.claim, HZ_TRY(log_of(member, *taken))};
  return LogOut{in.claim, HZ_TRY(pool::own_log(ctx, in.claim))};
}
std::string text(const LogOut& out, const api::Style&) { return out.log.empty() ? "" : out.log + "\n"; }

}  // namespace

std::span<const api::Op> job_log_ops() {
  static const api::Op table[] = {
      api::op<&logs>({.id = "pool.job_logs",
                      .http = "GET /v1/pool/jobs/{claim}/log",
                      .cli = "job logs <claim>",
                      .may = api::May::reader,
                      .fails = {"pool.no_claim", "pool.no_lease", "pool.site_config", "node.no_address"},
                      .doc = "The end of what a job printed, at an own site or at another member's.",
                      .example = "hezong job logs job-0c1d2e3f4a5b",
                      .more =
                          "A job at another member's site is asked for at that member's node, which tells it to the "
                          "lease's consumer and to nobody else.",
                      .local = true}),
  };
  return table;
}

}  // namespace hz::node
