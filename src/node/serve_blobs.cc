#include "node/serve_blobs.h"

#include "api/reasons.h"
#include "api/route.h"
#include "blob/reasons.h"
#include "blob/stream.h"

namespace hz::node {
namespace {

std::optional<Digest> digest_of(std::string_view path) {
  const auto digest = parse_digest(path.substr(std::min(blobs_prefix.size(), path.size())));
  return digest ? std::optional(*digest) : std::nullopt;
}

http::Response no_such_path() {
  return api::error_response({&api::why("api.no_route"), "a blob is /blobs/ and the 64 hex digits of its SHA-256"});
}

class Upload final : public http::Sink {
 public:
  Upload(blob::Intake intake, const Digest& digest) : intake_(std::move(intake)), digest_(digest) {}
  Result<void> write(std::span<const std::uint8_t> bytes) override { return intake_.write(bytes, upload_bytes_max); }
  http::Response finish() override {
    const auto fresh = intake_.finish(digest_);
    if (!fresh) return api::error_response(fresh.error());
    return {.status = *fresh ? 201 : 200, .headers = {{"cache-control", "no-store"}}};
  }

 private:
  blob::Intake intake_;
  Digest digest_;
};

}  // namespace

http::Response get_blob(const blob::Store& store, const http::Request& request) {
  const auto digest = digest_of(request.path);
  if (!digest) return no_such_path();
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response out = api::error_response({&api::why("api.method"), "GET, HEAD or PUT"});
    out.headers.push_back({"allow", "GET, HEAD, PUT"});
    return out;
  }
  auto source = blob::open_source(store, *digest);
  if (!source) return api::error_response(source.error());
  return {.headers = {{"content-type", "application/octet-stream"},
                      {"x-content-type-options", "nosniff"},
                      {"etag", "\"" + hex(*digest) + "\""}},
          .source = *std::move(source)};
}

std::expected<std::unique_ptr<http::Sink>, http::Response> put_blob(const blob::Store& store,
                                                                    const http::Request& head) {
  const auto digest = digest_of(head.path);
  if (!digest) return std::unexpected(no_such_path());
  auto intake = blob::Intake::begin(store);
  if (!intake) return std::unexpected(api::error_response(intake.error()));
  return std::make_unique<Upload>(*std::move(intake), *digest);
}

}  // namespace hz::node
