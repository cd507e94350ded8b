// Signing payloads into leaves, and checking leaves.
#pragma once
#include <span>
#include <string>

#include "crypto/sign.h"
#include "statement/leaf.h"
#include "statement/statement.h"

namespace hz::statement {

// SHA-256(name, LF, algorithm byte 0x01, public key). Its first four bytes are the key id of the C2SP signed-note
// format, so the same key has one identity in checkpoints and in statements.
Digest key_id(std::string_view name, const crypto::VerifyingKey& key);

// A public key with the name it signs under.
struct NamedKey {
  std::string name;
  crypto::VerifyingKey key;
  Digest id;

  NamedKey(std::string key_name, crypto::VerifyingKey verifying)
      : name(std::move(key_name)), key(std::move(verifying)), id(key_id(name, key)) {}
};

// A secret key with the name it signs under.
struct NamedSigner {
  std::string name;
  crypto::SigningKey key;
  Digest id;

  NamedSigner(std::string key_name, crypto::SigningKey signing)
      : name(std::move(key_name)), key(std::move(signing)), id(key_id(name, key.verifying_key())) {}
  NamedKey named_key() const { return {name, key.verifying_key()}; }
};

// A payload ready for the log.
struct Signed {
  StatementId id{};
  Bytes leaf;
};

// Checks that the payload is canonical, then signs its PAE with every key (1..4).
// Cost: about 25 us per key. Errors: statement.not_canonical, statement.leaf, statement.too_large.
Result<Signed> sign(std::string_view payload, std::span<const NamedSigner* const> keys);

// The leaf carries a valid signature of this key. Other signatures are not looked at.
// Errors: statement.no_signature (names the key and the ones found), statement.signature.
Result<void> verify(const LeafView& leaf, const NamedKey& key);

// decode_leaf, parse_payload and the position: what replay reads. No signature is checked here.
// Errors: statement.leaf, statement.not_canonical, statement.header, statement.wrong_log (payload names another
// origin).
Result<Statement> read_leaf(ByteView leaf, std::string_view origin, std::uint64_t index);

}  // namespace hz::statement
