// How the programs that run inference engines are started: which file, which libraries, which environment.
#pragma once
#include <span>

#include "sandbox/process.h"

namespace hz::sandbox {

struct EngineProgram {
  Command command;
  std::vector<fs::path> read_paths;  // every file and folder the program needs beside the system's own
};

// `oip-host VERB --engine E` from the first of `tool_dirs` that has it. `ort_library` names ONNX Runtime's shared
// library; empty: $HEZONG_ORT_LIBRARY, else a node_modules folder above the program. Nothing of the caller's
// environment is passed on but where libraries are. Errors: sandbox.no_engine.
Result<EngineProgram> engine_program(std::span<const fs::path> tool_dirs, const std::string& ort_library,
                                     std::string_view verb, std::string_view engine);

}  // namespace hz::sandbox
