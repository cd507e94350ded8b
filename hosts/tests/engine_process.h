// A worker process started by a test, with its line.
#pragma once
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/fs.h"
#include "onnx/wire.h"

extern char** environ;

namespace hz::host {

class EngineProcess {
 public:
  explicit EngineProcess(std::vector<std::string> arguments) {
    int in[2], out[2];
    HZ_ASSERT(::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::vector<char*> argv;
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    HZ_ASSERT(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    to_.reset(in[1]);
    from_.reset(out[0]);
  }
  EngineProcess(const EngineProcess&) = delete;
  EngineProcess& operator=(const EngineProcess&) = delete;
  ~EngineProcess() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }

  Result<onnx::wire::Reply> ask(const onnx::wire::Request& request) {
    HZ_TRY(onnx::wire::write_frame(to_.get(), onnx::wire::encode(request)));
    auto frame = HZ_TRY(onnx::wire::read_frame(from_.get()));
    if (!frame) return std::unexpected(Error{&gone, "the process ended"});
    return onnx::wire::decode_reply(*frame);
  }

  // Closes the line and waits. The raw status of waitpid.
  int finish() {
    to_.reset();
    return wait();
  }
  int wait() {
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  int to() const { return to_.get(); }
  int from() const { return from_.get(); }
  pid_t pid() const { return pid_; }

 private:
  static constexpr Reason gone{"test.gone", Code::unavailable, "The process ended.", ""};
  pid_t pid_ = -1;
  Fd to_, from_;
};

}  // namespace hz::host
