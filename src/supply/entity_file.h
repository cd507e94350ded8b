// Entity list files (docs/formats/entity_list.md): TOML bytes in, a checked list out.
#pragma once
#include "base/fs.h"
#include "supply/kinds.h"

namespace hz::supply {

// part and parts are 1 and digest is empty; split_entity_list cuts it for statements.
// Errors: supply.toml, supply.field, supply.limit, base.utf8, with the line.
Result<EntityList> parse_entity_list(std::string_view text);

// Reads and parses a file; digest is the file's. Errors: also base.read, base.too_large (1 MiB); the file is named.
Result<EntityList> read_entity_list(const fs::path& path);

bool looks_like_entity_list(std::string_view text);

// Parts whose JSON is at most `size_max` bytes each, in order; their rows joined are the list.
std::vector<EntityList> split_entity_list(const EntityList& list, std::size_t size_max = 30 * 1024);

// ISO 17442: 20 upper-case letters and digits whose ISO 7064 MOD 97-10 remainder is 1.
bool valid_lei(std::string_view lei);

}  // namespace hz::supply
