// Sealing a body to its readers, and opening it.
#pragma once
#include <span>

#include "crypto/age.h"
#include "statement/field_tree.h"
#include "statement/seal.h"

namespace hz::statement {

inline constexpr std::size_t sealed_body_max = bucket_size(bucket_max) - sizeof(Salt);
// No encrypted body is larger.
inline constexpr std::size_t sealed_blob_max = bucket_size(bucket_max) + (128u << 10);

// SHA-256("hezong/body/v1", 0x00, salt, canonical body). Nobody without the salt can guess the body from it.
Digest body_commitment(const Salt& salt, std::string_view body);

// Bodies of up to tree_fields_max fields are committed field by field, larger ones as a whole.
Result<Digest> commitment(Commitment type, const Salt& salt, const json::Value& body);

inline constexpr std::size_t sealed_readers_max = seal_blobs_max * crypto::age_recipients_max;

struct SealedBody {
  Seal seal;
  std::vector<Bytes> blobs;  // age files, in the seal's order; each tells its number of readers and the size class
};
// One blob for every 64 readers, at most 512 of them. Errors: statement.not_canonical, statement.too_large (over 4 MiB,
// or too many readers), crypto.age_key.
Result<SealedBody> seal_body(const json::Value& body, std::span<const crypto::AgeRecipient> readers, Rng& rng);

struct OpenedBody {
  json::Value body;
  Salt salt{};  // as secret as the body
};
// For whoever may see the whole body and has no key: canonical JSON `{"body":...,"salt":"<64 hex>"}`. Errors:
// statement.not_canonical.
Result<std::string> format_opening(const OpenedBody& opened);
// What opens exactly this seal. Safe on any bytes. Errors: statement.not_canonical, statement.sealed.
Result<json::Value> read_opening(const Seal& seal, std::string_view text);
// Further blobs of a sealed body, for other readers: the commitment stays. Errors: as seal_body.
Result<std::vector<Bytes>> wrap_body(const OpenedBody& opened, std::span<const crypto::AgeRecipient> readers, Rng& rng);
// The body in a blob, when it is the one the seal commits to: size class, padding, canonical form and commitment are
// checked. Errors: crypto.age_*, statement.sealed, statement.not_canonical.
Result<OpenedBody> open_body(const Seal& seal, ByteView blob, const crypto::AgeIdentity& identity);

}  // namespace hz::statement
