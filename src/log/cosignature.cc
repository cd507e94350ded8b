#include "log/cosignature.h"

#include "log/reasons.h"

namespace hz::log {

Result<Cosignature> parse_cosignature(ByteView bytes) {
  if (bytes.size() != 72) return fail(why("log.note_signature"), "a cosignature has 72 bytes, not {}", bytes.size());
  Cosignature out{get_be<std::uint64_t>(bytes.data()), {}};
  if (out.time_s > INT64_MAX) return fail(why("log.note_signature"), "cosignature time {} is above 2^63-1", out.time_s);
  std::copy(bytes.begin() + 8, bytes.end(), out.signature.begin());
  return out;
}

Bytes format_cosignature(const Cosignature& cosignature) {
  Bytes out;
  put_be(out, cosignature.time_s);
  put(out, cosignature.signature);
  return out;
}

std::string cosigned_text(std::string_view checkpoint_text, std::uint64_t time_s) {
  return fmt::format("cosignature/v1\ntime {}\n{}", time_s, checkpoint_text);
}

SignatureLine cosign(std::string_view checkpoint_text, std::string_view name, const crypto::SigningKey& key,
                     std::uint64_t time_s) {
  const NoteKey note_key{std::string(name), KeyType::cosignature_v1, key.verifying_key()};
  const auto signature = key.sign(as_bytes(cosigned_text(checkpoint_text, time_s)));
  return {note_key.name, note_key.id(), format_cosignature({time_s, signature})};
}

bool verify_cosignature(std::string_view checkpoint_text, const crypto::VerifyingKey& key, ByteView signature_bytes) {
  const auto cosignature = parse_cosignature(signature_bytes);
  return cosignature &&
         key.verify(as_bytes(cosigned_text(checkpoint_text, cosignature->time_s)), cosignature->signature);
}

}  // namespace hz::log
