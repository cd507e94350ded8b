#include "log/serve.h"

#include "log/reasons.h"
#include "log/tile.h"

namespace hz::log {
namespace {

http::Response answer(int status, std::string_view type, std::string_view cache, std::string body) {
  return {status, {{"content-type", std::string(type)}, {"cache-control", std::string(cache)}}, std::move(body)};
}
http::Response refuse(int status, std::string_view text) {
  return answer(status, "text/plain; charset=utf-8", "no-store", fmt::format("{}\n", text));
}

Result<http::Response> file(Log& log, std::string_view name) {
  // A mirror has nothing but its head to show, and this reader may have been open since long before it.
  if (name == "checkpoint") HZ_TRY(log.refresh());
  const Published published = HZ_TRY(log.published());
  if (name == "checkpoint") return answer(200, "text/plain; charset=utf-8", "public, max-age=2", published.note);
  const auto tile = parse_tile_path(name);
  if (!tile || tile->width > width_at(tile->level, tile->n, published.size)) return refuse(404, "no such file");
  if (log.head().size < published.size) HZ_TRY(log.refresh());
  const Bytes bytes =
      HZ_TRY(tile->entries ? log.bundle(tile->n, tile->width) : log.tile(tile->level, tile->n, tile->width));
  return answer(200, "application/octet-stream", "public, max-age=31536000, immutable", std::string(as_text(bytes)));
}

}  // namespace

http::Response serve(Log& log, const http::Request& request, std::string_view prefix) {
  if (request.method != "GET" && request.method != "HEAD") {
    auto response = refuse(405, "only GET");
    response.headers.push_back({"allow", "GET, HEAD"});
    return response;
  }
  if (!request.query.empty()) return refuse(400, "no query string is accepted");
  std::string_view path = request.path;
  if (!path.starts_with(prefix) || !path.substr(prefix.size()).starts_with('/')) return refuse(404, "no such file");
  auto response = file(log, path.substr(prefix.size() + 1));
  if (!response) return refuse(http_status(response.error().reason->code), response.error().reason->slug);
  if (request.method == "HEAD") response->body.clear();
  return *std::move(response);
}

}  // namespace hz::log
