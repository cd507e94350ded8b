// A member's box keys: what others seal bodies to, and what this member opens them with.
//
// They are X25519 keys in the text forms of age, so that a body can be opened with the age program and the key file
// when no node is left. The newest that counts speaks: the one of the genesis statement, or of an alliance.box_key
// statement after it. It is signed by the author key, not by the root keys: whoever has the author key could have
// anything sealed to itself by saying so in the member's name anyway, and revoking the author key from a position
// takes back the box key it named (decision 0087). An old secret is kept, since old bodies open with nothing else.
#pragma once
#include <string>
#include <vector>

#include "base/fs.h"
#include "crypto/age_key.h"
#include "statement/kind.h"

namespace hz::alliance {

// Bodies for the signer are sealed to this key from now on.
struct BoxKey {
  static constexpr std::string_view kind = "alliance.box_key";
  std::string key;
  static constexpr auto fields() { return rows(row("key", &BoxKey::key, "age recipient: age1 and 58 characters")); }
};
Result<void> replay_box_key(sql::Db& views, const statement::Statement& from, const BoxKey& said);

// keys/box: the identity in use; box.next: made and not in the log yet; box.<8 hex>: retired, by the start of
// SHA-256 of the recipient's text. Mode 0600, one line, readable by the age program.
fs::path box_path(const fs::path& keys);
fs::path next_box_path(const fs::path& keys);

// Every identity in the folder, the one in use first. Errors: base.read, crypto.age_key, alliance.key_open.
Result<std::vector<crypto::AgeIdentity>> load_boxes(const fs::path& keys);
// Loads the file, or makes it when it is absent. Errors: as load_boxes, base.write.
Result<crypto::AgeIdentity> load_or_create_box(const fs::path& file, Rng& rng);
// Makes box.next the one in use and retires the other; harmless when there is none. Errors: base.write, as load_boxes.
Result<void> adopt_next_box(const fs::path& keys);

}  // namespace hz::alliance
