#include "net/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "net/reasons.h"

namespace hz::net {
namespace {

using Addresses = std::vector<std::string>;

// What the resolving thread and the waiting one share; the last of them frees it.
struct Lookup {
  std::mutex mutex;
  std::condition_variable_any ready;
  std::optional<Result<Addresses>> answer;
};

Result<Addresses> look_up(const std::string& host) {
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0)
    return fail(why("net.resolve"), "{}: {}", host, ::gai_strerror(code));
  Addresses out;
  for (const addrinfo* a = list; a; a = a->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      out.emplace_back(text);
  }
  ::freeaddrinfo(list);
  if (out.empty()) return fail(why("net.resolve"), "{}: no address", host);
  return out;
}

bool is_literal(const std::string& host) {
  in6_addr scratch;
  return ::inet_pton(AF_INET, host.c_str(), &scratch) == 1 || ::inet_pton(AF_INET6, host.c_str(), &scratch) == 1;
}

}  // namespace

Result<Addresses> resolve(const std::string& host, std::chrono::steady_clock::time_point deadline,
                          const std::stop_token& stop) {
  if (is_literal(host)) return Addresses{host};
  auto lookup = std::make_shared<Lookup>();
  std::thread([lookup, host] {
    auto answer = look_up(host);
    const std::scoped_lock lock(lookup->mutex);
    lookup->answer = std::move(answer);
    lookup->ready.notify_all();
  }).detach();
  std::unique_lock lock(lookup->mutex);
  lookup->ready.wait_until(lock, stop, deadline, [&] { return lookup->answer.has_value(); });
  if (lookup->answer) return *lookup->answer;
  if (stop.stop_requested()) return fail(hz::why("base.cancelled"), "while {} was looked up", host);
  return fail(why("net.deadline"), "{} was looked up", host);
}

}  // namespace hz::net
