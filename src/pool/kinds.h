// The statements of this pillar.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "statement/kind.h"

namespace hz::pool {

struct Offer {
  std::string backend;
  std::int64_t price_fen_per_hour_min = 0, price_fen_per_hour_max = 0;
  std::int64_t switch_minutes_min = 0, switch_minutes_max = 0;
  static constexpr auto fields() {
    return rows(row("backend", &Offer::backend, "backend:<engine>"),
                row("price_fen_per_hour_min", &Offer::price_fen_per_hour_min, "lowest price, fen an hour"),
                row("price_fen_per_hour_max", &Offer::price_fen_per_hour_max, "highest price, fen an hour"),
                row("switch_minutes_min", &Offer::switch_minutes_min, "minutes to switch a product here, at best"),
                row("switch_minutes_max", &Offer::switch_minutes_max, "minutes to switch a product here, at worst"));
  }
};

// The signer offers these backends at this site. Declared, not measured.
struct Site {
  static constexpr std::string_view kind = "pool.site";
  std::string site;
  std::string name;
  std::string entity;
  std::string jurisdiction;
  std::vector<Offer> offers;
  static constexpr auto fields() {
    return rows(row("site", &Site::site, "site:<id>"), row("name", &Site::name, "name shown to people"),
                row("entity", &Site::entity, "entity:<id> that runs it, or unknown"),
                row("jurisdiction", &Site::jurisdiction, "two capital letters (ISO 3166-1), or unknown"),
                row("offers", &Site::offers, "backends that can run here"));
  }
};

std::span<const statement::Kind> kinds();
std::string_view view_schema();

}  // namespace hz::pool
