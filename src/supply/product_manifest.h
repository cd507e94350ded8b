// Product manifests (docs/formats/product_manifest.md): TOML bytes in, a checked declaration out. No file is opened
// here.
#pragma once
#include "supply/kinds.h"
#include "supply/requirement.h"

namespace hz::supply {

struct ProductManifest {
  std::string id, name, area, summary;
  std::string incumbent;  // backend id; the first backend of the requirement when the manifest names none; may be empty
  std::string model_file;  // as written, relative to the manifest
  std::string licence;
  std::string golden_file;  // as written
  std::int64_t quality_min_milli = 0;
  std::int64_t outage_max_s = 0;
  std::int64_t quality_drop_max_milli = 0;
  Requirement requirement;
  std::vector<ServiceUse> services;
};

// Errors: supply.toml, supply.field, supply.requirement, supply.component, supply.limit, base.utf8, with the line.
Result<ProductManifest> parse_product_manifest(std::string_view text);

// True for TOML text that has a [product] table: how a scan tells manifests from other TOML files.
bool looks_like_product_manifest(std::string_view text);

// The chain of a circle among "product X needs product Y", closed ("a -> b -> a"), or "" when there is none.
std::string find_product_cycle(const std::vector<ProductManifest>& products);

}  // namespace hz::supply
