#include "net/range.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace hz::net {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

Range parse_range(std::string_view value, std::uint64_t size) {
  const Range whole{Range::Kind::whole, 0, size};
  if (!value.starts_with("bytes=")) return whole;
  value.remove_prefix(6);
  const auto dash = value.find('-');
  if (dash == std::string_view::npos || value.find(',') != std::string_view::npos) return whole;
  const std::string_view first = value.substr(0, dash), last = value.substr(dash + 1);
  if (first.empty()) {
    const auto suffix = number(last);
    if (!suffix) return whole;
    if (*suffix == 0 || size == 0) return {Range::Kind::unsatisfiable, 0, 0};
    const std::uint64_t length = std::min(*suffix, size);
    return {Range::Kind::part, size - length, length};
  }
  const auto from = number(first);
  const auto to = last.empty() ? std::optional(UINT64_MAX) : number(last);
  if (!from || !to || *to < *from) return whole;
  if (*from >= size) return {Range::Kind::unsatisfiable, 0, 0};
  return {Range::Kind::part, *from, std::min(*to, size - 1) - *from + 1};
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  ContentRange out;
  const auto take = [&](std::string_view before, std::uint64_t& value) {
    if (!text.starts_with(before)) return false;
    text.remove_prefix(before.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  };
  if (!take("bytes ", out.first) || !take("-", out.last) || !take("/", out.total) || !text.empty()) return std::nullopt;
  if (out.first > out.last || out.last >= out.total) return std::nullopt;
  return out;
}

Range choose_range(const http::Request& request, http::Response& response) {
  if (!response.source) return {};
  const std::uint64_t size = response.source->size();
  response.headers.push_back({"accept-ranges", "bytes"});
  const std::string_view asked = http::header(request.headers, "range");
  // If-Range would need a validator; without one the whole is the right answer.
  const bool applies = response.status == 200 && request.method == "GET" && !asked.empty() &&
                       http::header(request.headers, "if-range").empty();
  const Range range = applies ? parse_range(asked, size) : Range{Range::Kind::whole, 0, size};
  if (range.kind == Range::Kind::part) {
    response.status = 206;
    response.headers.push_back(
        {"content-range", fmt::format("bytes {}-{}/{}", range.offset, range.offset + range.length - 1, size)});
  } else if (range.kind == Range::Kind::unsatisfiable) {
    response.status = 416;
    response.headers.push_back({"content-range", fmt::format("bytes */{}", size)});
    response.source = nullptr;
    response.body.clear();
  }
  return range;
}

}  // namespace hz::net
