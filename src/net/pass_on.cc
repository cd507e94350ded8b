#include "net/pass_on.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace hz::net {
namespace {

// RFC 9110 §7.6.1: what belongs to one connection and not to the message.
bool of_connection(std::string_view name) {
  static constexpr std::string_view names[] = {
      "connection",         "keep-alive", "proxy-authenticate", "te",     "trailer",
      "transfer-encoding",  "upgrade",    "proxy-connection",   "expect", "content-length",
      "proxy-authorization"};
  return std::ranges::find(names, name) != std::end(names);
}

bool named(const std::vector<http::Header>& headers, std::string_view name) {
  return std::ranges::any_of(headers, [&](const http::Header& h) { return h.name == name; });
}

void add(std::string& out, const http::Header& h) { (((out += h.name) += ": ") += h.value) += "\r\n"; }
// Of headers that no parser has looked at.
void add_if_good(std::string& out, const http::Header& h) {
  if (is_token(h.name) && is_header_value(h.value)) add(out, h);
}

void add_number(std::string& out, std::uint64_t n) {
  std::array<char, 20> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr);
}

}  // namespace

std::string upstream_head(const http::Request& request, const Upstream& to) {
  std::string out;
  out.reserve(512);
  ((out += request.method) += ' ') += to.path;
  const bool six = to.address.find(':') != std::string::npos;
  ((out += " HTTP/1.1\r\nhost: ") += six ? "[" : "") += to.address;
  add_number(out += six ? "]:" : ":", to.port);
  out += "\r\n";
  for (const http::Header& h : request.headers) {
    // The client's key is for this gateway; its browser's cookies are for nobody.
    if (h.name == "host" || h.name == "authorization" || h.name == "cookie" || of_connection(h.name)) continue;
    if (!named(to.headers, h.name)) add(out, h);
  }
  for (const http::Header& h : to.headers) add_if_good(out, h);
  const std::string& body = to.body ? *to.body : request.body;
  if (!body.empty() || request.method == "POST" || request.method == "PUT") {
    add_number(out += "content-length: ", body.size());
    out += "\r\n";
  }
  out += "\r\n";
  return out;
}

std::string_view chunk_size_line(std::array<char, 18>& digits, std::size_t bytes) {
  char* const end = std::to_chars(digits.data(), digits.data() + 16, bytes, 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  return {digits.data(), static_cast<std::size_t>(end + 2 - digits.data())};
}

AnswerHead read_answer_head(AnswerParser& parser, const Upstream& from, bool head_only, bool chunks_understood) {
  AnswerHead out;
  out.status = static_cast<int>(parser.get().result_int());
  out.fields.reserve(256);
  for (const auto& field : parser.get()) {
    const std::size_t at = out.fields.size();
    for (const char c : field.name_string()) out.fields += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const std::string_view name = std::string_view(out.fields).substr(at);
    if (of_connection(name) || name == "date" || named(from.shown, name))
      out.fields.resize(at);
    else
      ((out.fields += ": ") += field.value()) += "\r\n";
  }
  const auto length = parser.content_length();
  if (head_only || out.status == 204 || out.status == 304) {
    // The length a HEAD or 304 states is of a body that does not come.
    if (length && out.status != 204) {
      add_number(out.fields += "content-length: ", *length);
      out.fields += "\r\n";
    }
  } else if (length) {
    out.frame = AnswerFrame::length;
    out.length = *length;
  } else {
    out.frame = chunks_understood ? AnswerFrame::chunked : AnswerFrame::to_end;
  }
  return out;
}

std::string answer_head(const AnswerHead& head, const Upstream& from, bool keep_alive, std::string_view date) {
  std::string out;
  out.reserve(512);
  add_number(out += "HTTP/1.1 ", static_cast<std::uint64_t>(head.status));
  (((((out += ' ') += status_text(head.status)) += "\r\ndate: ") += date) += "\r\n");
  out += head.fields;
  for (const http::Header& h : from.shown) add_if_good(out, h);
  if (head.frame == AnswerFrame::length) {
    add_number(out += "content-length: ", head.length);
    out += "\r\n";
  }
  if (head.frame == AnswerFrame::chunked) out += "transfer-encoding: chunked\r\n";
  out += keep_alive ? "\r\n" : "connection: close\r\n\r\n";
  return out;
}

}  // namespace hz::net
