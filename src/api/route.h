// HTTP requests to Op rows: the `http` pattern of each row, its input, its answer. No sockets.
//
//   GET  /v1/log/{id}?limit=5   path parts and query parameters are the input's fields
//   POST /v1/drill/what-if      the body is the input, a JSON object; path parts are added to it
//
// The answer is the output as JSON, with the header `hezong-answer: yes` or `no` (the exit codes 0 and 3 of the command
// line); with `accept: text/plain` it is the text for people. An error is {"error":{reason,what,detail,next}} with the
// status of its class. docs/formats/http_api.md is the whole contract.
//
// Order matters for what a stranger can learn. Host and origin are looked at first, then the token; without a good
// token only open rows exist, and everything else, known or not, gets one and the same 401. Nothing of the member is
// read before that.
#pragma once
#include <functional>
#include <set>

#include "api/op.h"
#include "base/bytes.h"
#include "base/http.h"

namespace hz::api {

// Who may ask.
struct Gate {
  Digest token_digest;          // SHA-256 of the operator's token
  std::set<std::string> names;  // host names this node is called by, lower case; addresses and localhost always pass
};

// Nothing when the request is no trick of a foreign web page: Host is an address, localhost or one of the names (DNS
// rebinding needs a name), Origin and Sec-Fetch-Site are absent or our own. Else the refusal.
std::optional<http::Response> foreign(const Gate& gate, const http::Request& request);
// The request carries the operator's token. Takes the same time for every wrong one.
bool has_token(const Gate& gate, const http::Request& request);

// Open rows need no token: they read nothing of the member and name nothing on this machine.
bool is_open(const Op& op);

http::Response error_response(const Error& error);

class Routes {
 public:
  // Rows without an `http` pattern are commands only.
  explicit Routes(std::span<const Op* const> ops);

  // Calls the row; locks and contexts are the caller's. Runs on any thread.
  using Call = std::function<Result<Answer>(const Op&, const json::Value& in)>;
  // The whole of the above for one request.
  http::Response answer(const Gate& gate, const http::Request& request, const Call& call) const;

 private:
  struct Route {
    const Op* op;
    std::string_view method;
    std::vector<std::string_view> segments;  // "{id}" takes any
  };
  // Routes whose pattern fits, fewest placeholders first, among the open ones or all.
  std::vector<const Route*> fitting(const std::vector<std::string>& segments, bool open_only) const;

  std::vector<Route> routes_;
};

}  // namespace hz::api
