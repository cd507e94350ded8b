// A consumer's jobs at other members' sites: made by `job submit --offer`, listed and ended like own ones.
#pragma once
#include "api/op.h"
#include "pool/lending.h"

namespace hz::pool {

// waiting: no answer yet. granted: before its time. starting, ready, failed: as the owner's node says.
enum class TakenState : std::uint8_t { waiting, refused, granted, starting, ready, failed, over };
constexpr auto enum_names(TakenState) {
  return std::array<EnumName<TakenState>, 7>{{{TakenState::waiting, "waiting"},
                                              {TakenState::refused, "refused"},
                                              {TakenState::granted, "granted"},
                                              {TakenState::starting, "starting"},
                                              {TakenState::ready, "ready"},
                                              {TakenState::failed, "failed"},
                                              {TakenState::over, "over"}}};
}

struct TakenRow {
  std::string claim, lease, owner, offer, product, site, backend;
  TakenState state = TakenState::waiting;
  std::int64_t ends_ms = 0;
  std::string reason, detail;
  std::optional<Heard> heard;
  static constexpr auto fields() {
    return rows(row("claim", &TakenRow::claim, "id of the job"), row("lease", &TakenRow::lease, "id of its lease"),
                row("owner", &TakenRow::owner, "member whose site it is"),
                row("offer", &TakenRow::offer, "the owner's offer"),
                row("product", &TakenRow::product, "what it serves"),
                row("site", &TakenRow::site, "site:<id> of the owner; empty while unanswered"),
                row("backend", &TakenRow::backend, "which engine"), row("state", &TakenRow::state, "how it stands"),
                row("ends_ms", &TakenRow::ends_ms, "until then, ms since 1970"),
                row("reason", &TakenRow::reason, "why it is refused, failed or ends early", or_default),
                row("detail", &TakenRow::detail, "what is known about that", or_default),
                row("heard", &TakenRow::heard, "what the owner's node last said of its server"));
  }
};

struct TakeIn {
  std::string offer;
  std::optional<std::string> owner;
  Claim claim;  // without owner; `until_ms` is shortened to the offer's end
};
// Signs the claim. Errors: pool.offer_gone, pool.offer_ambiguous, pool.offer_own, pool.offer_window,
// pool.offer_backend, pool.claim_conflict, those of check(const Claim&) and may_be_at().
Result<alliance::Receipt> take(api::Ctx& ctx, TakeIn in);
// Of every claim at others, by claim; `all`: also refused ones and those that are over.
Result<std::vector<TakenRow>> taken(api::Ctx& ctx, bool all);
// Nothing when this member made no such claim.
Result<std::optional<TakenRow>> taken(api::Ctx& ctx, const std::string& claim);
// Says that it is over and stops sending requests there. What is over stays as it is. Errors: pool.no_claim.
Result<TakenRow> give_up(api::Ctx& ctx, const std::string& claim);
// The claim is that of a lease of this member's capacity that others hold. Errors: pool.lease_running.
Result<void> not_lent(api::Ctx& ctx, const std::string& claim);

}  // namespace hz::pool
