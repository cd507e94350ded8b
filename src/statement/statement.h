// A statement: a signed fact. Formats: docs/formats/leaf.md (frame, payload, PAE, id).
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "statement/kind.h"
#include "statement/pae.h"
#include "statement/seal.h"

namespace hz::statement {

struct Ref {
  std::string rel;  // supersedes, revokes, evidences, endorses, answers, depends-on
  std::string id;   // statement id, hex
  static constexpr auto fields() {
    return rows(row("rel", &Ref::rel, "relation to the other statement"), row("id", &Ref::id, "statement id, hex"));
  }
};

// What a statement is about: a thing with a digest.
struct Subject {
  std::string name;
  std::string sha256;  // hex
  static constexpr auto fields() {
    return rows(row("name", &Subject::name, "what it is called"), row("sha256", &Subject::sha256, "hex SHA-256"));
  }
};

using Idem = std::array<std::uint8_t, 16>;  // client's idempotency key: the same one never makes two statements

inline constexpr std::size_t subjects_max = 64;
inline constexpr std::size_t refs_max = 64;
inline constexpr std::size_t audience_max = 64;

// A decoded statement with its position in its log.
struct Statement {
  StatementId id{};
  std::string origin;          // the log it stands in; equals hz.log of the payload
  std::uint64_t index = 0;     // position in that log
  std::string kind;            // slug
  std::string issuer;          // member id
  std::int64_t issued_ms = 0;  // claimed time, never used for ordering
  std::vector<Ref> refs;
  json::Value body;                   // null while the body is sealed; whoever opens it fills it in
  std::string role;                   // the signing key's role: root, author
  std::vector<std::string> audience;  // "*" or member ids
  std::vector<Subject> subjects;
  Idem idem{};
  std::optional<Seal> seal = {};  // there exactly when the payload has no body

  std::string id_text() const { return hex(id); }
};

// What a payload is made of. Views: everything is copied into the text.
struct Content {
  std::string_view kind;    // slug
  std::string_view issuer;  // member id
  std::string_view log;     // origin of the log it will stand in
  std::string_view role = "author";
  std::int64_t issued_ms = 0;
  Idem idem{};
  std::span<const std::string> audience = {};  // empty = everyone
  std::span<const Ref> refs = {};
  std::span<const Subject> subjects = {};  // empty = the body itself
  const json::Value* body = nullptr;       // exactly one of body and seal
  const Seal* seal = nullptr;              // then subjects is empty, and the commitment is the subject
};

// The canonical in-toto Statement v1. Errors: statement.not_canonical (JSON path in the body), statement.kind,
// statement.header.
Result<std::string> build_payload(const Content& content);

// Reads a payload and computes its id; `index` stays 0. Errors: statement.not_canonical, statement.header.
Result<Statement> parse_payload(std::string_view payload);

// "share.release" <-> "https://hezong.example/share/release/v1". Errors: statement.kind.
Result<std::string> predicate_type(std::string_view slug);
Result<std::string> kind_slug(std::string_view predicate_type);

}  // namespace hz::statement
