// While a node runs, its sites are looked at all the time: what became ready is served, what died is served no more,
// and a node that was restarted finds its servers again.
#pragma once
#include <thread>

#include "pool/claims.h"

namespace hz::node {

class SiteWatch {
 public:
  // Looks every `pause_ms`. What cannot be observed is said on stderr, once until it changes.
  SiteWatch(pool::SiteWorld world, int pause_ms);

 private:
  std::jthread watching_;
};

}  // namespace hz::node
