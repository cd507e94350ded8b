// Statements of the drill.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"
#include "statement/kind.h"

namespace hz::drill {

struct PlannedProduct {
  std::string product;
  std::string outcome;  // kept, substituted, late, unsaved
  std::string backend, site;
  std::int64_t price_fen_per_hour_min = 0, price_fen_per_hour_max = 0;
  std::int64_t switch_minutes_min = 0, switch_minutes_max = 0;
  std::string evidence;  // statement of the conformance result
  static constexpr auto fields() {
    return rows(row("product", &PlannedProduct::product, "product id"),
                row("outcome", &PlannedProduct::outcome, "kept, substituted, late or unsaved"),
                row("backend", &PlannedProduct::backend, "substitute, or empty"),
                row("site", &PlannedProduct::site, "where it runs, or empty"),
                row("price_fen_per_hour_min", &PlannedProduct::price_fen_per_hour_min, "declared, low"),
                row("price_fen_per_hour_max", &PlannedProduct::price_fen_per_hour_max, "declared, high"),
                row("switch_minutes_min", &PlannedProduct::switch_minutes_min, "declared, low"),
                row("switch_minutes_max", &PlannedProduct::switch_minutes_max, "declared, high"),
                row("evidence", &PlannedProduct::evidence, "statement of the conformance result, or empty"));
  }
};

struct PlannedWork {
  std::string backend, op;
  std::vector<std::string> products;
  static constexpr auto fields() {
    return rows(row("backend", &PlannedWork::backend, "where it is missing"), row("op", &PlannedWork::op, "operator"),
                row("products", &PlannedWork::products, "products that wait for it"));
  }
};

// A plan as its signer saw it: recomputing on the same frontier gives the same.
struct RecordedPlan {
  std::vector<std::string> targets;
  std::int64_t control_bp = 0;
  std::string frontier;
  std::vector<PlannedProduct> products;
  std::vector<PlannedWork> rd;
  static constexpr std::string_view kind = "drill.plan";
  static constexpr auto fields() {
    return rows(row("targets", &RecordedPlan::targets, "what the drill takes away"),
                row("control_bp", &RecordedPlan::control_bp, "a larger holding controls, hundredths of a percent"),
                row("frontier", &RecordedPlan::frontier, "digest of the log heads the plan rests on"),
                row("products", &RecordedPlan::products, "every product"),
                row("rd", &RecordedPlan::rd, "what to port"));
  }
};

std::span<const statement::Kind> kinds();
std::string_view view_schema();

}  // namespace hz::drill
