// CycloneDX BOMs in JSON, specification versions 1.2 to 1.7 (ECMA-424).
#pragma once
#include "supply/facts.h"

namespace hz::supply {

// Components (nested ones too), dependencies, services and completeness claims. Everything is held against
// the JSON schema of the version the BOM names, parts that make no fact included (docs/decisions/0100). A supplier,
// manufacturer or publisher becomes a note: `declared` when the BOM's own field says so, `inferred` when it is taken
// from group or package-URL namespace. It is never an entity. Limits: 256 MiB, 64 levels, 1,000,000 components. Cost:
// `./dev bench bom_ingest`. Errors: supply.bom and base.json_* with the JSON path, supply.limit, base.utf8.
Result<Facts> parse_cyclonedx(std::string_view text);

// True when the text has a bomFormat member with the value CycloneDX, or its file name ends in .cdx.json.
bool looks_like_cyclonedx(std::string_view name, std::string_view text);

}  // namespace hz::supply
