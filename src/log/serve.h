// The files of tlog-tiles as answers to requests: what a static web server would serve from an export, always of the
// published head.
#pragma once
#include "base/http.h"
#include "log/store.h"

namespace hz::log {

// Answers `<prefix>/checkpoint`, `<prefix>/tile/...` and `<prefix>/tile/entries/...` of a log; a mirror is served
// alike.
//
//   200  the bytes; tiles may be cached for ever, the checkpoint for two seconds
//   400  a query string: caches disagree on whether it belongs to the name, so there is none
//   404  another path, or a tile beyond the published checkpoint (not to be cached: it may come)
//   405  another method than GET or HEAD
//   5xx  the store failed
// A reader's head follows the published one. Cost: one row, or 256 for a bundle.
http::Response serve(Log& log, const http::Request& request, std::string_view prefix);

}  // namespace hz::log
