// The statements of this pillar.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pool/job.h"
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

// One server that a product's requests may go to.
struct Target {
  std::string claim;
  std::string site;
  std::string backend;
  std::int64_t weight = 1;
  static constexpr auto fields() {
    return rows(row("claim", &Target::claim, "claim the model server runs under, 1 to 64 of [0-9a-z-]"),
                row("site", &Target::site, "site:<id> it runs at"),
                row("backend", &Target::backend, "backend:<engine> it runs on"),
                row("weight", &Target::weight, "share of the requests, 0 to 10000; 0: only when no other can"));
  }
};

// The signer's gateway sends this product's requests there. A later statement of the same product replaces it; one
// without targets ends the serving.
struct Route {
  static constexpr std::string_view kind = "pool.route";
  std::string product;
  std::vector<Target> targets;
  std::vector<std::string> evidence;
  std::string reason;
  std::int64_t deadline_ms = 60'000;
  static constexpr auto fields() {
    return rows(
        row("product", &Route::product, "product:<id>"),
        row("targets", &Route::targets, "where its requests go; none: nowhere"),
        row("evidence", &Route::evidence, "statement ids, hex, that show the targets give the product's answers"),
        row("reason", &Route::reason, "why, in a few words, such as `drill <id>`", or_default),
        row("deadline_ms", &Route::deadline_ms, "how long a request may wait for its answer, all tries together",
            or_default));
  }
};

// Whoever knows the secret of this hash may call these products. The secret itself stands nowhere.
struct ApiKey {
  static constexpr std::string_view kind = "pool.api_key";
  std::string key;
  std::string name;
  std::string secret_sha256;
  std::vector<std::string> products;
  std::int64_t requests_per_minute = 0, units_per_minute = 0;
  std::int64_t expires_ms = 0;
  std::string member = {};
  static constexpr auto fields() {
    return rows(row("key", &ApiKey::key, "id of the key, 16 hex digits"),
                row("name", &ApiKey::name, "name shown to people; whoever mirrors the log reads it"),
                row("secret_sha256", &ApiKey::secret_sha256, "SHA-256 of the secret, hex"),
                row("products", &ApiKey::products, "product:<id> it may call"),
                row("requests_per_minute", &ApiKey::requests_per_minute, "0: no limit", or_default),
                row("units_per_minute", &ApiKey::units_per_minute,
                    "tokens of text products, inferences of others; 0: no limit", or_default),
                row("expires_ms", &ApiKey::expires_ms, "milliseconds since 1970; 0: never", or_default),
                row("member", &ApiKey::member, "member that is billed for what it uses; empty: nobody", or_default));
  }
};

// The key is good for nothing from here on, whatever was or will be said about it.
struct ApiKeyRevoked {
  static constexpr std::string_view kind = "pool.api_key_revoked";
  std::string key;
  static constexpr auto fields() { return rows(row("key", &ApiKeyRevoked::key, "id of the key, 16 hex digits")); }
};

// The signer started this model server at its own site. Which machine, account and adapter stand in no statement.
struct Job {
  static constexpr std::string_view kind = "pool.job";
  std::string claim, site, product, backend, model_sha256;
  JobLimits limits;
  std::string evidence;
  static constexpr auto fields() {
    return rows(row("claim", &Job::claim, "id of the job, 1 to 64 of [0-9a-z-]"), row("site", &Job::site, "site:<id>"),
                row("product", &Job::product, "product:<id> it serves"),
                row("backend", &Job::backend, "backend:<engine> it serves it on"),
                row("model_sha256", &Job::model_sha256, "digest of the model it was given, and echoed"),
                row("limits", &Job::limits, "what it may take"),
                row("evidence", &Job::evidence, "statement that the model passed there, or empty", or_default));
  }
};

std::span<const statement::Kind> kinds();
std::string_view view_schema();

}  // namespace hz::pool
