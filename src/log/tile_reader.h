// Another log's files, read through one exchange: checkpoint, tiles, bundles. Nothing here is believed: whoever uses
// the bytes holds them against a signed root.
#pragma once
#include <string>

#include "base/http.h"
#include "crypto/merkle.h"
#include "log/tile.h"

namespace hz::log {

inline constexpr std::size_t checkpoint_size_bytes_max = 64 * 1024;

class TileReader {
 public:
  // The files lie under `prefix` ("" or "/logs/x", no slash at the end).
  TileReader(http::Exchange exchange, std::string prefix)
      : exchange_(std::move(exchange)), prefix_(std::move(prefix)) {}

  // Errors: log.fetch for any status but 200 and for too many bytes, and what the exchange says.
  Result<std::string> checkpoint();
  // The first `width` entries of bundle n. A server may have replaced a partial bundle by the full one, so that is
  // asked for next. Errors: as above, log.bundle.
  Result<std::vector<Bytes>> entries(std::uint64_t n, unsigned width);
  // Nodes of a tree of `size`, from hash tiles; tiles once fetched are kept while the source lives, at most 1,000.
  // The reader must outlive the source.
  crypto::NodeSource nodes(std::uint64_t size);

 private:
  Result<std::string> fetch(std::string_view path, std::size_t size_max);
  Result<std::string> fetch_tile(TileId tile, std::size_t size_max);

  http::Exchange exchange_;
  std::string prefix_;
};

}  // namespace hz::log
