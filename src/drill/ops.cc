#include "drill/ops.h"

#include "crypto/hash.h"
#include "drill/kinds.h"
#include "drill/live.h"
#include "drill/rehearsal.h"
#include "drill/sql_text.h"
#include "drill/text.h"
#include "sql/db.h"

namespace hz::drill {
namespace {

Result<std::unique_ptr<Rehearsal>> rehearse(api::Ctx& ctx, const std::vector<std::string>& lose,
                                            std::optional<std::int64_t> control_bp) {
  alliance::Member* member = HZ_TRY(ctx.member());
  return Rehearsal::of(*HZ_TRY(member->views()), lose, control_bp.value_or(control_bp_default));
}

Result<std::string> frontier_digest(api::Ctx& ctx) {
  alliance::Member* member = HZ_TRY(ctx.member());
  return member->frontier().digest;
}

std::string joined(const std::vector<std::string>& targets) {
  std::string out;
  for (const std::string& target : targets) out += (out.empty() ? "" : " ") + target;
  return out;
}

// The loss of a drill, where one is named or no loss is.
Result<MakePlan> with_targets(api::Ctx& ctx, MakePlan in) {
  if (!in.lose.empty()) {
    in.id.reset();
    return in;
  }
  alliance::Member* member = HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member->views());
  if (!in.id && HZ_TRY(known_drills(views)).empty()) return in;  // what is lost is asked for
  const KnownDrill known = HZ_TRY(find_drill(views, in.id.value_or("")));
  in.lose = known.said.targets;
  if (!in.control_bp) in.control_bp = known.said.control_bp;
  return in;
}

// This member's newest plan for the same loss, when it says the same apart from the heads it was computed on.
Result<std::optional<statement::Statement>> last_plan(alliance::Member& member, const RecordedPlan& said) {
  sql::Db* views = HZ_TRY(member.views());
  const auto id = HZ_TRY(views->text(sql_text::last_plan, {joined(said.targets), said.control_bp}));
  if (!id) return std::optional<statement::Statement>();
  auto before = HZ_TRY(member.find(*id));
  HZ_TRY(member.open(before));
  RecordedPlan then = HZ_TRY(from_json<RecordedPlan>(before.body, "$.predicate.body"));
  then.frontier = said.frontier;
  if (to_json(then) != to_json(said)) return std::optional<statement::Statement>();
  return std::optional(std::move(before));
}

}  // namespace

Result<Impact> what_if(api::Ctx& ctx, const WhatIf& in) {
  const std::unique_ptr<Rehearsal> drill = HZ_TRY(rehearse(ctx, in.lose, in.control_bp));
  ImpactOptions options;
  if (in.cut_order) options.cut_order_max = static_cast<std::uint32_t>(std::clamp<std::int64_t>(*in.cut_order, 0, 64));
  Impact out = HZ_TRY(drill->impact(options));
  out.frontier = HZ_TRY(frontier_digest(ctx));
  return out;
}

Result<Plan> plan(api::Ctx& ctx, const MakePlan& given) {
  const MakePlan in = HZ_TRY(with_targets(ctx, given));
  const std::unique_ptr<Rehearsal> drill = HZ_TRY(rehearse(ctx, in.lose, in.control_bp));
  Plan out = HZ_TRY(drill->plan());
  out.frontier = HZ_TRY(frontier_digest(ctx));
  return out;
}

Result<Impact> drill_impact(api::Ctx& ctx, const DrillImpact& in) {
  alliance::Member* member = HZ_TRY(ctx.member());
  const KnownDrill known = HZ_TRY(find_drill(*HZ_TRY(member->views()), in.id.value_or("")));
  return what_if(ctx, {known.said.targets, known.said.control_bp, in.cut_order});
}

Result<Recorded> record(api::Ctx& ctx, const MakePlan& given) {
  const MakePlan in = HZ_TRY(with_targets(ctx, given));
  const Plan made = HZ_TRY(plan(ctx, in));
  RecordedPlan said{made.targets, in.control_bp.value_or(control_bp_default), made.frontier, {}, {}};
  for (const ProductPlan& p : made.products) {
    PlannedProduct line{p.product, std::string(enum_text(p.outcome)), "", "", 0, 0, 0, 0, ""};
    if (p.choice)
      line = {p.product,
              line.outcome,
              p.choice->backend,
              p.choice->site,
              p.choice->price_fen_per_hour_min,
              p.choice->price_fen_per_hour_max,
              p.choice->switch_minutes_min,
              p.choice->switch_minutes_max,
              p.choice->evidence};
    said.products.push_back(std::move(line));
  }
  for (const RdItem& item : made.rd) said.rd.push_back({item.backend, item.op, item.products});
  alliance::Member* member = HZ_TRY(ctx.member());
  Recorded out;
  out.substituted = made.substituted;
  out.unsaved = made.unsaved + made.late;
  // Heads move with every statement, this one included. The newest plan for this loss, found again as it stands, is not
  // news; anything else is, also a plan that comes back after another one.
  if (const auto before = HZ_TRY(last_plan(*member, said))) {
    out.receipt = {before->id_text(), before->index, true};
    return out;
  }
  const Digest idem = crypto::sha256(as_bytes(json::dump(to_json(said))));
  out.receipt = HZ_TRY(member->append(alliance::draft(said, {}, idem)));
  return out;
}

bool answer_is_no(const Impact& out) { return out.stopped > 0; }
bool answer_is_no(const Plan& out) { return out.unsaved + out.late > 0; }

std::span<const api::Op> ops() {
  static const api::Op table[] = {
      api::op<&what_if>(
          {.id = "drill.what_if",
           .http = "POST /v1/drill/what-if",
           .cli = "drill what-if",
           .may = api::May::reader,
           .fails = {"drill.no_target", "drill.target", "drill.unknown_target", "drill.no_product"},
           .doc = "Which products stop when something is lost, why, and which smallest losses would stop them.",
           .example = "hezong drill what-if --lose entity:microsoft",
           .more = "An entity takes along what it controls. Exit code 3 when a product stops. Every answer "
                   "prints its assumptions, the share of components whose supplier nobody knows, and the worst "
                   "case in which all of these are lost too."}),
      api::op<&plan>(
          {.id = "drill.plan",
           .http = "POST /v1/drill/plan",
           .cli = "drill plan [id]",
           .may = api::May::reader,
           .fails = {"drill.no_target", "drill.target", "drill.unknown_target", "drill.no_product", "drill.no_drill"},
           .doc = "The cheapest proven substitution for every product that a loss stops, and what stays undone.",
           .example = "hezong drill plan --lose entity:microsoft",
           .more = "Only backends with conformance evidence on that very model are proposed, on sites that survive "
                   "the same loss. Cost and time are the ranges members declared. Exit code 3 when a product is "
                   "left without a substitution in time."}),
      api::op<&drill_impact>({.id = "drill.impact",
                              .http = "GET /v1/drills/{id}/impact",
                              .cli = "drill impact [id]",
                              .may = api::May::reader,
                              .fails = {"drill.no_drill"},
                              .doc = "Which products stop in a drill that was opened, and why.",
                              .example = "hezong drill impact"}),
      api::op<&record>({.id = "drill.record",
                        .http = "POST /v1/drill/record",
                        .cli = "drill record",
                        .may = api::May::author,
                        .emits = {RecordedPlan::kind},
                        .fails = {"drill.no_target", "drill.target", "drill.unknown_target", "drill.no_product"},
                        .doc = "Computes the plan and appends it to the member's log as a signed statement.",
                        .example = "hezong drill record --lose entity:microsoft"}),
  };
  return table;
}

}  // namespace hz::drill
