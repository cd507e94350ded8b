#include "node/bodies.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "alliance/audience.h"
#include "blob/store.h"
#include "crypto/hash.h"
#include "log/store.h"
#include "node/serve_artifact.h"
#include "sql/db.h"
#include "statement/sealed.h"

namespace hz::node {
namespace {

struct Wanted {
  Digest blob{};
  std::string issuer;
  bool others_may_give = false;  // they can tell that this member may have it
};

// It may be for this member, as far as the class tells.
bool may_be_for(const alliance::Audience& audience, const std::string& own) {
  using Kind = alliance::Audience::Kind;
  if (audience.kind == Kind::bilateral) return std::ranges::find(audience.parties, own) != audience.parties.end();
  return audience.kind == Kind::members || audience.kind == Kind::group || audience.kind == Kind::clean_team;
}

void want(alliance::Member& member, std::string_view blob, std::string_view issuer, const alliance::Audience& audience,
          std::vector<Wanted>& to) {
  using Kind = alliance::Audience::Kind;
  const auto digest = parse_digest(blob);
  if (!digest || !may_be_for(audience, member.id()) || member.blobs().has(*digest)) return;
  to.push_back({*digest, std::string(issuer), audience.kind == Kind::members || audience.kind == Kind::bilateral});
}

// Bodies of statements that are mirrored and not replayed yet.
Result<std::vector<Wanted>> wanted_ahead(alliance::Member& member, const BodiesRound& round) {
  static constexpr std::string_view sealed = "\"priv\":{";
  std::vector<Wanted> out;
  for (log::Log* log : member.peer_logs()) {
    const auto seen = round.replayed.find(log->origin());
    const std::uint64_t from = seen == round.replayed.end() ? 0 : std::min(seen->second, log->head().size);
    // A mirror that is damaged is named elsewhere.
    (void)log->visit(from, log->head().size, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
      if (out.size() >= bodies_ahead_max || !::memmem(leaf.data(), leaf.size(), sealed.data(), sealed.size()))
        return {};
      const auto s = statement::read_leaf(leaf, log->origin(), index);
      if (!s || !s->seal) return {};
      const auto audience = alliance::Audience::of_header(s->audience, s->issuer);
      if (!audience) return {};
      for (const std::string& blob : s->seal->blobs) want(member, blob, s->issuer, *audience, out);
      return {};
    });
  }
  return out;
}

// Bodies of statements that were replayed without them.
Result<std::vector<Wanted>> wanted_late(alliance::Member& member) {
  std::vector<Wanted> out;
  HZ_TRY(HZ_TRY(member.views())
             ->query("SELECT blob, issuer, audience FROM public_alliance_sealed_blob WHERE opened = 0 AND issuer <> ? "
                     "ORDER BY blob",
                     {member.id()}, [&](const sql::Row& r) {
                       if (const auto audience = alliance::Audience::parse(r.text(2)))
                         want(member, r.text_view(0), r.text_view(1), *audience, out);
                       return true;
                     }));
  if (out.size() > bodies_late_max) {
    // Digests are evenly spread, so a random start gives each its turn, whatever is refused for ever.
    std::array<std::uint8_t, 8> bytes{};
    member.seams().rng->fill(bytes);
    std::uint64_t start = 0;
    for (const std::uint8_t byte : bytes) start = start << 8 | byte;
    std::ranges::rotate(out, out.begin() + static_cast<std::ptrdiff_t>(start % out.size()));
    out.resize(bodies_late_max);
  }
  return out;
}

// Each node is asked by one thread, one blob after the other: nobody waits for another node's slowness.
class Asking {
 public:
  Asking(const std::vector<Contact>& known, const std::vector<std::optional<http::Exchange>>& exchanges,
         const log::RunAll& run_all)
      : known_(known), exchanges_(exchanges), run_all_(run_all) {}

  std::vector<Bytes> ask(std::vector<Wanted> wanted) {
    std::vector<std::optional<Bytes>> came(wanted.size());
    std::size_t bytes = 0;
    // First whoever wrote it, then those who may hold a copy, each in its turn.
    for (std::size_t turn = 0; turn <= known_.size(); ++turn) {
      std::vector<std::vector<std::size_t>> asked(known_.size());
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (came[i]) continue;
        const auto author = std::ranges::find(known_, wanted[i].issuer, &Contact::origin) - known_.begin();
        const std::size_t whom = turn == 0 ? static_cast<std::size_t>(author) : turn - 1;
        const bool again = turn > 0 && (static_cast<std::size_t>(author) == whom || !wanted[i].others_may_give);
        if (whom < known_.size() && exchanges_[whom] && !again) asked[whom].push_back(i);
      }
      std::vector<std::function<void()>> tasks;
      for (std::size_t whom = 0; whom < asked.size(); ++whom)
        if (!asked[whom].empty())
          tasks.emplace_back([&, whom] {
            for (const std::size_t i : asked[whom]) came[i] = get(*exchanges_[whom], wanted[i].blob);
          });
      for (std::size_t at = 0; at < tasks.size(); at += asked_at_once_max)
        run_all_(std::span(tasks).subspan(at, std::min(asked_at_once_max, tasks.size() - at)));
      for (const auto& one : came) bytes += one ? one->size() : 0;
      if (bytes > bodies_bytes_max) break;
    }
    std::vector<Bytes> out;
    for (auto& one : came)
      if (one) out.push_back(*std::move(one));
    return out;
  }

 private:
  static std::optional<Bytes> get(const http::Exchange& exchange, const Digest& blob) {
    const auto answer = exchange({.path = std::string(artifact_prefix) + hex(blob), .headers = {}});
    if (!answer || answer->status != 200 || answer->body.size() > statement::sealed_blob_max) return std::nullopt;
    const ByteView bytes = as_bytes(answer->body);
    if (crypto::sha256(bytes) != blob) return std::nullopt;
    return Bytes(bytes.begin(), bytes.end());
  }

  const std::vector<Contact>& known_;
  const std::vector<std::optional<http::Exchange>>& exchanges_;
  const log::RunAll& run_all_;
};

std::int64_t replay_pause_ms(std::uint64_t statements) {
  return static_cast<std::int64_t>(statements * replay_us_per_statement * late_share / 1000);
}

}  // namespace

Result<BodiesRound> begin_bodies(alliance::Member& member) { return BodiesRound{HZ_TRY(member.replayed())}; }

Result<std::size_t> fetch_bodies(alliance::Member& member, const BodiesRound& round, const std::vector<Contact>& known,
                                 const std::vector<std::optional<http::Exchange>>& exchanges,
                                 const log::RunAll& run_all) {
  Asking asking(known, exchanges, run_all);
  std::vector<Bytes> came = asking.ask(HZ_TRY(wanted_ahead(member, round)));
  std::size_t count = came.size();
  HZ_TRY(member.blobs().put_all(came));
  // A request may have replayed what was mirrored before its bodies were here.
  if (count > 0 && HZ_TRY(member.replayed()) != round.replayed) HZ_TRY(member.note_bodies_changed());

  std::uint64_t statements = member.log().head().size;
  for (log::Log* log : member.peer_logs()) statements += log->head().size;
  if (!member.bodies_settled(member.seams().clock->now_ms(), replay_pause_ms(statements))) return count;
  came = asking.ask(HZ_TRY(wanted_late(member)));
  count += came.size();
  if (came.empty()) return count;
  HZ_TRY(member.blobs().put_all(came));
  HZ_TRY(member.note_bodies_changed());
  return count;
}

}  // namespace hz::node
