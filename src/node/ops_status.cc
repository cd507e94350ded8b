// `hezong status`: what this node knows, how fresh it is, and which losses its quorum survives.
#include <algorithm>
#include <map>
#include <set>

#include "alliance/node_place.h"
#include "alliance/reasons.h"
#include "log/cosignature.h"
#include "log/survival.h"
#include "node/ops.h"
#include "node/scrub_pass.h"
#include "node/sync.h"
#include "node/witness_places.h"
#include "sql/db.h"

namespace hz::node {
namespace {

// ---- node describe

struct Describe {
  std::string jurisdiction;
  std::optional<std::string> entity;
  static constexpr auto fields() {
    return rows(row("jurisdiction", &Describe::jurisdiction, "two capital letters (ISO 3166-1), or unknown"),
                row("entity", &Describe::entity, "entity:<id> that operates the node; unknown when absent"));
  }
};
struct Described {
  alliance::NodePlace place;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("place", &Described::place, "what was signed"),
                row("receipt", &Described::receipt, "where it stands"));
  }
};
Result<Described> describe(api::Ctx& ctx, const Describe& in) {
  const alliance::NodePlace place{in.jurisdiction, in.entity.value_or("unknown")};
  HZ_TRY(alliance::check(place));
  alliance::Member& member = *HZ_TRY(ctx.member());
  return Described{place, HZ_TRY(member.append(alliance::draft(place)))};
}
std::string text(const Described& out, const api::Style& style) {
  return fmt::format("{} this node runs under jurisdiction {}, operated by {}\nstatement {}\n", style.green("said:"),
                     out.place.jurisdiction, out.place.entity, out.receipt.id);
}

// ---- status

struct StatusIn {
  bool check = false;
  static constexpr auto fields() {
    return rows(row("check", &StatusIn::check, "exit code 3 when the loss of some jurisdiction may break the quorum",
                    or_default));
  }
};
struct RefusedLine {
  std::string log;
  std::int64_t index = 0;
  std::string kind, reason, detail;
  static constexpr auto fields() {
    return rows(
        row("log", &RefusedLine::log, "origin of the log"), row("index", &RefusedLine::index, "position in the log"),
        row("kind", &RefusedLine::kind, "its kind; empty when it could not be read"),
        row("reason", &RefusedLine::reason, "reason slug"), row("detail", &RefusedLine::detail, "what is wrong"));
  }
};
struct HeadLine {
  std::string log, name, state;
  bool own = false;
  std::int64_t size = 0, unpublished = 0;
  std::vector<std::string> cosigners;
  std::int64_t cosigned_s = -1, age_s = -1;
  static constexpr auto fields() {
    return rows(row("log", &HeadLine::log, "origin of the log"), row("name", &HeadLine::name, "its member"),
                row("state", &HeadLine::state, "standing in the alliance"),
                row("own", &HeadLine::own, "this member's own log"),
                row("size", &HeadLine::size, "statements proven here"),
                row("unpublished", &HeadLine::unpublished, "of them, newer than the head its witnesses saw"),
                row("cosigners", &HeadLine::cosigners, "witnesses known here whose cosignature on the head holds"),
                row("cosigned_s", &HeadLine::cosigned_s, "newest of their times, POSIX seconds; -1 without any"),
                row("age_s", &HeadLine::age_s, "seconds since then by this machine's clock; -1 without any"));
  }
};
struct WitnessLine {
  std::string witness, log, jurisdiction, entity, said_by;
  static constexpr auto fields() {
    return rows(row("witness", &WitnessLine::witness, "its name in the policy"),
                row("log", &WitnessLine::log, "the member whose key it is; empty when no member's"),
                row("jurisdiction", &WitnessLine::jurisdiction, "where it runs, or unknown"),
                row("entity", &WitnessLine::entity, "who operates it, or unknown"),
                row("said_by", &WitnessLine::said_by, "who says so: its member, you (witnesses.json), or nobody"));
  }
};
struct LossLine {
  std::string jurisdiction;
  std::int64_t witnesses = 0;
  log::Survival quorum = log::Survival::survives;
  static constexpr auto fields() {
    return rows(row("jurisdiction", &LossLine::jurisdiction, "what is lost; unknown: all witnesses that did not say"),
                row("witnesses", &LossLine::witnesses, "witnesses that run there"),
                row("quorum", &LossLine::quorum, "survives; fails; or unknown: it depends on those that did not say"));
  }
};
struct StatusOut {
  std::string member, name, home, state;
  std::int64_t statements = 0;
  std::vector<std::string> faults;
  alliance::Frontier frontier;
  std::vector<HeadLine> heads;
  std::string quorum_rule;
  bool quorum = false;
  std::vector<WitnessLine> witnesses;
  std::int64_t unknown_witnesses = 0;
  std::vector<LossLine> losses;
  bool survives_every_jurisdiction = true;
  bool check = false;
  std::vector<RefusedLine> refused;
  std::optional<ScrubReport> scrub;
  std::optional<std::string> replaying;
  static constexpr auto fields() {
    return rows(
        row("member", &StatusOut::member, "member id"), row("name", &StatusOut::name, "name"),
        row("home", &StatusOut::home, "folder"),
        row("state", &StatusOut::state, "its standing in the alliance; stranger in none"),
        row("faults", &StatusOut::faults, "what is wrong with this node, reason first"),
        row("statements", &StatusOut::statements, "size of the log"),
        row("frontier", &StatusOut::frontier, "heads the views were computed from"),
        row("heads", &StatusOut::heads, "the own log and every mirrored one, with the age of its cosigned head"),
        row("quorum_rule", &StatusOut::quorum_rule, "what the quorum is"),
        row("quorum", &StatusOut::quorum, "the own head is published and cosigned by a quorum"),
        row("witnesses", &StatusOut::witnesses, "who may cosign, and where each runs"),
        row("unknown_witnesses", &StatusOut::unknown_witnesses, "of them, those that did not say where they run"),
        row("losses", &StatusOut::losses, "whether the quorum outlives the loss of each jurisdiction"),
        row("survives_every_jurisdiction", &StatusOut::survives_every_jurisdiction,
            "no single loss breaks it, also when all that did not say are lost with it"),
        row("check", &StatusOut::check, "the exit code answers this"),
        row("refused", &StatusOut::refused, "statements that contradict their kind: proven, and not counted"),
        row("scrub", &StatusOut::scrub, "what the running node found when it read everything stored again"),
        row("replaying", &StatusOut::replaying,
            "how far the views are replayed; standing, heads of others, quorum and refused are not known meanwhile"));
  }
};

// A witness key that is known here, and the member it belongs to.
struct KnownWitness {
  log::NoteKey key;
  std::string origin;
};

// Whose cosignatures hold on a head, and the newest of their times.
void read_cosignatures(const std::string& text, const std::vector<KnownWitness>& known, std::int64_t now_s,
                       HeadLine& line) {
  const auto note = log::parse_note(text);
  if (!note) return;
  for (const log::SignatureLine& signature : note->signatures)
    for (const KnownWitness& witness : known) {
      if (signature.name != witness.key.name || signature.key_id != witness.key.id()) continue;
      const auto cosignature = log::parse_cosignature(signature.signature);
      if (!cosignature || !log::verify_cosignature(note->text, witness.key.key, signature.signature)) continue;
      line.cosigners.push_back(witness.origin);
      line.cosigned_s = std::max(line.cosigned_s, static_cast<std::int64_t>(cosignature->time_s));
    }
  std::ranges::sort(line.cosigners);
  if (line.cosigned_s >= 0) line.age_s = std::max<std::int64_t>(0, now_s - line.cosigned_s);
}

Result<void> add_heads(alliance::Member& member, const std::vector<Contact>& known,
                       const std::vector<KnownWitness>& keys, std::int64_t now_s, StatusOut& out) {
  const log::Published own = HZ_TRY(member.log().published());
  HeadLine mine{member.origin(),
                member.authority().genesis.name,
                "",
                true,
                out.statements,
                out.statements - static_cast<std::int64_t>(own.size),
                {},
                -1,
                -1};
  mine.state = out.state;
  read_cosignatures(own.note, keys, now_s, mine);
  out.heads.push_back(std::move(mine));
  for (log::Log* log : member.peer_logs()) {
    HeadLine line{log->origin(), "", "stranger", false, static_cast<std::int64_t>(log->head().size), 0, {}, -1, -1};
    for (const Contact& contact : known)
      if (contact.origin == line.log) {
        line.name = contact.authority ? contact.authority->genesis.name : contact.name;
        line.state = contact.state;
      }
    read_cosignatures(log->checkpoint(), keys, now_s, line);
    out.heads.push_back(std::move(line));
  }
  return {};
}

Result<void> add_quorum(alliance::Member& member, const Quorum& quorum, const std::vector<KnownWitness>& keys,
                        StatusOut& out) {
  out.quorum_rule = quorum.rule;
  const log::Published own = HZ_TRY(member.log().published());
  if (const auto note = log::parse_note(own.note); note && own.size == member.log().head().size) {
    const auto policy_keys = quorum.policy.witness_keys();
    std::vector<const log::NoteKey*> signers;
    if (!policy_keys.empty())
      if (auto held = log::verify_note(*note, policy_keys)) signers = *std::move(held);
    out.quorum = log::quorum_met(quorum.policy, signers);
  }

  std::map<std::string, std::pair<std::string, std::string>> places;
  HZ_TRY(HZ_TRY(member.views())
             ->query("SELECT member, jurisdiction, entity FROM public_alliance_node", {}, [&](const sql::Row& r) {
               places[r.text(0)] = {r.text(1), r.text(2)};
               return true;
             }));
  // A file that is wrong hides no answer: it is a fault, and those witnesses said nothing.
  const auto said = witness_places(member.home(), quorum.policy);
  if (!said) out.faults.push_back(said.error().text());
  std::vector<std::string> where;
  std::map<std::string, std::int64_t> lost;
  const std::string unknown(log::unknown_jurisdiction);
  for (const log::PolicyWitness& witness : quorum.policy.witnesses) {
    WitnessLine line{witness.name, "", unknown, unknown, "nobody"};
    const auto whose = std::ranges::find(keys, witness.key, &KnownWitness::key);
    if (whose != keys.end()) {
      line.log = whose->origin;
      if (const auto place = places.find(line.log); place != places.end()) {
        std::tie(line.jurisdiction, line.entity) = place->second;
        line.said_by = "its member";
      }
    } else if (said) {
      if (const auto place = std::ranges::find(*said, witness.name, &WitnessPlace::witness); place != said->end()) {
        line.jurisdiction = place->jurisdiction;
        line.entity = place->entity;
        line.said_by = "you";
      }
    }
    out.unknown_witnesses += line.jurisdiction == unknown;
    where.push_back(line.jurisdiction);
    ++lost[line.jurisdiction];
    out.witnesses.push_back(std::move(line));
  }
  for (const auto& [jurisdiction, count] : lost) {
    const log::Survival answer = log::survival(quorum.policy, where, jurisdiction);
    out.losses.push_back({jurisdiction, count, answer});
    // Those that did not say are no place: that all of them go is the worst case of every other line already, and by
    // itself it decides only when nobody said anything.
    if (jurisdiction != unknown || lost.size() == 1)
      out.survives_every_jurisdiction = out.survives_every_jurisdiction && answer == log::Survival::survives;
  }
  return {};
}

Result<StatusOut> status(api::Ctx& ctx, const StatusIn& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const auto replayed = member.views();
  StatusOut out;
  out.member = member.id();
  out.name = member.authority().genesis.name;
  out.home = ctx.home.string();
  out.statements = static_cast<std::int64_t>(member.log().head().size);
  out.frontier = member.frontier();
  out.check = in.check;
  if (!replayed && replayed.error().reason->slug == "alliance.replaying") {
    out.replaying = replayed.error().detail;
    out.state = "unknown";
    out.survives_every_jurisdiction = false;
    out.scrub = kept_scrub(ctx.home);
    return out;
  }
  sql::Db& views = *HZ_TRY(replayed);
  out.state = HZ_TRY(views.text("SELECT state FROM public_alliance_member WHERE origin = ?", {member.origin()}))
                  .value_or("stranger");
  if (out.state == "frozen") {
    const auto counted =
        HZ_TRY(views.integer("SELECT max(end_idx) FROM alliance_range WHERE origin = ?", {member.origin()}));
    out.faults.push_back(fail(alliance::why("alliance.frozen"), "{}: {} of {} statements count", member.origin(),
                              counted.value_or(0), out.statements)
                             .error()
                             .text());
  }
  out.scrub = kept_scrub(ctx.home);
  if (out.scrub)
    for (const Damage& one : out.scrub->damage())
      out.faults.push_back(fmt::format("{}: {}: {}", one.reason, one.place, one.detail));
  for (const Error& fault : member.peer_faults()) out.faults.push_back(fault.text());
  const std::vector<Contact> known = HZ_TRY(contacts(member));
  std::vector<KnownWitness> keys;
  if (const auto key = witness_key(member.authority())) keys.push_back({*key, member.origin()});
  for (const Contact& contact : known)
    if (contact.authority)
      if (const auto key = witness_key(*contact.authority)) keys.push_back({*key, contact.origin});
  const Quorum quorum = HZ_TRY(quorum_of(member, known));
  std::vector<KnownWitness> all = keys;  // and those of the policy that are no node, by the names of their keys
  for (const log::PolicyWitness& one : quorum.policy.witnesses)
    if (std::ranges::find(keys, one.key, &KnownWitness::key) == keys.end()) all.push_back({one.key, one.key.name});
  HZ_TRY(add_heads(member, known, all, ctx.clock().now_ms() / 1000, out));
  HZ_TRY(add_quorum(member, quorum, keys, out));
  HZ_TRY(views.query("SELECT origin, idx, kind, reason, detail FROM public_alliance_refused ORDER BY origin, idx", {},
                     [&](const sql::Row& r) {
                       out.refused.push_back({r.text(0), r.integer(1), r.text(2), r.text(3), r.text(4)});
                       return true;
                     }));
  return out;
}
bool answer_is_no(const StatusOut& out) {
  return !out.faults.empty() || (out.check && !out.survives_every_jurisdiction);
}

std::string age_text(std::int64_t s) {
  if (s < 0) return "never";
  if (s < 120) return fmt::format("{} s ago", s);
  if (s < 2 * 3600) return fmt::format("{} min ago", s / 60);
  if (s < 2 * 86400) return fmt::format("{} h ago", s / 3600);
  return fmt::format("{} d ago", s / 86400);
}
std::string answer_text(log::Survival answer, const api::Style& style) {
  switch (answer) {
    case log::Survival::survives:
      return style.green("survives");
    case log::Survival::fails:
      return style.red("fails");
    case log::Survival::unknown:
      return style.yellow("unknown: depends on those that did not say");
  }
  return "?";
}

std::string text(const StatusOut& out, const api::Style& style) {
  std::string shown = fmt::format("{} ({}) in {}\n  {} statements, views replayed up to the head\n  frontier {}\n",
                                  style.bold(out.member), out.name, out.home, out.statements, out.frontier.digest);
  if (out.replaying)
    return fmt::format("{} ({}) in {}\n  {} statements\n  {} {}; what the views say is not known until then\n",
                       style.bold(out.member), out.name, out.home, out.statements, style.yellow("replaying:"),
                       *out.replaying);
  if (out.state != "stranger") shown += fmt::format("  in the alliance: {}\n", out.state);
  for (const std::string& fault : out.faults) shown += fmt::format("  {} {}\n", style.red("fault:"), fault);
  if (out.scrub) shown += "  " + scrub_text(*out.scrub);
  for (const RefusedLine& r : out.refused)
    shown += fmt::format("  {} {} statement {} ({}): {}, {}\n", style.yellow("not counted:"), r.log, r.index,
                         r.kind.empty() ? "unreadable" : r.kind, r.reason, r.detail);
  if (out.heads.size() > 1 || !out.witnesses.empty()) {
    std::vector<std::vector<std::string>> cells{{"log", "standing", "statements", "cosigned by", "last cosigned"}};
    for (const HeadLine& h : out.heads)
      cells.push_back(
          {h.own ? h.log + " (own)" : h.log, h.own && h.state == "stranger" ? "in no alliance" : h.state,
           h.unpublished > 0 ? fmt::format("{} ({} not shown yet)", h.size, h.unpublished) : std::to_string(h.size),
           std::to_string(h.cosigners.size()), age_text(h.age_s)});
    shown += "\n" + api::table(cells, style);
  }
  shown +=
      fmt::format("\nquorum {} ({})\n", out.quorum ? style.green("met") : style.yellow("not met"), out.quorum_rule);
  if (out.witnesses.empty()) return shown;
  std::vector<std::vector<std::string>> cells{{"if this is lost", "witnesses", "the quorum"}};
  for (const LossLine& loss : out.losses)
    cells.push_back({loss.jurisdiction == log::unknown_jurisdiction ? "all that did not say" : loss.jurisdiction,
                     std::to_string(loss.witnesses), answer_text(loss.quorum, style)});
  shown += api::table(cells, style);
  std::string by_you, silent, silent_strangers;
  for (const WitnessLine& w : out.witnesses) {
    if (w.said_by == "you") by_you += fmt::format(" {} {}", w.witness, w.jurisdiction);
    if (w.jurisdiction == log::unknown_jurisdiction) (w.log.empty() ? silent_strangers : silent) += " " + w.witness;
  }
  if (!by_you.empty()) shown += "said by you (witnesses.json):" + by_you + "\n";
  if (!silent.empty())
    shown += "did not say where their node runs:" + silent +
             "\n  each says it with: hezong node describe --jurisdiction XX\n";
  if (!silent_strangers.empty()) shown += "run by no member, say where in witnesses.json:" + silent_strangers + "\n";
  return shown;
}

}  // namespace

std::span<const api::Op> status_ops() {
  static const api::Op table[] = {
      api::op<&status>(
          {.id = "member.status",
           .http = "GET /v1/status",
           .cli = "status",
           .may = api::May::reader,
           .fails = {"alliance.no_member"},
           .doc = "What this node knows, how fresh it is, and which losses its quorum survives.",
           .example = "hezong status --check",
           .more = "Freshness is the age of the newest cosignature that holds on a log's head as it is mirrored here. "
                   "The quorum is the file `policy` in the member's folder (C2SP tlog-policy), else more than half of "
                   "the other members. Where a node runs is what its member said with `hezong node describe`; for "
                   "witnesses of the policy that are no member's, what you say in the file `witnesses.json`; nobody "
                   "is guessed. With --check the exit code is 3 unless the quorum survives the loss of every single "
                   "jurisdiction, those that did not say counted as lost with it. It is 3 without --check too when "
                   "this member's log is frozen: it has two histories, and nothing beyond what both share counts, here "
                   "as on every other node; and when stored bytes or a mirror are damaged."}),
      api::op<&describe>({.id = "node.describe",
                          .http = "POST /v1/node/place",
                          .cli = "node describe",
                          .may = api::May::author,
                          .emits = {alliance::NodePlace::kind},
                          .fails = {"alliance.node_place"},
                          .doc = "Say under which jurisdiction this member's node runs, and who operates it.",
                          .example = "hezong node describe --jurisdiction CN --entity entity:compute-hall",
                          .more = "A signed statement that every member sees; the newest counts."}),
  };
  return table;
}

}  // namespace hz::node
