// GET, HEAD and PUT of /blobs/<64 hex digits>, for the operator. Ranges are served; bytes are never held whole.
#pragma once
#include "blob/store.h"
#include "net/server.h"

namespace hz::node {

inline constexpr std::string_view blobs_prefix = "/blobs/";
inline constexpr std::uint64_t upload_bytes_max = 1ull << 40;

// The caller has looked at host, origin and token.
http::Response get_blob(const blob::Store& store, const http::Request& request);
// A sink that stores the body when it has the digest in the path. A refusal: the path or the method.
std::expected<std::unique_ptr<http::Sink>, http::Response> put_blob(const blob::Store& store,
                                                                    const http::Request& head);

}  // namespace hz::node
