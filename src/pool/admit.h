// The owner's rule: whether a claim becomes a lease. Pure; the clock's reading and what the views say are passed in.
//
// A counter of free devices would be wrong as soon as two windows overlap in part: so what counts is the most that is
// held at any moment of the wanted window, and a claim is admitted when that and itself fit into the offer.
#pragma once
#include "pool/lease.h"

namespace hz::pool {

// Where a server would run and who would have its data. `unknown` is in no list.
struct Place {
  std::string member, site, entity = "unknown";
  std::string jurisdiction = "unknown";           // of the site, as its owner says
  std::string operator_jurisdiction = "unknown";  // of the entity that runs it, else of the member's node
  std::vector<std::string> backends;              // that can run there
};
// The claim lets its model and its requests be there. Consumers ask it before they claim, owners before they admit.
// Errors: pool.place_jurisdiction, pool.place_data.
Result<void> may_be_at(const Claim& claim, const Place& place);

// A granted lease of the same offer, until it ends.
struct Held {
  std::string consumer;
  std::int64_t count = 0, from_ms = 0, ends_ms = 0;
};
// The most devices held at one moment of [from_ms, until_ms); of one consumer when it is named.
std::int64_t held_at_most(const std::vector<Held>& held, std::int64_t from_ms, std::int64_t until_ms,
                          std::string_view consumer = {});

struct Desk {
  const Capacity* capacity = nullptr;  // the offer as it stands now; null: there is none
  Place place;
  bool in_audience = false;          // the consumer is a member now, and the offer is for it
  bool has_user = false;             // the owner maps it to a local account
  std::vector<Held> held = {};       // leases of the offer
  std::vector<Held> elsewhere = {};  // of other offers of the same devices at the same site
  std::int64_t at_site = 0;          // how many of these devices the site has; 0: its adapter did not say
};
// The lease for this claim: granted, or refused with its reason. Everything but `refused` and `detail` is filled in
// either case as far as it is known. Reasons: pool.offer_gone, pool.offer_audience, pool.offer_window,
// pool.offer_backend, pool.job_limits, pool.offer_taken, pool.offer_quota, pool.lease_user, and those of may_be_at().
Lease admit(const Claim& claim, std::string_view consumer, const Desk& desk, std::int64_t now_ms);

}  // namespace hz::pool
