#include "alliance/body.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "alliance/reasons.h"
#include "log/checkpoint.h"
#include "sql/db.h"
#include "statement/ids.h"
#include "statement/seal.h"
#include "statement/statement.h"

namespace hz::alliance {
namespace {

constexpr std::size_t group_members_max = 512;

bool in(const std::set<std::tuple<std::string, std::string, std::string>>& lists, std::string_view owner,
        std::string_view name, std::string_view reader) {
  return lists.contains({std::string(owner), std::string(name), std::string(reader)});
}

}  // namespace

Result<void> check(const Group& group) {
  const auto named = Audience::parse(fmt::format("{}:{}", group.clean_team ? "clean-team" : "group", group.name));
  if (!named) return fail(why("alliance.group"), "name \"{}\"", group.name);
  if (group.members.size() > group_members_max)
    return fail(why("alliance.group"), "{} members, at most {}", group.members.size(), group_members_max);
  for (const std::string& member : group.members)
    if (!log::valid_origin(member)) return fail(why("alliance.group"), "member \"{}\"", member);
  if (std::set<std::string>(group.members.begin(), group.members.end()).size() != group.members.size())
    return fail(why("alliance.group"), "a member stands twice in it");
  return {};
}

Result<void> replay_group(sql::Db& views, const statement::Statement& from, const Group& said) {
  HZ_TRY(check(said));
  HZ_TRY(views.exec("DELETE FROM alliance_group WHERE owner = ? AND clean_team = ? AND name = ?",
                    {from.issuer, std::int64_t{said.clean_team}, said.name}));
  for (const std::string& member : said.members)
    HZ_TRY(views.exec("INSERT INTO alliance_group VALUES(?,?,?,?)",
                      {from.issuer, std::int64_t{said.clean_team}, said.name, member}));
  return {};
}

Result<void> replay_body_erased(sql::Db& views, const statement::Statement& from, const BodyErased& said) {
  if (!statement::is_sha256(said.statement)) return fail(why("alliance.not_sealed"), "\"{}\"", said.statement);
  return views.exec("INSERT OR REPLACE INTO alliance_erased VALUES(?,?,?)", {said.statement, from.issuer, said.reason});
}

Result<void> replay_body_shared(sql::Db& views, const statement::Statement& from, const BodyShared& said) {
  HZ_TRY(Audience::parse(said.audience));
  if (!statement::is_sha256(said.statement) || said.blobs.empty() || said.blobs.size() > statement::seal_blobs_max ||
      !std::ranges::all_of(said.blobs, statement::is_sha256))
    return fail(why("alliance.not_sealed"), "\"{}\" with {} blobs", said.statement, said.blobs.size());
  for (const std::string& blob : said.blobs)
    HZ_TRY(views.exec("INSERT OR REPLACE INTO alliance_sealed_blob VALUES(?,?,?,?,1)",
                      {blob, said.statement, from.issuer, said.audience}));
  return {};
}

Result<MembershipFacts> membership_facts(sql::Db& views) {
  std::set<std::string, std::less<>> members;
  HZ_TRY(views.query("SELECT member FROM public_alliance_member WHERE state = 'member'", {}, [&](const sql::Row& r) {
    members.insert(r.text(0));
    return true;
  }));
  std::set<std::tuple<std::string, std::string, std::string>> groups, teams;
  HZ_TRY(views.query("SELECT owner, clean_team, name, reader FROM public_alliance_group", {}, [&](const sql::Row& r) {
    (r.integer(1) != 0 ? teams : groups).emplace(r.text(0), r.text(2), r.text(3));
    return true;
  }));
  return MembershipFacts{
      .is_member = [members = std::move(members)](std::string_view who) { return members.contains(who); },
      .in_group = [groups = std::move(groups)](std::string_view owner, std::string_view name,
                                               std::string_view reader) { return in(groups, owner, name, reader); },
      .in_clean_team = [teams = std::move(teams)](std::string_view owner, std::string_view name,
                                                  std::string_view reader) { return in(teams, owner, name, reader); }};
}

}  // namespace hz::alliance
