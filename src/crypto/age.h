// Encryption of a file to several readers: age v1 (age-encryption.org/v1, C2SP age.md) with X25519 recipients.
// Interoperates with the age program both ways. Byte by byte: docs/formats/sealed.md.
#pragma once
#include <span>

#include "crypto/age_header.h"
#include "crypto/age_key.h"

namespace hz::crypto {

inline constexpr std::size_t age_chunk_size = 65536;

// A file that each of 1 to 64 recipients can open, and nobody else. It tells the number of recipients and the size of
// the plaintext; it does not tell who they are. Not deterministic: file key, nonce and ephemeral keys come from `rng`.
// Errors: crypto.age_key (no recipient, too many, or a point of low order).
Result<Bytes> age_encrypt(std::span<const AgeRecipient> recipients, ByteView plaintext, Rng& rng);

// The size of what age_encrypt makes.
std::size_t age_size(std::size_t recipients, std::size_t plaintext_size);

// The plaintext, wholly checked before a byte of it is returned.
// Errors: crypto.age_syntax, crypto.age_not_for_us (no stanza opens with this key), crypto.age_corrupt, base.too_large
// (the plaintext is over size_max).
Result<Bytes> age_decrypt(const AgeIdentity& identity, ByteView file, std::size_t size_max);

}  // namespace hz::crypto
