#include "pool/lending.h"

#include "pool/claim_folder.h"
#include "pool/reasons.h"
#include "pool/rules.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// The columns that claim_from() reads.
constexpr std::string_view claim_columns =
    "c.claim, c.owner, c.offer, c.product, c.backend, c.model_sha256, c.memory_bytes_max, c.pids_max, c.wall_ms_max, "
    "c.count, c.from_ms, c.until_ms, c.jurisdictions, c.data_at, c.evidence";
constexpr int claim_columns_count = 15;
Claim claim_from(const sql::Row& r, int at) {
  return {r.text(at),
          r.text(at + 1),
          r.text(at + 2),
          r.text(at + 3),
          r.text(at + 4),
          r.text(at + 5),
          {r.integer(at + 6), r.integer(at + 7), r.integer(at + 8)},
          r.integer(at + 9),
          r.integer(at + 10),
          r.integer(at + 11),
          words(r.text_view(at + 12)),
          words(r.text_view(at + 13)),
          r.text(at + 14)};
}

std::optional<std::int64_t> maybe(const sql::Row& r, int at) {
  return r.is_null(at) ? std::nullopt : std::optional(r.integer(at));
}

constexpr std::string_view capacity_columns =
    "offer, site, device, count, count_per_consumer_max, per_device_hour, per_million_tokens, per_million_inferences, "
    "audience, from_ms, until_ms, recall_notice_ms, statement, member, memory_bytes_max, pids_max, wall_ms_max";
Capacity capacity_from(const sql::Row& r) {
  return {r.text(0),
          r.text(1),
          r.text(2),
          r.integer(3),
          r.integer(4),
          {r.integer(5), r.integer(6), r.integer(7)},
          r.text(8),
          r.integer(9),
          r.integer(10),
          r.integer(11),
          {r.integer(14), r.integer(15), r.integer(16)}};
}

fs::path heard_path(const fs::path& home, const std::string& claim) { return home / "taken" / (claim + ".json"); }
constexpr std::size_t heard_bytes_max = 256u << 10;

}  // namespace

Result<std::vector<KnownClaim>> unanswered_claims(sql::Db& views, const std::string& owner) {
  static const std::string query =
      "SELECT c.member, c.statement, " + std::string(claim_columns) +
      " FROM pool_claim c WHERE c.owner = ?1"
      " AND NOT EXISTS (SELECT 1 FROM pool_lease l WHERE l.member = ?1 AND l.lease = c.lease)"
      " AND NOT EXISTS (SELECT 1 FROM pool_lease_end e WHERE e.member = c.member AND e.owner = ?1 AND e.lease = "
      "c.lease)"
      " ORDER BY c.member, c.claim";
  std::vector<KnownClaim> out;
  HZ_TRY(views.query(query, {owner}, [&](const sql::Row& r) {
    out.push_back({r.text(0), claim_from(r, 2), r.text(1)});
    return true;
  }));
  return out;
}

namespace {

Result<std::vector<KnownLease>> leases(sql::Db& views, const std::string& member, std::string_view which) {
  const std::string query =
      "SELECT " + std::string(claim_columns) +
      ", l.member, l.lease, l.consumer, l.offer, l.site, l.device, l.count, l.from_ms, l.until_ms, l.recall_notice_ms, "
      "l.per_device_hour, l.per_million_tokens, l.per_million_inferences, l.refused, l.detail, l.ends_ms, "
      "l.recalled_ms, l.owner_ended_ms, l.consumer_ended_ms, coalesce(a.secret, ''), l.statement, "
      "coalesce(o.reason, '') "
      "FROM public_pool_lease l JOIN pool_claim c ON c.member = l.consumer AND c.claim = l.claim "
      "LEFT JOIN pool_lease_access a ON a.member = l.member AND a.lease = l.lease "
      "LEFT JOIN pool_lease_end o ON o.member = l.member AND o.owner = l.member AND o.lease = l.lease "
      "WHERE (l.member = ?1 OR l.consumer = ?1)" +
      std::string(which) + " ORDER BY l.member, l.lease";
  std::vector<KnownLease> out;
  HZ_TRY(views.query(query, {member}, [&](const sql::Row& r) {
    constexpr int n = claim_columns_count;
    KnownLease one;
    one.claim = claim_from(r, 0);
    one.owner = r.text(n);
    one.lease = {r.text(n + 1),
                 r.text(n + 2),
                 one.claim.claim,
                 r.text(n + 3),
                 r.text(n + 4),
                 r.text(n + 5),
                 r.integer(n + 6),
                 r.integer(n + 7),
                 r.integer(n + 8),
                 r.integer(n + 9),
                 {r.integer(n + 10), r.integer(n + 11), r.integer(n + 12)},
                 r.text(n + 13),
                 r.text(n + 14)};
    one.ends_ms = r.integer(n + 15);
    one.recalled_ms = maybe(r, n + 16);
    one.owner_ended_ms = maybe(r, n + 17);
    one.consumer_ended_ms = maybe(r, n + 18);
    one.secret = r.text(n + 19);
    one.statement = r.text(n + 20);
    one.end_reason = r.text(n + 21);
    out.push_back(std::move(one));
    return true;
  }));
  return out;
}

}  // namespace

Result<std::vector<KnownLease>> leases_of(sql::Db& views, const std::string& member) {
  return leases(views, member, "");
}
Result<std::vector<KnownLease>> live_leases_of(sql::Db& views, const std::string& member) {
  return leases(views, member, " AND l.refused = '' AND l.owner_ended_ms IS NULL");
}

Result<std::optional<Capacity>> capacity_of(sql::Db& views, const std::string& owner, const std::string& offer) {
  static const std::string query =
      "SELECT " + std::string(capacity_columns) + " FROM pool_capacity WHERE member = ? AND offer = ?";
  std::optional<Capacity> out;
  HZ_TRY(views.query(query, {owner, offer}, [&](const sql::Row& r) {
    out = capacity_from(r);
    return false;
  }));
  return out;
}

Result<std::vector<OwnersOffer>> capacities(sql::Db& views) {
  static const std::string query =
      "SELECT " + std::string(capacity_columns) + " FROM pool_capacity ORDER BY member, offer";
  std::vector<OwnersOffer> out;
  HZ_TRY(views.query(query, {}, [&](const sql::Row& r) {
    out.push_back({r.text(13), capacity_from(r), r.text(12)});
    return true;
  }));
  return out;
}

Result<Place> place_of(sql::Db& views, const std::string& owner, const std::string& site) {
  Place out;
  out.member = owner;
  out.site = site;
  HZ_TRY(views.query("SELECT entity, jurisdiction, backend FROM public_pool_site WHERE member = ? AND site = ?",
                     {owner, site}, [&](const sql::Row& r) {
                       out.entity = r.text(0);
                       out.jurisdiction = r.text(1);
                       out.backends.push_back(r.text(2));
                       return true;
                     }));
  if (out.entity != "unknown")
    if (const auto known =
            HZ_TRY(views.text("SELECT jurisdiction FROM public_supply_entity WHERE entity = ?", {out.entity})))
      out.operator_jurisdiction = *known;
  if (out.operator_jurisdiction == "unknown")
    if (const auto known =
            HZ_TRY(views.text("SELECT jurisdiction FROM public_alliance_node WHERE member = ?", {owner})))
      out.operator_jurisdiction = *known;
  return out;
}

Result<std::vector<Held>> held_of(sql::Db& views, const std::string& owner, const std::string& offer) {
  std::vector<Held> out;
  HZ_TRY(
      views.query("SELECT consumer, count, from_ms, ends_ms FROM public_pool_lease WHERE member = ? AND offer = ? "
                  "AND refused = ''",
                  {owner, offer}, [&](const sql::Row& r) {
                    out.push_back({r.text(0), r.integer(1), r.integer(2), r.integer(3)});
                    return true;
                  }));
  return out;
}

Result<std::vector<Held>> held_elsewhere(sql::Db& views, const std::string& owner, const Capacity& capacity) {
  std::vector<Held> out;
  HZ_TRY(
      views.query("SELECT consumer, count, from_ms, ends_ms FROM public_pool_lease WHERE member = ? AND site = ? "
                  "AND device = ? AND offer <> ? AND refused = ''",
                  {owner, capacity.site, capacity.device, capacity.offer}, [&](const sql::Row& r) {
                    out.push_back({r.text(0), r.integer(1), r.integer(2), r.integer(3)});
                    return true;
                  }));
  return out;
}

Result<bool> is_meant(const Capacity& capacity, const std::string& owner, const std::string& consumer,
                      const alliance::MembershipFacts& facts, std::int64_t now_ms) {
  const auto audience = HZ_TRY(alliance::Audience::parse(capacity.audience));
  if (consumer == owner) return true;
  return facts.is_member && facts.is_member(consumer) && alliance::may_read(audience, owner, consumer, facts, now_ms);
}

std::optional<std::string> lent_user(const SiteConfig& config, std::string_view member) {
  for (const LentUser& one : config.lend_users)
    if (one.member == member) return one.user.empty() ? std::nullopt : std::optional(one.user);
  return config.lend_user.empty() ? std::nullopt : std::optional(config.lend_user);
}

Result<Heard> read_heard(std::string_view text) {
  auto out = HZ_TRY(from_json<Heard>(HZ_TRY(json::parse(text, {.size_bytes_max = heard_bytes_max, .depth_max = 8}))));
  if (!is_claim_id(out.lease) || !is_claim_id(out.observed.claim)) return fail(why("pool.heard"), "no lease");
  // Another member's words are shown to people here.
  const auto plain = [](std::string& words) {
    for (char& c : words)
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f) c = '?';
  };
  for (std::string* one : {&out.owner, &out.observed.detail, &out.observed.reason, &out.observed.native,
                           &out.observed.address, &out.observed.model, &out.observed.sha256})
    plain(*one);
  for (std::string& gap : out.observed.gaps) plain(gap);
  return out;
}

std::optional<Heard> heard_of(const fs::path& home, const std::string& claim) {
  const auto text = read_text(heard_path(home, claim), heard_bytes_max);
  auto out = text ? read_heard(*text) : Result<Heard>(std::unexpected(text.error()));
  return out ? std::optional(*std::move(out)) : std::nullopt;
}

Result<void> keep_heard(const fs::path& home, const std::string& claim, const Heard& heard) {
  std::error_code error;
  fs::create_directories(home / "taken", error);
  return replace_file(heard_path(home, claim), json::dump(to_json(heard)) + "\n");
}

}  // namespace hz::pool
