// The alliance's own statement kinds: keys. Membership kinds stand in charter.h.
#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "alliance/keys.h"
#include "statement/kind.h"

namespace hz::alliance {

// Statement 0 of every log: who the member is and which keys speak for it. Signed by root_threshold of the root keys,
// so that the online keys can be replaced without a new member. Keys are verifier keys: <name>+<key id>+<base64>.
struct Genesis {
  static constexpr std::string_view kind = "alliance.genesis";
  std::string member;
  std::string name;
  std::vector<std::string> roots;
  std::int64_t root_threshold = 1;
  std::string log_key, author_key, witness_key;
  std::string box_key;
  static constexpr auto fields() {
    return rows(row("member", &Genesis::member, "member id"), row("name", &Genesis::name, "shown to people"),
                row("roots", &Genesis::roots, "root verifier keys, kept offline"),
                row("root_threshold", &Genesis::root_threshold, "root signatures that replace a key"),
                row("log_key", &Genesis::log_key, "verifier key of the log's checkpoints"),
                row("author_key", &Genesis::author_key, "verifier key of the member's statements"),
                row("witness_key", &Genesis::witness_key, "verifier key of the member's cosignatures on other logs"),
                row("box_key", &Genesis::box_key, "age recipient that bodies for the member are sealed to; box_key.h",
                    or_default));
  }
};

// A new key of a role speaks from the next statement on, and the old one does no longer. Earlier statements stay valid.
struct KeyRotate {
  static constexpr std::string_view kind = "alliance.key_rotate";
  Role role = Role::author;
  std::string key;
  std::optional<std::string> replaces;
  static constexpr auto fields() {
    return rows(row("role", &KeyRotate::role, "root, log, author or witness"),
                row("key", &KeyRotate::key, "verifier key that speaks from the next statement on"),
                row("replaces", &KeyRotate::replaces, "root only: id of the root key that it replaces, hex"));
  }
};

// What this key signed from a position on does not count, also what stands in the log already: it was stolen then.
struct KeyRevoke {
  static constexpr std::string_view kind = "alliance.key_revoke";
  std::string key_id;
  std::int64_t from = 0;
  std::string note;
  static constexpr auto fields() {
    return rows(row("key_id", &KeyRevoke::key_id, "key id, hex"),
                row("from", &KeyRevoke::from, "first position whose signature does not count"),
                row("note", &KeyRevoke::note, "why, for people", or_default));
  }
};

// The last statement of a log. Statements from `size` on do not count: a good end names its own position, an end after
// a theft names the last good head.
struct LogEnd {
  static constexpr std::string_view kind = "alliance.log_end";
  std::int64_t size = 0;
  std::string note;
  static constexpr auto fields() {
    return rows(row("size", &LogEnd::size, "statements that count"),
                row("note", &LogEnd::note, "why, for people", or_default));
  }
};

// Every kind of this module. Their rows are written by fold.h, not one by one.
std::span<const statement::Kind> kinds();

}  // namespace hz::alliance
