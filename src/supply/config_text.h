// Services named in configuration: URLs and well-known settings in .env, .toml, .yaml, .json, .conf and .ini text.
#pragma once
#include "supply/facts.h"

namespace hz::supply {

// Reads line by line and keeps host, key and line number; values, paths, users and secrets are dropped at once.
// Comments are skipped, so are keys that only describe (homepage, $schema, licence ...). At most 1 MiB and 1,000
// services. Errors: supply.config (a NUL byte: not text), supply.limit.
Result<Facts> parse_config_text(std::string_view text);

// JSON configuration: the same, with JSON paths instead of lines. Text that is no JSON (comments, trailing commas) is
// read as lines.
Result<Facts> parse_config_json(std::string_view text);

}  // namespace hz::supply
