// Passing a request on to another server: a gateway's side of an exchange, without sockets.
//
// Whoever serves a site decides from a request's head that it is for another server and makes a Passage for it. The
// server then carries the bytes (pass_on.h): it asks the passage where to go, tells it how each try ended, and asks
// again while nothing of an answer has reached the client. So routing, retries, breakers, quotas and metering are plain
// code that is told every fate exactly once, and the carrier knows none of them.
//
// All calls come on the I/O thread: they look things up and never wait.
#pragma once
#include <optional>

#include "base/bytes.h"
#include "base/http.h"

namespace hz::net {

// One server, and what this request looks like there.
struct Upstream {
  std::string address;  // IP address
  std::uint16_t port = 0;
  std::optional<Digest> pin = {};     // over TLS, with exactly this key; absent: in the clear
  std::string path;                   // with the query
  std::vector<http::Header> headers;  // besides the client's own, in place of those of the same name
  std::vector<http::Header> shown;    // added to the answer, in place of those of the same name
  const std::string* body = nullptr;  // in place of the client's; lives as long as the passage
  int connect_ms_max = 2'000;
  int first_byte_ms_max = 60'000;  // from the request's last byte to the answer's head
  int pause_ms_max = 60'000;       // between two pieces of the answer
};

// How one try ended. `before` means that nothing of an answer had reached the client.
enum class TryEnd : std::uint8_t {
  whole,        // the answer was sent whole
  unreachable,  // before: no connection
  closed,       // before: the upstream ended the connection
  late,         // before: no answer in time
  declined,     // before: the passage did not take the answer
  not_http,     // before: what came is not an HTTP/1.1 answer
  cut,          // within: the upstream's answer ended too early or paused too long; the client's connection is cut
  client_gone,  // the client went away or read too slowly
};

struct Tried {
  TryEnd end = TryEnd::whole;
  int status = 0;                                     // of the upstream's answer; 0 when there was none
  bool kept = false;                                  // over a connection that had served before
  std::uint64_t request_bytes = 0, answer_bytes = 0;  // bodies; what was sent to the client
  std::int64_t first_byte_us = -1;                    // -1: none came
  std::int64_t total_us = 0;
};

class Passage {
 public:
  virtual ~Passage() = default;
  // The request with its whole body, once, before the first next(). It lives as long as the passage. What has to be
  // done before the first byte goes out may be left to Site::settle_passages, which runs between the two.
  virtual void arrived(const http::Request& /*request*/) {}
  // Where to try; asked again after a try that failed before the first byte. Absent: refusal() is sent.
  virtual std::optional<Upstream> next() = 0;
  // Whether to pass on an answer of this status, or to end the try as `declined` and ask next() again.
  virtual bool takes(int /*status*/) { return true; }
  // Exactly once for each try.
  virtual void ended(const Tried& tried) = 0;
  virtual http::Response refusal() = 0;
  // The answer as it passes, for counting only. Called with every piece, before it is sent.
  virtual void saw(std::string_view /*piece*/) {}
};

}  // namespace hz::net
