#include "node/lend_out.h"

#include <algorithm>

#include "alliance/body.h"
#include "blob/store.h"
#include "crypto/hash.h"
#include "node/gateway_front.h"
#include "pool/api_key.h"
#include "pool/claim_folder.h"
#include "pool/reasons.h"
#include "share/known.h"
#include "sql/db.h"

namespace hz::node {
namespace {

constexpr std::int64_t told_ms = 86'400'000;
constexpr int answers_max = 32;                 // in one turn to sign: others wait for it
constexpr std::int64_t ready_ms_max = 300'000;  // a large model takes its time to load

// A release lets both have these bytes. Without that question a claim that names the digest of somebody's private model
// would be served by an owner that happens to have it.
Result<bool> may_both_have(sql::Db& views, const std::string& sha256, const std::string& owner,
                           const std::string& consumer, const alliance::MembershipFacts& facts, std::int64_t now_ms) {
  const auto known = HZ_TRY(share::KnownReleases::read(views));
  for (const share::KnownRelease& one : known.all()) {
    if (one.release.sha256 != sha256) continue;
    const auto may = [&](const std::string& reader) {
      return share::gate({.release = one.release,
                          .releaser = one.member,
                          .lineage = known.lineage(one.release),
                          .reader = reader,
                          .facts = facts,
                          .now_ms = now_ms})
          .allowed();
    };
    if (may(owner) && may(consumer)) return true;
  }
  return false;
}

Digest idem_of(std::string_view what, std::string_view lease) {
  return crypto::sha256({as_bytes(what), as_bytes(lease)});
}

}  // namespace

Result<bool> LendOut::has_claims(alliance::Member& member) {
  sql::Db& views = *HZ_TRY(member.views());
  const auto claims = HZ_TRY(pool::unanswered_claims(views, member.id()));
  std::set<std::string> asked;
  for (const pool::KnownClaim& one : claims) {
    const auto offer = HZ_TRY(pool::capacity_of(views, member.id(), one.claim.offer));
    if (!offer || !asked.insert(offer->site).second) continue;
    std::erase_if(at_site_, [&](const auto& there) { return there.first.first == offer->site; });
    const auto config = pool::site_config(world_.home, offer->site);
    const auto site = config ? pool::open_site(world_, *config) : std::unexpected(config.error());
    const auto devices = site ? (*site)->inventory() : std::unexpected(site.error());
    if (!devices) continue;  // then the offer alone is the limit
    for (const pool::DeviceClass& d : *devices) at_site_[{offer->site, d.device}] = d.count;
  }
  return !claims.empty();
}

Result<void> LendOut::answer_claims(alliance::Member& member) {
  int answers = 0;
  for (const pool::KnownClaim& asked : HZ_TRY(pool::unanswered_claims(*HZ_TRY(member.views()), member.id()))) {
    if (++answers > answers_max) break;
    sql::Db& views = *HZ_TRY(member.views());
    const std::int64_t now_ms = clock_.now_ms();
    const auto offer = HZ_TRY(pool::capacity_of(views, member.id(), asked.claim.offer));
    const auto facts = HZ_TRY(alliance::membership_facts(views));
    pool::Desk desk;
    desk.capacity = offer ? &*offer : nullptr;
    if (offer) {
      desk.in_audience = HZ_TRY(pool::is_meant(*offer, member.id(), asked.consumer, facts, now_ms));
      desk.place = HZ_TRY(pool::place_of(views, member.id(), offer->site));
      desk.held = HZ_TRY(pool::held_of(views, member.id(), offer->offer));
      desk.elsewhere = HZ_TRY(pool::held_elsewhere(views, member.id(), *offer));
      if (const auto there = at_site_.find({offer->site, offer->device}); there != at_site_.end())
        desk.at_site = there->second;
      const auto config = pool::site_config(world_.home, offer->site);
      desk.has_user = config && pool::lent_user(*config, asked.consumer);
    }
    pool::Lease lease = pool::admit(asked.claim, asked.consumer, desk, now_ms);
    const auto refuse = [&](const Reason& reason, std::string detail) {
      lease.refused = reason.slug;
      lease.detail = std::move(detail);
      lease.count = 0;
    };
    if (lease.granted() &&
        !HZ_TRY(may_both_have(views, asked.claim.model_sha256, member.id(), asked.consumer, facts, now_ms)))
      refuse(pool::why("pool.lease_model"), asked.claim.model_sha256);
    const std::vector<statement::Ref> refs{{"answers", asked.statement}};
    const auto answer = [&] { return alliance::draft(lease, refs, idem_of("pool.lease", lease.lease)); };
    if (lease.granted()) {
      const auto key = pool::new_key(*member.seams().rng);
      std::vector<alliance::Draft> both{answer(), alliance::draft(pool::LeaseAccess{lease.lease, key.secret}, refs,
                                                                  idem_of("pool.lease_access", lease.lease))};
      both[1].audience = HZ_TRY(alliance::Audience::parse("bilateral:" + member.id() + "," + asked.consumer));
      const auto said = member.append(both);
      if (said) continue;
      if (said.error().reason->slug != "alliance.no_box_key") return std::unexpected(said.error());
      refuse(*said.error().reason, asked.consumer);
    }
    HZ_TRY(member.append(answer()));
  }
  return {};
}

Result<std::unique_ptr<pool::SiteAdapter>> LendOut::site_for(const pool::KnownLease& lease) const {
  pool::SiteConfig config = HZ_TRY(pool::site_config(world_.home, lease.lease.site));
  const auto user = pool::lent_user(config, lease.lease.consumer);
  if (!user) return fail(pool::why("pool.lease_user"), "{}", lease.lease.consumer);
  config.user = *user;
  return pool::open_site(world_, config);
}

void LendOut::note_fault(const std::string& lease, const Error* error) {
  const std::lock_guard turn(known_turn_);
  if (error)
    faults_[lease] = error->text();
  else
    faults_.erase(lease);
}

Result<std::vector<alliance::Draft>> LendOut::end_leases(alliance::Member& member) {
  std::vector<alliance::Draft> out;
  const std::int64_t now_ms = clock_.now_ms();
  const bool first = !looked_;
  looked_ = true;
  sql::Db& views = *HZ_TRY(member.views());
  std::map<std::string, pool::KnownLease> known;
  for (pool::KnownLease& one :
       HZ_TRY(first ? pool::leases_of(views, member.id()) : pool::live_leases_of(views, member.id())))
    if (one.owner == member.id() && one.lease.granted()) known.emplace(one.lease.lease, std::move(one));
  // What has just been said to be over is looked at once more, for what began to run meanwhile, and its consumer may
  // ask for its log for a day.
  for (const auto& [id, lease] : known_) {
    if (known.contains(id)) continue;
    pool::KnownLease ended = lease;
    if (!ended.owner_ended_ms) ended.owner_ended_ms = now_ms;
    if (*ended.owner_ended_ms + told_ms > now_ms || !settled_.contains(id)) known.emplace(id, std::move(ended));
  }
  std::erase_if(settled_, [&](const std::string& id) { return !known.contains(id); });
  for (const auto& [id, lease] : known) {
    if (settled_.contains(id)) continue;
    const auto last = seen(id);
    const bool job_over = last && pool::is_over(last->observed.state);
    const bool time_over = lease.owner_ended_ms || now_ms >= lease.ends_ms + (lease.consumer_ended_ms ? goodbye_ms : 0);
    if (!time_over && !job_over) continue;
    const auto recorded = pool::ClaimFolder(world_.home / "site" / "claims" / id).request();
    if (recorded && *recorded && !job_over) {
      const std::lock_guard turn(starting_);
      const auto end_it = [&]() -> Result<void> {
        auto site = site_for(lease);
        // An account that is mapped no more still has its server ended.
        if (!site) site = pool::open_site(world_, HZ_TRY(pool::site_config(world_.home, lease.lease.site)));
        if (!site) return std::unexpected(site.error());
        HZ_TRY((*site)->cancel(id));
        HZ_TRY(see(**site, id));
        return {};
      };
      const auto done = end_it();
      note_fault(id, done ? nullptr : &done.error());
      if (!done) continue;
    }
    if (lease.owner_ended_ms) {
      settled_.insert(id);
      continue;
    }
    pool::LeaseEnd end{member.id(), id, lease.ends_ms, "its time is over"};
    if (lease.consumer_ended_ms) {
      end.ended_ms = std::max(lease.ends_ms, std::min(now_ms, lease.lease.until_ms));
      end.reason = "given up by its consumer";
    } else if (lease.recalled_ms && lease.ends_ms == *lease.recalled_ms) {
      end.reason = "recalled";
    } else if (!time_over) {
      end.ended_ms = std::clamp(last->observed.since_ms, lease.lease.from_ms, std::max(lease.lease.from_ms, now_ms));
      end.reason = last->observed.state == pool::JobState::failed ? "its server failed: " + last->observed.reason
                                                                  : "its server has ended";
    }
    out.push_back(alliance::draft(end, {{"answers", lease.statement}}, idem_of("pool.lease_end", id)));
  }
  const std::lock_guard turn(known_turn_);
  known_ = std::move(known);
  const auto gone = [this](const auto& one) { return !known_.contains(one.first); };
  std::erase_if(seen_, gone);
  std::erase_if(faults_, gone);
  return out;
}

bool LendOut::wants_servers() {
  const std::lock_guard turn(known_turn_);
  return std::ranges::any_of(known_, [&](const auto& one) { return one.second.holds(clock_.now_ms()); });
}

Result<void> LendOut::start_servers(alliance::Member& member,
                                    const std::function<Result<void>(const std::string& sha256)>& fetch,
                                    const std::function<Result<void>()>& refresh) {
  std::vector<pool::KnownLease> wanted;
  {
    const std::lock_guard turn(known_turn_);
    for (const auto& [id, lease] : known_)
      if (lease.holds(clock_.now_ms())) wanted.push_back(lease);
  }
  for (const pool::KnownLease& lease : wanted) {
    const auto started = start_one(member, lease, fetch, refresh);
    note_fault(lease.lease.lease, started ? nullptr : &started.error());
  }
  return {};
}

Result<void> LendOut::start_one(alliance::Member& member, const pool::KnownLease& lease,
                                const std::function<Result<void>(const std::string& sha256)>& fetch,
                                const std::function<Result<void>()>& refresh) {
  const std::string& id = lease.lease.lease;
  const auto last = seen(id);
  if (last && pool::is_over(last->observed.state)) return {};
  const auto site = HZ_TRY(site_for(lease));
  const auto recorded = HZ_TRY(pool::ClaimFolder(world_.home / "site" / "claims" / id).request());
  if (recorded) {
    const Seen now = HZ_TRY(see(*site, id));
    // A record whose submitter died before the start is submitted again, which starts it or finds it started.
    if (now.observed.state != pool::JobState::queued && now.observed.state != pool::JobState::starting) return {};
  }
  const Digest digest = HZ_TRY(parse_digest(lease.claim.model_sha256));
  if (!member.blobs().has(digest)) HZ_TRY(fetch(lease.claim.model_sha256));
  const std::lock_guard turn(starting_);
  // Fetching may have taken long: what holds now counts.
  HZ_TRY(refresh());
  bool holds = false;
  for (const pool::KnownLease& now : HZ_TRY(pool::live_leases_of(*HZ_TRY(member.views()), member.id())))
    holds |= now.owner == member.id() && now.lease.lease == id && now.holds(clock_.now_ms());
  if (!holds) return {};
  pool::ServerJob job;
  job.claim = id;
  job.site = lease.lease.site;
  job.product = lease.claim.product;
  job.backend = lease.claim.backend;
  job.model_sha256 = lease.claim.model_sha256;
  job.model_path = fs::absolute(member.blobs().path(digest)).string();
  job.limits = lease.claim.limits;
  job.devices = lease.lease.count;
  job.deadline_ms = system_clock().now_ms() + ready_ms_max;
  job.evidence = lease.claim.evidence;
  HZ_TRY(site->submit(job));
  HZ_TRY(see(*site, id));
  return {};
}

Result<LendOut::Seen> LendOut::see(pool::SiteAdapter& site, const std::string& lease) {
  Seen out{HZ_TRY(site.observe(lease)), {}};
  out.usage = site.usage(lease).value_or(pool::JobUsage{});
  out.usage.claim = lease;
  const std::lock_guard turn(known_turn_);
  seen_[lease] = out;
  return out;
}

std::optional<LendOut::Seen> LendOut::seen(const std::string& lease) {
  const std::lock_guard turn(known_turn_);
  const auto found = seen_.find(lease);
  return found == seen_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<http::Response> LendOut::answer(const http::Request& request, std::string_view caller) {
  if (request.method != "GET" || !request.path.starts_with(lease_prefix)) return std::nullopt;
  std::string id = request.path.substr(lease_prefix.size());
  const bool log = id.ends_with("/log");
  if (log) id.resize(id.size() - 4);
  pool::Heard heard;
  pool::KnownLease lease;
  {
    const std::lock_guard turn(known_turn_);
    const auto found = known_.find(id);
    if (found == known_.end() || found->second.lease.consumer != caller) return std::nullopt;
    lease = found->second;
    if (const auto fault = faults_.find(id); fault != faults_.end()) heard.observed.detail = fault->second;
  }
  const auto site = site_for(lease);
  if (log) {
    std::string text;
    if (site)
      if (auto end = (*site)->log(id)) text = *std::move(end);
    return http::Response{.status = 200,
                          .headers = {{"content-type", "text/plain; charset=utf-8"}, {"cache-control", "no-store"}},
                          .body = std::move(text)};
  }
  heard.lease = id;
  heard.owner = lease.owner;
  heard.at_ms = clock_.now_ms();
  heard.observed.claim = heard.usage.claim = id;
  auto last = seen(id);
  // A node that has just started has not looked yet.
  if (!last && site)
    if (auto now = see(**site, id)) last = *std::move(now);
  if (last) {
    heard.observed = std::move(last->observed);
    heard.usage = std::move(last->usage);
  }
  // Where it runs is the owner's business: it is reached through this node.
  heard.observed.address.clear();
  heard.observed.port = 0;
  heard.observed.native.clear();
  return json_answer(200, json::dump(to_json(heard)));
}

}  // namespace hz::node
