#include "supply/record.h"

#include <map>
#include <set>

#include "crypto/hash.h"
#include "sql/db.h"
#include "supply/entity_file.h"
#include "supply/sql_text.h"

namespace hz::supply {

namespace {

struct Standing {
  std::string facts, statement;
};
using Key = std::pair<std::string, std::string>;  // source kind, path

class Batch {
 public:
  Batch(alliance::Member& member, std::string scope, std::int64_t observed_ms)
      : member_(member), scope_(std::move(scope)), observed_ms_(observed_ms), frontier_(member.frontier().digest) {}

  Result<void> load() {
    sql::Db* views = HZ_TRY(member_.views());
    return views->query(sql_text::sources_of_scope, {member_.origin(), scope_}, [&](const sql::Row& row) {
      standing_[{row.text(0), row.text(1)}] = {row.text(3), row.text(4)};
      return true;
    });
  }

  // True when the source has to be said (again); remembers that it is there.
  bool news(const Source& source, const std::string& facts) {
    const auto found = standing_.find({source.kind, source.path});
    seen_.insert({source.kind, source.path});
    if (found == standing_.end()) {
      ++out_.sources_new;
    } else if (found->second.facts == facts) {
      ++out_.sources_unchanged;
      return false;
    } else {
      ++out_.sources_changed;
    }
    return true;
  }

  template <class Payload>
  void add(const Payload& payload, const Source& source, const std::string& facts, std::int64_t part) {
    const auto found = standing_.find({source.kind, source.path});
    // What stood before is part of the key: a file that goes back to an old content, or comes back, is news again.
    const std::string before = found == standing_.end() ? frontier_ : found->second.statement;
    std::vector<statement::Ref> refs;
    if (found != standing_.end() && part == 1) refs.push_back({"supersedes", before});
    push(alliance::draft(payload, std::move(refs)),
         fmt::format("{}\n{}\n{}\n{}\n{}\n{}", scope_, source.kind, source.path, facts, part, before));
    if (!source.digest.empty()) drafts_.back().subjects = {{subject_name(source.path), source.digest}};
  }

  void retract() {
    for (const auto& [key, standing] : standing_) {
      if (seen_.contains(key)) continue;
      ++out_.sources_gone;
      push(alliance::draft(Gone{scope_, key.second, key.first, observed_ms_}, {{"supersedes", standing.statement}}),
           fmt::format("gone\n{}\n{}\n{}\n{}", scope_, key.first, key.second, standing.statement));
    }
  }

  Result<Recorded> append() {
    if (!drafts_.empty()) HZ_TRY(member_.append(drafts_));
    out_.statements = static_cast<std::int64_t>(drafts_.size());
    return out_;
  }

 private:
  static std::string subject_name(std::string_view path) {
    std::string name(path.substr(path.rfind('/') + 1));
    return name.empty() || name.size() > 128 ? "source" : name;
  }

  void push(alliance::Draft draft, const std::string& idem) {
    draft.idem = crypto::sha256(as_bytes("supply\n" + idem));
    drafts_.push_back(std::move(draft));
  }

  alliance::Member& member_;
  std::string scope_;
  std::int64_t observed_ms_;
  std::string frontier_;
  std::map<Key, Standing> standing_;
  std::set<Key> seen_;
  std::vector<alliance::Draft> drafts_;
  Recorded out_;
};

}  // namespace

Result<Recorded> record(alliance::Member& member, const std::string& scope, const Collected& collected,
                        std::int64_t observed_ms) {
  Batch batch(member, scope, observed_ms);
  HZ_TRY(batch.load());
  for (const Evidence& evidence : collected.evidence) {
    if (!batch.news(evidence.source, facts_digest(evidence))) continue;
    for (const Observation& part : split_evidence(evidence, observed_ms))
      batch.add(part, part.source, part.facts, part.part);
  }
  for (const Product& product : collected.products)
    if (batch.news(product.source, product.facts)) batch.add(product, product.source, product.facts, 1);
  // A refused file may have led to libraries and packages: what was not looked for is not gone.
  if (collected.refused.empty()) batch.retract();
  return batch.append();
}

Result<ListRecorded> record(alliance::Member& member, const EntityList& list) {
  ListRecorded out;
  sql::Db* views = HZ_TRY(member.views());
  const auto before = HZ_TRY(views->text(sql_text::list_standing, {member.origin(), list.list}));
  if (HZ_TRY(views->text(sql_text::list_digest, {member.origin(), list.list})) == list.digest) {
    out.repeated = true;
    return out;
  }
  std::vector<alliance::Draft> drafts;
  for (const EntityList& part : split_entity_list(list)) {
    drafts.push_back(alliance::draft(part));
    if (before && part.part == 1) drafts.back().refs = {{"supersedes", *before}};
    drafts.back().idem = crypto::sha256(
        as_bytes(fmt::format("supply\nlist\n{}\n{}\n{}\n{}", list.list, list.digest, part.part, before.value_or(""))));
  }
  out.receipts = HZ_TRY(member.append(drafts));
  return out;
}

}  // namespace hz::supply
