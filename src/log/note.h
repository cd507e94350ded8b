// C2SP signed-note v1.0.0: text, an empty line, and lines `— name base64(key id, signature)`.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "crypto/sign.h"

namespace hz::log {

// Signature types of the C2SP registry that a verifier key here may have.
enum class KeyType : std::uint8_t { ed25519 = 0x01, cosignature_v1 = 0x04 };

// A verifier key ("vkey"): who signs, how, and with which public key.
struct NoteKey {
  std::string name;
  KeyType type;
  crypto::VerifyingKey key;

  // The first four bytes of SHA-256(name, LF, type, public key), big-endian.
  std::uint32_t id() const;
  bool operator==(const NoteKey&) const = default;
};

// `name+hex key id+base64(type, public key)`. The key id is recomputed and compared. Errors: log.vkey,
// crypto.public_key.
Result<NoteKey> parse_vkey(std::string_view text);
std::string format_vkey(const NoteKey& key);

// Not empty, valid UTF-8, without Unicode spaces, control bytes or '+'.
bool valid_key_name(std::string_view name);

struct SignatureLine {
  std::string name;
  std::uint32_t key_id = 0;
  Bytes signature;  // what follows the key id
  bool operator==(const SignatureLine&) const = default;
};

struct Note {
  std::string text;  // ends in LF
  std::vector<SignatureLine> signatures;
  bool operator==(const Note&) const = default;
};

inline constexpr std::size_t note_size_bytes_max = 1'000'000;
inline constexpr std::size_t note_signatures_max = 100;

// Splits at the last empty line. Unknown signature types are kept. Errors: log.note, base.too_large.
Result<Note> parse_note(std::string_view message);
// parse_note gives the same note back.
std::string format_note(const Note& note);

// An Ed25519 (0x01) signature line over the text.
SignatureLine sign_note(std::string_view text, std::string_view name, const crypto::SigningKey& key);

// The known keys that signed, each once. A line of an unknown (name, key id) is ignored and a repeated one counts once,
// but a bad signature under a known key refuses the whole note. Errors: log.note_signature, log.note_unsigned when no
// known key signed.
Result<std::vector<const NoteKey*>> verify_note(const Note& note, std::span<const NoteKey> known);

}  // namespace hz::log
