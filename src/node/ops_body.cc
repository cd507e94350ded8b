// Sealed bodies and who may read them: show fields of one, give it to more readers, erase it, list a group, change the
// key that bodies are sealed to.
#include <fmt/ranges.h>

#include "alliance/body.h"
#include "alliance/box_key.h"
#include "alliance/reasons.h"
#include "node/ops.h"
#include "sql/db.h"

namespace hz::node {
namespace {

using namespace hz::alliance;

Audience everyone() { return {.kind = Audience::Kind::everyone, .parties = {}}; }

struct Done {
  std::string what;
  Receipt receipt;
  static constexpr auto fields() {
    return rows(row("what", &Done::what, "what was said"), row("receipt", &Done::receipt, "where it stands"));
  }
};
std::string text(const Done& out, const api::Style& style) {
  return fmt::format("{} {}\nstatement {} at {}{}\n", style.green("signed:"), out.what, out.receipt.id,
                     out.receipt.index, out.receipt.repeated ? ", as before" : "");
}

struct Disclose {
  std::string id;
  std::vector<std::string> field;
  std::string out;
  static constexpr auto fields() {
    return rows(
        row("id", &Disclose::id, "statement id, hex"),
        row("field", &Disclose::field, "path in the body, such as offers[0].backend; its parent shows all below"),
        row("out", &Disclose::out, "file to write"));
  }
};
struct Shown {
  std::string file, statement;
  std::vector<std::string> paths;
  static constexpr auto fields() {
    return rows(row("file", &Shown::file, "the disclosure"), row("statement", &Shown::statement, "of this statement"),
                row("paths", &Shown::paths, "fields in it"));
  }
};
Result<Shown> disclose(api::Ctx& ctx, const Disclose& in) {
  Member& member = *HZ_TRY(ctx.member());
  const auto s = HZ_TRY(member.find(in.id));
  const std::string file = HZ_TRY(member.disclose(s, in.field));
  HZ_TRY(write_file_durably(in.out, as_bytes(file)));
  return Shown{in.out, s.id_text(), in.field};
}
std::string text(const Shown& out, const api::Style&) {
  return fmt::format(
      "{}: {} of statement {}\nWith its evidence file anyone can check it: hezong audit verify EVIDENCE --disclosure "
      "{}\n",
      out.file, fmt::join(out.paths, ", "), out.statement, out.file);
}

struct ShareBody {
  std::string id, audience;
  static constexpr auto fields() {
    return rows(row("id", &ShareBody::id, "statement id, hex"),
                row("audience", &ShareBody::audience, "members, group:X, bilateral:A,B or clean-team:X"));
  }
};
Result<Done> share_body(api::Ctx& ctx, const ShareBody& in) {
  Member& member = *HZ_TRY(ctx.member());
  const auto s = HZ_TRY(member.find(in.id));
  const Audience audience = HZ_TRY(Audience::parse(in.audience));
  using Kind = Audience::Kind;
  if (audience.kind == Kind::everyone || audience.kind == Kind::owner || audience.kind == Kind::sealed_until)
    return fail(alliance::why("alliance.audience"), "{} names no further readers", audience.format());
  return Done{fmt::format("body of {} for {}", s.id_text().substr(0, 12), audience.format()),
              HZ_TRY(member.share(s, audience))};
}

struct Erase {
  std::string id;
  std::optional<std::string> reason;
  static constexpr auto fields() {
    return rows(row("id", &Erase::id, "statement id, hex"), row("reason", &Erase::reason, "why, for people"));
  }
};
Result<Done> erase(api::Ctx& ctx, const Erase& in) {
  Member& member = *HZ_TRY(ctx.member());
  const auto s = HZ_TRY(member.find(in.id));
  return Done{
      fmt::format("body of {} erased here; other nodes delete it when they read this", s.id_text().substr(0, 12)),
      HZ_TRY(member.erase(s, in.reason.value_or("")))};
}

struct GroupSet {
  std::string name;
  std::vector<std::string> member;
  bool clean_team = false;
  static constexpr auto fields() {
    return rows(row("name", &GroupSet::name, "1 to 64 of [a-z0-9._-]"),
                row("member", &GroupSet::member, "member id; all that are to be in it, none empties it"),
                row("clean_team", &GroupSet::clean_team, "a clean team: its class is clean-team:<name>", or_default));
  }
};
Result<Done> group_set(api::Ctx& ctx, const GroupSet& in) {
  Member& member = *HZ_TRY(ctx.member());
  const Group group{in.name, in.clean_team, in.member};
  HZ_TRY(check(group));
  sql::Db& views = *HZ_TRY(member.views());
  for (const std::string& reader : in.member)
    if (!HZ_TRY(views.text("SELECT member FROM public_alliance_member WHERE member = ?", {reader})))
      return fail(alliance::why("alliance.no_such_member"), "{}", reader);
  Draft made = draft(group);
  made.audience = Audience{};
  return Done{fmt::format("{}:{} has {} reader{}", in.clean_team ? "clean-team" : "group", in.name, in.member.size(),
                          in.member.size() == 1 ? "" : "s"),
              HZ_TRY(member.append(made))};
}

struct GroupList {
  static constexpr auto fields() { return rows(); }
};
struct GroupRow {
  std::string audience;
  std::vector<std::string> members;
  static constexpr auto fields() {
    return rows(row("audience", &GroupRow::audience, "class of its readers"),
                row("members", &GroupRow::members, "member ids"));
  }
};
struct Groups {
  std::vector<GroupRow> groups;
  Frontier frontier;
  static constexpr auto fields() {
    return rows(row("groups", &Groups::groups, "this member's, by class"), row("frontier", &Groups::frontier, "as of"));
  }
};
Result<Groups> group_list(api::Ctx& ctx, const GroupList&) {
  Member& member = *HZ_TRY(ctx.member());
  Groups out;
  HZ_TRY(HZ_TRY(member.views())
             ->query("SELECT clean_team, name, reader FROM public_alliance_group WHERE owner = ? ORDER BY 1, 2, 3",
                     {member.id()}, [&](const sql::Row& r) {
                       const std::string audience =
                           fmt::format("{}:{}", r.integer(0) != 0 ? "clean-team" : "group", r.text(1));
                       if (out.groups.empty() || out.groups.back().audience != audience)
                         out.groups.push_back({audience, {}});
                       out.groups.back().members.push_back(r.text(2));
                       return true;
                     }));
  out.frontier = member.frontier();
  return out;
}
std::string text(const Groups& out, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{{"audience", "readers"}};
  for (const GroupRow& one : out.groups)
    cells.push_back({one.audience, fmt::format("{}", fmt::join(one.members, ", "))});
  return api::table(cells, style) + fmt::format("as of frontier {}\n", out.frontier.digest.substr(0, 16));
}

struct NewBox {
  static constexpr auto fields() { return rows(); }
};
Result<Done> new_box(api::Ctx& ctx, const NewBox&) {
  Member& member = *HZ_TRY(ctx.member());
  std::string key = "a new key";
  // The secret first: what is sealed to a key nobody has is lost.
  if (!ctx.dry_run)
    key = HZ_TRY(load_or_create_box(next_box_path(member.keys_folder()), *member.seams().rng)).recipient().text();
  Draft made = draft(BoxKey{key});
  made.audience = everyone();
  const Receipt receipt = HZ_TRY(member.append(made));
  if (!ctx.dry_run) HZ_TRY(adopt_next_box(member.keys_folder()));
  return Done{fmt::format("bodies for this member are sealed to {} from now on", key), receipt};
}

}  // namespace

std::span<const api::Op> body_ops() {
  static const api::Op table[] = {
      api::op<&disclose>(
          {.id = "body.disclose",
           .http = "POST /v1/bodies/disclosures",
           .cli = "body disclose <id>",
           .may = api::May::reader,
           .fails = {"alliance.no_statement", "alliance.not_sealed", "alliance.body_gone", "statement.no_field"},
           .doc = "Show some fields of a sealed body, with what proves them, and hide the rest.",
           .example = "hezong body disclose ID --field price_fen --out shown.json",
           .local = true}),
      api::op<&share_body>({.id = "body.share",
                            .http = "POST /v1/bodies/readers",
                            .cli = "body share <id>",
                            .may = api::May::author,
                            .emits = {BodyShared::kind},
                            .fails = {"alliance.no_statement", "alliance.not_sealed", "alliance.body_gone",
                                      "alliance.no_box_key", "alliance.audience"},
                            .doc = "Give a sealed body to further readers; the statement stays as it was signed.",
                            .example = "hezong body share ID --audience members",
                            .more = "Also for members that joined after the body was sealed, and for a body that was "
                                    "sealed until now."}),
      api::op<&erase>({.id = "body.erase",
                       .http = "POST /v1/bodies/erasures",
                       .cli = "body erase <id>",
                       .may = api::May::author,
                       .emits = {BodyErased::kind},
                       .fails = {"alliance.no_statement", "alliance.not_sealed"},
                       .doc = "Delete a sealed body here and ask every node to; the log stays whole.",
                       .example = "hezong body erase ID --reason \"asked for by the person named in it\"",
                       .more = "What readers copied elsewhere is out of reach."}),
      api::op<&group_set>({.id = "group.set",
                           .http = "POST /v1/groups",
                           .cli = "group set <name>",
                           .may = api::May::author,
                           .emits = {Group::kind},
                           .fails = {"alliance.group", "alliance.no_such_member"},
                           .doc = "Name the readers of this member's audience group:<name>, or clean-team:<name>.",
                           .example = "hezong group set compilers --member lab.example",
                           .more = "Only this member can read the list. Whoever is put on it later reads what is "
                                   "sealed from then on; `hezong body share` gives older bodies."}),
      api::op<&group_list>({.id = "group.list",
                            .http = "GET /v1/groups",
                            .cli = "group list",
                            .may = api::May::reader,
                            .doc = "This member's groups and clean teams.",
                            .example = "hezong group list"}),
      api::op<&new_box>({.id = "key.box",
                         .http = "POST /v1/keys/box",
                         .cli = "key box",
                         .may = api::May::author,
                         .emits = {BoxKey::kind},
                         .fails = {"alliance.key", "alliance.key_open"},
                         .doc = "Make a new key that bodies for this member are sealed to.",
                         .example = "hezong key box",
                         .more = "The old secret stays beside it: what was sealed to it opens with nothing else."}),
  };
  return table;
}

}  // namespace hz::node
