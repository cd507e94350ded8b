#include "net/head.h"

#include <algorithm>
#include <ctime>

#include "net/reasons.h"

namespace hz::net {
namespace {

bool framing_decides(std::string_view name) {
  return name == "content-length" || name == "connection" || name == "transfer-encoding" || name == "date";
}

}  // namespace

bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u == '\t' || (u >= 0x20 && u != 0x7f);
  });
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_path(std::string_view text) {
  return text.starts_with('/') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; });
}

std::string_view status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

std::string response_head(const http::Response& response, const Framing& framing) {
  std::string out;
  out.reserve(256);
  out += fmt::format("HTTP/1.1 {} {}\r\ndate: {}\r\n", response.status, status_text(response.status), framing.date);
  for (const http::Header& h : response.headers)
    if (is_token(h.name) && is_header_value(h.value) && !framing_decides(h.name))
      ((out += h.name) += ": ") += h.value + "\r\n";
  // RFC 9110 §8.6: a 204 never carries a length.
  if (response.status != 204) out += fmt::format("content-length: {}\r\n", framing.content_length);
  out += framing.keep_alive ? "\r\n" : "connection: close\r\n\r\n";
  return out;
}

Result<std::string> request_head(const http::Request& request, const std::vector<http::Header>& more,
                                 std::string_view prefix, std::string_view authority) {
  const bool query_good =
      std::all_of(request.query.begin(), request.query.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
  if (!is_token(request.method) || !is_path(request.path) || !query_good)
    return fail(why("net.request"), "{} {}", request.method, request.path);
  std::string out;
  out += fmt::format("{} {}{}{}{} HTTP/1.1\r\n", request.method, prefix, request.path, request.query.empty() ? "" : "?",
                     request.query);
  if (http::header(request.headers, "host").empty()) out += fmt::format("host: {}\r\n", authority);
  for (const auto* list : {&request.headers, &more})
    for (const http::Header& h : *list) {
      if (!is_token(h.name) || !is_header_value(h.value)) return fail(why("net.request"), "header {}", h.name);
      if (!framing_decides(h.name)) out += fmt::format("{}: {}\r\n", h.name, h.value);
    }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
    out += fmt::format("content-length: {}\r\n", request.body.size());
  out += "\r\n";
  return out;
}

std::string imf_date(std::int64_t unix_s) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t at = unix_s;
  std::tm t{};
  ::gmtime_r(&at, &t);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
                     t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

}  // namespace hz::net
