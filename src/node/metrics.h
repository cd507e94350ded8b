// Counters in the text format that Prometheus reads.
#pragma once
#include <string>

#include "net/server.h"
#include "node/gateway.h"

namespace hz::node {

std::string metrics_text(const net::Counters& counters);
std::string metrics_text(const GatewayCounts& counts);

}  // namespace hz::node
