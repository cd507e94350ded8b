// One HTTP exchange as values: what a server is asked and what it answers, without sockets.
//
// Protocols (tiles, witness, operation routes) are functions from Request to Response. net/ carries them over TCP and
// TLS; the simulation carries them through memory and loses, repeats and delays them. Both run the same code.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hz::http {

struct Header {
  std::string name;  // lower case
  std::string value;
  bool operator==(const Header&) const = default;
};

struct Request {
  std::string method = "GET";
  std::string path = "/";  // as sent, percent-encoding kept; starts with '/', never holds '?'
  std::string query = {};  // what follows '?', "" without one
  std::vector<Header> headers = {};
  std::string body = {};
  std::string client = {};  // the other end's address, for limits and messages; never an identity
};

// Bytes that are read piece by piece while they are sent: a large file. Used by one thread at a time.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::uint64_t size() const = 0;
  // Fills all of `out` from `offset`; the caller stays within size().
  virtual Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) = 0;
};

struct Response {
  int status = 200;
  std::vector<Header> headers = {};
  std::string body = {};
  std::shared_ptr<Source> source = {};  // instead of body; a carrier serves ranges of it where it was asked to
};

// Takes a request body piece by piece as it arrives: an upload. Used by one thread at a time; destroyed without
// finish() when the body did not arrive whole.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual Result<void> write(std::span<const std::uint8_t> bytes) = 0;
  virtual Response finish() = 0;
};

// The value of the first header of that name (lower case), or "".
inline std::string_view header(const std::vector<Header>& headers, std::string_view name) {
  for (const Header& h : headers)
    if (h.name == name) return h.value;
  return {};
}

// Asks one fixed peer. The implementation holds the deadline; errors are of the transport only, a status is an answer.
using Exchange = std::function<Result<Response>(const Request&)>;

}  // namespace hz::http
