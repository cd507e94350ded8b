// Whom this node talks to: every log with a card or an admission that names where its node answers.
//
// A contact's keys come from evidence only: from its mirrored log, else from its card, else from the genesis statement
// that its node shows, when the root fingerprint is the one it was admitted with.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "alliance/authority.h"
#include "alliance/member.h"
#include "base/http.h"

namespace hz::node {

// Where a node answers. Not signed by anybody: a wrong one leads to a node that cannot show the log.
struct Address {
  std::string url;
  std::string pin;  // SHA-256 of its certificate's key, hex; "" without TLS
  bool operator==(const Address&) const = default;
};

struct Contact {
  std::string origin;
  std::string name;   // "" while unknown
  std::string state;  // its standing, "stranger" without one
  Address address;
  std::string root_fingerprint;
  std::optional<alliance::Authority> authority;  // absent: no evidence of its keys is here yet
  std::uint64_t mirrored = 0;                    // `authority` was read from so many statements of its mirrored log
};

// Opens an exchange with a contact's node. The implementation holds deadlines and proves who asks (peer_call.h);
// nothing is sent yet.
using Connect = std::function<Result<http::Exchange>(const Contact&)>;

// The same with a witness that is no node, at its submission prefix (C2SP tlog-witness); nothing says who asks.
using Reach = std::function<Result<http::Exchange>(const std::string& url)>;

// Everyone but this member itself, by origin. Errors: what views() says.
Result<std::vector<Contact>> contacts(alliance::Member& member);

// A place that serves a log: its own node at "/log", or a mirror of it at "/mirror/<hash>".
struct LogServer {
  http::Exchange exchange;
  std::string prefix;
};
std::string mirror_prefix(std::string_view origin);

// Asks a server of the contact's log for its genesis statement. Errors: alliance.other_root when its root keys are not
// those it was admitted with, log.fetch, alliance.genesis, and the exchange's.
Result<alliance::Authority> fetch_authority(const Contact& contact, const LogServer& server);

// The key that checks heads of this size, as the log code takes it; nullopt when none speaks.
std::optional<log::NoteKey> log_key(const alliance::Authority& authority, std::uint64_t size = alliance::no_end - 1);
std::optional<log::NoteKey> witness_key(const alliance::Authority& authority);

}  // namespace hz::node
