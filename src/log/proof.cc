#include "log/proof.h"

#include "crypto/merkle.h"
#include "log/decimal.h"
#include "log/reasons.h"

namespace hz::log {
namespace {
constexpr std::string_view header = "c2sp.org/tlog-proof@v1";
}

Result<Proof> parse_proof(std::string_view text) {
  if (text.size() > proof_size_bytes_max)
    return fail(hz::why("base.too_large"), "a proof of {} bytes, limit {}", text.size(), proof_size_bytes_max);
  std::size_t number = 0;
  const auto refuse = [&](std::string_view what) { return fail(why("log.proof_syntax"), "line {}: {}", number, what); };
  bool cut = false;
  const auto take = [&] {
    ++number;
    const auto end = text.find('\n');
    cut = end == std::string_view::npos;
    const auto line = text.substr(0, end);
    text = cut ? std::string_view() : text.substr(end + 1);
    return line;
  };
  if (take() != header || cut) return refuse("should be c2sp.org/tlog-proof@v1");
  Proof proof;
  std::string_view line = take();
  if (line.starts_with("extra ")) {
    auto extra = parse_base64(line.substr(6));
    if (!extra || extra->empty()) return refuse("the extra part is not base64");
    proof.extra = std::move(*extra);
    line = take();
  }
  const auto index = line.starts_with("index ") ? parse_decimal(line.substr(6)) : std::nullopt;
  if (!index) return refuse("should be `index` and a plain decimal");
  proof.index = *index;
  for (line = take(); !line.empty(); line = take()) {
    const auto hash = parse_base64(line);
    if (!hash || hash->size() != 32) return refuse("should be the base64 of 32 bytes");
    if (proof.path.size() == 63) return refuse("more than 63 hashes");
    std::copy(hash->begin(), hash->end(), proof.path.emplace_back().begin());
  }
  if (cut) return refuse("the checkpoint is missing");
  HZ_TRY(parse_note(text));
  proof.checkpoint = std::string(text);
  return proof;
}

std::string format_proof(const Proof& proof) {
  std::string out = fmt::format("{}\n", header);
  if (!proof.extra.empty()) out += fmt::format("extra {}\n", base64(proof.extra));
  out += fmt::format("index {}\n", proof.index);
  for (const Digest& hash : proof.path) out += base64(hash) + "\n";
  return out + "\n" + proof.checkpoint;
}

Result<Proven> verify_proof(const Proof& proof, const NoteKey& log_key) {
  if (proof.extra.empty()) return fail(why("log.proof_leaf"), "index {}: no extra line", proof.index);
  return verify_proof(proof, proof.extra, log_key);
}

Result<Proven> verify_proof(const Proof& proof, ByteView leaf, const NoteKey& log_key) {
  Checkpoint checkpoint = HZ_TRY(open_checkpoint(proof.checkpoint, log_key));
  if (!crypto::verify_inclusion(crypto::leaf_hash(leaf), proof.index, checkpoint.size, proof.path, checkpoint.root))
    return fail(why("log.proof_wrong"), "index {} with {} hashes, tree size {}", proof.index, proof.path.size(),
                checkpoint.size);
  return Proven{Bytes(leaf.begin(), leaf.end()), proof.index, std::move(checkpoint)};
}

}  // namespace hz::log
