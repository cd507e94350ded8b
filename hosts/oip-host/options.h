// The command line: `oip-host worker|serve --name value …`.
#pragma once
#include <span>

#include "engine.h"

namespace hz::host {

struct Options {
  enum class Verb : std::uint8_t { help, worker, serve } verb = Verb::help;
  EngineOptions engine;
  // serve
  std::uint16_t port = 0;
  std::string model_repository;
  bool exit_with_parent = false;
  std::size_t body_bytes_max = 256u << 20;
};

// Errors: host.usage.
Result<Options> parse_options(std::span<char* const> arguments);
std::string_view help_text();

}  // namespace hz::host
