// The input of an operation out of an HTTP request.
#pragma once
#include <span>

#include "api/op.h"
#include "base/http.h"

namespace hz::api {

// A part of the path that stands for a field.
struct PathField {
  std::string_view name;
  std::string value;
};

// GET and HEAD: path parts and query parameters, each turned into what its field takes; no body. Others: the body, one
// JSON object of media type application/json, or empty, and the path parts; no query. Errors: api.target,
// api.bad_value, api.media, base.json_*.
Result<json::Value> route_input(const Op& op, const http::Request& request, std::span<const PathField> path);

}  // namespace hz::api
