#include "alliance/key_proposal.h"

#include <algorithm>

#include "alliance/authority.h"
#include "alliance/keys.h"
#include "alliance/kinds.h"
#include "alliance/reasons.h"
#include "base/json.h"
#include "log/store.h"

namespace hz::alliance {
namespace {

std::unexpected<Error> refuse(std::string_view what) { return fail(why("alliance.key_proposal"), "{}", what); }

struct SignatureRow {
  std::string keyid, sig;
  static constexpr auto fields() {
    return rows(row("keyid", &SignatureRow::keyid, "key id, hex"), row("sig", &SignatureRow::sig, "base64"));
  }
};
struct Envelope {
  std::string payload, payloadType;
  std::vector<SignatureRow> signatures;
  static constexpr auto fields() {
    return rows(row("payload", &Envelope::payload, "base64"), row("payloadType", &Envelope::payloadType, "media type"),
                row("signatures", &Envelope::signatures, "root signatures"));
  }
};

}  // namespace

std::string format_proposal(const KeyProposal& proposal) {
  Envelope out{base64(as_bytes(proposal.payload)), std::string(statement::payload_type), {}};
  for (const auto& s : proposal.signatures) out.signatures.push_back({hex(s.key_id), base64(s.bytes)});
  return json::pretty(to_json(out)) + "\n";
}

Result<KeyProposal> parse_proposal(std::string_view text) {
  const auto root = HZ_TRY(json::parse(text, {.size_bytes_max = proposal_size_bytes_max, .depth_max = 4}));
  const auto said = HZ_TRY(from_json<Envelope>(root));
  if (said.payloadType != statement::payload_type) return refuse("payloadType is not application/vnd.in-toto+json");
  if (said.signatures.size() > statement::signatures_max) return refuse("more than four signatures");
  KeyProposal out;
  out.payload = std::string(as_text(HZ_TRY(parse_base64(said.payload))));
  for (const SignatureRow& s : said.signatures)
    out.signatures.push_back({HZ_TRY(parse_digest(s.keyid)), HZ_TRY(parse_base64(s.sig))});
  for (std::size_t i = 1; i < out.signatures.size(); ++i)
    if (out.signatures[i - 1].key_id >= out.signatures[i].key_id)
      return refuse("signatures are not in order of their key ids");
  if (format_proposal(out) != text) return refuse("the text is not the one text of its content");
  HZ_TRY(read_proposal(out));
  return out;
}

Result<statement::Statement> read_proposal(const KeyProposal& proposal) {
  auto s = HZ_TRY(statement::parse_payload(proposal.payload));
  if (s.role != "root" || s.issuer != s.origin) return refuse("it is not a statement of a member's root keys");
  if (s.kind == KeyRotate::kind)
    HZ_TRY(from_json<KeyRotate>(s.body, "$.predicate.body"));
  else if (s.kind == KeyRevoke::kind)
    HZ_TRY(from_json<KeyRevoke>(s.body, "$.predicate.body"));
  else if (s.kind == LogEnd::kind)
    HZ_TRY(from_json<LogEnd>(s.body, "$.predicate.body"));
  else
    return refuse(fmt::format("{} changes no keys", s.kind));
  return s;
}

Result<KeyProposal> propose(Member& member, const Draft& change) {
  statement::Idem idem;
  member.seams().rng->fill(idem);
  KeyProposal out;
  out.payload = HZ_TRY(statement::build_payload({.kind = change.kind,
                                                 .issuer = member.id(),
                                                 .log = member.origin(),
                                                 .role = "root",
                                                 .issued_ms = member.seams().clock->now_ms(),
                                                 .idem = idem,
                                                 .body = &change.body}));
  auto s = HZ_TRY(read_proposal(out));
  // What could not be applied now is not sent around for signatures.
  s.index = member.log().head().size;
  Authority after = member.authority();
  HZ_TRY(apply(after, s));
  return out;
}

Result<void> sign_proposal(KeyProposal& proposal, const statement::NamedSigner& root) {
  const auto s = HZ_TRY(read_proposal(proposal));
  if (root.name != key_name(s.origin, Role::root))
    return refuse(fmt::format("{} is asked for, the key is {}", key_name(s.origin, Role::root), root.name));
  const auto same = [&](const auto& one) { return one.key_id == root.id; };
  if (std::ranges::any_of(proposal.signatures, same)) return {};
  if (proposal.signatures.size() == statement::signatures_max) return refuse("four root keys have signed already");
  const statement::NamedSigner* signers[] = {&root};
  const auto made = HZ_TRY(statement::sign(proposal.payload, signers));
  const ByteView bytes = HZ_TRY(statement::decode_leaf(made.leaf)).signatures()[0].bytes;
  proposal.signatures.push_back({root.id, Bytes(bytes.begin(), bytes.end())});
  std::ranges::sort(proposal.signatures, {}, &KeyProposal::Signature::key_id);
  return {};
}

Result<Bytes> leaf_of(const KeyProposal& proposal) {
  std::vector<statement::SignatureView> views;
  for (const auto& s : proposal.signatures) views.push_back({statement::Algorithm::ed25519, s.key_id, s.bytes});
  return statement::encode_leaf(views, proposal.payload);
}

}  // namespace hz::alliance
