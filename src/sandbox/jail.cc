#include "sandbox/jail.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "sandbox/reasons.h"
#include "sandbox/warder.h"

namespace hz::sandbox {
namespace {

constexpr unsigned long room_namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

Result<std::pair<Fd, std::uint16_t>> listen_on(const std::string& address) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  if (::inet_pton(AF_INET, address.c_str(), &at.sin_addr) != 1)
    return fail(why("sandbox.start"), "{} is no IPv4 address", address);
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  socklen_t size = sizeof at;
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(fd.get(), 512) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
    return fail(why("sandbox.start"), "listening on {}: {}", address, std::strerror(errno));
  return std::pair(std::move(fd), ntohs(at.sin_port));
}

Result<void> map_ids(pid_t pid, bool root, uid_t user, gid_t group) {
  const auto put_text = [&](std::string_view name, const std::string& text) -> Result<void> {
    const std::string path = fmt::format("/proc/{}/{}", pid, name);
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      return fail(why("sandbox.isolation"), "{}: {}", name, std::strerror(errno));
    return {};
  };
  const auto map = [&](std::uint64_t id) {
    return root && id != 0 ? fmt::format("0 0 1\n{} {} 1\n", id, id) : fmt::format("{} {} 1\n", id, id);
  };
  if (!root) HZ_TRY(put_text("setgroups", "deny"));
  HZ_TRY(put_text("uid_map", map(user)));
  return put_text("gid_map", map(group));
}

// CPU time of a process and all below it, from its record in /proc.
std::int64_t tree_cpu_ms(pid_t pid, int depth = 0) {
  const std::string stat = read_text(fmt::format("/proc/{}/stat", pid), 4096).value_or("");
  const std::size_t after = stat.rfind(") ");
  if (after == std::string::npos || depth > 8) return 0;
  unsigned long long user = 0, system = 0, gone_user = 0, gone_system = 0;
  if (std::sscanf(stat.c_str() + after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &user,
                  &system, &gone_user, &gone_system) != 4)
    return 0;
  auto out = static_cast<std::int64_t>((user + system + gone_user + gone_system) * 1000ull /
                                       static_cast<unsigned long long>(::sysconf(_SC_CLK_TCK)));
  const std::string children = read_text(fmt::format("/proc/{}/task/{}/children", pid, pid), 65536).value_or("");
  for (std::size_t at = 0; at < children.size();) {
    const int child = std::atoi(children.c_str() + at);
    if (child > 0) out += tree_cpu_ms(child, depth + 1);
    at = children.find(' ', at);
    if (at == std::string::npos) break;
    ++at;
  }
  return out;
}

}  // namespace

Result<Jail> Jail::start(const JailSpec& spec, Isolation least) {
  if (spec.argv.empty() || spec.name.empty()) return fail(why("sandbox.start"), "no program or no name");
  // Where user namespaces are forbidden, root can still make the others.
  std::vector<std::string> gaps;
  auto jail = try_start(spec, room_namespaces | CLONE_NEWUSER, gaps);
  for (const bool rooms : {true, false}) {
    if (jail || jail.error().reason != &why("sandbox.isolation")) break;
    if (rooms && ::geteuid() != 0) continue;
    gaps = {(rooms ? "a user namespace: " : "namespaces: ") + jail.error().detail};
    jail = try_start(spec, rooms ? room_namespaces : 0, gaps);
  }
  if (jail && jail->facts_.level < least) {
    std::string missing;
    for (const std::string& gap : jail->facts_.gaps) missing += (missing.empty() ? "" : "; ") + gap;
    return fail(why("sandbox.isolation"), "{} is asked for, {} is possible: {}", enum_text(least),
                enum_text(jail->facts_.level), missing);
  }
  return jail;
}

Result<Jail> Jail::try_start(const JailSpec& spec, unsigned long namespaces, std::vector<std::string> gaps) {
  const bool own_ids = (namespaces & CLONE_NEWUSER) != 0;
  const bool root = ::geteuid() == 0;
  uid_t user = ::geteuid();
  gid_t group = ::getegid();
  if (root || !spec.user.empty()) {
    const struct passwd* entry = ::getpwnam(spec.user.empty() ? "nobody" : spec.user.c_str());
    if (!entry) return fail(why("sandbox.user"), "no account {}", spec.user.empty() ? "nobody" : spec.user);
    if (!root && entry->pw_uid != user) return fail(why("sandbox.user"), "only root can run a job as {}", spec.user);
    user = entry->pw_uid;
    group = entry->pw_gid;
  }
  std::vector<std::pair<fs::path, fs::path>> shown;
  for (const fs::path& path : spec.read_paths) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error) return fail(why("sandbox.start"), "{}: {}", path.string(), error.message());
    shown.emplace_back(fs::absolute(path).lexically_normal(), real);
  }
  if (spec.denies() && namespaces == 0)
    return fail(why("sandbox.isolation"), "what a drill takes away cannot be denied without a room of its own");
  Jail jail;
  auto [listener, port] = HZ_TRY(listen_on(spec.listen));
  if (auto made = Cgroup::create(spec.name, spec.cgroup_parent, spec.memory_bytes_max, spec.pids_max))
    jail.group_ = std::move(*made);
  else
    gaps.push_back("control group: " + made.error().detail);

  int go[2], control[2], report[2], output[2];
  if (::pipe2(go, O_CLOEXEC) != 0 || ::pipe2(control, O_CLOEXEC) != 0 || ::pipe2(report, O_CLOEXEC) != 0 ||
      ::pipe2(output, O_CLOEXEC) != 0)
    return fail(why("sandbox.start"), "pipe: {}", std::strerror(errno));
  Fd go_read(go[0]), go_write(go[1]), control_read(control[0]), report_write(report[1]), output_write(output[1]);
  jail.control_.reset(control[1]);
  jail.report_.reset(report[0]);
  jail.output_.reset(output[0]);
  for (const int fd : {jail.report_.get(), jail.output_.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  // A fork with more flags. In the child only it exists, and it has this process's memory to itself.
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone, namespaces | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (pid < 0)
    return fail(namespaces != 0 ? why("sandbox.isolation") : why("sandbox.start"), "clone: {}", std::strerror(errno));
  if (pid == 0) {
    jail.control_.reset();  // or the warder would keep its own leash
    jail.report_.reset();
    jail.output_.reset();
    go_write.reset();
    watch_over({&spec, std::move(shown), namespaces != 0, user, group, root, !jail.group_, go_read.get(),
                control_read.get(), report_write.get(), output_write.get(), listener.get()});
  }
  jail.pid_ = pid;
  report_write.reset();
  output_write.reset();
  if (own_ids) HZ_TRY(map_ids(pid, root, user, group));
  if (jail.group_)
    if (auto added = jail.group_->add(pid); !added) {
      gaps.push_back("control group: " + added.error().detail);
      jail.group_.reset();
    }
  [[maybe_unused]] const auto n = ::write(go_write.get(), "g", 1);

  const Deadline deadline = in_ms(10'000);
  for (;;) {
    pollfd p{jail.report_.get(), POLLIN, 0};
    ::poll(&p, 1, 100);
    char chunk[1024];
    const auto got = ::read(jail.report_.get(), chunk, sizeof chunk);
    if (got > 0) jail.report_text_.append(chunk, static_cast<std::size_t>(got));
    if (got == 0 && jail.report_text_.find('\n') == std::string::npos)
      return fail(why("sandbox.start"), "the first process inside ended without a word");
    bool runs = false;
    for (std::size_t at = 0; !runs && (at = jail.report_text_.find('\n')) != std::string::npos;) {
      const std::string line = jail.report_text_.substr(0, at);
      jail.report_text_.erase(0, at + 1);
      if (line.starts_with("room ")) return fail(why("sandbox.isolation"), "{}", line.substr(5));
      if (line.starts_with("failed ")) return fail(why("sandbox.start"), "{}", line.substr(7));
      if (line.starts_with("gap ")) gaps.push_back(line.substr(4));
      runs = line == "runs";
    }
    if (runs) break;
    if (std::chrono::steady_clock::now() > deadline) return fail(why("sandbox.timeout"), "building the room");
  }
  const bool filtered = std::ranges::none_of(gaps, [](const auto& g) { return g.starts_with("system call filter"); });
  if (namespaces != 0 && filtered) jail.facts_.level = jail.group_ ? Isolation::s2 : Isolation::s1;
  jail.facts_.gaps = std::move(gaps);
  jail.facts_.address = spec.listen;
  jail.facts_.port = port;
  jail.facts_.user_id = user;
  return jail;
}

Jail::Jail(Jail&& other) noexcept { *this = std::move(other); }
Jail& Jail::operator=(Jail&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, -1);
  collected_ = other.collected_;
  control_ = std::move(other.control_);
  report_ = std::move(other.report_);
  output_ = std::move(other.output_);
  report_text_ = std::move(other.report_text_);
  refusals_ = std::move(other.refusals_);
  ending_ = std::move(other.ending_);
  facts_ = std::move(other.facts_);
  group_ = std::move(other.group_);
  last_ = other.last_;
  return *this;
}
Jail::~Jail() { end(); }

Jail::News Jail::wait(Deadline deadline, int wake, std::string& printed) {
  const bool over = !ending_.empty();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  pollfd polls[3] = {{report_.get(), POLLIN, 0}, {output_ ? output_.get() : -1, POLLIN, 0}, {wake, POLLIN, 0}};
  if (!over && report_text_.find('\n') == std::string::npos)
    ::poll(polls, 3, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30)));
  char chunk[16384];
  for (ssize_t n = 0; output_ && (n = ::read(output_.get(), chunk, sizeof chunk)) >= 0;) {
    if (n == 0) output_.reset();
    printed.append(chunk, static_cast<std::size_t>(n));
    if (printed.size() > (1u << 20)) break;  // a flood is taken in turns
  }
  if (over) return News::ended;
  const auto said = ::read(report_.get(), chunk, sizeof chunk);
  if (said > 0) report_text_.append(chunk, static_cast<std::size_t>(said));
  bool any = false;
  for (std::size_t at = 0; ending_.empty() && (at = report_text_.find('\n')) != std::string::npos; any = true) {
    const std::string line = report_text_.substr(0, at);
    report_text_.erase(0, at + 1);
    if (line == "listens") return News::listens;
    if (line.starts_with("refused "))
      note_refusal(line.substr(8));
    else
      ending_ = line.starts_with("ended ") ? line.substr(6) : line;
  }
  if (!any && said == 0) ending_ = "the first process inside was killed";
  if (ending_.empty()) return News::none;
  end();
  return News::ended;
}

CgroupUsage Jail::usage() const {
  if (collected_) return last_;
  CgroupUsage now = group_ ? group_->usage() : CgroupUsage{};
  now.cpu_ms = std::max({now.cpu_ms, last_.cpu_ms, group_ ? 0 : tree_cpu_ms(pid_)});
  return now;
}

// "WHAT PID PROCESS NAME": none of them has a space.
void Jail::note_refusal(const std::string& words) {
  Refusal out;
  std::size_t at = 0;
  for (std::string* part : {&out.what, static_cast<std::string*>(nullptr), &out.process, &out.name}) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    if (part)
      *part = words.substr(at, end - at);
    else
      out.pid = std::atoi(words.c_str() + at);
    at = std::min(end + 1, words.size());
  }
  if (out.process == "?") out.process.clear();
  refusals_.push_back(std::move(out));
}

void Jail::end() {
  if (pid_ < 0 || collected_) return;
  last_ = usage();
  ::kill(-pid_, SIGKILL);  // without namespaces its group and the server's session are all there is to hold on to
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  if (group_) {
    const CgroupUsage final = group_->usage();
    last_.out_of_memory_kills = final.out_of_memory_kills;
    last_.cpu_ms = std::max(last_.cpu_ms, final.cpu_ms);
    last_.memory_peak_bytes = std::max(last_.memory_peak_bytes, final.memory_peak_bytes);
    group_->end();
  }
  collected_ = true;
  control_.reset();
  if (ending_.empty()) ending_ = "was stopped";
}

}  // namespace hz::sandbox
