#include "node/contact.h"

#include <map>

#include "alliance/charter.h"
#include "alliance/peers.h"
#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "log/reasons.h"
#include "log/store.h"
#include "log/tile.h"
#include "node/card.h"
#include "sql/db.h"

namespace hz::node {
namespace {

void take_card(Contact& contact, const Card& card) {
  // An admission or request in a log is newer than the card that began it.
  if (contact.address.url.empty()) contact.address = {card.url, card.pin};
  if (contact.authority) return;
  for (const std::string_view kind : {alliance::Charter::kind, alliance::JoinRequest::kind})
    if (auto checked = check_card(card, kind)) {
      contact.name = checked->authority.genesis.name;
      contact.root_fingerprint = card.root_fingerprint;
      contact.authority = std::move(checked->authority);
      return;
    }
}

}  // namespace

Result<std::vector<Contact>> contacts(alliance::Member& member) {
  std::map<std::string, Contact> found;
  sql::Db& views = *HZ_TRY(member.views());
  HZ_TRY(
      views.query("SELECT s.origin, coalesce(m.name, ''), s.state, coalesce(nullif(s.url, ''), r.url, ''), "
                  "coalesce(nullif(s.pin, ''), r.pin, ''), coalesce(m.root_fingerprint, s.root_fingerprint) "
                  "FROM alliance_standing s LEFT JOIN alliance_member m ON m.origin = s.origin "
                  "LEFT JOIN alliance_request r ON r.origin = s.origin",
                  {}, [&](const sql::Row& r) {
                    found[r.text(0)] = {r.text(0), r.text(1), r.text(2), {r.text(3), r.text(4)}, r.text(5), {}, 0};
                    return true;
                  }));
  for (log::Log* log : member.peer_logs()) {
    if (log->head().size == 0) continue;
    const alliance::Authority* authority = member.peer_authority(log->origin());
    Contact& contact = found[log->origin()];
    contact.origin = log->origin();
    if (!authority) continue;
    contact.authority = *authority;
    contact.mirrored = log->head().size;
  }
  std::error_code gone;
  for (fs::directory_iterator at(member.home() / "peers", gone), end; !gone && at != end; at.increment(gone)) {
    const auto text = read_text(at->path() / "card.json", card_size_bytes_max);
    if (!text) continue;
    const auto card = parse_card(*text);
    if (!card) continue;
    const auto evidence = parse_evidence(card->evidence);
    const auto checked = evidence ? check_evidence(*evidence) : Result<Checked>(std::unexpected(evidence.error()));
    if (!checked) continue;
    Contact& contact = found[checked->authority.origin];
    contact.origin = checked->authority.origin;
    take_card(contact, *card);
  }
  found.erase(member.origin());
  std::vector<Contact> out;
  for (auto& [origin, contact] : found) {
    if (contact.state.empty()) contact.state = "stranger";
    out.push_back(std::move(contact));
  }
  return out;
}

std::string mirror_prefix(std::string_view origin) { return "/mirror/" + hex(crypto::sha256(as_bytes(origin))); }

Result<alliance::Authority> fetch_authority(const Contact& contact, const LogServer& server) {
  // A short log has no full first bundle: what widths there may be stands in its checkpoint.
  const auto get = [&](const std::string& path) -> Result<std::string> {
    http::Response answer = HZ_TRY(server.exchange({.path = server.prefix + "/" + path}));
    if (answer.status != 200)
      return fail(log::why("log.fetch"), "{}: {}/{} answers {}", contact.origin, server.prefix, path, answer.status);
    return std::move(answer.body);
  };
  const log::Note note = HZ_TRY(log::parse_note(HZ_TRY(get("checkpoint"))));
  const log::Checkpoint head = HZ_TRY(log::parse_checkpoint(note.text));
  if (head.origin != contact.origin || head.size == 0)
    return fail(log::why("log.fetch"), "{}: its node shows the log {} of size {}", contact.origin, head.origin,
                head.size);
  const unsigned width = log::width_at(0, 0, head.size);
  const std::string bundle = HZ_TRY(get(log::tile_path({.entries = true, .level = 0, .n = 0, .width = width})));
  const auto leaves = HZ_TRY(log::parse_bundle(as_bytes(bundle), width));
  auto out = HZ_TRY(alliance::read_genesis(leaves.front(), contact.origin));
  const std::string root = alliance::root_fingerprint(out.genesis);
  if (root != contact.root_fingerprint)
    return fail(alliance::why("alliance.other_root"), "{}: admitted with {}, its node shows {}", contact.origin,
                contact.root_fingerprint, root);
  for (std::uint64_t i = 1; i < leaves.size(); ++i) HZ_TRY(alliance::follow_keys(out, i, leaves[i]));
  return out;
}

std::optional<log::NoteKey> log_key(const alliance::Authority& authority, std::uint64_t size) {
  const alliance::KeySpan* span = authority.log_key(size);
  if (!span) return std::nullopt;
  return log::NoteKey{span->key.name, log::KeyType::ed25519, span->key.key};
}
std::optional<log::NoteKey> witness_key(const alliance::Authority& authority) {
  const alliance::KeySpan* span = authority.key(alliance::Role::witness);
  if (!span) return std::nullopt;
  return log::NoteKey{span->key.name, log::KeyType::cosignature_v1, span->key.key};
}

}  // namespace hz::node
