// How nodes prove to each other who asks: one signed header per request.
//
//   hezong-peer: <origin> <POSIX seconds> <base64 Ed25519 signature>
//
// The author key signs the text below. Naming the asked log keeps a node from passing the request on as the caller's
// own; the time keeps it from being kept. Every request between nodes may be repeated without harm, so there is no
// nonce. TLS client certificates would do the same for the connection; they were left out because a reverse proxy in
// front of a node ends TLS, and a header passes it.
//
//   hezong/peer/v1 LF asked origin LF seconds LF method SP path LF SHA-256 of the body, hex LF
#pragma once
#include "alliance/authority.h"
#include "base/http.h"
#include "base/seams.h"
#include "statement/sign.h"

namespace hz::node {

inline constexpr std::int64_t peer_call_age_s_max = 300;  // either way: clocks differ
inline constexpr std::string_view peer_header = "hezong-peer";

struct PeerCall {
  std::string origin;
  std::int64_t time_s = 0;
  Bytes signature;
};

// Nothing when the header is absent or is not of this form.
std::optional<PeerCall> read_peer_call(const http::Request& request);

std::string peer_call_text(std::string_view asked, std::int64_t time_s, const http::Request& request);
void sign_peer_call(http::Request& request, std::string_view caller, std::string_view asked, std::int64_t time_s,
                    const crypto::SigningKey& author);
// An exchange whose requests carry the proof. `author` and `clock` must outlive it.
http::Exchange signing(http::Exchange exchange, std::string caller, std::string asked, const crypto::SigningKey& author,
                       Clock& clock);
[[nodiscard]] bool holds(const PeerCall& call, std::string_view asked, std::int64_t now_s, const http::Request& request,
                         const alliance::Authority& caller);

}  // namespace hz::node
