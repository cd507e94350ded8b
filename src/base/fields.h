// One list of fields per struct drives JSON reading and writing, JSON schema, CLI flags, forms and docs.
//
//   struct Retire {
//     std::string model;
//     std::optional<std::string> note;
//     static constexpr auto fields() {
//       return rows(row("model", &Retire::model, "the model to retire"), row("note", &Retire::note, "shown to users"));
//     }
//   };
//
// Field types: bool, std::int64_t, int, std::uint32_t, std::string, Id<T>, enums with names (see EnumName),
// std::optional, std::vector, and structs that have fields() themselves. There is no floating point: quantities are
// integers with a unit in the name (price_fen, quality_milli), because these structs are signed. A field may be left
// out when it is optional, a vector, or marked with `or_default`.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/id.h"
#include "base/json.h"

namespace hz {

enum class Presence { required, or_default };
inline constexpr Presence or_default = Presence::or_default;

template <class T, class M>
struct Row {
  std::string_view name;
  M T::* member;
  std::string_view doc;
  Presence presence;
};

template <class T, class M>
constexpr Row<T, M> row(std::string_view name, M T::* member, std::string_view doc,
                        Presence presence = Presence::required) {
  return {name, member, doc, presence};
}
template <class... R>
constexpr auto rows(R... r) {
  return std::tuple<R...>(r...);
}

template <class T>
concept Record = requires { T::fields(); };

// An enum takes part in fields when `constexpr auto enum_names(E)` (found by argument) returns a std::array of
// EnumName<E>.
template <class E>
struct EnumName {
  E value;
  std::string_view name;
};
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) { enum_names(e); };

template <NamedEnum E>
constexpr std::string_view enum_text(E value) {
  for (const auto& row : enum_names(value))
    if (row.value == value) return row.name;
  return "?";
}
template <NamedEnum E>
std::optional<E> parse_enum(std::string_view text) {
  for (const auto& row : enum_names(E{}))
    if (row.name == text) return row.value;
  return std::nullopt;
}

namespace detail {
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsId : std::false_type {};
template <class T>
struct IsId<Id<T>> : std::true_type {};
}  // namespace detail

template <class T>
json::Value to_json(const T& value);
template <class T>
Result<T> from_json(const json::Value& value, const json::Place& at = "$");
template <class T>
json::Value schema();

// What the three walks below share. Everything that does not depend on the field's type is compiled once, in
// fields.cc: inlined into every struct it took a third of the whole build.
namespace detail {
template <class M>
constexpr bool may_lack(Presence presence) {
  return IsOptional<M>::value || IsVector<M>::value || presence == Presence::or_default;
}

void put_value(json::Object& members, std::string_view name, json::Value value);
template <class M>
void put_member(json::Object& members, std::string_view name, const M& value) {
  // An absent optional is left out: one value, one text.
  if constexpr (IsOptional<M>::value)
    if (!value) return;
  put_value(members, name, to_json<M>(value));
}

// Reads the members of one object; the first error stays.
struct MemberReader {
  const json::Value& object;
  const json::Place& at;
  std::optional<Error> error;
  std::size_t known = 0;

  MemberReader(const json::Value& from, const json::Place& place) : object(from), at(place) {}
  // The member to read, or null: it is absent (an error unless it may be) or there is an error already.
  const json::Value* member(std::string_view name, bool may_lack);
  // Refuses members beyond the known ones.
  void close(std::initializer_list<std::string_view> names);
};
template <class M>
void read_member(MemberReader& reader, std::string_view name, M& into, Presence presence) {
  const json::Value* member = reader.member(name, may_lack<M>(presence));
  if (!member) return;
  auto item = from_json<M>(*member, json::Place(reader.at, name));
  if (item)
    into = *std::move(item);
  else
    reader.error = std::move(item).error();
}

struct ObjectSchema {
  json::Object properties;
  json::Array required;
  void property(std::string_view name, std::string_view doc, bool may_lack, json::Value item);
  json::Value finish() &&;
};
template <class T, class M>
void put_property(ObjectSchema& object, const Row<T, M>& row) {
  object.property(row.name, row.doc, may_lack<M>(row.presence), schema<M>());
}
}  // namespace detail

template <class T>
json::Value to_json(const T& value) {
  if constexpr (std::is_same_v<T, json::Value>) {
    return value;
  } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string>) {
    return json::Value(value);
  } else if constexpr (std::is_integral_v<T>) {
    return json::Value(static_cast<std::int64_t>(value));
  } else if constexpr (std::is_enum_v<T>) {
    return json::Value(enum_text(value));
  } else if constexpr (detail::IsId<T>::value) {
    return json::Value(value.str());
  } else if constexpr (detail::IsOptional<T>::value) {
    return value ? to_json(*value) : json::Value();
  } else if constexpr (detail::IsVector<T>::value) {
    json::Array items;
    items.reserve(value.size());
    for (const auto& item : value) items.push_back(to_json<typename T::value_type>(item));
    return json::Value(std::move(items));
  } else {
    static_assert(Record<T>, "this type has no fields()");
    json::Object members;
    std::apply([&](const auto&... r) { (detail::put_member(members, r.name, value.*(r.member)), ...); }, T::fields());
    return json::Value(std::move(members));
  }
}

// Messages name the place of what does not fit. Errors: base.json_field.
template <class T>
Result<T> from_json(const json::Value& value, const json::Place& at) {
  const auto refuse = [&](std::string_view wanted) {
    return fail(why("base.json_field"), "{} should be {}", at.text(), wanted);
  };
  if constexpr (std::is_same_v<T, json::Value>) {
    return value;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (const bool* b = value.boolean()) return *b;
    return refuse("true or false");
  } else if constexpr (std::is_integral_v<T>) {
    const std::int64_t* n = value.integer();
    if (!n || !std::in_range<T>(*n)) return refuse("an integer in range");
    return static_cast<T>(*n);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (const std::string* s = value.string()) return *s;
    return refuse("a text");
  } else if constexpr (detail::IsId<T>::value) {
    if (const std::string* s = value.string()) return T(*s);
    return refuse("an id");
  } else if constexpr (std::is_enum_v<T>) {
    const std::string* s = value.string();
    if (const auto found = s ? parse_enum<T>(*s) : std::nullopt) return *found;
    std::string wanted = "one of";
    for (const auto& row : enum_names(T{})) wanted += fmt::format(" {}", row.name);
    return refuse(wanted);
  } else if constexpr (detail::IsOptional<T>::value) {
    return T(HZ_TRY(from_json<typename T::value_type>(value, at)));
  } else if constexpr (detail::IsVector<T>::value) {
    const json::Array* items = value.array();
    if (!items) return refuse("a list");
    T out;
    out.reserve(items->size());
    for (std::size_t i = 0; i < items->size(); ++i)
      out.push_back(HZ_TRY(from_json<typename T::value_type>((*items)[i], json::Place(at, i))));
    return out;
  } else {
    static_assert(Record<T>, "this type has no fields()");
    if (!value.object()) return refuse("an object");
    T out{};
    detail::MemberReader reader(value, at);
    std::apply(
        [&](const auto&... r) {
          (detail::read_member(reader, r.name, out.*(r.member), r.presence), ...);
          reader.close({r.name...});
        },
        T::fields());
    if (reader.error) return std::unexpected(*std::move(reader.error));
    return out;
  }
}

// JSON Schema (2020-12 subset) of a field type.
template <class T>
json::Value schema() {
  json::Value out;
  if constexpr (std::is_same_v<T, json::Value>) {
    out.set("type", "object");
  } else if constexpr (std::is_same_v<T, bool>) {
    out.set("type", "boolean");
  } else if constexpr (std::is_integral_v<T>) {
    out.set("type", "integer");
  } else if constexpr (std::is_same_v<T, std::string> || detail::IsId<T>::value) {
    out.set("type", "string");
  } else if constexpr (std::is_enum_v<T>) {
    json::Array names;
    for (const auto& row : enum_names(T{})) names.emplace_back(row.name);
    out.set("type", "string").set("enum", std::move(names));
  } else if constexpr (detail::IsOptional<T>::value) {
    return schema<typename T::value_type>();
  } else if constexpr (detail::IsVector<T>::value) {
    out.set("type", "array").set("items", schema<typename T::value_type>());
  } else {
    detail::ObjectSchema object;
    std::apply([&](const auto&... r) { (detail::put_property(object, r), ...); }, T::fields());
    return std::move(object).finish();
  }
  return out;
}

}  // namespace hz
