// What runs right now: one file per model server in `<home>/serving/`, written by the site that runs it and read by the
// gateway (docs/formats/gateway.md). The site writes `<claim>.json` by rename when the server is ready and removes it
// when the server ends; so a file that is there is whole, and the folder is the list.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "pool/job.h"

namespace hz::pool {

struct Serving {
  std::string claim, product, site, backend;
  std::string address;  // an IP address
  std::uint16_t port = 0;
  std::string model;     // what the server calls it: 1 to 200 visible ASCII characters
  std::string sha256;    // of the model's bytes, hex; may be empty
  std::string evidence;  // statement id, hex; may be empty
  // At another member's site: through its node, under a lease.
  std::string lease = {};   // id, or empty
  std::string secret = {};  // bearer token there; exactly with a lease
  std::string pin = {};     // SHA-256 of the node's TLS key, hex; empty: without TLS
  bool operator==(const Serving&) const = default;
};
inline constexpr std::size_t serving_bytes_max = 16u << 10;
inline constexpr std::size_t servings_max = 1024;

// Members it does not know are passed over. Errors: pool.serving, base.json_*.
Result<Serving> read_serving(std::string_view text);

struct ServingFolder {
  std::vector<Serving> servers;  // by claim
  std::vector<Error> faults;     // files that were passed over
};
// The folder may be absent: then nothing runs. Files that do not end in .json belong to nobody yet.
ServingFolder read_serving_folder(const fs::path& folder);

// Writes or removes the file of a server under a lease, readable by its owner only. Errors: base.write.
Result<void> keep_leased_file(const fs::path& folder, const Serving& serving);
Result<void> drop_serving_file(const fs::path& folder, const std::string& claim);

// The file of a ready claim is there, of every other it is not. Readers never see half of one. Errors: base.write.
Result<void> keep_serving_file(const fs::path& folder, const ServerJob& job, const Observed& observed);

}  // namespace hz::pool
