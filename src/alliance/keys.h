// A member's keys: secret files on disk, verifier keys as text.
#pragma once
#include <array>

#include "base/fields.h"
#include "base/fs.h"
#include "base/seams.h"
#include "log/note.h"
#include "statement/sign.h"

namespace hz::alliance {

enum class Role : std::uint8_t { root, log, author, witness };
constexpr auto enum_names(Role) {
  return std::array<EnumName<Role>, 4>{
      {{Role::root, "root"}, {Role::log, "log"}, {Role::author, "author"}, {Role::witness, "witness"}}};
}
constexpr std::string_view role_text(Role role) { return enum_text(role); }

inline constexpr std::size_t root_keys_max = 16;

// The name a key signs under: the log's origin for the log, "<origin>/<role>" for the others.
std::string key_name(std::string_view origin, Role role);

// C2SP signed-note verifier key: <name>+<8 hex digits>+<base64(type, public key)>. The type byte is 0x04 for witness
// keys (cosignature/v1), else 0x01.
std::string verifier_text(const statement::NamedKey& key, Role role);
// Errors: log.vkey, crypto.public_key, alliance.key when the type does not fit the role.
Result<statement::NamedKey> parse_verifier(std::string_view text, Role role);

// SHA-256 of a verifier key's text: what people compare over another channel.
std::string fingerprint(std::string_view verifier);

// One file per role, mode 0600, in Go's note signer form: PRIVATE+KEY+<name>+<8 hex digits>+<base64(type, seed)>.
// The name is what the file says. Errors: base.read, alliance.key, alliance.key_open (others may read it).
Result<statement::NamedSigner> load_key(const fs::path& folder, Role role);
Result<statement::NamedSigner> load_key_file(const fs::path& path, Role role);
bool has_key(const fs::path& folder, Role role);

// The file of one role; further root keys of a new member stand in root-2, root-3 ...; a key that a proposal names and
// that does not speak yet stands in <role>.next.
fs::path key_path(const fs::path& folder, Role role);
fs::path root_key_path(const fs::path& folder, std::size_t number);
fs::path next_key_path(const fs::path& folder, Role role);

// Loads the key, or makes and stores it when the file is absent: repeating an interrupted creation keeps the keys.
// Errors: as load_key; alliance.unfinished when the file is of another origin.
Result<statement::NamedSigner> load_or_create_key(const fs::path& folder, std::string_view origin, Role role, Rng& rng);
Result<statement::NamedSigner> load_or_create_key_file(const fs::path& path, std::string_view origin, Role role,
                                                       Rng& rng);

}  // namespace hz::alliance
