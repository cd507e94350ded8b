// C2SP tlog-cosignature v1.0.1, the Ed25519 form (type 0x04): a witness says "as of this second, the largest consistent
// head I saw of this log is this one". The signed text does not name the witness, so its key must serve nothing else.
#pragma once
#include "log/note.h"

namespace hz::log {

struct Cosignature {
  std::uint64_t time_s = 0;  // POSIX seconds, at most 2^63 - 1
  crypto::Signature signature{};
};

// The bytes in a note's signature line after the key id: u64 big-endian time, 64 bytes of signature.
// Errors of parse: log.note_signature.
Result<Cosignature> parse_cosignature(ByteView bytes);
Bytes format_cosignature(const Cosignature& cosignature);

// `cosignature/v1`, `time T`, and the checkpoint's text.
std::string cosigned_text(std::string_view checkpoint_text, std::uint64_t time_s);

SignatureLine cosign(std::string_view checkpoint_text, std::string_view name, const crypto::SigningKey& key,
                     std::uint64_t time_s);
[[nodiscard]] bool verify_cosignature(std::string_view checkpoint_text, const crypto::VerifyingKey& key,
                                      ByteView signature_bytes);

}  // namespace hz::log
