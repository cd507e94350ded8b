#include "sandbox/jail.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "sandbox/plain_http.h"
#include "sandbox/reasons.h"

using namespace hz;
using namespace hz::sandbox;

namespace {

// A server of a few lines: the body of a request is Python, the answer is what it assigns to `out`.
constexpr const char* server_text = R"(
import json, os, socket, sys, threading
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(64)
print(json.dumps({'port': s.getsockname()[1]}), flush=True)
def serve(c):
    data = b''
    while b'\r\n\r\n' not in data: data += c.recv(65536)
    head, body = data.split(b'\r\n\r\n', 1)
    size = int([l for l in head.split(b'\r\n') if l.lower().startswith(b'content-length')][0].split(b':')[1])
    while len(body) < size: body += c.recv(65536)
    scope = {}
    try:
        exec(body.decode(), scope)
        out = str(scope.get('out'))
    except BaseException as e:
        out = type(e).__name__ + ' ' + str(getattr(e, 'errno', ''))
    out = out.encode()
    c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(out) + out)
    c.close()
while True:
    c, _ = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
)";

JailSpec python(std::string name) {
  JailSpec spec;
  spec.argv = {"/usr/bin/python3", "-I", "-c", server_text};
  spec.env = {"ONLY=this"};
  spec.name = std::move(name);
  spec.memory_bytes_max = 256u << 20;
  spec.pids_max = 32;
  return spec;
}

struct Room {
  Jail jail;
  std::string printed = {};
  static Room open(const JailSpec& spec) {
    auto started = Jail::start(spec, Isolation::s0);
    const std::string trouble = started ? "" : started.error().text();
    REQUIRE_MESSAGE(started, trouble);
    Room room{std::move(*started)};
    Jail::News news = Jail::News::none;
    for (const Deadline until = in_ms(20'000); news == Jail::News::none && std::chrono::steady_clock::now() < until;)
      news = room.jail.wait(until, -1, room.printed);
    const std::string seen = room.printed + room.jail.ending();
    REQUIRE_MESSAGE(news == Jail::News::listens, seen);
    return room;
  }
  std::string ask(const std::string& python_text) {
    auto line = PlainHttp::open(jail.facts().address, jail.facts().port, in_ms(5000));
    if (!line) return line.error().text();
    auto answer = line->ask("POST", "/", {}, as_bytes(python_text), in_ms(20'000));
    if (!answer) return answer.error().text();
    return *answer ? std::string(as_text((*answer)->body)) : "closed";
  }
};

bool separated(const Jail& jail) {
  if (jail.facts().level >= Isolation::s1) return true;
  for (const std::string& gap : jail.facts().gaps) MESSAGE("SKIPPED: this machine grants no more: " << gap);
  return false;
}

}  // namespace

TEST_CASE("jail: a server is reached through its one door, and sees its own room only") {
  TempDir outside;
  const fs::path secret = outside.path() / "secret", shown = outside.path() / "shown";
  std::ofstream(secret) << "other member's";
  fs::create_directory(shown);
  fs::create_directory_symlink(outside.path(), outside.path() / "link");
  std::ofstream(shown / "mine") << "my own";
  fs::permissions(outside.path(), fs::perms::all);
  JailSpec spec = python("jail-test-room");
  spec.read_paths = {shown, outside.path() / "link" / "shown"};
  Room room = Room::open(spec);
  CHECK(room.ask("out = 6 * 7") == "42");
  CHECK(room.ask("import os; out = sorted(os.environ.get(k, '') for k in ['ONLY', 'HOME'])") == "['', 'this']");
  if (!separated(room.jail)) return;

  SUBCASE("files") {
    CHECK(room.ask("out = open('" + (shown / "mine").string() + "').read()") == "my own");
    CHECK(room.ask("out = open('" + (outside.path() / "link/shown/mine").string() + "').read()") == "my own");
    CHECK(room.ask("out = open('" + secret.string() + "').read()") == "FileNotFoundError 2");
    CHECK(room.ask("out = open('" + (outside.path() / "link/secret").string() + "').read()") == "FileNotFoundError 2");
    CHECK(room.ask("out = open('" + (shown / "mine").string() + "', 'w')") == "OSError 30");  // read-only
    CHECK(room.ask("out = open('/usr/x', 'w')") == "OSError 30");
    CHECK(room.ask("out = open('/etc/shadow').read()") == "FileNotFoundError 2");
    CHECK(room.ask("import os; out = [d for d in os.listdir('/') if d in ('home','root','var','work','.old','sys')]") ==
          "[]");
    CHECK(room.ask("open('/tmp/x','w').write('y'); out = open('/tmp/x').read()") == "y");  // its own scratch
    CHECK(room.ask("f = open('/tmp/big','wb')\nwhile True: f.write(b'0' * 1048576)") == "OSError 28");
  }
  SUBCASE("network: nothing but the door") {
    const Fd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(other.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(other.get(), 1) == 0);
    REQUIRE(::getsockname(other.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    CHECK(room.ask(fmt::format("import socket; socket.create_connection(('127.0.0.1', {}), 3)", ntohs(at.sin_port))) ==
          "ConnectionRefusedError 111");
    CHECK(room.ask("import socket; socket.create_connection(('192.0.2.1', 80), 3)") == "OSError 101");
    CHECK(room.ask("import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)") == "OSError 97");
    CHECK(room.ask("import socket; socket.socket(40, socket.SOCK_STREAM)") == "OSError 97");  // vsock
    CHECK(room.ask("import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)") == "OSError 97");
  }
  SUBCASE("processes: no neighbour, no way to more rights") {
    CHECK(room.ask("import os; out = sorted(int(p) for p in os.listdir('/proc') if p.isdigit())") == "[1, 2]");
    CHECK(room.ask("import os; os.kill(1, 9); out = 'the first process ignores it'") == "the first process ignores it");
    CHECK(room.ask(fmt::format("import os; os.kill({}, 0)", ::getpid() > 40 ? ::getpid() : 99999)) ==
          "ProcessLookupError 3");
    CHECK(room.ask("import os; out = os.listdir('/proc/1/fd')") == "PermissionError 13");
    CHECK(
        room.ask("out = [l.split()[1] for l in open('/proc/self/status') if l[:6] in ('CapEff','CapBnd','NoNewP')]") ==
        "['0000000000000000', '0000000000000000', '1']");
    CHECK(room.ask("import ctypes; l = ctypes.CDLL(None, use_errno=True); l.unshare(0x10000000); out = "
                   "ctypes.get_errno()") == "1");
    CHECK(room.ask("import ctypes; l = ctypes.CDLL(None, use_errno=True); l.ptrace(16, 1, 0, 0); out = "
                   "ctypes.get_errno()") == "1");
    CHECK(room.ask("import ctypes; l = ctypes.CDLL(None, use_errno=True); l.syscall(425, 1, 0); out = "
                   "ctypes.get_errno()") == "38");  // io_uring
    CHECK(
        room.ask("import ctypes; l = ctypes.CDLL(None, use_errno=True); l.mount(b'a', b'/tmp', b'tmpfs', 0, 0); out = "
                 "ctypes.get_errno()") == "1");
    if (::geteuid() == 0)
      CHECK(room.ask("import os; out = os.getuid() != 0 and os.getuid() == os.geteuid()") == "True");
  }
  SUBCASE("many connections, and one larger than every buffer") {
    CHECK(room.ask("out = 'x' * 20_000_000").size() == 20'000'000);
    for (int i = 0; i < 100; ++i) REQUIRE(room.ask("out = 1") == "1");
  }
}

TEST_CASE("jail: processes are counted, and memory ends who takes too much") {
  JailSpec spec = python("jail-test-limits");
  spec.memory_bytes_max = 96u << 20;
  Room room = Room::open(spec);
  if (room.jail.facts().level < Isolation::s2) {
    for (const std::string& gap : room.jail.facts().gaps) MESSAGE("SKIPPED: no control group: " << gap);
    return;
  }
  CHECK(room.ask(R"(
import os, signal, time
born = []
try:
    while len(born) < 100:
        pid = os.fork()
        if pid == 0: time.sleep(60); os._exit(0)
        born.append(pid)
except OSError:
    pass
for pid in born: os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
out = 0 < len(born) < 32
)") == "True");
  CHECK(room.jail.usage().memory_peak_bytes > (1 << 20));
  CHECK(room.ask("x = []\nwhile True: x.append(bytearray(1048576))") != "None");
  Jail::News news = Jail::News::none;
  for (const Deadline until = in_ms(20'000); news != Jail::News::ended && std::chrono::steady_clock::now() < until;)
    news = room.jail.wait(until, -1, room.printed);
  CHECK(news == Jail::News::ended);
  CHECK(room.jail.usage().out_of_memory_kills >= 1);
}

TEST_CASE("jail: what cannot be started says why; an ending server says how") {
  JailSpec spec = python("jail-test-errors");
  spec.argv = {"/nonexistent/program"};
  auto missing = Jail::start(spec, Isolation::s0);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().text().find("exec /nonexistent/program: No such file") != std::string::npos);
  spec = python("jail-test-errors");
  spec.user = "no-such-account-here";
  auto nobody = Jail::start(spec, Isolation::s0);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().reason->slug == "sandbox.user");
  spec = python("jail-test-errors");
  auto more = Jail::start(spec, Isolation::s3);
  REQUIRE_FALSE(more);
  CHECK(more.error().reason->slug == "sandbox.isolation");

  for (const auto& [script, how] : {std::pair{"import sys; print('hello', file=sys.stderr); sys.exit(3)", "exit 3"},
                                    {"import os; os.kill(os.getpid(), 11)", "signal 11 (SIGSEGV)"},
                                    {"print('no port here', flush=True); input()", "failed first line"}}) {
    spec.argv = {"/usr/bin/python3", "-I", "-c", script};
    auto jail = Jail::start(spec, Isolation::s0);
    REQUIRE(jail);
    std::string printed;
    Jail::News news = Jail::News::none;
    for (const Deadline until = in_ms(20'000); news == Jail::News::none && std::chrono::steady_clock::now() < until;)
      news = jail->wait(until, -1, printed);
    CHECK(news == Jail::News::ended);
    CHECK(jail->ending().starts_with(how));
    CHECK((std::string_view(how) != "exit 3" || printed.find("hello") != std::string::npos));
  }
}

TEST_CASE("control groups: places are found in version 1, version 2 and inside a container") {
  const std::string_view self = "4:memory:/a/b\n3:cpu,cpuacct:/c\n0::/user.slice\n";
  const std::string_view mounts =
      "1 0 0:1 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "2 0 0:2 /c /sys/fs/cgroup/cpu rw shared:1 - cgroup cgroup rw,cpu,cpuacct\n"
      "3 0 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
  const auto first = [&](std::string_view controller) {
    const auto found = cgroup_parents(self, mounts, controller, "");
    return found.empty() ? std::string() : found.front().string();
  };
  CHECK(first("memory") == "/sys/fs/cgroup/memory/a/b");
  CHECK(first("cpuacct") == "/sys/fs/cgroup/cpu/");
  CHECK(first("") == "/sys/fs/cgroup/unified/user.slice");
  CHECK(first("pids").empty());
  CHECK(cgroup_parents(self, mounts, "memory", "hezong").front() == "/sys/fs/cgroup/memory/hezong");
  CHECK(cgroup_parents("garbage", "1 2 3 - x\n\n-", "memory", "").empty());
}

TEST_CASE("what a room denies cannot be opened under any of its names, and who asked is told") {
  char name[] = "/tmp/hz_denied_XXXXXX";
  const fs::path folder = ::mkdtemp(name);
  fs::permissions(folder, fs::perms(0755));
  std::ofstream(folder / "lib.so") << "bytes";
  std::ofstream(folder / "other.so") << "others";
  fs::create_symlink("lib.so", folder / "link.so");
  JailSpec spec = python("denied");
  spec.read_paths = {folder};
  spec.denied = {folder / "lib.so", folder / "not there.so"};
  spec.denied_hosts = {"hub.example", "forge.example"};
  const auto probe = Jail::start(python("probe"), Isolation::s0);
  REQUIRE(probe);
  if (!separated(*probe)) {
    CHECK(Jail::start(spec, Isolation::s0).error().reason->slug == "sandbox.isolation");
    fs::remove_all(folder);
    return;
  }
  Room room = Room::open(spec);
  const std::string open_text = fmt::format("out = open('{}/lib.so').read()", folder.string());
  CHECK(room.ask(open_text) == "PermissionError 13");
  CHECK(room.ask(open_text) == "PermissionError 13");
  CHECK(room.ask(fmt::format("out = open('{}/link.so').read()", folder.string())) == "PermissionError 13");
  CHECK(room.ask(fmt::format("out = open('{}/other.so').read()", folder.string())) == "others");
  CHECK(room.ask("import ctypes; ctypes.CDLL('" + (folder / "lib.so").string() + "')").starts_with("OSError"));
  CHECK(room.ask("import socket\nsocket.create_connection(('hub.example', 443), 5)") == "ConnectionRefusedError 111");
  CHECK(room.ask("import socket\nsocket.create_connection(('192.0.2.7', 80), 5)") == "ConnectionRefusedError 111");
  CHECK(room.ask("import socket\nsocket.create_connection(('elsewhere.example', 80), 5)").starts_with("gaierror"));
  room.jail.wait(in_ms(0), -1, room.printed);
  std::vector<std::string> told;
  for (const Refusal& one : room.jail.refusals()) {
    told.push_back(one.what + " " + one.name);
    CHECK(one.process == "python3");
    CHECK(one.pid == 2);
  }
  const std::vector<std::string> wanted{"file " + (folder / "lib.so").string(), "file " + (folder / "link.so").string(),
                                        "network hub.example:443", "network 192.0.2.7:80"};
  CHECK(told == wanted);
  fs::remove_all(folder);
}
