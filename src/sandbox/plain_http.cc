#include "sandbox/plain_http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "sandbox/reasons.h"

namespace hz::sandbox {
namespace {

std::optional<std::size_t> number(std::string_view text, int base = 10) {
  std::size_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc{} && rest != text.data() ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<PlainAnswer> read_plain_head(std::string_view head) {
  PlainAnswer answer;
  if (!head.starts_with("HTTP/1.")) return fail(why("sandbox.http"), "not HTTP/1");
  answer.status = static_cast<int>(number(head.substr(std::min<std::size_t>(9, head.size()), 3)).value_or(0));
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    http::Header header{std::string(line.substr(0, colon)), std::string(line.substr(colon + 1))};
    for (char& c : header.name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    header.value.erase(0, header.value.find_first_not_of(" \t"));
    answer.headers.push_back(std::move(header));
  }
  return answer;
}

Result<PlainHttp> PlainHttp::open(const std::string& address, std::uint16_t port, Deadline deadline,
                                  PlainLimits limits) {
  PlainHttp out;
  out.host_ = fmt::format("{}:{}", address, port);
  out.limits_ = limits;
  out.fd_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1)
    return fail(why("sandbox.http"), "{} is no IPv4 address", address);
  const auto refused = [&](int error) { return fail(why("sandbox.http"), "{}: {}", out.host_, std::strerror(error)); };
  if (!out.fd_) return refused(errno);
  if (::connect(out.fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    if (errno != EINPROGRESS) return refused(errno);
    HZ_TRY(out.wait(POLLOUT, deadline));
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(out.fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return refused(error);
  }
  const int on = 1;
  ::setsockopt(out.fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return out;
}

Result<std::optional<PlainAnswer>> PlainHttp::ask(std::string_view method, std::string_view target,
                                                  const std::vector<http::Header>& headers, ByteView body,
                                                  Deadline deadline) {
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", method, target, host_);
  for (const http::Header& h : headers) head += fmt::format("{}: {}\r\n", h.name, h.value);
  if (!body.empty() || method != "GET") head += fmt::format("Content-Length: {}\r\n", body.size());
  head += "\r\n";
  Bytes message;
  message.reserve(head.size() + body.size());
  put(message, as_bytes(head));
  put(message, body);
  for (std::size_t sent = 0; sent < message.size();) {
    const auto n = ::send(fd_.get(), message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
    if (n >= 0)
      sent += static_cast<std::size_t>(n);
    else if (errno == EAGAIN)
      HZ_TRY(wait(POLLOUT, deadline));
    else if (errno != EINTR)
      return std::nullopt;
  }
  buffer_.clear();
  std::size_t end = std::string_view::npos;
  while ((end = as_text(buffer_).find("\r\n\r\n")) == std::string_view::npos) {
    if (buffer_.size() > limits_.head_bytes_max)
      return fail(why("sandbox.http"), "{}: a head of more than {} bytes", host_, limits_.head_bytes_max);
    if (!HZ_TRY(more(deadline))) return std::nullopt;
  }
  PlainAnswer answer = HZ_TRY(read_plain_head(as_text(buffer_).substr(0, end)));
  if (http::header(answer.headers, "transfer-encoding") == "chunked") {
    auto whole = HZ_TRY(chunks(end + 4, deadline));
    if (!whole) return std::nullopt;
    answer.body = *std::move(whole);
    return answer;
  }
  auto length = number(http::header(answer.headers, "content-length"));
  if (answer.status == 204) length = 0;
  if (!length || *length > limits_.body_bytes_max)
    return fail(why("sandbox.http"), "{}: no Content-Length, or more than {}", host_, limits_.body_bytes_max);
  while (buffer_.size() < end + 4 + *length)
    if (!HZ_TRY(more(deadline))) return std::nullopt;
  answer.body.assign(buffer_.begin() + static_cast<std::ptrdiff_t>(end + 4),
                     buffer_.begin() + static_cast<std::ptrdiff_t>(end + 4 + *length));
  return answer;
}

// The body from `at` in chunked coding, trailers dropped.
Result<std::optional<Bytes>> PlainHttp::chunks(std::size_t at, Deadline deadline) {
  Bytes out;
  const auto line = [&]() -> Result<std::optional<std::string>> {
    for (;;) {
      const std::size_t end = as_text(buffer_).find("\r\n", at);
      if (end != std::string_view::npos) {
        std::string text(as_text(buffer_).substr(at, end - at));
        at = end + 2;
        return text;
      }
      if (buffer_.size() - at > 4096) return fail(why("sandbox.http"), "{}: a chunk without a size", host_);
      if (!HZ_TRY(more(deadline))) return std::nullopt;
    }
  };
  for (;;) {
    const auto head = HZ_TRY(line());
    if (!head) return std::nullopt;
    const auto size = number(*head, 16);
    if (!size || *size > limits_.body_bytes_max || out.size() + *size > limits_.body_bytes_max)
      return fail(why("sandbox.http"), "{}: a chunk without a size, or more than {} bytes", host_,
                  limits_.body_bytes_max);
    if (*size == 0) break;
    while (buffer_.size() < at + *size + 2)
      if (!HZ_TRY(more(deadline))) return std::nullopt;
    put(out, ByteView(buffer_).subspan(at, *size));
    at += *size + 2;
  }
  for (;;) {
    const auto trailer = HZ_TRY(line());
    if (!trailer) return std::nullopt;
    if (trailer->empty()) return out;
  }
}

Result<void> PlainHttp::wait(short what, Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  pollfd poll_fd{fd_.get(), what, 0};
  if (left <= 0 || ::poll(&poll_fd, 1, static_cast<int>(std::min<std::int64_t>(left, 1 << 30))) == 0)
    return fail(why("sandbox.timeout"), "{}: no answer in time", host_);
  return {};
}

// False at the end of the connection.
Result<bool> PlainHttp::more(Deadline deadline) {
  for (;;) {
    const std::size_t old = buffer_.size();
    buffer_.resize(old + 65536);
    const auto n = ::recv(fd_.get(), buffer_.data() + old, 65536, 0);
    buffer_.resize(old + (n > 0 ? static_cast<std::size_t>(n) : 0));
    if (n > 0) return true;
    if (n == 0) return false;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    HZ_TRY(wait(POLLIN, deadline));
  }
}

http::Exchange plain_exchange(std::string address, std::uint16_t port, std::int64_t ask_ms_max) {
  struct Line {
    std::optional<PlainHttp> open;
  };
  return [=, line = std::make_shared<Line>()](const http::Request& request) -> Result<http::Response> {
    const Deadline deadline = in_ms(ask_ms_max);
    const std::string target = request.query.empty() ? request.path : request.path + "?" + request.query;
    const bool kept = line->open.has_value();
    for (const bool again : {false, true}) {
      if (!line->open) line->open = HZ_TRY(PlainHttp::open(address, port, deadline));
      auto answer = line->open->ask(request.method, target, request.headers, as_bytes(request.body), deadline);
      const bool closed = answer && !*answer;
      const bool keep = answer && *answer && http::header((*answer)->headers, "connection") != "close" &&
                        http::header((*answer)->headers, "connection") != "Close";
      if (!keep) line->open.reset();
      if (!answer) return std::unexpected(std::move(answer).error());
      // A kept connection may have been closed while nobody looked. A reading request is asked again; one that acts is
      // not, since it may have been acted on.
      if (closed && kept && !again && request.method == "GET") continue;
      if (closed) return fail(why("sandbox.http"), "{}:{} closed the connection", address, port);
      http::Response out{.status = (*answer)->status, .headers = std::move((*answer)->headers)};
      out.body = as_text((*answer)->body);
      return out;
    }
    return fail(why("sandbox.http"), "{}:{} closed the connection", address, port);
  };
}

}  // namespace hz::sandbox
