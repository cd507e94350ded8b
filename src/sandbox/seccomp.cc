#include "sandbox/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace hz::sandbox {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t native_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t native_arch = AUDIT_ARCH_AARCH64;
#elif defined(__riscv)
constexpr std::uint32_t native_arch = AUDIT_ARCH_RISCV64;
#elif defined(__loongarch64)
constexpr std::uint32_t native_arch = AUDIT_ARCH_LOONGARCH64;
#else
constexpr std::uint32_t native_arch = 0;  // every call is refused: no filter is better than a wrong one
#endif

constexpr long refused[] = {
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    SYS_kcmp,  // neighbours
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,  // mounts
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_mount_setattr,
    SYS_setns,
    SYS_unshare,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,  // kernel interfaces
    SYS_kexec_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_reboot,
    SYS_syslog,  // the machine
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_quotactl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_vhangup,
#if defined(__x86_64__)
    SYS_ioperm,
    SYS_iopl,
    SYS_kexec_file_load,
    SYS_modify_ldt,
#endif
};
// Answered as if this kernel had none of them, so that callers take their older way.
constexpr long absent[] = {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_clone3};

constexpr std::uint32_t new_namespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint32_t fast_open = 0x20000000;  // MSG_FASTOPEN: a connect by another name

constexpr std::uint32_t answer_errno(int error) {
  return SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(error) & SECCOMP_RET_DATA);
}

// Little-endian halves; every call is decided by the low one.
constexpr std::uint32_t argument(int index) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + static_cast<std::size_t>(index) * 8);
}

struct Program {
  std::vector<sock_filter> code;
  void statement(int op, std::uint32_t k) { code.push_back({static_cast<std::uint16_t>(op), 0, 0, k}); }
  void jump(int op, std::uint32_t k, std::size_t if_true, std::size_t if_false) {
    code.push_back(
        {static_cast<std::uint16_t>(op), static_cast<std::uint8_t>(if_true), static_cast<std::uint8_t>(if_false), k});
  }
  void load(std::uint32_t offset) { statement(BPF_LD | BPF_W | BPF_ABS, offset); }
  void answer(std::uint32_t what) { statement(BPF_RET | BPF_K, what); }
  void refuse(long call, int error) {
    jump(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1);
    answer(answer_errno(error));
  }
  void notify(long call) {
    jump(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1);
    answer(SECCOMP_RET_USER_NOTIF);
  }
  // For one call: runs `rule`, which loads and judges arguments; what it lets through goes on behind it.
  template <class Rule>
  void when(long call, Rule rule) {
    Program inner;
    rule(inner);
    inner.answer(SECCOMP_RET_ALLOW);
    jump(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, inner.code.size());
    code.insert(code.end(), inner.code.begin(), inner.code.end());
  }
};

}  // namespace

std::vector<sock_filter> server_filter(bool outgoing, bool watched) {
  Program p;
  p.load(offsetof(seccomp_data, arch));
  p.jump(BPF_JMP | BPF_JEQ | BPF_K, native_arch, 1, 0);
  p.answer(SECCOMP_RET_KILL_PROCESS);  // 32-bit calls have other numbers
  p.load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
  p.jump(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1);  // so has x32
  p.answer(answer_errno(ENOSYS));
#endif
  for (const long call : refused) p.refuse(call, EPERM);
  for (const long call : absent) p.refuse(call, ENOSYS);
  if (watched) {
    p.notify(SYS_openat);
#if defined(SYS_open)
    p.notify(SYS_open);
#endif
    p.notify(SYS_connect);
  }
  p.when(SYS_clone, [](Program& in) {
    in.load(argument(0));
    in.jump(BPF_JMP | BPF_JSET | BPF_K, new_namespaces, 0, 1);
    in.answer(answer_errno(EPERM));
  });
  p.when(SYS_ioctl, [](Program& in) {  // typing into a terminal
    in.load(argument(1));
    in.jump(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 0, 1);
    in.answer(answer_errno(EPERM));
  });
  p.when(SYS_socket, [&](Program& in) {  // vsock, netlink, packets, crypto: families that reach past a namespace
    in.load(argument(0));
    in.jump(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 3, 0);
    in.jump(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0);
    in.jump(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0);
    in.answer(answer_errno(EAFNOSUPPORT));
    if (outgoing) return;
    in.load(argument(1));
    in.statement(BPF_ALU | BPF_AND | BPF_K, 0xf);
    in.jump(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 1, 0);
    in.answer(answer_errno(EPERM));
  });
  if (!outgoing) {
    p.refuse(SYS_connect, EPERM);
    for (const auto& [call, flags_at] : {std::pair{SYS_sendto, 3}, {SYS_sendmsg, 2}, {SYS_sendmmsg, 3}})
      p.when(call, [at = flags_at](Program& in) {
        in.load(argument(at));
        in.jump(BPF_JMP | BPF_JSET | BPF_K, fast_open, 0, 1);
        in.answer(answer_errno(EPERM));
      });
  }
  p.answer(SECCOMP_RET_ALLOW);
  return std::move(p.code);
}

int install_filter(const std::vector<sock_filter>& filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : errno;
}

int install_watched_filter(const std::vector<sock_filter>& filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
  return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

}  // namespace hz::sandbox
