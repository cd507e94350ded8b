#include "base/fields.h"

#include <algorithm>

namespace hz::detail {

void put_value(json::Object& members, std::string_view name, json::Value value) {
  members.emplace_back(std::string(name), std::move(value));
}

const json::Value* MemberReader::member(std::string_view name, bool may_lack) {
  if (error) return nullptr;
  const json::Value* found = object.find(name);
  if (found)
    ++known;
  else if (!may_lack)
    error = Error{&why("base.json_field"), fmt::format("{}.{} is missing", at.text(), name)};
  return found;
}

void MemberReader::close(std::initializer_list<std::string_view> names) {
  const json::Object& members = *object.object();
  if (error || known == members.size()) return;
  for (const auto& [key, ignored] : members)
    if (std::find(names.begin(), names.end(), key) == names.end())
      error = Error{&why("base.json_field"), fmt::format("{}.{} is not a known field", at.text(), key)};
}

void ObjectSchema::property(std::string_view name, std::string_view doc, bool may_lack, json::Value item) {
  item.set("description", doc);
  properties.emplace_back(std::string(name), std::move(item));
  if (!may_lack) required.emplace_back(name);
}

json::Value ObjectSchema::finish() && {
  json::Value out;
  out.set("type", "object").set("properties", std::move(properties)).set("required", std::move(required));
  out.set("additionalProperties", false);
  return out;
}

}  // namespace hz::detail
