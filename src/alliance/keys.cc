#include "alliance/keys.h"

#include <sys/stat.h>

#include "alliance/reasons.h"
#include "crypto/hash.h"

namespace hz::alliance {
namespace {

constexpr std::string_view secret_prefix = "PRIVATE+KEY+";
constexpr std::size_t secret_size = 44 + 1;  // base64 of 33 bytes, line end

log::KeyType type_of(Role role) { return role == Role::witness ? log::KeyType::cosignature_v1 : log::KeyType::ed25519; }

std::string short_id(std::string_view name, Role role, const crypto::VerifyingKey& key) {
  return fmt::format("{:08x}", log::NoteKey{std::string(name), type_of(role), key}.id());
}

}  // namespace

std::string key_name(std::string_view origin, Role role) {
  return role == Role::log ? std::string(origin) : fmt::format("{}/{}", origin, role_text(role));
}

std::string verifier_text(const statement::NamedKey& key, Role role) {
  return log::format_vkey({key.name, type_of(role), key.key});
}

Result<statement::NamedKey> parse_verifier(std::string_view text, Role role) {
  const log::NoteKey key = HZ_TRY(log::parse_vkey(text));
  if (key.type != type_of(role))
    return fail(why("alliance.key"), "{}: key type {}, {} expected of a {} key", key.name, static_cast<int>(key.type),
                static_cast<int>(type_of(role)), role_text(role));
  return statement::NamedKey(key.name, key.key);
}

std::string fingerprint(std::string_view verifier) { return hex(crypto::sha256(as_bytes(verifier))); }

fs::path key_path(const fs::path& folder, Role role) { return folder / role_text(role); }
fs::path root_key_path(const fs::path& folder, std::size_t number) {
  return number <= 1 ? key_path(folder, Role::root) : folder / fmt::format("root-{}", number);
}
fs::path next_key_path(const fs::path& folder, Role role) { return folder / fmt::format("{}.next", role_text(role)); }

bool has_key(const fs::path& folder, Role role) {
  std::error_code ignored;
  return fs::exists(key_path(folder, role), ignored);
}

Result<statement::NamedSigner> load_key(const fs::path& folder, Role role) {
  return load_key_file(key_path(folder, role), role);
}

Result<statement::NamedSigner> load_key_file(const fs::path& path, Role role) {
  std::string text = HZ_TRY(read_text(path, 4096));
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0 || (facts.st_mode & 077) != 0)
    return fail(why("alliance.key_open"), "{} has mode {:o}", path.string(), facts.st_mode & 0777);
  const auto refuse = [&](std::string_view what) { return fail(why("alliance.key"), "{}: {}", path.string(), what); };
  // The secret is the last 44 characters and the line end; what stands before it may be shown in messages.
  if (!text.starts_with(secret_prefix) || text.size() < secret_size || text.back() != '\n')
    return refuse("not a key file");
  const std::size_t cut = text.size() - secret_size;
  auto bytes = parse_base64(std::string_view(text).substr(cut, secret_size - 1));
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()) + cut, secret_size});
  text.resize(cut);
  if (!bytes || bytes->size() != 33 || bytes->front() != static_cast<std::uint8_t>(type_of(role)))
    return refuse(fmt::format("not the secret of a {} key", role_text(role)));
  crypto::Seed seed;
  std::copy(bytes->begin() + 1, bytes->end(), seed.begin());
  crypto::wipe(*bytes);
  const std::string_view after = std::string_view(text).substr(secret_prefix.size());
  const std::string name(after.substr(0, after.find('+')));
  statement::NamedSigner out(name, crypto::SigningKey::from_seed(seed));
  crypto::wipe(seed);
  const std::string head = fmt::format("{}{}+{}+", secret_prefix, name, short_id(name, role, out.key.verifying_key()));
  if (text != head) return refuse(fmt::format("it says {}, {} expected", text, head));
  return out;
}

Result<statement::NamedSigner> load_or_create_key(const fs::path& folder, std::string_view origin, Role role,
                                                  Rng& rng) {
  return load_or_create_key_file(key_path(folder, role), origin, role, rng);
}

Result<statement::NamedSigner> load_or_create_key_file(const fs::path& path, std::string_view origin, Role role,
                                                       Rng& rng) {
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    statement::NamedSigner known = HZ_TRY(load_key_file(path, role));
    if (known.name != key_name(origin, role))
      return fail(why("alliance.unfinished"), "{} is the key {}, not {}", path.string(), known.name,
                  key_name(origin, role));
    return known;
  }
  statement::NamedSigner made(key_name(origin, role), crypto::SigningKey::generate(rng));
  Bytes bytes{static_cast<std::uint8_t>(type_of(role))};
  crypto::Seed seed = made.key.seed();
  put(bytes, seed);
  std::string text = fmt::format("{}{}+{}+{}\n", secret_prefix, made.name,
                                 short_id(made.name, role, made.key.verifying_key()), base64(bytes));
  const auto written = write_file_durably(path, as_bytes(text), 0600);
  crypto::wipe(seed);
  crypto::wipe(bytes);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!written) return std::unexpected(written.error());
  return made;
}

}  // namespace hz::alliance
