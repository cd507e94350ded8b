// The alliance's own statement kinds.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "statement/kind.h"

namespace hz::alliance {

// Statement 0 of every log: who the member is and which keys speak for it. Signed by the root key, so that the online
// keys can be replaced without a new member. Keys are verifier keys: <name>+<key id>+<base64>.
struct Genesis {
  static constexpr std::string_view kind = "alliance.genesis";
  std::string member;
  std::string name;
  std::vector<std::string> roots;
  std::int64_t root_threshold = 1;
  std::string log_key, author_key, witness_key;
  static constexpr auto fields() {
    return rows(row("member", &Genesis::member, "member id"), row("name", &Genesis::name, "shown to people"),
                row("roots", &Genesis::roots, "root verifier keys, kept offline"),
                row("root_threshold", &Genesis::root_threshold, "root signatures that replace a key"),
                row("log_key", &Genesis::log_key, "verifier key of the log's checkpoints"),
                row("author_key", &Genesis::author_key, "verifier key of the member's statements"),
                row("witness_key", &Genesis::witness_key, "verifier key of the member's cosignatures on other logs"));
  }
};

std::span<const statement::Kind> kinds();

}  // namespace hz::alliance
