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

// The file of a ready claim is there, of every other it is not. Readers never see half of one. Errors: base.write.
Result<void> keep_serving_file(const fs::path& folder, const ServerJob& job, const Observed& observed);

}  // namespace hz::pool
