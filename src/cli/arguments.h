// argv -> the operation and its input as JSON. Pure.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/op.h"

namespace hz::cli {

enum class ProgressStyle { automatic, plain, json, off };

struct Globals {
  std::optional<std::string> home;
  std::optional<std::string> input;     // --input FILE: the whole input as JSON, "-" = stdin
  std::optional<std::string> audience;  // of the statements that the command signs, in place of their kinds'
  bool json = false;
  bool dry_run = false;
  bool help = false;
  bool no_color = false;
  ProgressStyle progress = ProgressStyle::automatic;
};

struct Parsed {
  const api::Op* op = nullptr;     // null: help was asked for a group of verbs
  std::vector<std::string> words;  // the words that were not flags, when op is null
  json::Value in = json::Object{};
  Globals globals;
};

// Errors: api.unknown_command (with the nearest one), api.unknown_flag, api.missing, api.extra, api.bad_value.
Result<Parsed> parse_arguments(std::span<const std::string> args, std::span<const api::Op* const> ops);

}  // namespace hz::cli
