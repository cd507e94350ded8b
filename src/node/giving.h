// Which blobs this node gives to which other node: the one rule behind /artifact/.
//
// A snapshot of what the views and the member's folder say, taken after each round and each request that signs. So an
// expulsion or a narrower release counts here one round after it is known. The gate is asked anew for every answer.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "alliance/member.h"
#include "node/fetched.h"
#include "share/known.h"

namespace hz::node {

// One release under which bytes that are here may leave.
struct Offer {
  share::KnownRelease known;
  share::Lineage lineage;
};

// A sealed body whose blob is here: for whom its author says it is.
struct SealedOffer {
  std::string owner;
  alliance::Audience audience;
};

class Giving {
 public:
  Giving() = default;
  // Errors: what views() says. Cost: linear in the known releases.
  static Result<Giving> of(alliance::Member& member);
  Giving(std::map<Digest, std::vector<Offer>> offers, alliance::MembershipFacts facts,
         std::map<Digest, std::vector<SealedOffer>> sealed = {});

  struct Answer {
    bool given = false;
    const Offer* offer = nullptr;       // under which it is given; null where no release is behind it
    std::vector<share::Verdict> asked;  // of each offer up to that one, in order
  };
  // The rule. A caller must be a member now, whatever the class of the audience; what is public is given to outsiders
  // by other means. Further kinds of blobs that nodes may give each other get their clause here and nowhere else. It
  // does the same kind of work for every digest and caller, so that its time tells little.
  Answer may_give(const Digest& blob, std::string_view caller, std::int64_t now_ms) const;

  const std::vector<Offer>* offers(const Digest& blob) const;

 private:
  std::map<Digest, std::vector<Offer>> offers_;
  std::map<Digest, std::vector<SealedOffer>> sealed_;
  alliance::MembershipFacts facts_;
};

}  // namespace hz::node
