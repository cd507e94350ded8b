// What was used through the gateway, per key and product.
#include <algorithm>

#include "pool/gate_table.h"
#include "pool/meter_journal.h"
#include "pool/ops.h"

namespace hz::pool {
namespace {

struct MeterShow {
  std::optional<std::string> key, product;
  static constexpr auto fields() {
    return rows(row("key", &MeterShow::key, "only this key's"), row("product", &MeterShow::product, "only this one's"));
  }
};
struct MeterOut {
  std::vector<Usage> usage;
  std::vector<std::string> names;
  std::int64_t files = 0;
  std::vector<std::string> faults;
  static constexpr auto fields() {
    return rows(row("usage", &MeterOut::usage, "by key, product and lease"),
                row("names", &MeterOut::names, "names of the keys, in the order of usage"),
                row("files", &MeterOut::files, "files of the meter that were read"),
                row("faults", &MeterOut::faults, "files that are damaged: what they hold is missing above"));
  }
};

Result<MeterOut> meter_show(api::Ctx& ctx, const MeterShow& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const GateTable now = HZ_TRY(read_gate_table(*HZ_TRY(member.views()), member.id()));
  const MeterSums sums = read_meter_folder(ctx.home / "meter");
  MeterOut out;
  out.files = sums.files;
  for (const Error& fault : sums.faults) out.faults.push_back(fault.text());
  for (const Usage& u : sums.usage) {
    if ((in.key && u.key != *in.key) || (in.product && u.product != *in.product)) continue;
    const auto known = now.keys.find(u.key);
    out.usage.push_back(u);
    out.names.push_back(known != now.keys.end() ? known->second.key.name : u.lease.empty() ? "?" : "lease");
  }
  return out;
}

bool answer_is_no(const MeterOut& out) { return !out.faults.empty(); }

std::string text(const MeterOut& out, const api::Style& style) {
  std::string faults;
  for (const std::string& fault : out.faults) faults += fmt::format("{} {}\n", style.red("damaged:"), fault);
  if (out.usage.empty()) return faults + "nothing was used\n";
  std::vector<std::vector<std::string>> cells{{"key", "name", "product", "requests", "whole", "refused", "cut", "left",
                                               "died", "running", "units", "bytes in", "bytes out", "served ms"}};
  const bool leased = std::ranges::any_of(out.usage, [](const Usage& u) { return !u.lease.empty(); });
  if (leased) cells[0].push_back("lease");
  for (std::size_t i = 0; i < out.usage.size(); ++i) {
    const Usage& u = out.usage[i];
    std::vector<std::string> line{u.key, out.names[i], u.product};
    for (const std::int64_t n : {u.requests, u.whole, u.refused, u.cut, u.client_gone, u.node_died, u.running, u.units,
                                 u.request_bytes, u.answer_bytes, u.served_us / 1000})
      line.push_back(std::to_string(n));
    if (leased) line.push_back(u.lease.empty() ? "-" : u.lease);
    cells.push_back(std::move(line));
  }
  return faults + api::table(cells, style);
}

}  // namespace

std::span<const api::Op> meter_ops() {
  static const api::Op table[] = {
      api::op<&meter_show>(
          {.id = "pool.meter_show",
           .http = "GET /v1/pool/meter",
           .cli = "pool meter show",
           .may = api::May::reader,
           .doc = "Show what was used through this member's gateway, per API key, product and lease.",
           .example = "hezong pool meter show",
           .more = "Each request counts once: whole; refused by every server or before one was found; cut within its "
                   "answer; left by its client; died with the node; or running. Units are tokens for text products and "
                   "inferences for others. Exit code 3 says that a file is damaged; it is named."}),
  };
  return table;
}

}  // namespace hz::pool
