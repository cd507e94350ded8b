// What a node answers to other nodes, and to nobody else:
//
//   /log/checkpoint, /log/tile/...        the own log
//   /mirror/<hex SHA-256 of origin>/...   logs mirrored here: how a dead member's log is read
//   /witness/add-checkpoint               cosigns heads (C2SP tlog-witness), /witness/<hash>/checkpoint
//   /artifact/<hex SHA-256>               released bytes, to whom the release gate allows (serve_artifact.h)
//   /lease/<id>, /lease/<id>/log          how a server under a lease is, to the lease's consumer (lend_out.h)
//   /keys                                 takes evidence of a caller's new keys (vouch.h); needs no proof of who asks
//
// A caller proves who it is (peer_call.h) and must be known here: by its mirrored log or its card. Whoever is not, or
// was expelled, gets the same answer as for what does not exist.
#pragma once
#include <memory>

#include "node/contact.h"

namespace hz::node {

class PeerDesk {
 public:
  // Opens own log and witness memory (witness.sqlite in the home) for reading and cosigning. `later`: know() is called
  // when the views are there. Errors: log.*, sql.*, alliance.key*.
  static Result<PeerDesk> open(alliance::Member& member, bool later = false);
  PeerDesk(PeerDesk&&) noexcept;
  PeerDesk& operator=(PeerDesk&&) noexcept;
  ~PeerDesk();

  // True for the paths above.
  static bool is_for(const http::Request& request);
  // From any thread.
  http::Response answer(const http::Request& request);
  // Who answers /lease/; absent of it: nothing for this caller. Before the first request. Errors: none.
  using Lent = std::function<std::optional<http::Response>(const http::Request& request, std::string_view caller)>;
  void lend(Lent lent);
  // Until the first call every request is answered 503, whoever asks. Takes over who is known now, which heads may be
  // cosigned, and which bytes may be given. Errors: what views() says.
  Result<void> know(alliance::Member& member);

 private:
  struct State;
  explicit PeerDesk(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hz::node
