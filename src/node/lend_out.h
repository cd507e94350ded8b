// The owner's side of lent capacity: answers claims, runs the servers of its leases, ends them at their time.
//
// Nothing about a lease lives in memory only. What there is to do is read from the views (a claim without an answer, a
// lease without a server, a lease whose time is over) and from the claims' folders, and every step may be done again:
// an answer stands in the log before anything starts, a server starts under the lease's id and so once, its end is said
// when it has ended. A node that dies at any point goes on with the same three questions.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "alliance/member.h"
#include "base/http.h"
#include "pool/claims.h"
#include "pool/lending.h"

namespace hz::node {

inline constexpr std::string_view lease_prefix = "/lease/";

class LendOut {
 public:
  LendOut(pool::SiteWorld world, Clock& clock) : world_(std::move(world)), clock_(clock) {}

  // Something waits to be signed: look at it without taking a turn. Asks the sites in question what they have, so that
  // nobody who signs waits for them. Errors: what views() says.
  Result<bool> has_claims(alliance::Member& member);
  // Decides and signs every waiting claim, each in an append of its own, so that the next sees what the last took.
  Result<void> answer_claims(alliance::Member& member);

  // Ends servers whose lease is over, whoever ended it, and leases whose server is over; what has to be said is
  // returned. What cannot be ended now is tried again. A consumer that gave up keeps its server for `goodbye_ms` more,
  // so that running requests are answered.
  Result<std::vector<alliance::Draft>> end_leases(alliance::Member& member);

  // A lease holds now, as of the last end_leases().
  bool wants_servers();
  // Starts what should run and does not, with `fetch` for models that are not here. What cannot be started now is tried
  // again; the consumer hears why.
  Result<void> start_servers(alliance::Member& member,
                             const std::function<Result<void>(const std::string& sha256)>& fetch,
                             const std::function<Result<void>()>& refresh);

  // GET /lease/<id> and /lease/<id>/log. Absent: nothing for this caller, whether there is such a lease or not.
  std::optional<http::Response> answer(const http::Request& request, std::string_view caller);

 private:
  struct Seen {
    pool::Observed observed;
    pool::JobUsage usage;
  };
  Result<std::unique_ptr<pool::SiteAdapter>> site_for(const pool::KnownLease& lease) const;
  Result<void> start_one(alliance::Member& member, const pool::KnownLease& lease,
                         const std::function<Result<void>(const std::string& sha256)>& fetch,
                         const std::function<Result<void>()>& refresh);
  void note_fault(const std::string& lease, const Error* error);
  // Asks the site and remembers the answer. Errors: those of observe().
  Result<Seen> see(pool::SiteAdapter& site, const std::string& lease);
  std::optional<Seen> seen(const std::string& lease);

  const pool::SiteWorld world_;
  Clock& clock_;
  std::map<std::pair<std::string, std::string>, std::int64_t> at_site_;  // devices, by site and class; of has_claims
  std::mutex starting_;                                                  // held while a server is started or ended
  std::mutex known_turn_;
  std::map<std::string, pool::KnownLease> known_;  // granted ones of the last look, by id; under known_turn_
  std::map<std::string, std::string> faults_;      // why a server could not be started or ended; under known_turn_
  std::map<std::string, Seen> seen_;               // what its site last said of a server; under known_turn_
  // Of end_leases only.
  std::set<std::string> settled_;  // over, said so, and nothing of it runs
  bool looked_ = false;            // the first look is at all leases there ever were
};

inline constexpr std::int64_t goodbye_ms = 3'000;

}  // namespace hz::node
