#include "node/bodies.h"

#include <algorithm>

#include "alliance/audience.h"
#include "blob/store.h"
#include "crypto/hash.h"
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

}  // namespace

Result<std::size_t> fetch_bodies(alliance::Member& member, const std::vector<Contact>& known,
                                 const std::vector<std::optional<http::Exchange>>& exchanges) {
  std::vector<Wanted> wanted;
  HZ_TRY(HZ_TRY(member.views())
             ->query("SELECT blob, issuer, audience FROM public_alliance_sealed_blob WHERE opened = 0 AND issuer <> ? "
                     "ORDER BY blob",
                     {member.id()}, [&](const sql::Row& r) {
                       const auto blob = parse_digest(r.text(0));
                       const auto audience = alliance::Audience::parse(r.text(2));
                       if (!blob || !audience || !may_be_for(*audience, member.id()) || member.blobs().has(*blob))
                         return true;
                       using Kind = alliance::Audience::Kind;
                       wanted.push_back(
                           {*blob, r.text(1), audience->kind == Kind::members || audience->kind == Kind::bilateral});
                       return true;
                     }));
  if (wanted.size() > bodies_per_round_max) {
    // Digests are evenly spread, so a random start gives each its turn, whatever is refused for ever.
    std::array<std::uint8_t, 8> bytes{};
    member.seams().rng->fill(bytes);
    std::uint64_t start = 0;
    for (const std::uint8_t byte : bytes) start = start << 8 | byte;
    std::ranges::rotate(wanted, wanted.begin() + static_cast<std::ptrdiff_t>(start % wanted.size()));
    wanted.resize(bodies_per_round_max);
  }
  std::vector<Bytes> came;
  for (const Wanted& one : wanted) {
    const auto ask = [&](const std::optional<http::Exchange>& exchange) {
      if (!exchange) return false;
      const auto answer = (*exchange)({.path = std::string(artifact_prefix) + hex(one.blob), .headers = {}});
      if (!answer || answer->status != 200 || answer->body.size() > statement::sealed_blob_max) return false;
      const ByteView bytes = as_bytes(answer->body);
      if (crypto::sha256(bytes) != one.blob) return false;
      came.emplace_back(bytes.begin(), bytes.end());
      return true;
    };
    const auto author = std::ranges::find(known, one.issuer, &Contact::origin);
    if (author != known.end() && ask(exchanges[static_cast<std::size_t>(author - known.begin())])) continue;
    if (!one.others_may_give) continue;
    for (std::size_t i = 0; i < known.size(); ++i)
      if (known[i].origin != one.issuer && ask(exchanges[i])) break;
  }
  if (came.empty()) return std::size_t{0};
  HZ_TRY(member.blobs().put_all(came));
  HZ_TRY(member.note_bodies_changed());
  return came.size();
}

}  // namespace hz::node
