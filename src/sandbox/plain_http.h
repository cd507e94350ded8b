// HTTP/1.1 without TLS over one kept connection, blocking: for servers that this member started itself, and for
// controllers on its own network. What the outside is asked goes through net/.
#pragma once

#include "base/bytes.h"
#include "base/http.h"
#include "sandbox/process.h"

namespace hz::sandbox {

struct PlainAnswer {
  int status = 0;
  std::vector<http::Header> headers;
  Bytes body;
};

// Status and headers of an answer, up to its empty line; names in lower case. Safe on any bytes. Errors: sandbox.http.
Result<PlainAnswer> read_plain_head(std::string_view head);

struct PlainLimits {
  std::size_t head_bytes_max = 64u << 10, body_bytes_max = 512u << 20;
};

class PlainHttp {
 public:
  // An IPv4 address. Errors: sandbox.http (address, errno text), sandbox.timeout.
  static Result<PlainHttp> open(const std::string& address, std::uint16_t port, Deadline deadline,
                                PlainLimits limits = {});

  // `headers` beside Host and Content-Length. nullopt: the server closed the connection before it answered whole.
  // After that, and after any error, this object is of no use. Errors: sandbox.http (no HTTP, over a limit),
  // sandbox.timeout.
  Result<std::optional<PlainAnswer>> ask(std::string_view method, std::string_view target,
                                         const std::vector<http::Header>& headers, ByteView body, Deadline deadline);

 private:
  Result<void> wait(short what, Deadline deadline);
  Result<bool> more(Deadline deadline);
  Result<std::optional<Bytes>> chunks(std::size_t at, Deadline deadline);
  std::string host_;
  PlainLimits limits_;
  Fd fd_;
  Bytes buffer_;
};

// An exchange with one server that connects when it must: again after the server closed the connection while it was
// idle, never after a request of which a byte may have been read. `ask_ms_max` bounds each. Not thread-safe.
http::Exchange plain_exchange(std::string address, std::uint16_t port, std::int64_t ask_ms_max);

}  // namespace hz::sandbox
