// What the threads of a node work with, and how they wait for their next look.
#pragma once
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "api/op.h"
#include "node/open_members.h"

namespace hz::node {

struct NodeWorld {
  fs::path home;
  alliance::Mounted mounted;
  alliance::Seams seams;
  std::vector<fs::path> tool_dirs;
  OpenMembers* members = nullptr;

  // Of an operation that no request asked for; without a member. Refers to `tool_dirs` here.
  api::Ctx ctx() const { return {.home = home, .mounted = mounted, .seams = seams, .tool_dirs = tool_dirs}; }
};

// The calling thread takes the processor behind requests from now on: for replaying what they appended
// (docs/decisions/0154). A process that it starts would inherit that, so it starts none.
void step_back();

// Calls `look` every `pause_ms`, and less often where looks take more than a tenth of a processor, from now until the
// thread is asked to stop. What goes wrong is said on stderr as `what: reason`, once until it changes.
std::jthread every(std::string what, int pause_ms, std::function<Result<void>(std::stop_token)> look);

}  // namespace hz::node
