// The leaf frame HZL1: what a log stores and hashes per statement. Offsets: docs/formats/leaf.md.
#pragma once
#include <array>
#include <span>

#include "base/bytes.h"

namespace hz::statement {

inline constexpr std::size_t leaf_size_max = 65535;         // an entry bundle counts in 16 bits
inline constexpr std::size_t leaf_policy_size_max = 32768;  // what this node writes; it reads up to the hard limit
inline constexpr std::size_t signatures_max = 4;

// Signature algorithms. This build makes and checks ed25519; the others keep their numbers.
enum class Algorithm : std::uint8_t { ed25519 = 1, ecdsa_p256 = 2, sm2_sm3 = 3, ml_dsa_44 = 6 };

// A signature on the payload's PAE. The bytes belong to whoever made the view.
struct SignatureView {
  Algorithm algorithm = Algorithm::ed25519;
  Digest key_id{};  // SHA-256(key name, LF, algorithm byte, public key): the same derivation as a note's key id
  ByteView bytes;
};

// A decoded frame; views into the bytes it was decoded from.
struct LeafView {
  std::array<SignatureView, signatures_max> signature_slots;
  std::size_t signature_count = 0;
  std::string_view payload;

  std::span<const SignatureView> signatures() const { return {signature_slots.data(), signature_count}; }
};

// The frame of one payload. Signatures may come in any order and are sorted by (algorithm, key id).
// Errors: statement.leaf (none, more than four, repeated, or a length its algorithm never has), statement.too_large.
Result<Bytes> encode_leaf(std::span<const SignatureView> signatures, std::string_view payload);

// Accepts exactly what encode_leaf makes; the payload is not looked into. No allocation.
// Errors: statement.leaf with the offset.
Result<LeafView> decode_leaf(ByteView bytes);

}  // namespace hz::statement
