// The files by which whoever carries requests finds model servers (docs/formats/serving.md).
#pragma once
#include <map>

#include "base/fs.h"
#include "pool/job.h"

namespace hz::pool {

struct Serving {
  std::string claim, product, site, backend, address;
  std::int64_t port = 0;
  std::string model, sha256, evidence;
  bool operator==(const Serving&) const = default;
  static constexpr auto fields() {
    return rows(row("claim", &Serving::claim, "the job that serves"),
                row("product", &Serving::product, "what it serves"), row("site", &Serving::site, "where"),
                row("backend", &Serving::backend, "on which engine"), row("address", &Serving::address, "IPv4 address"),
                row("port", &Serving::port, "TCP port"), row("model", &Serving::model, "the model's name there"),
                row("sha256", &Serving::sha256, "digest that the server says it serves"),
                row("evidence", &Serving::evidence, "statement id, or empty"));
  }
};

// The file of a ready claim is there, of every other it is not. Readers never see half of one. Errors: base.write.
Result<void> keep_serving_file(const fs::path& folder, const ServerJob& job, const Observed& observed);

// One file. Safe on any bytes. Errors: base.json_*.
Result<Serving> read_serving(std::string_view text);
// Every readable file of the folder, by claim; a file that cannot be read is left out.
std::map<std::string, Serving> all_serving(const fs::path& folder);

}  // namespace hz::pool
