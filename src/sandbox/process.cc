// Between fork and exec only async-signal-safe calls are made: the parent may hold locks in other threads. A failing
// step reports itself through a close-on-exec pipe, so that "no such program" is an error of start(), not a child that
// ends. stdin of the child is a socket: writing to a dead child then gives EPIPE instead of a signal to the whole
// parent.
#include "sandbox/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "sandbox/reasons.h"

namespace hz::sandbox {
namespace {

constexpr std::size_t stderr_tail_bytes = 4096;

enum class Step : int { group, death_signal, folder, limits, descriptors, exec };
constexpr const char* step_text[] = {"setpgid", "prctl", "chdir", "setrlimit", "descriptors", "exec"};

struct Failure {
  Step step;
  int error;
};

struct Plan {
  const char* path;
  char* const* argv;
  char* const* env;
  const char* folder;
  const Limits* limits;
  int in, out, err, report;
  pid_t parent;
};

bool set_limit(int which, std::uint64_t value) {
  if (value == 0) return true;
  struct rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(which), &limit) != 0) return false;
  const rlim_t wanted = std::min<rlim_t>(value, limit.rlim_max);
  limit = {wanted, wanted};
  return ::setrlimit(static_cast<__rlimit_resource>(which), &limit) == 0;
}

[[noreturn]] void child(const Plan& plan) {
  const auto refuse = [&](Step step) {
    const Failure failure{step, errno};
    [[maybe_unused]] const auto n = ::write(plan.report, &failure, sizeof failure);
    ::_exit(127);
  };
  if (::setpgid(0, 0) != 0) refuse(Step::group);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) refuse(Step::death_signal);
  if (::getppid() != plan.parent) ::_exit(127);  // the parent died between fork and prctl
  if (plan.folder && ::chdir(plan.folder) != 0) refuse(Step::folder);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(plan.in, 0) < 0 || ::dup2(plan.out, 1) < 0 || ::dup2(plan.err, 2) < 0 ||
      ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
    refuse(Step::descriptors);
  const struct rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0 || !set_limit(RLIMIT_AS, plan.limits->address_space_bytes_max) ||
      !set_limit(RLIMIT_CPU, plan.limits->cpu_s_max) || !set_limit(RLIMIT_NOFILE, plan.limits->files_open_max) ||
      !set_limit(RLIMIT_FSIZE, plan.limits->file_bytes_max))
    refuse(Step::limits);
  ::execve(plan.path, plan.argv, plan.env);
  refuse(Step::exec);
  ::_exit(127);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// Milliseconds left, rounded up; 0 when the deadline has passed.
int left_ms(Deadline deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  if (left.count() <= 0) return 0;
  return static_cast<int>(std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 1 << 30));
}

}  // namespace

std::string Ending::text() const {
  if (how == How::exited) return fmt::format("exit {}", code);
  const char* name = ::sigabbrev_np(code);
  return fmt::format("signal {} (SIG{})", code, name ? name : "?");
}

Result<Process> Process::start(const Command& command) {
  if (command.argv.empty()) return fail(why("sandbox.start"), "no program named");
  const std::string& path = command.argv[0];
  const auto refuse = [&](const char* step, int error) {
    return fail(why("sandbox.start"), "{}: {}: {}", path, step, std::strerror(error));
  };
  int in[2], out[2], err[2], report[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0) return refuse("socketpair", errno);
  Fd in_child(in[0]), in_parent(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0) return refuse("pipe", errno);
  Fd out_parent(out[0]), out_child(out[1]);
  if (::pipe2(err, O_CLOEXEC) != 0) return refuse("pipe", errno);
  Fd err_parent(err[0]), err_child(err[1]);
  if (::pipe2(report, O_CLOEXEC) != 0) return refuse("pipe", errno);
  Fd report_parent(report[0]), report_child(report[1]);
  for (const int fd : {in_parent.get(), out_parent.get(), err_parent.get()})
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return refuse("fcntl", errno);
  ::fcntl(out_parent.get(), F_SETPIPE_SZ, 1 << 20);  // larger answers in one go; refusal is harmless

  const std::vector<char*> argv = pointers(command.argv), env = pointers(command.env);
  const Plan plan{
      path.c_str(),       argv.data(),    env.data(),      command.folder.empty() ? nullptr : command.folder.c_str(),
      &command.limits,    in_child.get(), out_child.get(), err_child.get(),
      report_child.get(), ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) return refuse("fork", errno);
  if (pid == 0) child(plan);
  report_child.reset();
  Failure failure{};
  ssize_t n = 0;
  while ((n = ::read(report_parent.get(), &failure, sizeof failure)) < 0 && errno == EINTR) {
  }
  Process process;
  process.pid_ = pid;
  if (n == static_cast<ssize_t>(sizeof failure)) {
    process.end();
    return refuse(step_text[static_cast<int>(failure.step)], failure.error);
  }
  process.in_ = std::move(in_parent);
  process.out_ = std::move(out_parent);
  process.err_ = std::move(err_parent);
  return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      in_(std::move(other.in_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      err_tail_(std::move(other.err_tail_)),
      ending_(std::move(other.ending_)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, -1);
  in_ = std::move(other.in_);
  out_ = std::move(other.out_);
  err_ = std::move(other.err_);
  err_tail_ = std::move(other.err_tail_);
  ending_ = std::move(other.ending_);
  return *this;
}

Process::~Process() { end(); }

bool Process::collect(int wait_options) {
  if (ending_ || pid_ < 0) return true;
  int status = 0;
  struct rusage usage{};
  pid_t got = 0;
  while ((got = ::wait4(pid_, &status, wait_options, &usage)) < 0 && errno == EINTR) {
  }
  if (got == 0) return false;
  Ending ending;
  if (got > 0) {
    if (WIFSIGNALED(status))
      ending = {.how = Ending::How::signalled, .code = WTERMSIG(status)};
    else
      ending = {.how = Ending::How::exited, .code = WEXITSTATUS(status)};
    ending.cpu_ms = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                    (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    ending.memory_peak_kib = usage.ru_maxrss;
  }
  ending_ = ending;
  return true;
}

Ending Process::end() {
  if (pid_ < 0) return ending_.value_or(Ending{});
  // The group first, while the leader still holds its number: afterwards the number could belong to somebody else.
  // A leader that has ended by itself keeps its number until it is collected, so this is safe in both cases.
  if (!ending_) {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    collect(0);
  }
  drain_stderr();
  in_.reset();
  out_.reset();
  err_.reset();
  pid_ = -1;
  return *ending_;
}

std::optional<Ending> Process::wait(Deadline deadline) {
  // Poll with growing naps: a pidfd would be exact, but a child ends in microseconds or not at all here.
  for (auto nap = std::chrono::microseconds(50); !collect(WNOHANG);
       nap = std::min(nap * 2, std::chrono::microseconds(2000))) {
    drain_stderr();
    if (left_ms(deadline) == 0) return std::nullopt;
    std::this_thread::sleep_for(nap);
  }
  return ending_;
}

void Process::close_input() { in_.reset(); }

void Process::drain_stderr() {
  std::array<char, 4096> chunk{};
  for (int rounds = 0; err_ && rounds < 64; ++rounds) {
    const auto n = ::read(err_.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) err_.reset();
    if (n <= 0) return;
    err_tail_.append(chunk.data(), static_cast<std::size_t>(n));
    if (err_tail_.size() > 2 * stderr_tail_bytes) err_tail_.erase(0, err_tail_.size() - stderr_tail_bytes);
  }
}

std::string Process::complaint() {
  drain_stderr();
  std::string out =
      err_tail_.size() > stderr_tail_bytes ? err_tail_.substr(err_tail_.size() - stderr_tail_bytes) : err_tail_;
  for (char& c : out)
    if ((c < 0x20 && c != '\n') || c == 0x7f || static_cast<unsigned char>(c) >= 0x80) c = '?';
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

Error Process::ended_error() {
  // The pipe is closed; give the kernel a moment to hand over the status before the group is killed.
  wait(in_ms(200));
  const bool by_itself = ending_.has_value();
  const Ending ending = end();
  return Error{&why("sandbox.ended"), by_itself ? ending.text() : std::string("closed its output and went on running")};
}

Result<void> Process::write_all(ByteView bytes, Deadline deadline) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    if (!in_) return std::unexpected(ended_error());
    const auto n = ::send(in_.get(), bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return std::unexpected(ended_error());
    const int left = left_ms(deadline);
    if (left == 0) return fail(why("sandbox.timeout"), "{} of {} bytes taken", done, bytes.size());
    std::array<pollfd, 2> polls{{{in_.get(), POLLOUT, 0}, {err_ ? err_.get() : -1, POLLIN, 0}}};
    ::poll(polls.data(), polls.size(), left);
    if (polls[1].revents) drain_stderr();
  }
  return {};
}

Result<void> Process::read_all(std::uint8_t* out, std::size_t size, Deadline deadline, bool may_end) {
  std::size_t done = 0;
  while (done < size) {
    if (!out_) return std::unexpected(ended_error());
    const auto n = ::read(out_.get(), out + done, size - done);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      // A slow drip never blocks in poll, so the deadline is checked here as well.
      if (done < size && left_ms(deadline) == 0) return fail(why("sandbox.timeout"), "{} of {} bytes came", done, size);
      continue;
    }
    if (n == 0) {
      Error error = ended_error();
      if (!may_end || done > 0) error.detail += fmt::format(", after {} of {} bytes of an answer", done, size);
      return std::unexpected(std::move(error));
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return std::unexpected(ended_error());
    const int left = left_ms(deadline);
    if (left == 0) return fail(why("sandbox.timeout"), "{} of {} bytes came", done, size);
    std::array<pollfd, 2> polls{{{out_.get(), POLLIN, 0}, {err_ ? err_.get() : -1, POLLIN, 0}}};
    ::poll(polls.data(), polls.size(), left);
    if (polls[1].revents) drain_stderr();
  }
  return {};
}

Result<void> Process::write_frame(ByteView payload, Deadline deadline) {
  Bytes head;
  put_be<std::uint32_t>(head, static_cast<std::uint32_t>(payload.size()));
  if (payload.size() <= 65536) {  // one system call for the usual small frame
    put(head, payload);
    return write_all(head, deadline);
  }
  HZ_TRY(write_all(head, deadline));
  return write_all(payload, deadline);
}

Result<void> Process::write_line(std::string_view text, Deadline deadline) {
  return write_all(as_bytes(std::string(text) + "\n"), deadline);
}

Result<Bytes> Process::read_frame(std::size_t size_max, Deadline deadline) {
  std::array<std::uint8_t, 4> head{};
  HZ_TRY(read_all(head.data(), head.size(), deadline, true));
  const std::size_t size = get_be<std::uint32_t>(head.data());
  if (size > size_max)
    return fail(why("sandbox.frame"), "announces {} bytes (limit {}): first bytes {}", size, size_max, hex(head));
  // Grow with what arrives: an announced length is only a claim.
  Bytes out;
  while (out.size() < size) {
    const std::size_t start = out.size(),
                      more = std::min<std::size_t>(size - start, std::max<std::size_t>(start, 1 << 20));
    out.resize(start + more);
    HZ_TRY(read_all(out.data() + start, more, deadline, false));
  }
  return out;
}

Result<std::string> Process::read_line(std::size_t size_max, Deadline deadline) {
  std::string out;
  for (std::uint8_t byte = 0; out.size() < size_max;) {
    HZ_TRY(read_all(&byte, 1, deadline, out.empty()));
    if (byte == '\n') return out;
    out.push_back(static_cast<char>(byte));
  }
  return fail(why("sandbox.frame"), "a line of more than {} bytes", size_max);
}

}  // namespace hz::sandbox
