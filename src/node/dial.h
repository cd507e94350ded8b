// Real connections to other nodes: HTTP or HTTPS with the pinned key, each request signed as this member's.
#pragma once
#include <map>
#include <mutex>
#include <stop_token>

#include "net/client.h"
#include "node/contact.h"

namespace hz::node {

// Where this member's node answers now (node.json); empty when none runs.
Address running_address(const fs::path& home);

struct DialLimits {
  int total_ms_max = 20'000;  // one exchange
  std::size_t response_bytes_max = 64u << 20;
};

class Dialer {
 public:
  // Reads the author key. Errors: alliance.key*.
  static Result<Dialer> of(alliance::Member& member, std::stop_token stop = {}, DialLimits limits = {});

  // For sync_once; the dialer must outlive what it gives. Connections are kept between rounds.
  Connect connect();
  // For witnesses that are no node of the alliance: https with the system's authorities, or http.
  Reach reach();

  // Hands this applicant's card to the node that invited it. Errors: node.card_refused, net.*.
  Result<void> deliver_card(const Address& to, std::string_view card);

 private:
  Dialer(std::string origin, statement::NamedSigner author, Clock& clock, std::stop_token stop, DialLimits limits)
      : origin_(std::move(origin)),
        author_(std::move(author)),
        clock_(&clock),
        stop_(std::move(stop)),
        limits_(limits) {}
  Result<net::Client> client(const Address& to);

  std::string origin_;
  statement::NamedSigner author_;
  Clock* clock_;
  std::stop_token stop_;
  DialLimits limits_;
  std::map<std::pair<std::string, std::string>, net::Client> clients_;  // by URL and pin
};

inline constexpr std::string_view cards_path = "/cards";
inline constexpr std::size_t delivered_card_bytes_max = 256 * 1024;

}  // namespace hz::node
