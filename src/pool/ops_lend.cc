// Operations on capacity that members lend each other: offer, look, hold, recall. Claims are made by `job submit`.
#include <algorithm>
#include <tuple>

#include "alliance/body.h"
#include "crypto/hash.h"
#include "pool/claims.h"
#include "pool/lending.h"
#include "pool/ops.h"
#include "pool/reasons.h"
#include "pool/rules.h"
#include "pool/window.h"
#include "sql/db.h"
#include "statement/ids.h"

namespace hz::pool {
namespace {

std::string time_text(std::int64_t ms) { return utc_text(ms); }

// ---- pool offer add, pool offer withdraw

struct OfferAdd {
  std::optional<std::string> offer, device, from;
  std::string site, to = "members", window = "now..+30d";
  std::int64_t count = 0, per_member = 0, price_hour = 0, price_tokens = 0, price_inferences = 0;
  std::int64_t recall_notice_s = 3600, memory_mib = 2048, pids_max = 128;
  static constexpr auto fields() {
    return rows(
        row("offer", &OfferAdd::offer, "id of the offer, 1 to 64 of [0-9a-z-]; a new one when absent"),
        row("site", &OfferAdd::site, "site:<id> of this member"),
        row("device", &OfferAdd::device, "class of device, as `hezong site health` names it"),
        row("count", &OfferAdd::count, "devices at once", or_default),
        row("from", &OfferAdd::from, "local or slurm: class and count are what the site's adapter says it has"),
        row("to", &OfferAdd::to, "members, group:<name>, member:<id> or another audience class (members)", or_default),
        row("window", &OfferAdd::window, "now..+30d, or FROM..UNTIL as 2026-12-31T00:00:00Z", or_default),
        row("per_member", &OfferAdd::per_member, "most devices of one member at once; 0: no limit", or_default),
        row("price_hour", &OfferAdd::price_hour, "micro-credits for one device and hour", or_default),
        row("price_tokens", &OfferAdd::price_tokens, "micro-credits for a million tokens", or_default),
        row("price_inferences", &OfferAdd::price_inferences, "micro-credits for a million inferences", or_default),
        row("recall_notice_s", &OfferAdd::recall_notice_s, "least notice of a recall, seconds (3600)", or_default),
        row("memory_mib", &OfferAdd::memory_mib, "most memory of one server, MiB (2048)", or_default),
        row("pids_max", &OfferAdd::pids_max, "most processes and threads of one server (128)", or_default));
  }
};
struct OfferOut {
  Capacity capacity;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("capacity", &OfferOut::capacity, "what was signed"),
                row("receipt", &OfferOut::receipt, "where it stands"));
  }
};

// Who cannot take an offer need not read it: what is for some only is sealed to them.
Result<std::optional<alliance::Audience>> readers_of(const Capacity& capacity) {
  const auto audience = HZ_TRY(alliance::Audience::parse(capacity.audience));
  using Kind = alliance::Audience::Kind;
  if (audience.kind == Kind::everyone || audience.kind == Kind::members) return std::optional<alliance::Audience>();
  return std::optional(audience);
}

Result<OfferOut> say(alliance::Member& member, const Capacity& capacity) {
  HZ_TRY(check(capacity));
  alliance::Draft draft = alliance::draft(capacity);
  draft.audience = HZ_TRY(readers_of(capacity));
  return OfferOut{capacity, HZ_TRY(member.append(draft))};
}

// Class and count as the adapter of the site says.
Result<void> fill_from_inventory(api::Ctx& ctx, const std::string& adapter, Capacity& capacity) {
  const SiteConfig config = HZ_TRY(site_config(ctx.home, capacity.site));
  if (config.adapter != adapter)
    return fail(why("pool.site_config"), "{}: adapter {}, not {}", capacity.site, config.adapter, adapter);
  for (const DeviceClass& one : HZ_TRY(HZ_TRY(open_site(site_world(ctx), config))->inventory())) {
    if (!capacity.device.empty() && one.device != capacity.device) continue;
    if (capacity.count > 0 && one.device == capacity.device) return {};
    capacity.device = one.device;
    if (capacity.count == 0) capacity.count = one.count;
    return {};
  }
  return fail(why("pool.device_class"), "{} has no \"{}\"", capacity.site, capacity.device);
}

Result<OfferOut> offer_add(api::Ctx& ctx, const OfferAdd& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  Capacity capacity;
  if (in.offer) {
    capacity.offer = *in.offer;
  } else {
    std::array<std::uint8_t, 6> chance{};
    ctx.seams.rng->fill(chance);
    capacity.offer = "o-" + hex(chance);
  }
  capacity.site = in.site;
  capacity.device = in.device.value_or("");
  capacity.count = in.count;
  capacity.count_per_consumer_max = in.per_member;
  capacity.prices = {in.price_hour, in.price_tokens, in.price_inferences};
  const std::string_view to = in.to;
  if (to.starts_with("member:"))
    capacity.audience = "bilateral:" + member.id() + "," + std::string(to.substr(7));
  else
    capacity.audience = to;
  capacity.audience = HZ_TRY(alliance::Audience::parse(capacity.audience)).format();
  std::tie(capacity.from_ms, capacity.until_ms) = HZ_TRY(parse_window(in.window, ctx.clock().now_ms()));
  if (in.recall_notice_s < 0 || in.recall_notice_s > 31'536'000)
    return fail(why("pool.recall_notice"), "{} s", in.recall_notice_s);
  capacity.recall_notice_ms = in.recall_notice_s * 1000;
  if (in.memory_mib < 0 || in.memory_mib > (std::int64_t{1} << 40))
    return fail(why("pool.job_limits"), "{} MiB", in.memory_mib);
  // No server outlives the window; what a claim may ask for within it is its own.
  capacity.limits = {in.memory_mib << 20, in.pids_max,
                     std::clamp<std::int64_t>(capacity.until_ms - capacity.from_ms, 86'400'000, 31'536'000'000)};
  const bool own = HZ_TRY(views.integer("SELECT count(*) FROM pool_site WHERE member = ? AND site = ?",
                                        {member.id(), capacity.site}))
                       .value_or(0) > 0;
  if (statement::is_id_of("site", in.site) && !own) return fail(why("pool.offer_foreign"), "{}", in.site);
  if (in.from) HZ_TRY(fill_from_inventory(ctx, *in.from, capacity));
  if (capacity.count < 1) return fail(why("pool.device_count"), "{} of {}", capacity.count, capacity.offer);
  return say(member, capacity);
}

std::string price_text(const Prices& p) {
  return fmt::format("{} / {} / {}", p.per_device_hour, p.per_million_tokens, p.per_million_inferences);
}

std::string text(const OfferOut& out, const api::Style& style) {
  const Capacity& c = out.capacity;
  if (c.count == 0)
    return fmt::format("{} {}: nothing more is lent under it\nstatement {}\n", style.green("withdrawn"), c.offer,
                       out.receipt.id);
  return fmt::format(
      "{} {}: {} {} at {} for {}\n  from {} until {}, recalled with at least {} s of notice\n"
      "  {} micro-credits for a device and hour, a million tokens, a million inferences\n"
      "  a server may take {} MiB and {} processes\nstatement {}\n",
      style.green("offered"), c.offer, c.count, c.device, c.site, c.audience, time_text(c.from_ms),
      time_text(c.until_ms), c.recall_notice_ms / 1000, price_text(c.prices), c.limits.memory_bytes_max >> 20,
      c.limits.pids_max, out.receipt.id);
}

struct ByOffer {
  std::string offer;
  static constexpr auto fields() { return rows(row("offer", &ByOffer::offer, "id of an offer of this member")); }
};
Result<OfferOut> offer_withdraw(api::Ctx& ctx, const ByOffer& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  auto capacity = HZ_TRY(capacity_of(*HZ_TRY(member.views()), member.id(), in.offer));
  if (!capacity) return fail(why("pool.offer_gone"), "{}", in.offer);
  capacity->count = 0;
  return say(member, *capacity);
}

// ---- pool offers

struct OfferRow {
  std::string owner, offer, site, entity, jurisdiction, operator_jurisdiction, device;
  std::vector<std::string> backends;
  std::int64_t count = 0, free_now = 0, free_throughout = 0;
  std::int64_t from_ms = 0, until_ms = 0, recall_notice_ms = 0;
  Prices prices;
  bool own = false;
  static constexpr auto fields() {
    return rows(
        row("owner", &OfferRow::owner, "member that lends"), row("offer", &OfferRow::offer, "id of the offer"),
        row("site", &OfferRow::site, "site:<id>"), row("entity", &OfferRow::entity, "who runs the site, or unknown"),
        row("jurisdiction", &OfferRow::jurisdiction, "of the site, or unknown"),
        row("operator_jurisdiction", &OfferRow::operator_jurisdiction, "of who runs it, or unknown"),
        row("device", &OfferRow::device, "class of device"), row("backends", &OfferRow::backends, "what runs there"),
        row("count", &OfferRow::count, "devices in all"),
        row("free_now", &OfferRow::free_now, "not leased at this moment"),
        row("free_throughout", &OfferRow::free_throughout, "not leased at any moment until the offer ends"),
        row("from_ms", &OfferRow::from_ms, "from then on, ms since 1970"),
        row("until_ms", &OfferRow::until_ms, "until then, ms since 1970"),
        row("recall_notice_ms", &OfferRow::recall_notice_ms, "least notice of a recall"),
        row("prices", &OfferRow::prices, "micro-credits"), row("own", &OfferRow::own, "this member's"));
  }
};
struct Offers {
  static constexpr auto fields() { return rows(); }
};
struct OffersOut {
  std::vector<OfferRow> offers;
  static constexpr auto fields() { return rows(row("offers", &OffersOut::offers, "by owner and offer")); }
};

// Offers that stand, for this member or of it.
Result<OffersOut> offers(api::Ctx& ctx, const Offers&) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  const std::int64_t now_ms = ctx.clock().now_ms();
  const auto facts = HZ_TRY(alliance::membership_facts(views));
  OffersOut out;
  for (const OwnersOffer& one : HZ_TRY(capacities(views))) {
    const Capacity& c = one.capacity;
    if (c.count == 0 || c.until_ms <= now_ms) continue;
    // An owner alone knows its groups; whoever could open the body is in it.
    const auto audience = HZ_TRY(alliance::Audience::parse(c.audience));
    const bool by_list =
        audience.kind == alliance::Audience::Kind::group || audience.kind == alliance::Audience::Kind::clean_team;
    const bool owner_is_member = one.owner == member.id() || (facts.is_member && facts.is_member(one.owner));
    if (!owner_is_member || (!by_list && !HZ_TRY(is_meant(c, one.owner, member.id(), facts, now_ms)))) continue;
    const auto held = HZ_TRY(held_of(views, one.owner, c.offer));
    const std::int64_t from_ms = std::max(now_ms, c.from_ms);
    const Place place = HZ_TRY(place_of(views, one.owner, c.site));
    OfferRow row;
    row.owner = one.owner, row.offer = c.offer, row.site = c.site, row.device = c.device, row.count = c.count;
    row.entity = place.entity, row.jurisdiction = place.jurisdiction, row.backends = place.backends;
    row.operator_jurisdiction = place.operator_jurisdiction;
    row.free_now = std::max<std::int64_t>(0, c.count - held_at_most(held, now_ms, now_ms + 1));
    row.free_throughout = std::max<std::int64_t>(0, c.count - held_at_most(held, from_ms, c.until_ms));
    row.from_ms = c.from_ms, row.until_ms = c.until_ms, row.recall_notice_ms = c.recall_notice_ms;
    row.prices = c.prices;
    row.own = one.owner == member.id();
    out.offers.push_back(std::move(row));
  }
  return out;
}
std::string text(const OffersOut& out, const api::Style& style) {
  if (out.offers.empty()) return "nobody offers anything to this member\n";
  std::vector<std::vector<std::string>> cells{{"offer", "of", "site", "in", "run from", "device", "free now",
                                               "to the end", "until", "notice", "hour / M tokens / M inferences"}};
  for (const OfferRow& r : out.offers)
    cells.push_back({r.offer, r.own ? "this member" : r.owner, r.site, r.jurisdiction, r.operator_jurisdiction,
                     r.device, fmt::format("{} of {}", r.free_now, r.count), std::to_string(r.free_throughout),
                     time_text(r.until_ms), fmt::format("{} s", r.recall_notice_ms / 1000), price_text(r.prices)});
  return api::table(cells, style);
}

// ---- pool quota

struct HeldRow {
  std::string lease, owner, consumer, offer, claim, product, site, device;
  std::int64_t count = 0, from_ms = 0, ends_ms = 0;
  std::optional<std::int64_t> recalled_ms;
  Prices prices;
  static constexpr auto fields() {
    return rows(
        row("lease", &HeldRow::lease, "id of the lease"), row("owner", &HeldRow::owner, "member that lends"),
        row("consumer", &HeldRow::consumer, "member that holds"), row("offer", &HeldRow::offer, "id of the offer"),
        row("claim", &HeldRow::claim, "id of the consumer's job"), row("product", &HeldRow::product, "what is served"),
        row("site", &HeldRow::site, "where"), row("device", &HeldRow::device, "class of device"),
        row("count", &HeldRow::count, "devices"), row("from_ms", &HeldRow::from_ms, "since, ms since 1970"),
        row("ends_ms", &HeldRow::ends_ms, "until, ms since 1970"),
        row("recalled_ms", &HeldRow::recalled_ms, "the owner takes it back then"),
        row("prices", &HeldRow::prices, "micro-credits"));
  }
};
struct LeftRow {
  std::string owner, offer, device;
  std::int64_t held = 0, may_hold = 0, left = 0;
  static constexpr auto fields() {
    return rows(row("owner", &LeftRow::owner, "member that lends"), row("offer", &LeftRow::offer, "id of the offer"),
                row("device", &LeftRow::device, "class of device"), row("held", &LeftRow::held, "devices held now"),
                row("may_hold", &LeftRow::may_hold, "most this member may hold at once"),
                row("left", &LeftRow::left, "devices this member could take now"));
  }
};
struct QuotaIn {
  static constexpr auto fields() { return rows(); }
};
struct QuotaOut {
  std::vector<HeldRow> held, lent;
  std::vector<LeftRow> left;
  static constexpr auto fields() {
    return rows(row("held", &QuotaOut::held, "leases this member holds"),
                row("lent", &QuotaOut::lent, "leases others hold of it"),
                row("left", &QuotaOut::left, "what it could take now, per offer of others"));
  }
};
Result<QuotaOut> quota(api::Ctx& ctx, const QuotaIn&) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  const std::int64_t now_ms = ctx.clock().now_ms();
  QuotaOut out;
  for (const KnownLease& one : HZ_TRY(leases_of(views, member.id()))) {
    const Lease& l = one.lease;
    if (!l.granted() || one.over(now_ms)) continue;
    HeldRow row{l.lease,  one.owner, l.consumer, l.offer,     l.claim,         one.claim.product, l.site,
                l.device, l.count,   l.from_ms,  one.ends_ms, one.recalled_ms, l.prices};
    (one.owner == member.id() ? out.lent : out.held).push_back(std::move(row));
  }
  for (const OfferRow& offer : HZ_TRY(offers(ctx, {})).offers) {
    if (offer.own) continue;
    const auto capacity = HZ_TRY(capacity_of(views, offer.owner, offer.offer));
    LeftRow row{offer.owner, offer.offer, offer.device, 0, offer.count, offer.free_now};
    row.held = held_at_most(HZ_TRY(held_of(views, offer.owner, offer.offer)), now_ms, now_ms + 1, member.id());
    if (capacity && capacity->count_per_consumer_max > 0)
      row.may_hold = std::min(row.may_hold, capacity->count_per_consumer_max);
    row.left = std::max<std::int64_t>(0, std::min(row.left, row.may_hold - row.held));
    out.left.push_back(std::move(row));
  }
  return out;
}
std::string text(const QuotaOut& out, const api::Style& style) {
  const auto leases = [&](std::string_view title, const std::vector<HeldRow>& held, bool lent) {
    if (held.empty()) return fmt::format("{}: none\n", title);
    std::vector<std::vector<std::string>> cells{
        {"lease", lent ? "held by" : "of", "product", "site", "devices", "until", "hour / M tokens / M inferences"}};
    for (const HeldRow& r : held)
      cells.push_back({r.lease, lent ? r.consumer : r.owner, r.product, r.site, fmt::format("{} {}", r.count, r.device),
                       time_text(r.ends_ms) + (r.recalled_ms ? " " + style.yellow("recalled") : ""),
                       price_text(r.prices)});
    return fmt::format("{}:\n{}", title, api::table(cells, style));
  };
  std::string said = leases("held", out.held, false) + leases("lent", out.lent, true);
  for (const LeftRow& r : out.left)
    said +=
        fmt::format("{} of {}: {} {} held of {}, {} left\n", r.offer, r.owner, r.held, r.device, r.may_hold, r.left);
  return said;
}

// ---- pool recall

struct RecallIn {
  std::string lease, reason;
  std::int64_t after_s = 0;
  static constexpr auto fields() {
    return rows(row("lease", &RecallIn::lease, "id of a lease of this member's capacity"),
                row("reason", &RecallIn::reason, "why, for people", or_default),
                row("after_s", &RecallIn::after_s, "seconds from now; the agreed notice when absent", or_default));
  }
};
struct RecallOut {
  Recall recall;
  std::string consumer;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("recall", &RecallOut::recall, "what was signed"),
                row("consumer", &RecallOut::consumer, "who holds it"),
                row("receipt", &RecallOut::receipt, "where it stands"));
  }
};
Result<RecallOut> recall(api::Ctx& ctx, const RecallIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const std::int64_t now_ms = ctx.clock().now_ms();
  for (const KnownLease& one : HZ_TRY(leases_of(*HZ_TRY(member.views()), member.id()))) {
    if (one.owner != member.id() || one.lease.lease != in.lease || !one.lease.granted() || one.over(now_ms)) continue;
    if (in.after_s < 0 || in.after_s > 31'536'000) return fail(why("pool.recall_notice"), "{} s", in.after_s);
    const std::int64_t notice_ms = in.after_s ? in.after_s * 1000 : one.lease.recall_notice_ms;
    const Recall said{in.lease, now_ms, now_ms + notice_ms, in.reason};
    HZ_TRY(check(said));
    HZ_TRY(check_notice(said, one.lease.recall_notice_ms));
    if (one.recalled_ms) return fail(why("pool.recalled"), "{} ends at {}", in.lease, utc_text(*one.recalled_ms));
    return RecallOut{said, one.lease.consumer,
                     HZ_TRY(member.append(alliance::draft(said, {{"revokes", one.statement}})))};
  }
  return fail(why("pool.no_lease"), "{}", in.lease);
}
std::string text(const RecallOut& out, const api::Style& style) {
  return fmt::format("{} {}, held by {}: it ends at {}\nstatement {}\n", style.green("recalled"), out.recall.lease,
                     out.consumer, time_text(out.recall.ends_ms), out.receipt.id);
}

}  // namespace

std::span<const api::Op> lend_ops() {
  static const api::Op table[] = {
      api::op<&offer_add>(
          {.id = "pool.offer_add",
           .http = "POST /v1/pool/offers",
           .cli = "pool offer add [offer]",
           .may = api::May::author,
           .emits = {"pool.capacity"},
           .fails = {"pool.offer_id", "pool.site_id", "pool.offer_foreign", "pool.device_class", "pool.device_count",
                     "pool.price", "pool.lease_window", "pool.recall_notice", "pool.job_limits", "pool.site_config",
                     "alliance.audience"},
           .doc = "Lend devices of an own site to other members.",
           .example = "hezong pool offer add --site site:hall-a --device cpu --count 2 --to members --window now..+8h "
                      "--price-hour 2000000",
           .more =
               "The node answers claims by itself: it grants what fits and refuses the rest with a reason, and never "
               "lends more at once than the offer says. Jobs of others run as the account that sites.json names "
               "(lend_user); without one nothing is lent. The same offer again replaces it, leases stay. What is for "
               "a group or for one member is sealed to it.",
           .local = true}),
      api::op<&offer_withdraw>({.id = "pool.offer_withdraw",
                                .http = "POST /v1/pool/offers/{offer}/withdraw",
                                .cli = "pool offer withdraw <offer>",
                                .may = api::May::author,
                                .emits = {"pool.capacity"},
                                .fails = {"pool.offer_gone"},
                                .doc = "Lend nothing more under an offer; leases stay until they end.",
                                .example = "hezong pool offer withdraw o-0c1d2e3f4a5b"}),
      api::op<&offers>(
          {.id = "pool.offers",
           .http = "GET /v1/pool/offers",
           .cli = "pool offers",
           .may = api::May::reader,
           .doc = "What this member could take now, from whom, where, and at which price; and what it offers.",
           .example = "hezong pool offers"}),
      api::op<&quota>({.id = "pool.quota",
                       .http = "GET /v1/pool/quota",
                       .cli = "pool quota",
                       .may = api::May::reader,
                       .doc = "What this member holds of others, what others hold of it, and what is left.",
                       .example = "hezong pool quota"}),
      api::op<&recall>({.id = "pool.recall",
                        .http = "POST /v1/pool/leases/{lease}/recall",
                        .cli = "pool recall <lease>",
                        .may = api::May::author,
                        .emits = {"pool.recall"},
                        .fails = {"pool.no_lease", "pool.recall_notice", "pool.recalled", "pool.reason"},
                        .doc = "Take a lease of own capacity back, with the notice that was agreed.",
                        .example = "hezong pool recall l-0c1d2e3f4a5b6c7d8e9f0a1b --reason maintenance",
                        .more = "The server ends at the time that is stated, not before; the consumer's gateway stops "
                                "sending requests shortly before that."}),
  };
  return table;
}

}  // namespace hz::pool
