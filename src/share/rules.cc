#include "share/rules.h"

#include <algorithm>

#include "alliance/reasons.h"
#include "share/licence_terms.h"
#include "share/reasons.h"
#include "share/spdx.h"
#include "statement/ids.h"

namespace hz::share {
namespace {

bool is_media_type(std::string_view text) {
  const auto slash = text.find('/');
  if (text.size() > 127 || slash == 0 || slash == std::string_view::npos || slash + 1 == text.size()) return false;
  return std::all_of(text.begin(), text.end(), [&](const char& c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '/' && std::string_view("!#$&-^_.+").contains(c)) || &c == text.data() + slash;
  });
}

Result<void> check_parents(const Release& release) {
  if (release.parents.size() > parents_max)
    return fail(why("share.parents"), "{} parents of {}, at most {}", release.parents.size(), release.name,
                parents_max);
  for (std::size_t i = 0; i < release.parents.size(); ++i) {
    const Parent& parent = release.parents[i];
    if (!statement::is_sha256(parent.sha256)) return fail(why("share.parents"), "\"{}\"", parent.sha256);
    if (parent.sha256 == release.sha256) return fail(why("share.parents"), "{} was made from itself", release.name);
    if (!is_licence(parent.licence)) return fail(why("share.licence"), "\"{}\" of {}", parent.licence, parent.sha256);
    for (std::size_t j = 0; j < i; ++j)
      if (release.parents[j].sha256 == parent.sha256)
        return fail(why("share.parents"), "{} is named twice", parent.sha256);
  }
  return {};
}

void judge_audience(const Question& q, const alliance::Audience& audience, Verdict& out) {
  using Kind = alliance::Audience::Kind;
  if (audience.kind == Kind::bilateral && std::ranges::find(audience.parties, q.releaser) == audience.parties.end())
    out.denials.push_back(
        {&why("share.gate_audience"), fmt::format("{}: {} is no party of it", audience.format(), q.releaser)});
  else if (q.reader && !alliance::may_read(audience, q.releaser, *q.reader, q.facts, q.now_ms))
    out.denials.push_back({&why("share.gate_audience"), fmt::format("{}: not {}", audience.format(), *q.reader)});
}

void judge_licence(const Question& q, Verdict& out) {
  const Permission own = may_copy(q.release.licence);
  if (own != Permission::yes)
    out.denials.push_back({&why("share.gate_licence"),
                           fmt::format("{} {}", q.release.licence,
                                       own == Permission::no ? "does not permit it" : "is not known to permit it")});
}

void judge_lineage(const Question& q, Verdict& out) {
  for (const Ancestor& ancestor : q.lineage.ancestors) {
    const std::string name = ancestor.sha256.substr(0, 12);
    if (ancestor.licences.empty())
      out.denials.push_back({&why("share.gate_lineage"), fmt::format("{}: of unknown licence", name)});
    for (const std::string& licence : ancestor.licences) {
      const Permission permission = may_derive(licence);
      if (permission != Permission::yes)
        out.denials.push_back(
            {&why("share.gate_lineage"),
             fmt::format("{}: {} {}", name, licence,
                         permission == Permission::no ? "does not permit it" : "is not known to permit it")});
    }
  }
}

// The releaser classified these bytes itself, so an unclassified ancestor adds nothing; a classified one binds.
void judge_control(const Question& q, const alliance::Audience& audience, Verdict& out) {
  using Kind = alliance::Audience::Kind;
  const auto deny = [&](std::string_view what) {
    out.denials.push_back({&why("share.gate_control"), std::string(what)});
  };
  const auto is = [&](Control control) {
    return q.release.control == control || std::ranges::any_of(q.lineage.ancestors, [&](const Ancestor& ancestor) {
             return ancestor.controls.contains(control);
           });
  };
  const bool names_readers =
      audience.kind == Kind::bilateral || audience.kind == Kind::group || audience.kind == Kind::clean_team;
  if (q.release.control == Control::unknown) deny("unknown: nobody classified these bytes");
  if (is(Control::export_controlled) && !names_readers)
    deny(fmt::format("export_controlled: {} names no readers", audience.format()));
  if (is(Control::internal) && audience.kind == Kind::everyone) deny("internal: public is outside");
}

}  // namespace

bool is_licence(std::string_view text) { return text == "unknown" || Spdx::parse(text).has_value(); }

Result<alliance::Audience> audience_of(const Release& release) {
  if (release.audience == "alliance") return alliance::Audience::parse("members");
  if (release.audience == "everyone") return alliance::Audience::parse("public");
  return alliance::Audience::parse(release.audience);
}

Result<void> check(const Release& release) {
  if (!statement::is_sha256(release.sha256)) return fail(why("share.digest"), "\"{}\"", release.sha256);
  if (!statement::is_shown_name(release.name)) return fail(why("share.name"), "release {}", release.sha256);
  if (!is_licence(release.licence)) return fail(why("share.licence"), "\"{}\" of {}", release.licence, release.name);
  if (!is_media_type(release.media_type)) return fail(why("share.media_type"), "\"{}\"", release.media_type);
  if (release.size_bytes < 0) return fail(why("share.digest"), "{}: {} bytes", release.name, release.size_bytes);
  HZ_TRY(audience_of(release));
  return check_parents(release);
}

Result<Parent> parse_parent(std::string_view text) {
  const auto first = text.find(':');
  const auto second = first == std::string_view::npos ? first : text.find(':', first + 1);
  const auto relation = parse_enum<Relation>(text.substr(0, first));
  if (first == std::string_view::npos || !relation) return fail(why("share.parents"), "\"{}\"", text);
  Parent out{std::string(text.substr(first + 1, second == std::string_view::npos ? second : second - first - 1)),
             *relation, second == std::string_view::npos ? "unknown" : std::string(text.substr(second + 1))};
  if (!statement::is_sha256(out.sha256)) return fail(why("share.parents"), "\"{}\"", text);
  if (!is_licence(out.licence)) return fail(why("share.licence"), "\"{}\"", out.licence);
  return out;
}

Verdict gate(const Question& q) {
  Verdict out;
  if (q.reader && *q.reader == q.releaser) return out;
  const auto audience = audience_of(q.release);
  if (!audience) {
    out.denials.push_back(audience.error());
    return out;
  }
  judge_audience(q, *audience, out);
  // For the owner alone nothing leaves, so nothing has to be known.
  if (!q.reader && audience->kind == alliance::Audience::Kind::owner) return out;
  if (!q.release.rights_held) {
    judge_licence(q, out);
    judge_lineage(q, out);
  }
  if (q.lineage.circle) out.denials.push_back({&why("share.gate_lineage"), "a circle: something was made from itself"});
  if (q.lineage.cut)
    out.denials.push_back({&why("share.gate_lineage"), fmt::format("more than {} ancestors", ancestors_max)});
  judge_control(q, *audience, out);
  return out;
}

GateDecision decision(const Release& release, const Verdict& verdict) {
  GateDecision out{.sha256 = release.sha256,
                   .name = release.name,
                   .licence = release.licence,
                   .audience = release.audience,
                   .control = release.control,
                   .allowed = verdict.allowed()};
  for (const Error& denial : verdict.denials)
    out.reasons.push_back(fmt::format("{}: {}", denial.reason->slug, denial.detail));
  return out;
}

std::string denials_text(const Verdict& verdict) {
  std::string out;
  for (const Error& denial : verdict.denials)
    out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", denial.reason->slug, denial.detail);
  return out;
}

}  // namespace hz::share
