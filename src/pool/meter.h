// The meter: what became of every request that the gateway took, as lines of a file (docs/formats/meter.md).
//
// A record only at the end would lose what ran when the node died; a record only at the start would bill what never
// came. So a request has two lines under one claim id, `begin` before its first byte goes out and `end` before its last
// one does. A begin without an end is a request that died with the node, and counts as that: once, with nothing to pay.
// Two ends of one claim cannot be; the reader refuses the file that has them.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"

namespace hz::pool {

enum class Fate : std::uint8_t { whole, refused, cut, client_gone, node_died };
std::string_view fate_text(Fate fate);

struct MeterBegin {
  std::string claim;  // 1 to 64 of [0-9a-z-]
  std::int64_t at_ms = 0;
  std::string key;      // id of the API key
  std::string product;  // "product:glyph"
};
struct MeterEnd {
  std::string claim;
  std::int64_t at_ms = 0;
  Fate fate = Fate::whole;
  int status = 0;  // HTTP, as the client got it; 0: none
  int tries = 0;
  std::string site, backend;  // of the last try; empty when there was none
  std::int64_t request_bytes = 0, answer_bytes = 0, served_us = 0;
  std::int64_t units = 0;  // what the product is metered in: tokens, or inferences
  std::string lease = {};  // of the last try's server, at owner and consumer alike; empty: none
};

// One line, with its check sum and line feed. Fields must hold no tab or line feed.
std::string meter_line(const MeterBegin& begin);
std::string meter_line(const MeterEnd& end);

struct Metered {
  MeterBegin begin;
  MeterEnd end;  // fate node_died where the file has no end
};
struct MeterFile {
  std::vector<Metered> requests;  // in order of their begin
  std::size_t good_bytes = 0;     // up to here the file is whole lines
  bool torn = false;              // what follows is a part of a line, written when the machine lost its power
};
inline constexpr std::size_t meter_line_bytes_max = 1024;
// Safe on any bytes. Errors: pool.meter (line, what): a damaged line before the last one, an end without a begin, a
// claim twice.
Result<MeterFile> read_meter(std::string_view text);

// Per key, product and lease: what a bill is made of.
struct Usage {
  std::string key, product;
  std::string lease;
  std::int64_t requests = 0, whole = 0, refused = 0, cut = 0, client_gone = 0, node_died = 0;
  std::int64_t running = 0;  // 0 out of usage_of: a file alone does not tell
  std::int64_t request_bytes = 0, answer_bytes = 0, served_us = 0, units = 0;
  static constexpr auto fields() {
    return rows(row("key", &Usage::key, "id of the API key"), row("product", &Usage::product, "product:<id>"),
                row("lease", &Usage::lease, "lease of the server that answered, or empty", or_default),
                row("requests", &Usage::requests, "requests taken, each once; the sum of the next six"),
                row("whole", &Usage::whole, "answered whole, whatever the status"),
                row("refused", &Usage::refused, "no server answered"), row("cut", &Usage::cut, "cut within the answer"),
                row("client_gone", &Usage::client_gone, "left by the client"),
                row("node_died", &Usage::node_died, "died with the node: nothing to pay"),
                row("running", &Usage::running, "not ended yet"),
                row("request_bytes", &Usage::request_bytes, "bytes of request bodies"),
                row("answer_bytes", &Usage::answer_bytes, "bytes of answer bodies"),
                row("served_us", &Usage::served_us, "microseconds served"),
                row("units", &Usage::units, "tokens of text products, inferences of others"));
  }
};
// Sorted by key, product and lease.
std::vector<Usage> usage_of(const std::vector<Metered>& requests);

}  // namespace hz::pool
