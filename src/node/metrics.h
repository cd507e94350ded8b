// Counters in the text format that Prometheus reads.
#pragma once
#include <string>

#include "net/server.h"
#include "node/gateway.h"
#include "node/scrub_pass.h"

namespace hz::node {

std::string metrics_text(const net::Counters& counters);
std::string metrics_text(const GatewayCounts& counts);
std::string metrics_text(const ScrubReport& report);

}  // namespace hz::node
