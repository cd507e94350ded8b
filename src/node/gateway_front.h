// The two protocols that products are called in, as far as the gateway has to know them: which path is what, and how
// each says no. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/http.h"

namespace hz::node {

enum class Front : std::uint8_t { oip, openai };
enum class Wish : std::uint8_t {
  live,
  ready,          // the gateway itself
  server,         // metadata of the gateway
  models,         // OpenAI: products of this key
  product,        // OpenAI: one of them
  product_ready,  // OIP: one of them
  metadata,       // OIP: passed on
  infer,          // passed on: one unit
  chat,
  embeddings,    // passed on, the product is in the body
  unknown_path,  // within the gateway's paths, and nothing there
  wrong_method,
};

struct Call {
  Front front = Front::oip;
  Wish wish = Wish::unknown_path;
  std::string product;        // "product:glyph", decoded; where the path names one
  std::string_view versions;  // "/versions/1" or ""; a view into the head's path
  std::string_view allow;     // with wrong_method
};
// The path is the gateway's.
bool is_call(std::string_view path);
// Nothing when it is not.
std::optional<Call> read_call(const http::Request& head);
// "glyph" and "product:glyph" name the same product.
std::string product_id(std::string_view name);

// Every way to say no, with what the client may do about it.
enum class No : std::uint8_t {
  path,        // 404
  method,      // 405
  key,         // 401: none, unknown, revoked
  expired,     // 401
  product,     // 404: unknown, or not for this key: nobody can tell which
  malformed,   // 400
  too_large,   // 413
  quota,       // 429
  bodies,      // 503: too many bytes of requests are held already
  no_server,   // 503: no server of the product runs, or all have just failed
  all_failed,  // 502: every server that was tried failed
  deadline,    // 504
  meter,       // 503: cannot be metered
};
struct Refusal {
  No no = No::path;
  std::string more = {};           // shown to the client; never what the client may not know
  std::int64_t retry_after_s = 0;  // 0: not said
  std::string_view allow = {};
};
int status_of(No no);
http::Response refuse(Front front, const Refusal& refusal);

http::Response json_answer(int status, std::string body);

}  // namespace hz::node
