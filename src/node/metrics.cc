#include "node/metrics.h"

#include <fmt/format.h>

namespace hz::node {

std::string metrics_text(const net::Counters& c) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
    out += fmt::format("# HELP hezong_http_{0} {1}\n# TYPE hezong_http_{0} {2}\nhezong_http_{0} {3}\n", name, help,
                       type, value);
  };
  add("connections_total", "counter", "Connections accepted.", c.accepted);
  add("connections_refused_total", "counter", "Connections there was no room for.", c.refused);
  add("connections_open", "gauge", "Connections open now.", c.open);
  add("requests_total", "counter", "Requests whose head arrived.", c.requests);
  add("requests_waiting", "gauge", "Requests that wait for a worker now.", c.waiting);
  add("busy_total", "counter", "Requests answered 503 because every worker was busy.", c.busy);
  add("malformed_total", "counter", "Requests that were not HTTP.", c.malformed);
  add("deadlines_total", "counter", "Connections cut at a deadline.", c.deadlines);
  add("tls_failures_total", "counter", "TLS handshakes that failed.", c.tls_failures);
  add("sent_bytes_total", "counter", "Bytes of answers sent.", c.bytes_out);
  out += "# HELP hezong_http_answers_total Answers by class of status.\n# TYPE hezong_http_answers_total counter\n";
  for (std::size_t i = 1; i < c.by_class.size(); ++i)
    out += fmt::format("hezong_http_answers_total{{class=\"{}xx\"}} {}\n", i, c.by_class[i]);
  return out;
}

std::string metrics_text(const GatewayCounts& c) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out += fmt::format("# HELP hezong_gateway_{0} {1}\n# TYPE hezong_gateway_{0} counter\nhezong_gateway_{0} {2}\n",
                       name, help, value);
  };
  add("requests_total", "Requests with a good key that were taken.", c.taken);
  add("whole_total", "Requests answered whole.", c.whole);
  add("refused_total", "Requests that no server answered.", c.refused);
  add("cut_total", "Answers cut within.", c.cut);
  add("client_gone_total", "Requests left by their client.", c.client_gone);
  add("no_key_total", "Requests without a good key.", c.no_key);
  add("no_product_total", "Requests for a product that is not there for their key.", c.no_product);
  add("over_quota_total", "Requests beyond the quota of their key.", c.over_quota);
  add("retries_total", "Tries after the first.", c.retries);
  add("breakers_opened_total", "Times that a server was left alone after failures.", c.open);
  return out;
}

std::string metrics_text(const ScrubReport& report) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help, std::int64_t value) {
    out += fmt::format("# HELP hezong_scrub_{0} {1}\n# TYPE hezong_scrub_{0} {2}\nhezong_scrub_{0} {3}\n", name, help,
                       type, value);
  };
  add("ended_seconds", "gauge", "When everything stored was read last, seconds since 1970; 0: never.",
      report.last ? report.last->ended_ms / 1000 : 0);
  add("damage", "gauge", "Stored objects that are damaged and not repaired.",
      static_cast<std::int64_t>(report.damage().size()));
  add("views_compared", "gauge", "Statements that the views were held against in the newest whole pass.",
      report.last && report.last->views ? report.last->views->statements : 0);
  add("views_replaced_total", "counter", "Times that the views were not what the logs say and were replaced.",
      report.views_replaced);
  return out;
}

}  // namespace hz::node
