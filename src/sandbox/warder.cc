#include "sandbox/warder.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/json.h"
#include "sandbox/forward.h"
#include "sandbox/notice.h"
#include "sandbox/seccomp.h"

namespace hz::sandbox {
namespace {

constexpr std::size_t connections_max = 1024, port_line_bytes_max = 4096, files_open_max = 4096, files_kept = 64;

void tell(int fd, const std::string& line) {
  const std::string text = line + "\n";
  [[maybe_unused]] const auto n = ::write(fd, text.data(), text.size());
}
[[noreturn]] void give_up(int report, std::string_view word, const std::string& step) {
  tell(report, fmt::format("{} {}: {}", word, step, std::strerror(errno)));
  ::_exit(127);
}

// ---- the room

constexpr const char* mask_path = "/.denied";

struct Room {
  const WarderPlan& plan;
  void need(bool done, const std::string& step) const {
    if (!done) give_up(plan.report, "room", step);
  }

  static void make_file(const std::string& path) {
    ::close(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  }

  // The old root's `real`, a path without links, appears at `path`, read-only when it is no device.
  void show(const fs::path& path, const fs::path& real, bool device) const {
    const fs::path from = fs::path("/.old") / real.relative_path();
    std::error_code error;
    if (fs::exists(path, error)) return;  // inside what is shown already
    if (fs::is_directory(from, error)) {
      fs::create_directories(path, error);
    } else {
      fs::create_directories(path.parent_path(), error);
      make_file(path.string());
    }
    need(!error, "mkdir " + path.string());
    need(::mount(from.c_str(), path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0, "bind " + path.string());
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_NOSUID | (device ? 0 : MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY);
    need(::mount_setattr(AT_FDCWD, path.c_str(), AT_RECURSIVE, &attributes, sizeof attributes) == 0,
         "read-only " + path.string());
  }

  // Wherever the file is seen: where it stands, and below what was shown under another name.
  void deny(const fs::path& path) const {
    std::vector<std::pair<fs::path, fs::path>> views{{"/usr", "/usr"}, {"/lib", "/lib"}, {"/lib64", "/lib64"}};
    views.insert(views.end(), plan.shown.begin(), plan.shown.end());
    for (const auto& [at, real] : views) {
      const fs::path below = path.lexically_relative(real);
      if (below.empty() || *below.begin() == "..") continue;
      const fs::path here = below == "." ? at : at / below;
      struct stat seen{};
      if (::stat(here.c_str(), &seen) != 0 || !S_ISREG(seen.st_mode)) continue;
      // A link is followed by the mount as it is by the server, so what lies behind it is covered.
      need(::mount(mask_path, here.c_str(), nullptr, MS_BIND, nullptr) == 0, "deny " + here.string());
    }
  }
  // Names that lead where nobody listens: so that who asks for one is seen, and gets an answer at once.
  void name_hosts() const {
    std::string text = "127.0.0.1 localhost\n";
    std::size_t n = 0;
    for (const std::string& host : plan.spec->denied_hosts) text += fmt::format("127.77.0.{} {}\n", ++n, host);
    std::error_code error;
    fs::create_directories("/etc", error);
    for (const auto& [path, content] :
         {std::pair<const char*, std::string>{"/etc/hosts", text}, {"/etc/nsswitch.conf", "hosts: files\n"}}) {
      const Fd fd(::open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644));
      need(fd && ::write(fd.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()), path);
    }
  }

  void build() const {
    need(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
    need(::mount("room", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755") == 0, "tmpfs");
    need(::mkdir("/tmp/.old", 0700) == 0, "mkdir");
    need(::syscall(SYS_pivot_root, "/tmp", "/tmp/.old") == 0 && ::chdir("/") == 0, "pivot_root");
    show("/usr", "/usr", false);
    std::error_code error;
    for (const std::string name : {"bin", "sbin", "lib", "lib64", "lib32"}) {
      const fs::path old = fs::path("/.old") / name;
      if (fs::is_symlink(old, error))
        fs::create_symlink(fs::read_symlink(old, error), "/" + name, error);
      else if (fs::exists(old, error))
        show("/" + name, "/" + name, false);
    }
    for (const char* path : {"/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime"})
      if (fs::exists(fs::path("/.old") / fs::path(path).relative_path(), error)) show(path, path, false);
    fs::create_directory("/tmp", error);
    const std::string size = fmt::format("size={},mode=1777,nr_inodes=4096", plan.spec->scratch_bytes_max);
    need(::mount("scratch", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, size.c_str()) == 0, "scratch");
    for (const auto& [path, real] : plan.shown) show(path, real, false);
    if (plan.spec->denies()) {
      make_file(mask_path);
      need(::chmod(mask_path, 0) == 0, "mask");
      for (const fs::path& path : plan.spec->denied) deny(path);
      name_hosts();
    }
    for (const char* path : {"/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/full"})
      show(path, path, true);
    // A process table of its own; machines that hide parts of theirs refuse this, and then there is none.
    fs::create_directory("/proc", error);
    (void)::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    need(::umount2("/.old", MNT_DETACH) == 0, "old root");
    ::rmdir("/.old");
    need(::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) == 0,
         "read-only root");
    ::sethostname("job", 3);
    const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq loopback{};
    std::memcpy(loopback.ifr_name, "lo", 3);
    loopback.ifr_flags = IFF_UP | IFF_RUNNING;
    need(any && ::ioctl(any.get(), SIOCSIFFLAGS, &loopback) == 0, "loopback");
  }
};

// ---- privileges

// Every way to more rights is given up; what is left is the user's, and inside a user namespace that is nothing.
void drop(const WarderPlan& plan, int report) {
  for (unsigned long capability = 0; capability < 64; ++capability) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (plan.change_user && (::setgroups(0, nullptr) != 0 || ::setresgid(plan.group, plan.group, plan.group) != 0 ||
                           ::setresuid(plan.user, plan.user, plan.user) != 0))
    give_up(report, "failed", "change of user");
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (::syscall(SYS_capset, &head, none) != 0) give_up(report, "failed", "capset");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up(report, "failed", "no_new_privs");
}

void limit(int report, int which, std::uint64_t value) {
  struct rlimit now{};
  ::getrlimit(static_cast<__rlimit_resource>(which), &now);
  const rlim_t wanted = std::min<rlim_t>(value, now.rlim_max);
  now = {wanted, wanted};
  if (::setrlimit(static_cast<__rlimit_resource>(which), &now) != 0) give_up(report, "failed", "setrlimit");
}

// A message of one byte with room for one descriptor, for a local socket.
struct DescriptorMessage {
  DescriptorMessage() = default;
  DescriptorMessage(const DescriptorMessage&) = delete;  // it points into itself
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  char byte = 0;
  iovec data{&byte, 1};
  msghdr message{.msg_name = nullptr,
                 .msg_namelen = 0,
                 .msg_iov = &data,
                 .msg_iovlen = 1,
                 .msg_control = room,
                 .msg_controllen = sizeof room,
                 .msg_flags = 0};
};
bool send_descriptor(int through, int fd) {
  DescriptorMessage m;
  cmsghdr* head = CMSG_FIRSTHDR(&m.message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
  return ::sendmsg(through, &m.message, 0) == 1;
}
Fd receive_descriptor(int through) {
  DescriptorMessage m;
  const auto n = ::recvmsg(through, &m.message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  const cmsghdr* head = n == 1 ? CMSG_FIRSTHDR(&m.message) : nullptr;
  int fd = -1;
  if (head && head->cmsg_type == SCM_RIGHTS) std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
  return Fd(fd);
}

[[noreturn]] void become_server(const WarderPlan& plan, int out, int err, int report, int notices,
                                const std::vector<sock_filter>& filter) {
  const JailSpec& spec = *plan.spec;
  ::setsid();
  drop(plan, report);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null || ::dup2(null.get(), 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0 ||
      ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
    give_up(report, "failed", "descriptors");
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  limit(report, RLIMIT_CORE, 0);
  limit(report, RLIMIT_NOFILE, 4096);
  if (plan.limit_by_process && spec.memory_bytes_max > 0) limit(report, RLIMIT_DATA, spec.memory_bytes_max);
  // Counted per user and user namespace: without one it would count the owner's other processes too.
  if (plan.limit_by_process && plan.namespaces && spec.pids_max > 0) limit(report, RLIMIT_NPROC, spec.pids_max);
  std::vector<char*> argv, env;
  for (const std::string& text : spec.argv) argv.push_back(const_cast<char*>(text.c_str()));
  for (const std::string& text : spec.env) env.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  env.push_back(nullptr);
  if (notices >= 0) {
    // From here on every open waits for the warder, so nothing but the hand-over and the program may follow.
    const int listener = install_watched_filter(filter);
    if (listener < 0)
      give_up(report, "failed", "watching what is denied");
    else if (!send_descriptor(notices, listener))
      give_up(report, "failed", "handing over what is watched");
  } else if (const int error = install_filter(filter); error != 0)
    tell(report, fmt::format("gap system call filter: {}", std::strerror(error)));
  ::execve(argv[0], argv.data(), env.data());
  give_up(report, "failed", fmt::format("exec {}", argv[0]));
}

// ---- the watch

// How many connections the descriptors allow, two each: running out of them would leave accept() spinning.
std::size_t room_for_connections() {
  struct rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  now.rlim_cur = std::min<rlim_t>(files_open_max, now.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &now);
  ::getrlimit(RLIMIT_NOFILE, &now);
  return std::clamp<std::size_t>((now.rlim_cur - std::min<rlim_t>(now.rlim_cur, files_kept)) / 2, 1, connections_max);
}

class Watch {
 public:
  Watch(const WarderPlan& plan, pid_t server, Fd printed, Fd complained, std::optional<Notices> notices)
      : plan_(plan),
        server_(server),
        printed_(std::move(printed)),
        complained_(std::move(complained)),
        notices_(std::move(notices)) {
    sigset_t children;
    ::sigemptyset(&children);
    ::sigaddset(&children, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &children, nullptr);
    children_.reset(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    for (Fd* fd : {&children_, &printed_, &complained_}) add(fd->get(), fd);
    if (notices_) add(notices_->fd(), &notices_);
    add(plan_.control, &plan_);
  }

  [[noreturn]] void go() {
    std::vector<epoll_event> events(64);
    for (;;) {
      reap();  // also what ended before the signal was watched
      const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < n; ++i) {
        void* const tag = events[static_cast<std::size_t>(i)].data.ptr;
        if (tag == &plan_)
          ::_exit(0);  // the keeper is gone
        else if (tag == &children_)
          drain_signals();
        else if (tag == &notices_)
          tell_refusal();
        else if (tag == &printed_ || tag == &complained_)
          pass_on(*static_cast<Fd*>(tag));
        else if (door_)
          door_->serve(tag, events[static_cast<std::size_t>(i)].events);
      }
      if (door_) door_->bury();
    }
  }

 private:
  void add(int fd, const void* tag) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = const_cast<void*>(tag)}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  void tell_refusal() {
    if (const auto r = notices_->serve())
      tell(plan_.report,
           fmt::format("refused {} {} {} {}", r->what, r->pid, r->process.empty() ? "?" : r->process, r->name));
  }
  void drain_signals() const {
    signalfd_siginfo drop{};
    while (::read(children_.get(), &drop, sizeof drop) > 0) {
    }
  }
  void reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid != server_) continue;
      pass_on(printed_);
      pass_on(complained_);
      Ending ending{.how = Ending::How::exited, .code = WEXITSTATUS(status)};
      if (WIFSIGNALED(status)) ending = {.how = Ending::How::signalled, .code = WTERMSIG(status)};
      tell(plan_.report, "ended " + ending.text());
      ::_exit(0);
    }
  }
  // Never waits for the keeper: what does not fit is lost, or a server that prints much would hang.
  void pass_on(Fd& from) {
    char chunk[4096];
    while (from) {
      const auto n = ::read(from.get(), chunk, sizeof chunk);
      if (n < 0) return;
      if (n == 0) return from.reset();
      [[maybe_unused]] const auto passed = ::write(plan_.output, chunk, static_cast<std::size_t>(n));
      if (&from != &printed_ || door_ || first_line_.size() > port_line_bytes_max) continue;
      first_line_.append(chunk, static_cast<std::size_t>(n));
      if (const std::size_t end = first_line_.find('\n'); end != std::string::npos) open_door(end);
    }
  }
  void open_door(std::size_t end) {
    first_line_.resize(end);
    const auto said = json::parse(first_line_, {.size_bytes_max = port_line_bytes_max, .depth_max = 4});
    const json::Value* port = said ? said->find("port") : nullptr;
    if (!port || !port->integer() || *port->integer() < 1 || *port->integer() > 65535) {
      tell(plan_.report, "failed first line: does not say where it listens");
      ::_exit(0);
    }
    door_.emplace(epoll_.get(), plan_.listener, static_cast<std::uint16_t>(*port->integer()), room_for_connections());
    tell(plan_.report, "listens");
  }

  const WarderPlan& plan_;
  pid_t server_;
  Fd printed_, complained_, children_, epoll_;
  std::optional<Notices> notices_;
  std::string first_line_;
  std::optional<Forwarder> door_;
};

}  // namespace

void watch_over(const WarderPlan& plan) {
  char go = 0;
  if (::read(plan.go, &go, 1) != 1) ::_exit(127);
  ::signal(SIGPIPE, SIG_IGN);
  ::setsid();
  if (plan.namespaces) {
    if (plan.change_user && (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0))
      give_up(plan.report, "room", "root inside");
    ::unshare(CLONE_NEWCGROUP);  // hides the group's place; where it is refused, only the name is seen
    Room{plan}.build();
  }
  const bool watched = plan.namespaces && plan.spec->denies();
  const std::vector<sock_filter> filter = server_filter(plan.namespaces, watched);
  std::optional<std::pair<dev_t, ino_t>> mask;
  Fd notices_read, notices_write;
  if (watched) {
    struct stat seen{};
    int pair[2];
    if (::stat(mask_path, &seen) != 0 || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
      give_up(plan.report, "failed", "watching what is denied");
    mask = std::pair(seen.st_dev, seen.st_ino);
    notices_read.reset(pair[0]);
    notices_write.reset(pair[1]);
  }
  int out[2], err[2], born[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0 || ::pipe2(born, O_CLOEXEC) != 0)
    give_up(plan.report, "failed", "pipe");
  Fd out_read(out[0]), out_write(out[1]), err_read(err[0]), err_write(err[1]), born_read(born[0]), born_write(born[1]);
  const pid_t server = ::fork();
  if (server < 0) give_up(plan.report, "failed", "fork");
  if (server == 0) become_server(plan, out_write.get(), err_write.get(), born_write.get(), notices_write.get(), filter);
  out_write.reset();
  err_write.reset();
  born_write.reset();
  // Until the program runs: its lines are passed on.
  std::string lines;
  char chunk[512];
  for (ssize_t n = 0; (n = ::read(born_read.get(), chunk, sizeof chunk)) > 0;)
    lines.append(chunk, static_cast<std::size_t>(n));
  if (!lines.empty() && ::write(plan.report, lines.data(), lines.size()) < 0) ::_exit(127);
  if (lines.find("failed ") != std::string::npos) ::_exit(127);
  std::optional<Notices> notices;
  if (mask) {
    std::map<std::uint32_t, std::string> hosts;
    std::uint32_t address = 127u << 24 | 77u << 16;
    for (const std::string& host : plan.spec->denied_hosts) hosts[++address] = host;
    notices.emplace(receive_descriptor(notices_read.get()), *mask, std::move(hosts));
    notices_write.reset();
  }
  drop(plan, plan.report);
  ::prctl(PR_SET_DUMPABLE, 0);  // the server is the same user: it must not look into this process
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int fd : {out_read.get(), err_read.get(), plan.output}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  tell(plan.report, "runs");
  Watch(plan, server, std::move(out_read), std::move(err_read), std::move(notices)).go();
}

}  // namespace hz::sandbox
