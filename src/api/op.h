// Op rows: one row per operation gives HTTP route, CLI verb, permission, JSON schema, help, man page and completion.
//
//   Result<WhatIfOut> what_if(api::Ctx&, const WhatIf&);       // rules elsewhere; this reads views or appends
//   std::string text(const WhatIfOut&, const api::Style&);     // for people, found by argument-dependent look-up
//   bool answer_is_no(const WhatIfOut&);                       // optional: true gives exit code 3
//
//   std::span<const api::Op> ops() {
//     static const api::Op table[] = {
//         api::op<&what_if>({.id = "drill.what_if", .http = "POST /v1/drill/what-if", .cli = "drill what-if",
//                            .may = api::May::reader, .fails = {"drill.unknown_target"},
//                            .doc = "Which products stop when something is lost.",
//                            .example = "hezong drill what-if --lose entity:microsoft"}),
//     };
//     return table;
//   }
//
// In the CLI pattern, `<field>` is a positional argument and `<field...>` takes the rest; `[field]` is an optional
// positional. Every other field is a flag: `--field-name VALUE`, a bool is `--field-name`, a vector repeats.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alliance/member.h"
#include "base/fields.h"
#include "base/seams.h"

namespace hz::api {

// How text for people looks.
struct Style {
  bool colour = false;
  int width = 100;
  std::string red(std::string_view s) const { return paint("31", s); }
  std::string green(std::string_view s) const { return paint("32", s); }
  std::string yellow(std::string_view s) const { return paint("33", s); }
  std::string blue(std::string_view s) const { return paint("34", s); }
  std::string bold(std::string_view s) const { return paint("1", s); }
  std::string dim(std::string_view s) const { return paint("2", s); }

 private:
  std::string paint(std::string_view code, std::string_view s) const {
    return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, s) : std::string(s);
  }
};

// Columns aligned for people; the first row is the head. Widths count terminal cells (CJK = 2), colours count nothing.
int cell_width(std::string_view text);
std::string table(const std::vector<std::vector<std::string>>& rows, const Style& style);

// What an operation may reach.
struct Ctx {
  fs::path home;  // the member's folder; may not exist yet
  alliance::Mounted mounted;
  alliance::Seams seams;
  std::optional<alliance::Member> opened = {};
  bool dry_run = false;
  std::optional<alliance::Audience> audience = {};  // Member::set_audience
  std::span<const fs::path> tool_dirs = {};         // where hezong's own programs (oip-host) are looked for, in order

  // A node's: checks a batch of leaves and appends it in its turn. Absent in a command, whose member does both.
  using AppendLeaves = std::function<Result<std::vector<alliance::Receipt>>(std::vector<Bytes>)>;
  AppendLeaves append_leaves = {};

  // The member in `home`, opened on first use; its views are held, so an answer is of one frontier. Errors:
  // alliance.no_member and what Member::open says.
  Result<alliance::Member*> member();
  Clock& clock() { return *seams.clock; }
  Progress& progress() { return *seams.progress; }
};

enum class May { anyone, reader, author };  // anyone: needs no member; reader: reads views; author: appends statements

inline constexpr std::string_view any_kind = "*";

struct OpText {
  std::string_view id;    // <module>.<verb>
  std::string_view http;  // "POST /v1/..."; empty: a command only
  std::string_view cli;   // "drill what-if"
  May may = May::reader;
  std::vector<std::string_view> emits = {};  // kind slugs, or any_kind; not empty exactly when may == author
  std::vector<std::string_view> fails = {};  // reason slugs beyond the general ones
  std::string_view doc;                      // one sentence
  std::string_view example;                  // a command line that runs
  std::string_view more = {};                // a paragraph for the man page
  // Reads or writes files that the caller names, or starts programs: over HTTP it needs the operator's token even when
  // anyone may run the command.
  bool local = false;
  // Has much to check before it appends, so it waits for its turn to sign by itself (Ctx::append_leaves).
  bool own_turn = false;
};

struct FieldDoc {
  std::string_view name;
  std::string_view doc;
  std::string_view type;  // text, integer, flag, list, or a|b|c
  bool required;
};

struct Answer {
  json::Value json;
  std::string text;
  bool is_no = false;
};

struct Op : OpText {
  std::vector<FieldDoc> fields;
  json::Value (*in_schema)();
  json::Value (*out_schema)();
  Result<Answer> (*call)(Ctx&, const json::Value& in, const Style&);
};

namespace detail {
template <class T>
struct Signature;
template <class Out, class In>
struct Signature<Result<Out> (*)(Ctx&, const In&)> {
  using out = Out;
  using in = In;
};

template <class M>
constexpr std::string_view type_word() {
  if constexpr (hz::detail::IsOptional<M>::value)
    return type_word<typename M::value_type>();
  else if constexpr (hz::detail::IsVector<M>::value)
    return "list";
  else if constexpr (std::is_same_v<M, bool>)
    return "flag";
  else if constexpr (std::is_integral_v<M>)
    return "integer";
  else
    return "text";
}

template <class In>
std::vector<FieldDoc> field_docs() {
  std::vector<FieldDoc> out;
  std::apply(
      [&](const auto&... r) {
        [[maybe_unused]] const auto add = [&](const auto& field) {
          using M = std::remove_cvref_t<decltype(std::declval<In>().*(field.member))>;
          const bool required = !hz::detail::IsOptional<M>::value && !hz::detail::IsVector<M>::value &&
                                field.presence == Presence::required;
          out.push_back({field.name, field.doc, type_word<M>(), required});
        };
        (add(r), ...);
      },
      In::fields());
  return out;
}
}  // namespace detail

template <auto fn>
Op op(OpText text_row) {
  using S = detail::Signature<decltype(fn)>;
  using In = typename S::in;
  using Out = typename S::out;
  return {std::move(text_row), detail::field_docs<In>(), +[] { return schema<In>(); }, +[] { return schema<Out>(); },
          +[](Ctx& ctx, const json::Value& in, const Style& style) -> Result<Answer> {
            const In input = HZ_TRY(from_json<In>(in));
            const Out out = HZ_TRY(fn(ctx, input));
            Answer answer{to_json(out), text(out, style)};
            if constexpr (requires { answer_is_no(out); }) answer.is_no = answer_is_no(out);
            return answer;
          }};
}

}  // namespace hz::api
