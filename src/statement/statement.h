// A statement: a signed fact. Formats: docs/formats/leaf.md (frame, payload, PAE, id).
#pragma once
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "statement/kind.h"

namespace hz::statement {

using StatementId = Digest;  // SHA-256 of the DSSE PAE, so independent of signatures

struct Ref {
  std::string rel;  // supersedes, revokes, evidences, endorses, answers, depends-on
  std::string id;   // statement id, hex
  static constexpr auto fields() {
    return rows(row("rel", &Ref::rel, "relation to the other statement"), row("id", &Ref::id, "statement id, hex"));
  }
};

// A decoded statement with its position in its log.
struct Statement {
  StatementId id{};
  std::string origin;          // the log it stands in; equals hz.log of the payload
  std::uint64_t index = 0;     // position in that log
  std::string kind;            // slug
  std::string issuer;          // member id
  std::int64_t issued_ms = 0;  // claimed time, never used for ordering
  std::vector<Ref> refs;
  json::Value body;

  std::string id_text() const { return hex(id); }
};

}  // namespace hz::statement
