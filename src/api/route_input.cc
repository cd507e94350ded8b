#include "api/route_input.h"

#include <algorithm>
#include <charconv>

#include "api/reasons.h"
#include "api/target.h"

namespace hz::api {
namespace {

Result<json::Value> value_of(const FieldDoc& field, std::string_view text) {
  if (field.type == "flag") {
    if (text.empty() || text == "true" || text == "1") return json::Value(true);
    if (text == "false" || text == "0") return json::Value(false);
    return fail(why("api.bad_value"), "{} is true or false", field.name);
  }
  if (field.type == "integer") {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size())
      return fail(why("api.bad_value"), "{} is an integer", field.name);
    return json::Value(n);
  }
  return json::Value(text);
}

Result<void> put(const Op& op, json::Value& in, std::string_view name, std::string_view text) {
  const auto field =
      std::find_if(op.fields.begin(), op.fields.end(), [&](const FieldDoc& f) { return f.name == name; });
  if (field == op.fields.end()) return fail(why("api.bad_value"), "there is no field \"{}\"", name);
  if (field->type == "list") {
    for (json::Member& m : *in.object())
      if (m.first == name) {
        m.second.array()->emplace_back(text);
        return {};
      }
    json::Array list;
    list.emplace_back(text);
    in.set(std::string(name), std::move(list));
    return {};
  }
  if (in.find(name)) return fail(why("api.bad_value"), "{} is said twice", name);
  in.set(std::string(name), HZ_TRY(value_of(*field, text)));
  return {};
}

bool is_json(std::string_view content_type) {
  const std::string_view media = content_type.substr(0, std::min(content_type.find(';'), content_type.size()));
  std::string lower;
  for (const char c : media)
    if (c != ' ') lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return lower == "application/json";
}

}  // namespace

Result<json::Value> route_input(const Op& op, const http::Request& request, std::span<const PathField> path) {
  json::Value in(json::Object{});
  if (request.method == "GET" || request.method == "HEAD") {
    if (!request.body.empty()) return fail(why("api.bad_value"), "{} takes no body", request.method);
    for (const PathField& p : path) HZ_TRY(put(op, in, p.name, p.value));
    for (const Parameter& p : HZ_TRY(query_parameters(request.query))) HZ_TRY(put(op, in, p.name, p.value));
    return in;
  }
  if (!request.query.empty()) return fail(why("api.bad_value"), "{} takes its input from the body", request.method);
  if (!request.body.empty()) {
    // A web page of another site can send text and forms without asking first, but never this media type.
    if (!is_json(http::header(request.headers, "content-type")))
      return fail(why("api.media"), "{} bytes of another type", request.body.size());
    in = HZ_TRY(json::parse(request.body));
    if (!in.object()) return fail(why("api.bad_value"), "the body is not a JSON object");
  }
  for (const PathField& p : path) HZ_TRY(put(op, in, p.name, p.value));
  return in;
}

}  // namespace hz::api
