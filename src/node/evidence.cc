#include "node/evidence.h"

#include <charconv>

#include "alliance/reasons.h"
#include "log/reasons.h"
#include "log/store.h"
#include "node/reasons.h"

namespace hz::node {
namespace {
constexpr std::string_view header = "hezong.example/evidence@v1\n";
}

std::string format_evidence(const Evidence& evidence) {
  std::string out(header);
  const auto add = [&](const std::string& part) { out += fmt::format("length {}\n{}", part.size(), part); };
  add(evidence.genesis);
  for (const std::string& change : evidence.key_changes) add(change);
  add(evidence.statement);
  return out;
}

Result<Evidence> parse_evidence(std::string_view text) {
  if (text.size() > evidence_size_bytes_max)
    return fail(hz::why("base.too_large"), "{} bytes of evidence, limit {}", text.size(), evidence_size_bytes_max);
  if (!text.starts_with(header)) return fail(why("node.evidence_syntax"), "line 1 should be {}", header.substr(0, 26));
  text.remove_prefix(header.size());
  const auto part = [&](std::string_view which) -> Result<std::string> {
    const auto end = text.find('\n');
    std::size_t length = 0;
    const std::string_view line = text.substr(0, std::min(end, text.size()));
    const bool prefixed = end != std::string_view::npos && line.starts_with("length ");
    const std::string_view digits = prefixed ? line.substr(7) : std::string_view();
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    // One number has one text, or two files would be one piece of evidence.
    if (digits.empty() || error != std::errc{} || stop != digits.data() + digits.size() || digits.front() == '0' ||
        length > text.size() - end - 1)
      return fail(why("node.evidence_syntax"), "{}: a length line with a fitting number should be here", which);
    std::string out(text.substr(end + 1, length));
    text.remove_prefix(end + 1 + length);
    return out;
  };
  Evidence out;
  out.genesis = HZ_TRY(part("genesis"));
  out.statement = HZ_TRY(part("statement"));
  while (!text.empty()) {
    if (out.key_changes.size() == key_changes_max)
      return fail(why("node.evidence_syntax"), "more than {} changes of keys", key_changes_max);
    out.key_changes.push_back(std::move(out.statement));
    out.statement = HZ_TRY(part("statement"));
  }
  return out;
}

Result<void> take_key_change(alliance::Authority& authority, ByteView leaf, std::uint64_t index) {
  const auto s = HZ_TRY(alliance::check_statement(authority, leaf, index));
  if (s.role != "root")
    return fail(alliance::why("alliance.role"), "{}[{}]: {} signed as {}, must be root", s.origin, s.index, s.kind,
                s.role);
  return alliance::apply(authority, s);
}

Result<Checked> check_evidence(const Evidence& evidence) {
  const log::Proof genesis = HZ_TRY(log::parse_proof(evidence.genesis));
  const log::Proof proof = HZ_TRY(log::parse_proof(evidence.statement));
  if (genesis.index != 0)
    return fail(why("node.evidence_syntax"), "the first proof is of index {}, not 0", genesis.index);
  // One head for both, or genesis and statement could stand in two different histories.
  if (genesis.checkpoint != proof.checkpoint)
    return fail(why("node.evidence_syntax"), "the two proofs are of different heads");
  // The origin is the checkpoint's first line; the signature check below binds it to the key.
  const std::string origin = genesis.checkpoint.substr(0, genesis.checkpoint.find('\n'));
  alliance::Authority authority = HZ_TRY(alliance::read_genesis(genesis.extra, origin));
  std::vector<log::Proof> changes;
  for (const std::string& text : evidence.key_changes) {
    const log::Proof& change = changes.emplace_back(HZ_TRY(log::parse_proof(text)));
    if (change.checkpoint != proof.checkpoint)
      return fail(why("node.evidence_syntax"), "a proof of a key change is of a different head");
    if (change.index <= (changes.size() > 1 ? changes[changes.size() - 2].index : 0))
      return fail(why("node.evidence_syntax"), "key changes are not in the order of the log");
    // Root keys sign it, so it may name the key that signed the head.
    HZ_TRY(take_key_change(authority, change.extra, change.index));
  }
  const std::uint64_t size = HZ_TRY(log::parse_checkpoint(HZ_TRY(log::parse_note(proof.checkpoint)).text)).size;
  const alliance::KeySpan* signer = authority.log_key(size);
  if (!signer) return fail(why("node.evidence_syntax"), "no log key speaks at {}", size);
  const log::NoteKey log_key{signer->key.name, log::KeyType::ed25519, signer->key.key};
  HZ_TRY(log::verify_proof(genesis, log_key));
  for (const log::Proof& change : changes) HZ_TRY(log::verify_proof(change, log_key));
  const log::Proven proven = HZ_TRY(log::verify_proof(proof, log_key));
  statement::Statement s = HZ_TRY(alliance::check_statement(authority, proven.leaf, proven.index));
  return Checked{std::move(authority), std::move(s), proven.checkpoint.size};
}

Result<void> check_quorum(const Evidence& evidence, const log::Policy& policy) {
  const std::string message = HZ_TRY(log::parse_proof(evidence.statement)).checkpoint;
  if (!policy.logs.empty()) {
    HZ_TRY(log::open_witnessed(message, policy));
    return {};
  }
  const std::vector<log::NoteKey> keys = policy.witness_keys();
  const log::Note note = HZ_TRY(log::parse_note(message));
  std::vector<const log::NoteKey*> signers;
  if (auto held = log::verify_note(note, keys))
    signers = *std::move(held);
  else if (held.error().reason->slug != "log.note_unsigned")
    return std::unexpected(std::move(held).error());
  if (!log::quorum_met(policy, signers))
    return fail(log::why("log.quorum"), "{} of {} witnesses cosigned", signers.size(), keys.size());
  return {};
}

Result<std::string> make_evidence(alliance::Member& member, const statement::Statement& s) {
  Evidence evidence;
  evidence.genesis = HZ_TRY(member.log().prove(0));
  HZ_TRY(member.log().visit(1, member.log().head().size, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
    if (!alliance::may_be_act(leaf)) return {};
    const auto known = statement::read_leaf(leaf, member.origin(), index);
    const bool changes = known && known->role == "root" && known->id != s.id &&
                         (known->kind == alliance::KeyRotate::kind || known->kind == alliance::KeyRevoke::kind);
    if (changes) evidence.key_changes.push_back(HZ_TRY(member.log().prove(index)));
    return {};
  }));
  evidence.statement = HZ_TRY(member.log().prove(s.index));
  // What is handed out must hold; a member never exports what a stranger would refuse.
  HZ_TRY(check_evidence(evidence));
  return format_evidence(evidence);
}

}  // namespace hz::node
