#include "log/policy.h"

#include <algorithm>
#include <map>

#include "log/decimal.h"
#include "log/reasons.h"

namespace hz::log {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const auto start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) return words;
    line.remove_prefix(start);
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

class PolicyText {
 public:
  Result<Policy> read(std::string_view text) {
    if (text.size() > policy_size_bytes_max)
      return fail(hz::why("base.too_large"), "a policy of {} bytes, limit {}", text.size(), policy_size_bytes_max);
    while (!text.empty()) {
      ++number_;
      const auto end = text.find('\n');
      if (end == std::string_view::npos) return refuse("the line has no end");
      const auto line = text.substr(0, end);
      text.remove_prefix(end + 1);
      if (std::ranges::any_of(line, [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; }))
        return refuse("a control character");
      const auto words = words_of(line);
      if (!words.empty() && !words[0].starts_with('#')) HZ_TRY(item(words));
    }
    if (!quorum_seen_) return refuse("the quorum line is missing");
    return std::move(policy_);
  }

 private:
  std::unexpected<Error> refuse(std::string_view what) const {
    return fail(why("log.policy"), "line {}: {}", number_, what);
  }

  Result<void> item(std::span<const std::string_view> words) {
    if (words[0] == "log") return log(words);
    if (words[0] == "witness") return witness(words);
    if (words[0] == "group") return group(words);
    if (words[0] == "quorum") return quorum(words);
    return refuse("should start with log, witness, group or quorum");
  }

  Result<NoteKey> key(std::string_view text, KeyType type) {
    auto key = parse_vkey(text);
    if (!key) return refuse(key.error().text());
    if (key->type != type)
      return refuse(type == KeyType::ed25519 ? "a log's key has type 1" : "a witness's key has type 4");
    if (std::ranges::find(keys_, key->key) != keys_.end()) return refuse("this public key stands above already");
    keys_.push_back(key->key);
    return key;
  }

  Result<void> log(std::span<const std::string_view> words) {
    if (words.size() != 2 && words.size() != 3) return refuse("should be: log <vkey> [<url>]");
    if (policy_.logs.size() == policy_names_max) return refuse("too many logs");
    NoteKey log_key = HZ_TRY(key(words[1], KeyType::ed25519));
    if (!valid_origin(log_key.name)) return refuse("the key's name cannot name a log");
    policy_.logs.push_back({std::move(log_key), std::string(words.size() == 3 ? words[2] : "")});
    return {};
  }

  Result<void> define(std::string_view name, PolicyMember member) {
    if (name == "none") return refuse("`none` is a word of the format");
    if (names_.size() == policy_names_max) return refuse("too many names");
    if (!names_.emplace(name, Name{member, false}).second) return refuse("this name is defined above already");
    return {};
  }

  Result<void> witness(std::span<const std::string_view> words) {
    if (words.size() != 3 && words.size() != 4) return refuse("should be: witness <name> <vkey> [<url>]");
    HZ_TRY(define(words[1], {false, policy_.witnesses.size()}));
    NoteKey witness_key = HZ_TRY(key(words[2], KeyType::cosignature_v1));
    policy_.witnesses.push_back(
        {std::string(words[1]), std::move(witness_key), std::string(words.size() == 4 ? words[3] : "")});
    return {};
  }

  Result<void> group(std::span<const std::string_view> words) {
    if (words.size() < 4) return refuse("should be: group <name> all|any|<k> <member>...");
    PolicyGroup out{std::string(words[1]), 1, {}};
    for (const auto word : words.subspan(3)) {
      const auto name = names_.find(word);
      if (name == names_.end()) return refuse("a member is not defined above");
      if (name->second.used) return refuse("a member belongs to a group already");
      name->second.used = true;
      out.members.push_back(name->second.member);
    }
    if (words[2] == "all") {
      out.threshold = out.members.size();
    } else if (words[2] != "any") {
      const auto k = parse_decimal(words[2]);
      if (!k || *k < 1 || *k > out.members.size()) return refuse("the threshold is not all, any or 1 to the members");
      out.threshold = *k;
    }
    HZ_TRY(define(words[1], {true, policy_.groups.size()}));
    policy_.groups.push_back(std::move(out));
    return {};
  }

  Result<void> quorum(std::span<const std::string_view> words) {
    if (words.size() != 2) return refuse("should be: quorum <name>|none");
    if (quorum_seen_) return refuse("a second quorum line");
    quorum_seen_ = true;
    if (words[1] == "none") return {};
    const auto name = names_.find(words[1]);
    if (name == names_.end()) return refuse("the name is not defined above");
    policy_.quorum = name->second.member;
    return {};
  }

  struct Name {
    PolicyMember member;
    bool used;
  };
  Policy policy_;
  std::map<std::string, Name, std::less<>> names_;
  std::vector<crypto::VerifyingKey> keys_;
  std::size_t number_ = 0;
  bool quorum_seen_ = false;
};

// Groups stand behind their members, so one pass in order decides all of them.
bool met(const Policy& policy, const std::vector<bool>& signed_by) {
  if (!policy.quorum) return true;
  std::vector<bool> groups;
  const auto holds = [&](const PolicyMember& m) { return m.group ? groups[m.at] : signed_by[m.at]; };
  for (const PolicyGroup& group : policy.groups)
    groups.push_back(static_cast<std::size_t>(std::ranges::count_if(group.members, holds)) >= group.threshold);
  return holds(*policy.quorum);
}

}  // namespace

Result<Policy> parse_policy(std::string_view text) { return PolicyText().read(text); }

std::vector<NoteKey> Policy::witness_keys() const {
  std::vector<NoteKey> out;
  for (const PolicyWitness& witness : witnesses) out.push_back(witness.key);
  return out;
}

bool quorum_met(const Policy& policy, std::span<const NoteKey* const> cosigners) {
  std::vector<bool> signed_by;
  for (const PolicyWitness& witness : policy.witnesses)
    signed_by.push_back(std::ranges::any_of(cosigners, [&](const NoteKey* key) { return *key == witness.key; }));
  return met(policy, signed_by);
}

bool survives(const Policy& policy, std::span<const std::string> lost_witnesses) {
  std::vector<bool> signed_by;
  for (const PolicyWitness& witness : policy.witnesses)
    signed_by.push_back(std::ranges::find(lost_witnesses, witness.name) == lost_witnesses.end());
  return met(policy, signed_by);
}

std::vector<std::string> breaking_losses(const Policy& policy) {
  std::vector<std::string> out;
  for (const PolicyWitness& witness : policy.witnesses)
    if (!survives(policy, std::span(&witness.name, 1))) out.push_back(witness.name);
  return out;
}

Result<Checkpoint> open_witnessed(std::string_view message, const Policy& policy) {
  const Note note = HZ_TRY(parse_note(message));
  const Checkpoint checkpoint = HZ_TRY(parse_checkpoint(note.text));
  // One pass over logs of this origin and all witnesses: a bad signature under any of them refuses the note.
  std::vector<NoteKey> known = policy.witness_keys();
  const auto witnesses = known.size();
  for (const PolicyLog& log : policy.logs)
    if (log.key.name == checkpoint.origin) known.push_back(log.key);
  if (known.size() == witnesses)
    return fail(why("log.checkpoint_origin"), "origin \"{}\" is no log of the policy", checkpoint.origin);
  const auto signers = HZ_TRY(verify_note(note, known));
  if (std::ranges::none_of(signers, [](const NoteKey* key) { return key->type == KeyType::ed25519; }))
    return fail(why("log.note_unsigned"), "no log of the policy named \"{}\" signed", checkpoint.origin);
  if (!quorum_met(policy, signers))
    return fail(why("log.quorum"), "{} size {}: {} of {} witnesses cosigned", checkpoint.origin, checkpoint.size,
                signers.size() - 1, policy.witnesses.size());
  return checkpoint;
}

}  // namespace hz::log
