// A payload that is a statement says the same when it is built again from what was read.
#include "statement/statement.h"

#include "statement/canonical.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view payload{reinterpret_cast<const char*>(data), size};
  const auto s = statement::parse_payload(payload);
  if (!s) return 0;
  HZ_ASSERT(statement::check_canonical(payload));
  HZ_ASSERT(s->id == statement::statement_id(payload));
  if (!s->body.object()) return 0;
  const auto built = statement::build_payload({.kind = s->kind,
                                               .issuer = s->issuer,
                                               .log = s->origin,
                                               .role = s->role,
                                               .issued_ms = s->issued_ms,
                                               .idem = s->idem,
                                               .audience = s->audience,
                                               .refs = s->refs,
                                               .subjects = s->subjects,
                                               .body = &s->body});
  HZ_ASSERT(built);
  // Optional header keys that are read and not kept make the texts differ; without them they are equal.
  bool plain = true;
  for (const std::string_view key :
       {"\"exp\":", "\"ret\":", "\"seen\":", "\"priv\":", "\"sm3\":", "\"idx\":", "\"log\":\"\""})
    plain = plain && payload.find(key) == std::string_view::npos;
  const auto again = statement::parse_payload(*built);
  HZ_ASSERT(again && again->kind == s->kind && again->issuer == s->issuer && again->body == s->body);
  if (plain && s->refs.empty()) HZ_ASSERT(*built == payload);
  return 0;
}
