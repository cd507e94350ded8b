#include "node/giving.h"

#include "alliance/body.h"
#include "blob/store.h"
#include "sql/db.h"

namespace hz::node {
namespace {

// Stands for what is not here: judged like a real one, given to nobody.
const std::vector<Offer>& decoys() {
  static const std::vector<Offer> one{{.known = {.member = "nobody.example/log",
                                                 .statement = {},
                                                 .release = {.sha256 = std::string(64, '0'),
                                                             .name = "nothing",
                                                             .licence = "Apache-2.0",
                                                             .audience = "owner",
                                                             .control = share::Control::none}},
                                       .lineage = {}}};
  return one;
}

}  // namespace

Result<Giving> Giving::of(alliance::Member& member) {
  sql::Db& views = *HZ_TRY(member.views());
  const auto known = HZ_TRY(share::KnownReleases::read(views));
  const Origins origins = kept_origins(member.home());
  std::map<Digest, std::vector<Offer>> offers;
  for (const share::KnownRelease& one : known.all()) {
    const auto digest = parse_digest(one.release.sha256);
    if (!digest) continue;
    const auto came = origins.find(*digest);
    const bool behind = one.member == member.id() || (came != origins.end() && came->second.contains(one.member));
    if (behind && member.blobs().has(*digest)) offers[*digest].push_back({one, known.lineage(one.release)});
  }
  std::map<Digest, std::vector<SealedOffer>> sealed;
  HZ_TRY(views.query("SELECT blob, issuer, audience FROM public_alliance_sealed_blob", {}, [&](const sql::Row& r) {
    const auto digest = parse_digest(r.text(0));
    auto audience = alliance::Audience::parse(r.text(2));
    if (digest && audience && member.blobs().has(*digest)) sealed[*digest].push_back({r.text(1), *std::move(audience)});
    return true;
  }));
  return Giving(std::move(offers), HZ_TRY(alliance::membership_facts(views)), std::move(sealed));
}

Giving::Giving(std::map<Digest, std::vector<Offer>> offers, alliance::MembershipFacts facts,
               std::map<Digest, std::vector<SealedOffer>> sealed)
    : offers_(std::move(offers)), sealed_(std::move(sealed)), facts_(std::move(facts)) {}

const std::vector<Offer>* Giving::offers(const Digest& blob) const {
  const auto found = offers_.find(blob);
  return found == offers_.end() ? nullptr : &found->second;
}

Giving::Answer Giving::may_give(const Digest& blob, std::string_view caller, std::int64_t now_ms) const {
  Answer out;
  const bool member = facts_.is_member && facts_.is_member(caller);
  const std::vector<Offer>* here = offers(blob);
  for (const Offer& offer : here ? *here : decoys()) {
    out.asked.push_back(share::gate({.release = offer.known.release,
                                     .releaser = offer.known.member,
                                     .lineage = offer.lineage,
                                     .reader = caller,
                                     .facts = facts_,
                                     .now_ms = now_ms}));
    if (here && member && out.asked.back().allowed()) {
      out.given = true;
      out.offer = &offer;
      return out;
    }
  }
  static const std::vector<SealedOffer> nobodys{{"nobody.example/log", {}}};
  const auto found = sealed_.find(blob);
  for (const SealedOffer& offer : found == sealed_.end() ? nobodys : found->second)
    out.given |=
        alliance::may_read(offer.audience, offer.owner, caller, facts_, now_ms) && member && found != sealed_.end();
  return out;
}

}  // namespace hz::node
