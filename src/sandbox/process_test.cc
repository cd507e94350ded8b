#include "sandbox/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "sandbox/reasons.h"

using namespace hz;
using namespace hz::sandbox;

namespace {

Command shell(std::string script, Limits limits = {}) {
  return {.argv = {"/bin/sh", "-c", std::move(script)}, .env = {"PATH=/usr/bin:/bin"}, .folder = {}, .limits = limits};
}

std::string slug(const Error& error) { return std::string(error.reason->slug); }

}  // namespace

TEST_CASE("process: a frame comes back byte for byte, large ones too") {
  Process cat = Process::start({.argv = {"/bin/cat"}, .env = {}, .folder = {}, .limits = {}}).value();
  Bytes small{1, 2, 3};
  REQUIRE(cat.write_frame(small, in_ms(5000)));
  CHECK(cat.read_frame(1 << 20, in_ms(5000)).value() == small);
  Bytes empty;
  REQUIRE(cat.write_frame(empty, in_ms(5000)));
  CHECK(cat.read_frame(1 << 20, in_ms(5000)).value().empty());
  // More than socket and pipe hold together: a second thread must read meanwhile, so use what fits between them here.
  Bytes large(700'000, 7);
  std::thread reader([&] { CHECK(cat.read_frame(1 << 20, in_ms(5000)).value() == large); });
  CHECK(cat.write_frame(large, in_ms(5000)));
  reader.join();
  cat.close_input();
  const auto ending = cat.wait(in_ms(5000));
  REQUIRE(ending);
  CHECK(ending->text() == "exit 0");
}

TEST_CASE("process: the ending names exit codes and signals") {
  Process leaves = Process::start(shell("exit 3")).value();
  const auto a = leaves.read_frame(100, in_ms(5000));
  REQUIRE_FALSE(a);
  CHECK(slug(a.error()) == "sandbox.ended");
  CHECK(a.error().detail.starts_with("exit 3"));
  Process falls = Process::start(shell("kill -SEGV $$")).value();
  const auto b = falls.read_frame(100, in_ms(5000));
  REQUIRE_FALSE(b);
  CHECK(b.error().detail.starts_with("signal 11 (SIGSEGV)"));
  CHECK(falls.end().code == 11);
  CHECK(falls.end().text() == "signal 11 (SIGSEGV)");  // idempotent
}

TEST_CASE("process: silence and a slow drip are both timeouts") {
  Process silent = Process::start(shell("exec sleep 60")).value();
  const auto a = silent.read_frame(100, in_ms(30));
  REQUIRE_FALSE(a);
  CHECK(slug(a.error()) == "sandbox.timeout");
  // One byte each 5 ms, each read succeeds; only the deadline for the whole frame can stop it.
  Process drip =
      Process::start(shell("printf '\\000\\000\\001\\000'; while :; do printf x; sleep 0.005; done")).value();
  const auto b = drip.read_frame(1000, in_ms(100));
  REQUIRE_FALSE(b);
  CHECK(slug(b.error()) == "sandbox.timeout");
  Process deaf = Process::start(shell("exec sleep 60")).value();
  const auto c = deaf.write_frame(Bytes(8 << 20), in_ms(30));
  REQUIRE_FALSE(c);
  CHECK(slug(c.error()) == "sandbox.timeout");
}

TEST_CASE("process: text instead of a frame is refused before memory is taken") {
  Process chatty = Process::start(shell("echo 'Hello, I am no frame'")).value();
  const auto r = chatty.read_frame(1 << 20, in_ms(5000));
  REQUIRE_FALSE(r);
  CHECK(slug(r.error()) == "sandbox.frame");
  CHECK(r.error().detail.find("48656c6c") != std::string::npos);
}

TEST_CASE("process: half an answer says how much came") {
  Process half = Process::start(shell("printf '\\000\\000\\000\\012abc'")).value();
  const auto r = half.read_frame(100, in_ms(5000));
  REQUIRE_FALSE(r);
  CHECK(slug(r.error()) == "sandbox.ended");
  CHECK(r.error().detail.find("3 of 10 bytes") != std::string::npos);
}

TEST_CASE("process: a missing program is an error of start, with its reason") {
  const auto r = Process::start({.argv = {"/nonexistent/program"}, .env = {}, .folder = {}, .limits = {}});
  REQUIRE_FALSE(r);
  CHECK(slug(r.error()) == "sandbox.start");
  CHECK(r.error().detail.find("exec: No such file") != std::string::npos);
}

TEST_CASE("process: the environment is exactly the given list and no descriptor leaks in") {
  ::setenv("HZ_SECRET", "1", 1);
  Process env = Process::start({.argv = {"/usr/bin/env"}, .env = {"ONLY=this"}, .folder = {}, .limits = {}}).value();
  env.close_input();
  // "ONLY" read as a length is over the limit: the frame error shows the first four bytes.
  const auto r = env.read_frame(10, in_ms(5000));
  REQUIRE_FALSE(r);
  CHECK(r.error().detail.find(hex(as_bytes("ONLY"))) != std::string::npos);
  const Fd leak(::open("/dev/null", O_RDONLY));  // no close-on-exec on purpose
  Process ls = Process::start(shell("ls /proc/self/fd 1>&2")).value();
  REQUIRE(ls.wait(in_ms(5000)));
  CHECK(ls.complaint() == "0\n1\n2\n3");  // 3 is ls's own folder
}

TEST_CASE("process: ending kills the children of the child") {
  // The grandchild writes its pid, then both sleep.
  Process parent = Process::start(shell("sleep 60 & echo $! 1>&2; wait")).value();
  std::string seen;
  while ((seen = parent.complaint()).empty()) std::this_thread::yield();
  const pid_t grandchild = std::stoi(seen);
  CHECK(::kill(grandchild, 0) == 0);
  CHECK(parent.end().code == SIGKILL);
  // Its new parent (init) may collect it a little later; a zombie counts as dead.
  const auto dead = [&] {
    const auto stat = read_text("/proc/" + std::to_string(grandchild) + "/stat", 4096);
    return !stat || stat->find(") Z ") != std::string::npos || stat->find(") X ") != std::string::npos;
  };
  const auto deadline = in_ms(5000);
  while (!dead() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(dead());
}

TEST_CASE("process: no zombie is left") {
  {
    const Process gone = Process::start(shell("exit 0")).value();
  }
  {
    const auto missing = Process::start({.argv = {"/nonexistent"}, .env = {}, .folder = {}, .limits = {}});
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("process: limits bind") {
  Process spin = Process::start(shell("while :; do :; done", {.cpu_s_max = 1})).value();
  const auto ending = spin.wait(in_ms(15000));
  REQUIRE(ending);
  // XCPU at the soft limit or KILL at the hard one; both are the kernel's doing.
  CHECK((ending->code == SIGXCPU || ending->code == SIGKILL));
  CHECK(ending->cpu_ms >= 500);  // the kernel counts by its ticks, and differently for the limit and the sum
  Process limits = Process::start(shell("ulimit -n 1>&2; ulimit -c 1>&2", {.files_open_max = 17})).value();
  REQUIRE(limits.wait(in_ms(5000)));
  CHECK(limits.complaint() == "17\n0");
}

TEST_CASE("process: what it complains is kept as printable text, only the end of it") {
  Process loud =
      Process::start(shell("i=0; while [ $i -lt 3000 ]; do echo \"line $i \033[31m\" 1>&2; i=$((i+1)); done")).value();
  REQUIRE(loud.wait(in_ms(10000)));
  const std::string tail = loud.complaint();
  CHECK(tail.size() <= 4096);
  CHECK(tail.find("line 2999 ?[31m") != std::string::npos);
}

TEST_CASE("process: a line is read without its newline, and endless ones are refused") {
  Process lines = Process::start(shell("echo one; echo; yes x | tr -d '\\n'")).value();
  CHECK(lines.read_line(100, in_ms(5000)).value() == "one");
  CHECK(lines.read_line(100, in_ms(5000)).value().empty());
  const auto r = lines.read_line(100, in_ms(5000));
  REQUIRE_FALSE(r);
  CHECK(slug(r.error()) == "sandbox.frame");
}
