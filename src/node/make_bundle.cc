#include "node/make_bundle.h"

#include <algorithm>
#include <map>

#include "alliance/authority.h"
#include "alliance/reasons.h"
#include "log/cosignature.h"
#include "log/store.h"
#include "node/reasons.h"
#include "sql/db.h"
#include "statement/field_tree.h"
#include "statement/statement.h"

namespace hz::node {
namespace {

using Positions = std::set<std::uint64_t>;

Result<std::map<std::string, Positions>> find_statements(alliance::Member& member, const std::set<std::string>& ids) {
  std::map<std::string, Positions> out;
  sql::Db& views = *HZ_TRY(member.views());
  std::vector<log::Log*> logs = member.peer_logs();
  logs.push_back(&member.log());
  for (const std::string& id : ids) {
    const auto digest = parse_digest(id);
    bool found = false;
    // Logs find ids by index; the views say what counts.
    for (log::Log* log : logs) {
      const auto index = digest ? HZ_TRY(log->find(*digest)) : std::nullopt;
      if (!index || !HZ_TRY(views.integer("SELECT idx FROM public_alliance_statement WHERE origin = ? AND idx = ?",
                                          {log->origin(), static_cast<std::int64_t>(*index)})))
        continue;
      out[log->origin()].insert(*index);
      found = true;
    }
    if (!found) return fail(alliance::why("alliance.no_statement"), "{} in no log here that counts", id);
  }
  return out;
}

struct PolicyText {
  std::string name, text;
};
Result<PolicyText> policy_text(alliance::Member& member, const std::vector<Contact>& known) {
  const fs::path file = member.home() / "policy";
  std::error_code gone;
  if (fs::exists(file, gone))
    return PolicyText{"the policy file of " + member.origin(), HZ_TRY(read_text(file, log::policy_size_bytes_max))};
  std::map<std::string, log::NoteKey> witnesses;  // by origin
  if (const auto key = witness_key(member.authority())) witnesses.emplace(member.origin(), *key);
  for (const Contact& contact : known)
    if (contact.state == "member" && contact.authority)
      if (const auto key = witness_key(*contact.authority)) witnesses.emplace(contact.origin, *key);
  PolicyText out{"more than half of the other members", ""};
  if (witnesses.size() < 2) return PolicyText{"no other member is known", "quorum none\n"};
  std::string names;
  for (const auto& [origin, key] : witnesses) {
    out.text += fmt::format("witness {} {}\n", origin, log::format_vkey(key));
    names += " " + origin;
  }
  // A member does not cosign its own head, so more than half of the others is counted out of all.
  out.text += fmt::format("group /members {}{}\nquorum /members\n", (witnesses.size() - 1) / 2 + 1, names);
  return out;
}

// The note with the log's signature first and then the witnesses' that hold, by name: everything a checker accepts.
Result<std::string> signed_head(const std::string& text, const log::NoteKey& key, const log::Policy& policy,
                                std::size_t& cosigned) {
  log::Note note = HZ_TRY(log::parse_note(text));
  std::vector<log::SignatureLine> own, others;
  for (const log::SignatureLine& line : note.signatures) {
    const auto same = [&](const log::SignatureLine& kept) {
      return kept.name == line.name && kept.key_id == line.key_id;
    };
    if (line.name == key.name && line.key_id == key.id()) {
      if (own.empty()) own.push_back(line);
      continue;
    }
    for (const log::PolicyWitness& w : policy.witnesses)
      if (w.key.name == line.name && w.key.id() == line.key_id && std::ranges::none_of(others, same) &&
          log::verify_cosignature(note.text, w.key.key, line.signature))
        others.push_back(line);
  }
  std::ranges::sort(others, {}, [](const log::SignatureLine& l) { return std::pair(l.name, l.key_id); });
  cosigned = others.size();
  own.insert(own.end(), others.begin(), others.end());
  note.signatures = std::move(own);
  return log::format_note(note);
}

// Genesis, every change of keys below the head, and the statements.
Result<BundleLog> prove_log(log::Log& log, const log::Policy& policy, const Positions& wanted) {
  const std::string& origin = log.origin();
  const log::Published shown = HZ_TRY(log.published());
  std::string note = log.checkpoint();
  std::uint64_t size = log.head().size;
  std::size_t cosigned = 0;
  if (shown.size <= size && !wanted.empty() && *wanted.rbegin() < shown.size) {
    note = shown.note;
    size = shown.size;
  }
  Positions positions = wanted;
  positions.insert(0);
  alliance::Authority authority = HZ_TRY(alliance::read_genesis(HZ_TRY(log.leaf(0)), origin));
  HZ_TRY(log.visit(1, size, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
    if (!alliance::may_be_act(leaf)) return {};
    const auto known = statement::read_leaf(leaf, origin, index);
    const bool changes = known && known->role == "root" &&
                         (known->kind == alliance::KeyRotate::kind || known->kind == alliance::KeyRevoke::kind ||
                          known->kind == alliance::LogEnd::kind);
    if (!changes || !alliance::check_statement(authority, leaf, index)) return {};
    if (alliance::apply(authority, *known)) positions.insert(index);
    return {};
  }));
  const alliance::KeySpan* speaks = authority.log_key(size);
  if (!speaks) return fail(why("node.log_ended"), "{}: no log key speaks at {}", origin, size);
  const log::NoteKey key{speaks->key.name, log::KeyType::ed25519, speaks->key.key};
  const std::string head = HZ_TRY(signed_head(note, key, policy, cosigned));
  BundleLog out{origin, {}};
  for (const std::uint64_t index : positions)
    out.proofs.push_back(
        log::format_proof({HZ_TRY(log.leaf(index)), index, HZ_TRY(log.inclusion_proof(index, size)), head}));
  return out;
}

// Only of the own log: what others sealed is theirs to show.
Result<std::vector<BundleLog::Shown>> disclose(alliance::Member& member,
                                               const std::map<std::string, std::vector<std::string>>& shown) {
  std::vector<BundleLog::Shown> out;
  for (const auto& [id, said] : shown) {
    statement::Statement s = HZ_TRY(member.find(id));
    std::vector<std::string> paths = said;
    if (paths.empty()) {
      HZ_TRY(member.open(s));
      for (const statement::BodyField& field : statement::fields_of(s.body)) paths.push_back(field.path);
    }
    out.push_back({s.index, HZ_TRY(member.disclose(s, paths))});
  }
  std::ranges::sort(out, {}, &BundleLog::Shown::index);
  return out;
}

}  // namespace

Result<std::string> make_bundle(alliance::Member& member, const std::vector<Contact>& known,
                                const std::set<std::string>& ids, const Shown& shown, const std::set<std::string>& open,
                                std::vector<BundleFile> files) {
  if (ids.empty()) return fail(why("node.bundle_empty"), "no statement");
  const auto wanted = HZ_TRY(find_statements(member, ids));
  for (const auto& [id, paths] : shown) HZ_TRY(member.find(id));
  PolicyText policy = HZ_TRY(policy_text(member, known));
  const log::Policy parsed = HZ_TRY(log::parse_policy(policy.text));
  Bundle bundle{std::move(policy.name), std::move(policy.text), {}, {}, std::move(files)};
  std::ranges::sort(bundle.files, {}, &BundleFile::name);
  for (const std::string& id : open) {
    const statement::Statement s = HZ_TRY(member.find(id));
    if (s.seal) bundle.bodies.push_back({id, HZ_TRY(member.reveal(s))});
  }
  std::map<std::string, log::Log*> logs{{member.origin(), &member.log()}};
  for (log::Log* log : member.peer_logs()) logs.emplace(log->origin(), log);
  for (const auto& [origin, positions] : wanted) {
    const auto log = logs.find(origin);
    if (log == logs.end())
      return fail(alliance::why("alliance.no_statement"), "the log {} is not here any more", origin);
    bundle.logs.push_back(HZ_TRY(prove_log(*log->second, parsed, positions)));
    if (origin == member.origin()) bundle.logs.back().shown = HZ_TRY(disclose(member, shown));
  }
  std::string text = format_bundle(bundle);
  // What is handed out must hold; a member never exports what a stranger would refuse.
  const BundleAnswer answer = check_bundle(text, {});
  if (!answer.holds) return fail(why("node.bundle_wrong"), "{}: {}", answer.failed_item, answer.failed_detail);
  return text;
}

}  // namespace hz::node
