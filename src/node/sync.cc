#include "node/sync.h"

#include <algorithm>

#include "alliance/fork_evidence.h"
#include "alliance/head_keys.h"
#include "alliance/peers.h"
#include "crypto/hash.h"
#include "log/cosignature.h"
#include "log/mirror.h"
#include "log/tile_reader.h"
#include "node/bodies.h"
#include "node/identify.h"
#include "node/reasons.h"
#include "node/vouch.h"
#include "sql/db.h"

namespace hz::node {
namespace {

constexpr int pulls_max = 64;  // bounded steps of one peer in one round; the next round goes on
constexpr std::size_t bodies_given_max = 64;

// Two heads that cannot both be true are everybody's business: the evidence becomes a statement, once. It is appended
// when the round has nothing more to ask.
Result<void> report_fork(alliance::Member& member, const log::HeadConflict& conflict, const LogServer& server,
                         const std::string& origin, std::vector<alliance::Draft>& found) {
  // The pull verified both notes.
  const log::Checkpoint theirs = HZ_TRY(log::parse_checkpoint(HZ_TRY(log::parse_note(conflict.theirs)).text));
  auto ours = HZ_TRY(log::Log::open_reader(alliance::peer_folder(member.home(), origin)));
  log::TileReader reader(server.exchange, server.prefix);
  const auto evidence =
      HZ_TRY(alliance::describe_fork(*conflict.evidence, ours, theirs.size, reader.nodes(theirs.size)));
  // One statement per pair of branches is enough; the log growing on gives no new evidence.
  const auto known =
      HZ_TRY(HZ_TRY(member.views())
                 ->text("SELECT state FROM public_alliance_member WHERE origin = ?", {std::string_view(origin)}));
  if (known == "frozen") return {};
  const Digest idem = crypto::sha256(as_bytes("hezong/fork\n" + evidence.evidence));
  found.push_back(alliance::draft(evidence, {}, idem));
  return {};
}

// Everything new of one log from one server. What was stored before a fault stays.
Result<void> pull(alliance::Member& member, Contact& contact, const LogServer& server, PeerRow& row,
                  std::vector<alliance::Draft>& forks) {
  if (!contact.authority) contact.authority = HZ_TRY(fetch_authority(contact, server));
  if (!log_key(*contact.authority)) return fail(why("node.log_ended"), "{}", contact.origin);
  const fs::path folder = alliance::peer_folder(member.home(), contact.origin);
  std::error_code error;
  fs::create_directories(folder, error);
  const std::string origin = contact.origin;
  auto mirror = HZ_TRY(log::Mirror::open(
      folder, alliance::followed_keys(*contact.authority, contact.mirrored),
      [origin](ByteView leaf) { return identify(origin, leaf); }, log::Check::head));
  row.stored = static_cast<std::int64_t>(mirror.stored());
  for (int step = 0; step < pulls_max; ++step) {
    const auto pulled = mirror.pull(server.exchange, server.prefix);
    if (!pulled) {
      if (const auto& conflict = mirror.conflict(); conflict && conflict->evidence)
        HZ_TRY(report_fork(member, *conflict, server, origin, forks));
      return std::unexpected(pulled.error());
    }
    row.stored = static_cast<std::int64_t>(pulled->stored);
    row.signed_size = static_cast<std::int64_t>(pulled->signed_size);
    if (pulled->complete) return {};
  }
  return {};
}

// Errors that say that a server is away or lacks the log, not that the log itself is at fault.
bool is_away(const Error& error) {
  return error.reason->slug.starts_with("net.") || error.reason->slug.starts_with("log.fetch");
}

// A node that does not know our newest key answers as if it had nothing. It is shown the key, then asked again.
class Introduction {
 public:
  explicit Introduction(alliance::Member& member) : member_(&member) {}
  // True when there is something to show and the node took it.
  bool show(const http::Exchange& exchange) {
    if (!text_) {
      auto made = own_vouch(*member_);
      text_ = made ? *std::move(made) : std::nullopt;
    }
    if (!*text_) return false;
    const auto answer = exchange({.method = "POST",
                                  .path = std::string(keys_path),
                                  .query = {},
                                  .headers = {{"content-type", "text/plain"}},
                                  .body = **text_});
    return answer && answer->status == 202;
  }

 private:
  alliance::Member* member_;
  std::optional<std::optional<std::string>> text_;  // made once a round, and only when somebody refuses
};

// From its own node, else from whoever mirrors it. The row names the own node's fault even when a mirror helped.
void pull_from_any(alliance::Member& member, std::vector<Contact>& known,
                   const std::vector<std::optional<http::Exchange>>& exchanges, std::size_t at, PeerRow& row,
                   std::vector<alliance::Draft>& forks, Introduction& introduction) {
  Contact& contact = known[at];
  if (exchanges[at]) {
    auto direct = pull(member, contact, {*exchanges[at], "/log"}, row, forks);
    if (!direct && direct.error().reason->slug.starts_with("log.fetch") && introduction.show(*exchanges[at]))
      direct = pull(member, contact, {*exchanges[at], "/log"}, row, forks);
    if (direct) return;
    row.fault = direct.error().text();
    if (!is_away(direct.error())) return;
  }
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (i == at || !exchanges[i]) continue;
    if (pull(member, contact, {*exchanges[i], mirror_prefix(contact.origin)}, row, forks)) return;
  }
}

// The head is public with its quorum, and its witnesses said so lately.
Result<bool> is_fresh(alliance::Member& member, const log::Policy& policy, std::int64_t age_s_max) {
  const log::Published published = HZ_TRY(member.log().published());
  if (published.size != member.log().head().size) return false;
  const log::Note note = HZ_TRY(log::parse_note(published.note));
  const std::vector<log::NoteKey> keys = policy.witness_keys();
  if (keys.empty()) return true;
  const auto signers = log::verify_note(note, keys);
  if (!signers || !log::quorum_met(policy, *signers)) return false;
  std::uint64_t oldest = UINT64_MAX;
  for (const log::SignatureLine& line : note.signatures)
    for (const log::NoteKey* key : *signers)
      if (line.name == key->name && line.key_id == key->id())
        oldest = std::min(oldest, HZ_TRY(log::parse_cosignature(line.signature)).time_s);
  return member.seams().clock->now_ms() / 1000 - static_cast<std::int64_t>(oldest) <= age_s_max;
}

}  // namespace

Result<Quorum> quorum_of(alliance::Member& member, const std::vector<Contact>& known) {
  const fs::path file = member.home() / "policy";
  std::error_code gone;
  if (fs::exists(file, gone))
    return Quorum{HZ_TRY(log::parse_policy(HZ_TRY(read_text(file, log::policy_size_bytes_max)))), "the policy file"};
  Quorum out;
  for (const Contact& contact : known) {
    if (contact.state != "member" || !contact.authority) continue;
    if (const auto key = witness_key(*contact.authority))
      out.policy.witnesses.push_back({contact.origin, *key, contact.address.url});
  }
  const std::size_t count = out.policy.witnesses.size();
  if (count == 0) {
    out.rule = "none: no other member is known";
    return out;
  }
  log::PolicyGroup group{.name = "members", .threshold = count / 2 + 1, .members = {}};
  for (std::size_t i = 0; i < count; ++i) group.members.push_back({false, i});
  out.policy.groups.push_back(std::move(group));
  out.policy.quorum = log::PolicyMember{true, 0};
  // Fewer could cosign each of two histories (docs/decisions/0122).
  out.rule = fmt::format("{} of {} other members{}", count / 2 + 1, count,
                         count == 2 ? "; fewer could each cosign another history" : "");
  return out;
}

Result<void> keep_round(const fs::path& home, const SyncRound& round, std::int64_t at_ms) {
  std::error_code error;
  fs::create_directories(home / "peers", error);
  return write_file_durably(home / "peers" / "round.json",
                            as_bytes(json::dump(to_json(KeptRound{at_ms, round})) + "\n"));
}
Result<KeptRound> kept_round(const fs::path& home) {
  return from_json<KeptRound>(HZ_TRY(json::parse(HZ_TRY(read_text(home / "peers" / "round.json", 16u << 20)))));
}

Result<SyncRound> sync_once(alliance::Member& member, const Connect& connect, const SyncOptions& options) {
  member.hold_views(false);  // it is to see what it mirrors
  std::vector<Contact> known = HZ_TRY(contacts(member));
  const BodiesRound bodies = HZ_TRY(begin_bodies(member));
  SyncRound out;
  std::vector<std::optional<http::Exchange>> exchanges;
  for (const Contact& contact : known) {
    PeerRow& row = out.peers.emplace_back(
        PeerRow{contact.origin, contact.name, contact.state, contact.address.url, 0, -1, -1, ""});
    auto exchange = contact.address.url.empty() ? fail(why("node.no_address"), "{}", contact.origin) : connect(contact);
    exchanges.emplace_back();
    if (exchange)
      exchanges.back() = *std::move(exchange);
    else
      row.fault = exchange.error().text();
  }
  std::vector<alliance::Draft> forks;
  Introduction introduction(member);
  for (std::size_t i = 0; i < known.size(); ++i) {
    pull_from_any(member, known, exchanges, i, out.peers[i], forks, introduction);
    if (known[i].authority) out.peers[i].name = known[i].authority->genesis.name;
  }

  out.bodies_came = static_cast<std::int64_t>(HZ_TRY(fetch_bodies(member, bodies, known, exchanges, options.run_all)));
  const std::int64_t now_ms = member.seams().clock->now_ms();
  const auto due = HZ_TRY(member.bodies_due(now_ms, bodies_given_max));

  std::shared_ptr<void> turn;
  const auto write = [&]() -> Result<void> {
    if (options.turn && !turn) turn = options.turn();
    return member.become_writer();
  };
  const auto tell_forks = [&]() -> Result<void> {
    if (forks.empty()) return {};
    HZ_TRY(write());
    HZ_TRY(member.append(forks));
    return {};
  };

  if (!due.empty()) {
    HZ_TRY(write());
    const auto given = member.give_bodies(due, now_ms);
    // The author's key may be kept elsewhere: then its holder gives them (`hezong body share`).
    if (!given && !given.error().reason->slug.starts_with("alliance.key")) return std::unexpected(given.error());
    if (given)
      out.bodies_given = static_cast<std::int64_t>(*given);
    else
      out.fault = given.error().text();
  }

  const Quorum quorum = HZ_TRY(quorum_of(member, known));
  out.quorum_rule = quorum.rule;
  out.head = static_cast<std::int64_t>(member.log().head().size);
  if (HZ_TRY(is_fresh(member, quorum.policy, options.cosign_age_s_max))) {
    out.quorum = true;
    HZ_TRY(tell_forks());
    return out;
  }
  std::vector<log::WitnessPeer> witnesses;
  std::vector<std::size_t> rows;  // witnesses[i] is out.peers[rows[i]]
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!exchanges[i] || !known[i].authority || known[i].state == "expelled" || known[i].state == "left") continue;
    const auto key = witness_key(*known[i].authority);
    if (!key) continue;
    witnesses.push_back({*key, *exchanges[i], "/witness"});
    rows.push_back(i);
  }
  for (const log::PolicyWitness& one : quorum.policy.witnesses) {
    if (!options.reach || one.url.empty()) continue;
    const auto is_asked = [&](const log::WitnessPeer& peer) { return peer.key == one.key; };
    if (std::ranges::any_of(witnesses, is_asked)) continue;
    PeerRow& row = out.peers.emplace_back(PeerRow{one.key.name, one.name, "witness", one.url, 0, -1, -1, ""});
    const auto exchange = options.reach(one.url);
    if (!exchange) {
      row.fault = exchange.error().text();
      continue;
    }
    witnesses.push_back({one.key, *exchange, ""});
    rows.push_back(out.peers.size() - 1);
  }
  // Evidence that was found must not be lost because a witness shows that this log is behind.
  const auto asked =
      log::cosign_round(member.log(), witnesses, quorum.policy, log::WithoutQuorum::publish, options.run_all, write);
  HZ_TRY(tell_forks());
  if (!asked) return std::unexpected(asked.error());
  const log::CosignRound& round = *asked;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    PeerRow& row = out.peers[rows[i]];
    const log::WitnessAnswer& answer = round.answers[i];
    if (answer.time_s) row.cosigned_s = static_cast<std::int64_t>(*answer.time_s);
    if (answer.fault && row.fault.empty()) row.fault = answer.fault->text();
    out.cosigned += answer.time_s.has_value();
  }
  out.witnesses = static_cast<std::int64_t>(witnesses.size());
  out.quorum = round.quorum;
  return out;
}

}  // namespace hz::node
