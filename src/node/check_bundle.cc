// The auditor's walk through a bundle. The item being looked at is kept by name, so that the first one that does not
// hold can be told.
#include <algorithm>
#include <map>
#include <set>

#include "alliance/audience.h"
#include "alliance/authority.h"
#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "log/cosignature.h"
#include "node/bundle.h"
#include "node/evidence.h"
#include "node/reasons.h"
#include "statement/field_tree.h"
#include "statement/leaf.h"
#include "statement/sealed.h"
#include "statement/statement.h"

namespace hz::node {
namespace {

class Auditor {
 public:
  Auditor(const BundleTrust& trust, BundleAnswer& answer) : trust_(trust), answer_(answer) {}

  Result<void> check(std::string_view text) {
    item_ = "the file";
    const Bundle bundle = HZ_TRY(parse_bundle(text));
    item_ = "the enclosed policy";
    answer_.policy_name = bundle.policy_name;
    answer_.policy_sha256 = hex(crypto::sha256(as_bytes(bundle.policy)));
    enclosed_ = HZ_TRY(log::parse_policy(bundle.policy));
    for (const BundleBody& body : bundle.bodies) openings_.emplace(body.statement, &body.opening);
    for (const BundleLog& log : bundle.logs) HZ_TRY(one_log(log));
    if (!openings_.empty()) {
      item_ = fmt::format("body of {}", openings_.begin()->first);
      return refuse("it opens no sealed statement of this bundle");
    }
    for (const BundleFile& file : bundle.files) HZ_TRY(one_file(file));
    return exit_plans(bundle.files);
  }
  const std::string& item() const { return item_; }

 private:
  static std::unexpected<Error> refuse(std::string detail) {
    return fail(why("node.bundle_wrong"), "{}", std::move(detail));
  }

  Result<void> one_log(const BundleLog& in) {
    item_ = fmt::format("log {}: genesis", in.origin);
    std::vector<log::Proof> proofs;
    for (std::size_t i = 0; i < in.proofs.size(); ++i) {
      if (i > 0) item_ = fmt::format("log {}: proof {}", in.origin, i + 1);
      const log::Proof& proof = proofs.emplace_back(HZ_TRY(log::parse_proof(in.proofs[i])));
      // One head, or the statements could stand in different histories.
      if (proof.checkpoint != proofs.front().checkpoint) return refuse("it is of another head than the first");
      if (i > 0 && proof.index <= proofs[i - 1].index) return refuse("it does not rise by position");
      if (i > 0) item_ = fmt::format("log {}: statement {}", in.origin, proof.index);
    }
    item_ = fmt::format("log {}: genesis", in.origin);
    if (proofs.front().index != 0) return refuse(fmt::format("the first proof is of {}, not 0", proofs.front().index));
    alliance::Authority authority = HZ_TRY(alliance::read_genesis(proofs.front().extra, in.origin));
    // Changes of keys first: a revocation reaches back to statements above it.
    std::vector<bool> changes(proofs.size(), false);
    for (std::size_t i = 1; i < proofs.size(); ++i) {
      item_ = fmt::format("log {}: statement {}", in.origin, proofs[i].index);
      const auto read = HZ_TRY(statement::read_leaf(proofs[i].extra, in.origin, proofs[i].index));
      changes[i] = read.kind == alliance::KeyRotate::kind || read.kind == alliance::KeyRevoke::kind ||
                   read.kind == alliance::LogEnd::kind;
      if (changes[i]) HZ_TRY(take_key_change(authority, proofs[i].extra, proofs[i].index));
    }
    const log::NoteKey key = HZ_TRY(head(in.origin, authority, proofs.front()));
    for (std::size_t i = 0; i < proofs.size(); ++i) {
      item_ = fmt::format("log {}: {}", in.origin,
                          i == 0 ? std::string("genesis") : fmt::format("statement {}", proofs[i].index));
      HZ_TRY(log::verify_proof(proofs[i], key));
      if (i > 0) HZ_TRY(one_statement(authority, proofs[i], changes[i]));
    }
    for (const BundleLog::Shown& one : in.shown) HZ_TRY(one_disclosure(in.origin, one));
    return {};
  }

  // Fields of a sealed statement that was proven above.
  Result<void> one_disclosure(const std::string& origin, const BundleLog::Shown& shown) {
    item_ = fmt::format("log {}: disclosure of statement {}", origin, shown.index);
    const auto whose = std::ranges::find_if(answer_.statements, [&](const BundleStatement& s) {
      return s.log == origin && s.index == static_cast<std::int64_t>(shown.index);
    });
    if (whose == answer_.statements.end()) return refuse("the statement is not in the bundle");
    const auto seal = seals_.find({origin, shown.index});
    if (seal == seals_.end()) return fail(alliance::why("alliance.not_sealed"), "{}: its body is public", whose->id);
    const auto fields = HZ_TRY(statement::parse_disclosure(shown.disclosure));
    HZ_TRY(statement::check_disclosure(fields, seal->second));
    for (const statement::ShownField& field : fields.shown)
      whose->disclosed.push_back({field.path, json::dump(field.value)});
    return {};
  }

  // The head, and everybody's signature on it.
  Result<log::NoteKey> head(const std::string& origin, const alliance::Authority& authority, const log::Proof& proof) {
    item_ = fmt::format("log {}: head", origin);
    const log::Note note = HZ_TRY(log::parse_note(proof.checkpoint));
    const log::Checkpoint checkpoint = HZ_TRY(log::parse_checkpoint(note.text));
    const alliance::KeySpan* speaks = authority.log_key(checkpoint.size);
    if (!speaks) return refuse(fmt::format("no log key speaks at {}", checkpoint.size));
    const log::NoteKey key{speaks->key.name, log::KeyType::ed25519, speaks->key.key};
    HZ_TRY(log::open_checkpoint(proof.checkpoint, key));
    BundleHead out{origin,
                   authority.genesis.name,
                   alliance::root_fingerprint(authority.genesis),
                   hex(checkpoint.root),
                   static_cast<std::int64_t>(checkpoint.size),
                   {},
                   -1,
                   false};
    std::vector<const log::NoteKey*> cosigners;
    std::set<std::pair<std::string, std::uint32_t>> seen;
    for (const log::SignatureLine& line : note.signatures) {
      if (!seen.emplace(line.name, line.key_id).second) return refuse(line.name + " signed twice");
      if (line.name == key.name && line.key_id == key.id()) continue;  // held above
      const auto witness = std::ranges::find_if(enclosed_.witnesses, [&](const log::PolicyWitness& w) {
        return w.key.name == line.name && w.key.id() == line.key_id;
      });
      if (witness == enclosed_.witnesses.end())
        return refuse(
            fmt::format("signed by {}+{:08x}, which neither the log nor the policy names", line.name, line.key_id));
      if (!log::verify_cosignature(note.text, witness->key.key, line.signature))
        return refuse(fmt::format("the cosignature of {}+{:08x} is wrong", line.name, line.key_id));
      cosigners.push_back(&witness->key);
      out.witnesses.push_back(line.name);
      out.cosigned_s =
          std::max(out.cosigned_s, static_cast<std::int64_t>(HZ_TRY(log::parse_cosignature(line.signature)).time_s));
    }
    std::ranges::sort(out.witnesses);
    if (!trust_.roots.empty() && std::ranges::find(trust_.roots, out.root_fingerprint) == trust_.roots.end())
      return fail(alliance::why("alliance.other_root"), "{} is none of those given", out.root_fingerprint);
    if (trust_.policy) {
      const auto is_key = [&](const log::PolicyLog& known) { return known.key == key; };
      if (!trust_.policy->logs.empty() && std::ranges::none_of(trust_.policy->logs, is_key))
        return refuse(fmt::format("its key {} is none of the logs of the given policy", log::format_vkey(key)));
      if (!log::quorum_met(*trust_.policy, cosigners))
        return refuse(fmt::format("{} cosigned: no quorum under the given policy", cosigners.size()));
    }
    const log::Policy& counts = trust_.policy ? *trust_.policy : enclosed_;
    out.quorum = counts.quorum && log::quorum_met(counts, cosigners);
    answer_.heads.push_back(std::move(out));
    return key;
  }

  Result<void> one_statement(const alliance::Authority& authority, const log::Proof& proof, bool changes_keys) {
    const auto s = HZ_TRY(alliance::check_statement(authority, proof.extra, proof.index));
    if (proof.index >= authority.end) return refuse("it stands behind the end of its log");
    BundleStatement out;
    out.id = s.id_text();
    out.kind = s.kind;
    out.log = s.origin;
    out.claimed_time = utc_text(s.issued_ms);
    out.role = s.role;
    out.index = static_cast<std::int64_t>(s.index);
    out.changes_keys = changes_keys;
    out.body = s.body;
    if (s.seal) {
      const auto audience = alliance::Audience::of_header(s.audience, s.issuer);
      out.sealed = fmt::format("{}, commitment {}", audience ? audience->format() : "unknown", s.seal->commit);
      seals_[{s.origin, s.index}] = HZ_TRY(parse_digest(s.seal->commit));
      if (const auto opening = openings_.find(out.id); opening != openings_.end()) {
        out.body = HZ_TRY(statement::read_opening(*s.seal, *opening->second));
        openings_.erase(opening);
      }
    }
    issued_ms_.push_back(s.issued_ms);
    const auto frame = HZ_TRY(statement::decode_leaf(proof.extra));
    for (const auto& signature : frame.signatures())
      for (const alliance::KeySpan& span : authority.keys)
        if (span.key.id == signature.key_id && enum_text(span.role) == s.role && span.speaks(s.index))
          out.keys.push_back(log::format_vkey({span.key.name, log::KeyType::ed25519, span.key.key}));
    answer_.statements.push_back(std::move(out));
    return {};
  }

  // A digest stands for a file when it is the value of some field of what was signed.
  static bool names(const json::Value& value, const std::string& sha256) {
    if (const std::string* text = value.string()) return *text == sha256;
    if (const auto* items = value.array())
      return std::ranges::any_of(*items, [&](const json::Value& item) { return names(item, sha256); });
    if (const auto* members = value.object())
      return std::ranges::any_of(*members, [&](const auto& member) { return names(member.second, sha256); });
    return false;
  }
  Result<void> one_file(const BundleFile& file) {
    item_ = "file " + file.name;
    const std::string sha256 = hex(crypto::sha256(as_bytes(file.bytes)));
    const auto by =
        std::ranges::find_if(answer_.statements, [&](const BundleStatement& s) { return names(s.body, sha256); });
    if (by == answer_.statements.end()) return refuse("no statement of this bundle names its digest " + sha256);
    answer_.files.push_back({file.name, sha256, by->id, static_cast<std::int64_t>(file.bytes.size())});
    return {};
  }

  template <class T>
  static std::optional<T> body_as(const BundleStatement& s) {
    if (s.kind != T::kind) return std::nullopt;
    auto body = from_json<T>(s.body, "$");
    return body ? std::optional(*std::move(body)) : std::nullopt;
  }
  // The drill of a report, folded from the statements that are here.
  Result<void> exit_plans(const std::vector<BundleFile>& files) {
    for (const BundleStatement& said : answer_.statements) {
      const auto report = body_as<drill::DrillReport>(said);
      if (!report) continue;
      item_ = fmt::format("exit plan of drill {}", report->drill.substr(0, 12));
      const auto file = std::ranges::find(answer_.files, report->plan_sha256, &BundleAttached::sha256);
      if (file == answer_.files.end()) continue;
      const auto bytes = std::ranges::find(files, file->name, &BundleFile::name);
      auto plan = HZ_TRY(drill::read_exit_plan(bytes->bytes));
      drill::KnownDrill folded;
      std::vector<drill::KnownItem> items;
      for (std::size_t i = 0; i < answer_.statements.size(); ++i) {
        const BundleStatement& s = answer_.statements[i];
        if (s.log != said.log || s.index > said.index) continue;
        if (const auto opened = body_as<drill::DrillOpened>(s); opened && s.id == report->drill) {
          folded.id = s.id;
          folded.said = *opened;
          folded.opened_ms = issued_ms_[i];
        } else if (const auto step = body_as<drill::DrillStep>(s); step && step->drill == report->drill) {
          drill::ProductState& state = drill::state_of(folded, step->product);
          drill::fold(state, *step, issued_ms_[i]);
        } else if (const auto seen = body_as<drill::DrillWatched>(s); seen && seen->drill == report->drill) {
          drill::fold(drill::state_of(folded, seen->product), *seen);
        } else if (const auto item = body_as<drill::DrillItem>(s); item && item->drill == report->drill) {
          items.push_back({s.id, *item, issued_ms_[i], {}, -1});
        } else if (const auto closed = body_as<drill::DrillItemClosed>(s)) {
          const auto at = std::ranges::find(items, closed->item, &drill::KnownItem::id);
          if (at != items.end() && !at->closed) {
            at->closed = *closed;
            at->closed_ms = issued_ms_[i];
          }
        }
      }
      if (folded.id.empty()) return refuse("the statement that opened the drill is not here");
      const auto wrong = drill::contradictions(plan, folded, items);
      if (!wrong.empty()) return refuse(wrong.front());
      answer_.exit_plan = std::move(plan);
    }
    return {};
  }

  const BundleTrust& trust_;
  BundleAnswer& answer_;
  std::map<std::string, const std::string*> openings_;  // not used yet
  std::vector<std::int64_t> issued_ms_;                 // of answer_.statements
  log::Policy enclosed_;
  std::map<std::pair<std::string, std::uint64_t>, Digest> seals_;  // commitments, by place
  std::string item_;
};

std::string trust_text(const BundleTrust& trust) {
  if (trust.roots.empty() && !trust.policy) return "self-consistent only";
  std::string out;
  if (!trust.roots.empty())
    out = fmt::format("{} root fingerprint{} given by the auditor", trust.roots.size(),
                      trust.roots.size() == 1 ? "" : "s");
  if (trust.policy) out += (out.empty() ? "" : " and ") + std::string("a policy given by the auditor");
  return out;
}

}  // namespace

BundleAnswer check_bundle(std::string_view text, const BundleTrust& trust) {
  BundleAnswer out;
  out.trust = trust_text(trust);
  if (trust.roots.empty())
    out.not_checked.emplace_back(
        "whose root keys these are: compare the fingerprints over another channel, then give them with --root");
  if (!trust.policy)
    out.not_checked.emplace_back(
        "whether the witnesses are independent of the maker: give a policy of your own with --policy");
  out.not_checked.emplace_back(
      "changes of keys that the bundle leaves out, and whether the alliance counts these logs");
  out.not_checked.emplace_back("the claimed times: nothing orders statements of one log but their position");
  Auditor auditor(trust, out);
  const auto done = auditor.check(text);
  if (out.exit_plan)
    out.not_checked.emplace_back(
        "steps of the drill that the maker left out: compare the positions with the whole log");
  out.holds = done.has_value();
  std::size_t hidden = 0, shown = 0;
  for (const BundleStatement& s : out.statements) {
    hidden += s.sealed && s.disclosed.empty() && s.body.is_null();
    shown += !s.disclosed.empty();
  }
  if (hidden > 0)
    out.not_checked.push_back(
        fmt::format("what {} sealed statement{} say{}: their member shows fields with `hezong audit bundle --disclose`",
                    hidden, hidden == 1 ? "" : "s", hidden == 1 ? "s" : ""));
  if (shown > 0)
    out.not_checked.emplace_back("that the disclosed fields are all there are, or that a path stands once in the body");
  if (!done) {
    out.failed_item = auditor.item();
    out.failed_reason = done.error().reason->slug;
    out.failed_detail = done.error().detail;
  }
  return out;
}

}  // namespace hz::node
