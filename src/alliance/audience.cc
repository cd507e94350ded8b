#include "alliance/audience.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "alliance/reasons.h"
#include "base/seams.h"
#include "log/checkpoint.h"

namespace hz::alliance {
namespace {

constexpr std::string_view group_prefix = "group:";
constexpr std::string_view bilateral_prefix = "bilateral:";
constexpr std::string_view team_prefix = "clean-team:";
constexpr std::string_view until_prefix = "sealed-until:";

bool is_group_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

// "2026-12-31T00:00:00Z" to milliseconds; -1 when it is no such time. utc_text() writes the same text again.
std::int64_t parse_time(std::string_view text) {
  constexpr std::string_view form = "0000-00-00T00:00:00Z";
  if (text.size() != form.size()) return -1;
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = -1;
    const char* end = text.data() + at + digits;
    return std::from_chars(text.data() + at, end, value).ptr == end ? value : -1;
  };
  const auto date = std::chrono::year(number(0, 4)) / std::chrono::month(static_cast<unsigned>(number(5, 2))) /
                    std::chrono::day(static_cast<unsigned>(number(8, 2)));
  if (!date.ok()) return -1;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t ms = (((days * 24 + number(11, 2)) * 60 + number(14, 2)) * 60 + number(17, 2)) * 1000;
  return ms >= 0 && utc_text(ms) == text ? ms : -1;
}

}  // namespace

Result<Audience> Audience::parse(std::string_view text) {
  const auto refuse = [&](std::string_view what) { return fail(why("alliance.audience"), "\"{}\": {}", text, what); };
  const auto named = [&](Kind kind, std::string_view prefix) -> Result<Audience> {
    Audience out{.kind = kind, .name = std::string(text.substr(prefix.size())), .parties = {}};
    if (!is_group_name(out.name)) return refuse("a name is 1 to 64 of a-z, 0-9, dot, hyphen and underscore");
    return out;
  };
  if (text == "public") return Audience{.kind = Kind::everyone, .parties = {}};
  if (text == "members") return Audience{.kind = Kind::members, .parties = {}};
  if (text == "owner") return Audience{.kind = Kind::owner, .parties = {}};
  if (text.starts_with(group_prefix)) return named(Kind::group, group_prefix);
  if (text.starts_with(team_prefix)) return named(Kind::clean_team, team_prefix);
  if (text.starts_with(until_prefix)) {
    Audience out{.kind = Kind::sealed_until, .parties = {}, .until_ms = parse_time(text.substr(until_prefix.size()))};
    if (out.until_ms < 0) return refuse("a time looks like 2026-12-31T00:00:00Z");
    return out;
  }
  if (text.starts_with(bilateral_prefix)) {
    const std::string_view both = text.substr(bilateral_prefix.size());
    const auto comma = both.find(',');
    Audience out{.kind = Kind::bilateral, .parties = {}};
    if (comma != std::string_view::npos)
      out.parties = {std::string(both.substr(0, comma)), std::string(both.substr(comma + 1))};
    const bool two = out.parties.size() == 2 && out.parties[0] != out.parties[1] &&
                     std::all_of(out.parties.begin(), out.parties.end(), [](const std::string& party) {
                       return log::valid_origin(party) && party.find(',') == std::string::npos;
                     });
    if (!two) return refuse("two different member ids with a comma between");
    std::sort(out.parties.begin(), out.parties.end());
    return out;
  }
  return refuse("no such class");
}

std::string Audience::format() const {
  switch (kind) {
    case Kind::everyone:
      return "public";
    case Kind::members:
      return "members";
    case Kind::group:
      return fmt::format("{}{}", group_prefix, name);
    case Kind::bilateral:
      return fmt::format("{}{},{}", bilateral_prefix, parties[0], parties[1]);
    case Kind::clean_team:
      return fmt::format("{}{}", team_prefix, name);
    case Kind::sealed_until:
      return fmt::format("{}{}", until_prefix, utc_text(until_ms));
    case Kind::owner:
      return "owner";
  }
  return "owner";
}

std::vector<std::string> Audience::header(std::string_view owner) const {
  if (kind == Kind::everyone) return {"*"};
  if (kind == Kind::owner) return {std::string(owner)};
  return {format()};
}

Result<Audience> Audience::of_header(std::span<const std::string> aud, std::string_view owner) {
  if (aud.size() == 1 && aud[0] == "*") return Audience{.kind = Kind::everyone, .parties = {}};
  if (aud.size() == 1 && aud[0] == owner) return Audience{};
  if (aud.size() == 1) return parse(aud[0]);
  return fail(why("alliance.audience"), "{} entries, one class expected", aud.size());
}

bool may_read(const Audience& audience, std::string_view owner, std::string_view reader, const MembershipFacts& facts,
              std::int64_t now_ms) {
  using Kind = Audience::Kind;
  if (reader == owner || audience.kind == Kind::everyone) return true;
  if (audience.kind == Kind::owner || !facts.is_member || !facts.is_member(reader)) return false;
  switch (audience.kind) {
    case Kind::members:
      return true;
    case Kind::group:
      return facts.in_group && facts.in_group(owner, audience.name, reader);
    case Kind::bilateral: {
      const auto is = [&](std::string_view who) { return audience.parties[0] == who || audience.parties[1] == who; };
      return is(reader) && is(owner);
    }
    case Kind::clean_team:
      return facts.in_clean_team && facts.in_clean_team(owner, audience.name, reader);
    case Kind::sealed_until:
      return now_ms >= audience.until_ms;
    case Kind::everyone:
    case Kind::owner:
      break;
  }
  return false;
}

}  // namespace hz::alliance
