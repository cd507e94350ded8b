#include "node/gateway_front.h"

#include "api/target.h"
#include "base/json.h"

namespace hz::node {
namespace {

struct Words {
  int status;
  std::string_view text, type, code;  // type and code as OpenAI's clients know them
};
constexpr Words words_of(No no) {
  switch (no) {
    case No::path:
      return {404, "there is nothing at this path", "invalid_request_error", "unknown_url"};
    case No::method:
      return {405, "this method is not for this path", "invalid_request_error", "method_not_supported"};
    case No::key:
      return {401, "a valid API key is needed: Authorization: Bearer KEY", "invalid_request_error", "invalid_api_key"};
    case No::expired:
      return {401, "the API key has expired", "invalid_request_error", "expired_api_key"};
    case No::product:
      return {404, "this model does not exist or the API key may not use it", "invalid_request_error",
              "model_not_found"};
    case No::malformed:
      return {400, "the request is malformed", "invalid_request_error", "invalid_value"};
    case No::too_large:
      return {413, "the request body is too large", "invalid_request_error", "request_too_large"};
    case No::quota:
      return {429, "the quota of the API key is used up for this minute", "rate_limit_error", "rate_limit_exceeded"};
    case No::bodies:
      return {503, "too many large requests at once", "server_error", "overloaded"};
    case No::no_server:
      return {503, "no server of this model is ready", "server_error", "no_server"};
    case No::all_failed:
      return {502, "no server of this model answered", "server_error", "bad_gateway"};
    case No::deadline:
      return {504, "no answer in time", "server_error", "timeout"};
    case No::meter:
      return {503, "requests cannot be metered now", "server_error", "unavailable"};
  }
  return {500, "internal error", "server_error", "internal"};
}

bool eat(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

// One part of a path, up to the next slash.
std::string_view eat_part(std::string_view& text) {
  const auto end = std::min(text.find('/'), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(end);
  return part;
}

// A part that cannot be decoded names nothing.
std::string product_of(std::string_view part) {
  const auto name = api::percent_decoded(part);
  return name ? product_id(*name) : std::string();
}

Call only(Call call, std::string_view method, Wish wish, std::string_view wanted) {
  const bool good = method == wanted || (wanted == "GET" && method == "HEAD");
  call.wish = good ? wish : Wish::wrong_method;
  call.allow = wanted == "GET" ? "GET, HEAD" : wanted;
  return call;
}

}  // namespace

std::string product_id(std::string_view name) {
  return name.starts_with("product:") ? std::string(name) : "product:" + std::string(name);
}

bool is_call(std::string_view path) {
  return path == "/v2" || path.starts_with("/v2/") || path == "/v1/chat/completions" || path == "/v1/embeddings" ||
         path == "/v1/models" || path.starts_with("/v1/models/");
}

std::optional<Call> read_call(const http::Request& head) {
  std::string_view path = head.path;
  if (!is_call(path)) return std::nullopt;
  const std::string_view method = head.method;
  Call call;
  if (path == "/v2" || path.starts_with("/v2/")) {
    call.front = Front::oip;
    if (path == "/v2" || path == "/v2/") return only(std::move(call), method, Wish::server, "GET");
    if (path == "/v2/health/live") return only(std::move(call), method, Wish::live, "GET");
    if (path == "/v2/health/ready") return only(std::move(call), method, Wish::ready, "GET");
    if (!eat(path, "/v2/models/")) return call;
    call.product = product_of(eat_part(path));
    const std::string_view rest = path;
    if (eat(path, "/versions/")) {
      if (eat_part(path).empty()) return call;
      call.versions = rest.substr(0, rest.size() - path.size());
    }
    if (path.empty()) return only(std::move(call), method, Wish::metadata, "GET");
    if (path == "/ready") return only(std::move(call), method, Wish::product_ready, "GET");
    if (path == "/infer") return only(std::move(call), method, Wish::infer, "POST");
    return call;
  }
  call.front = Front::openai;
  if (path == "/v1/chat/completions") return only(std::move(call), method, Wish::chat, "POST");
  if (path == "/v1/embeddings") return only(std::move(call), method, Wish::embeddings, "POST");
  if (path == "/v1/models") return only(std::move(call), method, Wish::models, "GET");
  eat(path, "/v1/models/");
  call.product = product_of(eat_part(path));
  if (path.empty()) return only(std::move(call), method, Wish::product, "GET");
  return call;
}

int status_of(No no) { return words_of(no).status; }

http::Response json_answer(int status, std::string body) {
  return {.status = status,
          .headers = {{"content-type", "application/json"}, {"cache-control", "no-store"}},
          .body = std::move(body)};
}

http::Response refuse(Front front, const Refusal& refusal) {
  const Words words = words_of(refusal.no);
  std::string message(words.text);
  if (!refusal.more.empty()) (message += ": ") += refusal.more;
  std::string body = "{\"error\":";
  if (front == Front::oip) {
    json::append_quoted(body, message);
  } else {
    body += "{\"message\":";
    json::append_quoted(body, message);
    body += fmt::format(R"(,"type":"{}","param":null,"code":"{}"}})", words.type, words.code);
  }
  body += "}";
  http::Response out = json_answer(words.status, std::move(body));
  if (words.status == 401) out.headers.push_back({"www-authenticate", "Bearer"});
  if (refusal.retry_after_s > 0) out.headers.push_back({"retry-after", std::to_string(refusal.retry_after_s)});
  if (!refusal.allow.empty()) out.headers.push_back({"allow", std::string(refusal.allow)});
  return out;
}

}  // namespace hz::node
