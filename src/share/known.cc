#include "share/known.h"

#include <set>

#include "sql/db.h"

namespace hz::share {

Result<KnownReleases> KnownReleases::read(sql::Db& views) {
  KnownReleases out;
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  HZ_TRY(
      views.query("SELECT member, model_sha256, name, licence, audience, size_bytes, media_type, control, rights_held, "
                  "statement FROM public_share_release ORDER BY model_sha256, member",
                  {}, [&](const sql::Row& r) {
                    const Release release{.sha256 = r.text(1),
                                          .name = r.text(2),
                                          .licence = r.text(3),
                                          .audience = r.text(4),
                                          .size_bytes = r.integer(5),
                                          .media_type = r.text(6),
                                          .control = parse_enum<Control>(r.text(7)).value_or(Control::unknown),
                                          .rights_held = r.integer(8) != 0};
                    places[{r.text(0), r.text(1)}] = out.all_.size();
                    out.by_digest_[r.text(1)].push_back(out.all_.size());
                    out.all_.push_back({r.text(0), r.text(9), release});
                    return true;
                  }));
  HZ_TRY(
      views.query("SELECT member, model_sha256, parent_sha256, relation, licence FROM public_share_parent "
                  "ORDER BY member, model_sha256, parent_sha256",
                  {}, [&](const sql::Row& r) {
                    const auto relation = parse_enum<Relation>(r.text(3)).value_or(Relation::fine_tuned_from);
                    if (const auto at = places.find({r.text(0), r.text(1)}); at != places.end())
                      out.all_[at->second].release.parents.push_back({r.text(2), relation, r.text(4)});
                    return true;
                  }));
  return out;
}

std::vector<const KnownRelease*> KnownReleases::of(std::string_view sha256) const {
  std::vector<const KnownRelease*> out;
  if (const auto found = by_digest_.find(sha256); found != by_digest_.end())
    for (const std::size_t at : found->second) out.push_back(&all_[at]);
  return out;
}

Lineage KnownReleases::lineage(const Release& release) const {
  return trace(release, [this](std::string_view digest) {
    std::vector<const Release*> out;
    for (const KnownRelease* known : of(digest)) out.push_back(&known->release);
    return out;
  });
}

}  // namespace hz::share
