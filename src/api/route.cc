#include "api/route.h"

#include <algorithm>

#include "api/reasons.h"
#include "api/route_input.h"
#include "api/target.h"
#include "crypto/hash.h"

namespace hz::api {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::vector<http::Header> answer_headers(std::string_view media) {
  return {{"content-type", std::string(media)}, {"cache-control", "no-store"}, {"x-content-type-options", "nosniff"}};
}

// HTTP has words of its own for these; every other reason has the status of its class.
int status_of(const Reason& reason) {
  if (reason.slug == "api.token") return 401;
  if (reason.slug == "api.method") return 405;
  if (reason.slug == "api.media") return 415;
  return http_status(reason.code);
}

// For messages: visible ASCII only, whatever a client sent.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out;
}

bool is_placeholder(std::string_view segment) { return segment.starts_with('{'); }

// "127.0.0.1:80" -> "127.0.0.1"; "[::1]:80" -> "[::1]".
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, std::min(authority.find(']') + 1, authority.size()));
  return authority.substr(0, std::min(authority.find(':'), authority.size()));
}

bool is_own_host(const Gate& gate, std::string_view authority) {
  const std::string host = lower(host_of(authority));
  if (host.empty()) return false;
  if (host.starts_with('[') && host.find_first_not_of("0123456789abcdef:.[]") == std::string::npos) return true;
  // Browsers read all-digit names as addresses, so no web page can have one as its name.
  const bool address = host.find_first_not_of("0123456789.") == std::string::npos;
  return address || host == "localhost" || gate.names.contains(host);
}

http::Response no_token() {
  http::Response out = error_response(Error{&why("api.token"), "this address answers the operator only"});
  out.headers.push_back({"www-authenticate", "Bearer realm=\"hezong\""});
  return out;
}

}  // namespace

std::optional<http::Response> foreign(const Gate& gate, const http::Request& request) {
  const std::string_view host = http::header(request.headers, "host");
  const auto refuse = [](std::string_view because) {
    return error_response(Error{&why("api.foreign"), std::string(because)});
  };
  if (!is_own_host(gate, host)) return refuse("the Host header is not a name of this node");
  const std::string_view origin = http::header(request.headers, "origin");
  if (!origin.empty()) {
    const auto slashes = origin.find("://");
    if (slashes == std::string_view::npos || lower(origin.substr(slashes + 3)) != lower(host))
      return refuse("the Origin header names another site");
  }
  const std::string_view site = http::header(request.headers, "sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none") return refuse("the request comes from another site");
  return std::nullopt;
}

bool has_token(const Gate& gate, const http::Request& request) {
  std::string_view given = http::header(request.headers, "authorization");
  if (given.size() > 1024 || lower(given.substr(0, 7)) != "bearer ") return false;
  const Digest digest = crypto::sha256(as_bytes(given.substr(7)));
  unsigned difference = 0;
  for (std::size_t i = 0; i < digest.size(); ++i) difference |= digest[i] ^ gate.token_digest[i];
  return difference == 0;
}

bool is_open(const Op& op) { return op.may == May::anyone && !op.local; }

http::Response error_response(const Error& error) {
  const Reason& r = *error.reason;
  json::Value body, root;
  body.set("reason", r.slug).set("what", r.what).set("detail", error.detail).set("next", r.next);
  root.set("error", std::move(body));
  http::Response out{
      .status = status_of(r), .headers = answer_headers("application/json"), .body = json::dump(root) + "\n"};
  if (r.code == Code::unavailable) out.headers.push_back({"retry-after", "1"});
  return out;
}

Routes::Routes(std::span<const Op* const> ops) {
  for (const Op* op : ops) {
    if (op->http.empty()) continue;
    const auto space = op->http.find(' ');
    Route route{op, op->http.substr(0, space), {}};
    for (std::string_view rest = op->http.substr(space + 1); !rest.empty();) {
      rest.remove_prefix(1);
      const auto end = std::min(rest.find('/'), rest.size());
      route.segments.push_back(rest.substr(0, end));
      rest.remove_prefix(end);
    }
    routes_.push_back(std::move(route));
  }
  // A literal part wins over a placeholder wherever both fit.
  const auto order = [](const Route& route) {
    return std::pair(std::count_if(route.segments.begin(), route.segments.end(), is_placeholder), route.op->id);
  };
  std::sort(routes_.begin(), routes_.end(), [&](const Route& a, const Route& b) { return order(a) < order(b); });
}

std::vector<const Routes::Route*> Routes::fitting(const std::vector<std::string>& segments, bool open_only) const {
  std::vector<const Route*> out;
  for (const Route& route : routes_) {
    if (open_only && !is_open(*route.op)) continue;
    const bool fits = std::equal(route.segments.begin(), route.segments.end(), segments.begin(), segments.end(),
                                 [](std::string_view p, const std::string& s) { return is_placeholder(p) || p == s; });
    if (fits) out.push_back(&route);
  }
  return out;
}

http::Response Routes::answer(const Gate& gate, const http::Request& request, const Call& call) const {
  if (auto refused = foreign(gate, request)) return *std::move(refused);
  const bool operating = has_token(gate, request);
  const auto segments = path_segments(request.path);
  const auto routes = segments ? fitting(*segments, !operating) : std::vector<const Route*>();
  if (routes.empty()) {
    if (!operating) return no_token();
    return error_response(segments ? Error{&why("api.no_route"), shown(request.path)} : segments.error());
  }
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
  const auto found = std::find_if(routes.begin(), routes.end(), [&](const Route* r) { return r->method == method; });
  if (found == routes.end()) {
    std::set<std::string_view> methods{"OPTIONS"};
    for (const Route* r : routes) {
      methods.insert(r->method);
      if (r->method == "GET") methods.insert("HEAD");
    }
    std::string allow;
    for (const std::string_view m : methods) (allow += allow.empty() ? "" : ", ") += m;
    http::Response out{.status = 204};
    if (method != "OPTIONS")
      out = error_response(Error{&why("api.method"), shown(request.method + " " + request.path)});
    out.headers.push_back({"allow", allow});
    return out;
  }
  const Route& route = **found;
  std::vector<PathField> path;
  for (std::size_t i = 0; i < route.segments.size(); ++i)
    if (is_placeholder(route.segments[i]))
      path.push_back({route.segments[i].substr(1, route.segments[i].size() - 2), (*segments)[i]});
  const auto in = route_input(*route.op, request, path);
  if (!in) return error_response(in.error());
  const auto answer = call(*route.op, *in);
  if (!answer) return error_response(answer.error());
  const bool as_text = http::header(request.headers, "accept") == "text/plain";
  http::Response out{.headers = answer_headers(as_text ? "text/plain; charset=utf-8" : "application/json"),
                     .body = as_text ? answer->text : json::dump(answer->json) + "\n"};
  out.headers.push_back({"hezong-answer", answer->is_no ? "no" : "yes"});
  return out;
}

}  // namespace hz::api
