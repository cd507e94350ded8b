#include "alliance/fork_evidence.h"

#include "alliance/head_keys.h"
#include "alliance/reasons.h"
#include "log/checkpoint.h"

namespace hz::alliance {
namespace {

std::unexpected<Error> unproven(const ForkEvidence& evidence, std::string_view what) {
  return fail(why("alliance.fork"), "{} at {}: {}", evidence.origin, evidence.shared_size, what);
}

Result<std::vector<Digest>> path_of(const std::vector<std::string>& hashes) {
  std::vector<Digest> out;
  for (const std::string& hash : hashes) out.push_back(HZ_TRY(parse_digest(hash)));
  return out;
}
std::vector<std::string> path_text(const std::vector<Digest>& path) {
  std::vector<std::string> out;
  for (const Digest& hash : path) out.push_back(hex(hash));
  return out;
}

}  // namespace

Result<std::uint64_t> read_fork(const ForkEvidence& evidence, const Authority& forked) {
  const log::Fork fork = HZ_TRY(log::parse_fork(evidence.evidence));
  // The log may have changed its key between the heads.
  const auto heads = log::verify_fork(fork, [&](std::uint64_t size) { return head_keys(forked, size); });
  if (!heads) return std::unexpected(heads.error());
  if (heads->first.origin != evidence.origin) return unproven(evidence, "the heads are of another log");
  if (evidence.shared_size < 0 || static_cast<std::uint64_t>(evidence.shared_size) > heads->first.size)
    return unproven(evidence, "more than the smaller head has");
  const auto size = static_cast<std::uint64_t>(evidence.shared_size);
  if (size == 0) return size;
  const Digest root = HZ_TRY(parse_digest(evidence.shared_root));
  const auto first = HZ_TRY(path_of(evidence.first_path)), second = HZ_TRY(path_of(evidence.second_path));
  if (!crypto::verify_consistency(size, heads->first.size, root, heads->first.root, first))
    return unproven(evidence, "the smaller head does not extend the shared prefix");
  if (!crypto::verify_consistency(size, heads->second.size, root, heads->second.root, second))
    return unproven(evidence, "the larger head does not extend the shared prefix");
  return size;
}

Result<ForkEvidence> describe_fork(const log::Fork& fork, log::Log& ours, std::uint64_t their_size,
                                   const crypto::NodeSource& theirs) {
  ForkEvidence out;
  out.origin = ours.origin();
  out.evidence = log::format_fork(fork);
  const auto head_of = [](const std::string& note) -> Result<log::Checkpoint> {
    return log::parse_checkpoint(HZ_TRY(log::parse_note(note)).text);
  };
  const log::Checkpoint first = HZ_TRY(head_of(fork.first)), second = HZ_TRY(head_of(fork.second));
  const auto is_ours = [&](const log::Checkpoint& c) {
    return c.size == ours.head().size && c.root == ours.head().root;
  };
  if (!is_ours(first) && !is_ours(second)) return unproven(out, "the log here is neither of the heads");
  // Roots of a prefix are equal up to where the histories part, and never after.
  std::uint64_t low = 0, high = std::min(first.size, second.size);
  while (low < high) {
    const std::uint64_t middle = low + (high - low + 1) / 2;
    if (HZ_TRY(ours.root_at(middle)) == HZ_TRY(crypto::tree_root(middle, theirs)))
      low = middle;
    else
      high = middle - 1;
  }
  out.shared_size = static_cast<std::int64_t>(low);
  if (low == 0) return out;
  out.shared_root = hex(HZ_TRY(ours.root_at(low)));
  const auto mine = path_text(HZ_TRY(ours.consistency_proof(low, ours.head().size)));
  const auto other = path_text(HZ_TRY(crypto::consistency_proof(low, their_size, theirs)));
  out.first_path = is_ours(first) ? mine : other;
  out.second_path = is_ours(first) ? other : mine;
  return out;
}

}  // namespace hz::alliance
