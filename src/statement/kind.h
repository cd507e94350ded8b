// Kind rows: one row per statement kind gives its number, payload, who may sign, replay, retention and doc.
//
// A pillar declares its payload structs in kinds.h (each with `static constexpr std::string_view kind` and fields())
// and its rows in a function `std::span<const statement::Kind> kinds()`. node/mount.cc joins them into the one table;
// the numbered list in spec/kinds.json is generated from it and a test refuses drift. Numbers are never reused.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/fields.h"

namespace hz::sql {
class Db;
}

namespace hz::statement {

struct Statement;  // statement/statement.h

enum class Signer : std::uint8_t { self, root };  // the member's author key, or its offline root keys
enum class Retention : std::uint8_t { forever, until_superseded };

struct Kind {
  std::uint16_t
      number;  // high byte = area: 01 alliance, 02 share, 03 pool, 04 supply, 05 standards, 06 talent, 07 drill
  std::string_view
      slug;  // "supply.product"; predicateType is https://hezong.example/<area>/<verb>/v1 (docs/formats/leaf.md)
  Signer may_sign;
  Retention retention;
  std::string_view audience;  // class of a draft that names none: "public" or "owner" (alliance/audience.h)
  std::string_view doc;       // one sentence: what the signer claims
  json::Value (*payload_schema)();
  Result<void> (*check)(const json::Value& body);                      // the body has the payload's fields
  Result<void> (*replay)(sql::Db& views, const Statement& statement);  // statement -> rows
};

struct KindOptions {
  std::uint16_t number;
  Signer may_sign = Signer::self;
  Retention retention = Retention::forever;
  std::string_view audience = "public";
  std::string_view doc;
};

namespace detail {
const json::Value& body(const Statement& statement);
}

// kind<Product, &replay_product>({.number = 0x0401, .doc = "..."})
// The replay function gets the decoded payload: Result<void> replay_product(sql::Db&, const Statement&, const
// Product&).
template <class Payload, auto replay_fn>
Kind kind(KindOptions options) {
  return {options.number,
          Payload::kind,
          options.may_sign,
          options.retention,
          options.audience,
          options.doc,
          +[] { return schema<Payload>(); },
          +[](const json::Value& body) -> Result<void> {
            HZ_TRY(from_json<Payload>(body, "$.predicate.body"));
            return {};
          },
          +[](sql::Db& views, const Statement& statement) -> Result<void> {
            const Payload payload = HZ_TRY(from_json<Payload>(detail::body(statement), "$.predicate.body"));
            return replay_fn(views, statement, payload);
          }};
}

}  // namespace hz::statement
