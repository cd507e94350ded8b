#include "net/hear.h"

#include "net/head.h"

namespace hz::net {

http::Response plain(int status, std::string_view text) {
  return {.status = status,
          .headers = {{"content-type", "text/plain; charset=utf-8"}, {"cache-control", "no-store"}},
          .body = std::string(text) + "\n"};
}

Heard hear(const HeadParser& parser, const std::string& client) {
  Heard out;
  const auto& head = parser.get();
  http::Request& r = out.request;
  r.method = std::string(head.method_string());
  r.client = client;
  int hosts = 0, encodings = 0;
  r.headers.reserve(12);
  for (const auto& field : head) {
    std::string name(field.name_string());
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    hosts += name == "host";
    encodings += name == "transfer-encoding";
    r.headers.push_back({std::move(name), std::string(field.value())});
  }
  std::string_view target(head.target().data(), head.target().size());
  if (target.starts_with("http://") || target.starts_with("https://")) {  // absolute-form: its authority is the host
    target.remove_prefix(target.find("//") + 2);
    const auto end = std::min(target.find('/'), target.size());
    for (http::Header& h : r.headers)
      if (h.name == "host") h.value = target.substr(0, end);
    target.remove_prefix(end);
    if (target.empty()) target = "/";
  }
  const auto mark = std::min(target.find('?'), target.size());
  r.path = target.substr(0, mark);
  if (mark < target.size()) r.query = target.substr(mark + 1);
  const bool whole_server = r.path == "*" && r.method == "OPTIONS";

  const bool http11 = head.version() == 11;
  out.http11 = http11;
  out.keep_alive = http11 && head.keep_alive();
  const std::string_view expects = http::header(r.headers, "expect");
  out.expects_continue = http11 && beast::iequals({expects.data(), expects.size()}, "100-continue");
  const std::string coding(http::header(r.headers, "transfer-encoding"));
  if (head.version() != 10 && !http11)
    out.refused = plain(505, "HTTP/1.1 is spoken here");
  else if (hosts > 1 || (http11 && hosts == 0))
    out.refused = plain(400, "one Host header is needed");
  // Beast passes over encodings it does not know, and would take the body for the next request.
  else if (encodings > 1 || (encodings == 1 && (!http11 || !beast::iequals(coding, "chunked"))))
    out.refused = plain(400, "chunked is the only transfer encoding");
  else if (!is_path(r.path) && !whole_server)
    out.refused = plain(400, "the request target is not a path");
  else if (!expects.empty() && !out.expects_continue)
    out.refused = plain(417, "only 100-continue can be expected");
  return out;
}

}  // namespace hz::net
