#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "sandbox/reasons.h"

namespace hz::sandbox {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = text.find(at);
    out.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return out;
}

bool lists(std::string_view comma_list, std::string_view word) {
  for (const std::string_view item : split(comma_list, ','))
    if (item == word) return true;
  return false;
}

// Files of these trees are written whole and at once; "" is no answer.
std::string say(const fs::path& file, std::string_view text) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fmt::format("{}: {}", file.string(), std::strerror(errno));
  return {};
}

std::int64_t number(std::string_view text) {
  std::int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}
std::int64_t number_in(const fs::path& file) { return number(read_text(file, 4096).value_or("")); }
// "name 12\nother 3\n"
std::int64_t named_number(const fs::path& file, std::string_view name) {
  const std::string text = read_text(file, 65536).value_or("");
  for (const std::string_view line : split(text, '\n'))
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ')
      return number(line.substr(name.size() + 1));
  return 0;
}

}  // namespace

std::vector<fs::path> cgroup_parents(std::string_view self_cgroup, std::string_view mountinfo,
                                     std::string_view controller, const std::string& parent) {
  std::string own;
  for (const std::string_view line : split(self_cgroup, '\n')) {
    const std::size_t a = line.find(':'), b = line.find(':', a + 1);
    if (a == std::string_view::npos || b == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(a + 1, b - a - 1);
    if (controller.empty() ? controllers.empty() : lists(controllers, controller)) own = line.substr(b + 1);
  }
  std::vector<fs::path> out;
  for (const std::string_view line : split(mountinfo, '\n')) {
    const auto parts = split(line, ' ');
    std::size_t dash = 0;
    while (dash < parts.size() && parts[dash] != "-") ++dash;
    if (dash + 3 >= parts.size() || dash < 5) continue;
    const std::string_view type = parts[dash + 1], options = parts[dash + 3];
    if (controller.empty() ? type != "cgroup2" : type != "cgroup" || !lists(options, controller)) continue;
    const fs::path mount(parts[4]);
    // A container may mount a part of the tree: then its own group is named from a root that is not to be seen.
    std::string_view inside = own;
    if (parts[3] != "/" && inside.starts_with(parts[3])) inside.remove_prefix(parts[3].size());
    while (inside.starts_with('/')) inside.remove_prefix(1);
    if (!parent.empty()) out.push_back(mount / parent);
    out.push_back(mount / inside);
    out.push_back((mount / inside).parent_path());
    out.push_back(mount);
  }
  return out;
}

Result<Cgroup> Cgroup::create(const std::string& name, const std::string& parent, std::uint64_t memory_bytes_max,
                              std::uint64_t pids_max) {
  const std::string self = read_text("/proc/self/cgroup", 65536).value_or("");
  const std::string mounts = read_text("/proc/self/mountinfo", 1 << 20).value_or("");
  std::string trouble = "no control groups are mounted";
  std::error_code error;
  const auto make = [&](const fs::path& folder) {
    if (!fs::is_directory(folder.parent_path(), error)) return false;
    fs::remove(folder, error);  // left over by a keeper that was killed; refuses while something runs in it
    if (fs::create_directory(folder, error)) return true;
    trouble = fmt::format("{}: {}", folder.string(), error ? error.message() : "is in use");
    return false;
  };
  const auto limit = [&](const fs::path& file, std::uint64_t value) {
    if (value == 0) return true;
    std::string said = say(file, std::to_string(value));
    if (said.empty()) return true;
    trouble = std::move(said);
    return false;
  };

  for (const fs::path& above : cgroup_parents(self, mounts, "", parent)) {
    const std::string here = read_text(above / "cgroup.controllers", 4096).value_or("");
    if (here.find("memory") == std::string::npos || here.find("pids") == std::string::npos) continue;
    say(above / "cgroup.subtree_control", "+memory +pids");  // refused where it is on already, or processes are in it
    Cgroup out;
    out.places_ = {{"", above / name}};
    if (!make(above / name)) continue;
    if (limit(above / name / "memory.max", memory_bytes_max) && limit(above / name / "pids.max", pids_max)) {
      say(above / name / "memory.swap.max", "0");
      return out;
    }
    out.end();
  }
  Cgroup out;
  out.version_ = 1;
  for (const std::string controller : {"memory", "pids", "cpuacct"}) {
    bool made = false;
    for (const fs::path& above : cgroup_parents(self, mounts, controller, parent)) {
      if (!make(above / name)) continue;
      out.places_.push_back({controller, above / name});
      made = (controller != "memory" || limit(above / name / "memory.limit_in_bytes", memory_bytes_max)) &&
             (controller != "pids" || limit(above / name / "pids.max", pids_max));
      if (made) break;
      out.places_.pop_back();
      fs::remove(above / name, error);
    }
    if (!made && controller != "cpuacct") {
      out.end();
      return fail(why("sandbox.cgroup"), "{}: {}", controller, trouble);
    }
  }
  if (const fs::path* memory = out.folder("memory"); memory && memory_bytes_max > 0)
    say(*memory / "memory.memsw.limit_in_bytes", std::to_string(memory_bytes_max));
  return out;
}

void Cgroup::remove_left(const std::string& name, const std::string& parent) {
  const std::string self = read_text("/proc/self/cgroup", 65536).value_or("");
  const std::string mounts = read_text("/proc/self/mountinfo", 1 << 20).value_or("");
  Cgroup left;
  std::error_code error;
  for (const std::string controller : {"", "memory", "pids", "cpuacct"})
    for (const fs::path& above : cgroup_parents(self, mounts, controller, parent))
      if (fs::exists(above / name, error)) left.places_.push_back({controller, above / name});
  left.end();
}

const fs::path* Cgroup::folder(std::string_view controller) const {
  for (const Place& place : places_)
    if (place.controller.empty() || place.controller == controller) return &place.folder;
  return nullptr;
}

Result<void> Cgroup::add(pid_t pid) {
  for (const Place& place : places_)
    if (const std::string trouble = say(place.folder / "cgroup.procs", std::to_string(pid)); !trouble.empty())
      return fail(why("sandbox.cgroup"), "{}", trouble);
  return {};
}

CgroupUsage Cgroup::usage() const {
  CgroupUsage out;
  if (version_ == 2) {
    const fs::path& at = places_.front().folder;
    out.cpu_ms = named_number(at / "cpu.stat", "usage_usec") / 1000;
    out.memory_peak_bytes = number_in(at / "memory.peak");
    if (out.memory_peak_bytes == 0) out.memory_peak_bytes = number_in(at / "memory.current");
    out.out_of_memory_kills = named_number(at / "memory.events", "oom_kill");
    return out;
  }
  if (const fs::path* cpu = folder("cpuacct")) out.cpu_ms = number_in(*cpu / "cpuacct.usage") / 1'000'000;
  if (const fs::path* memory = folder("memory")) {
    out.memory_peak_bytes = number_in(*memory / "memory.max_usage_in_bytes");
    out.out_of_memory_kills = named_number(*memory / "memory.oom_control", "oom_kill");
  }
  return out;
}

bool Cgroup::end() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  for (;;) {
    bool gone = true;
    for (const Place& place : places_) {
      std::error_code error;
      if (::rmdir(place.folder.c_str()) == 0 || errno == ENOENT) continue;
      gone = false;
      const std::string pids = read_text(place.folder / "cgroup.procs", 1 << 20).value_or("");
      for (const std::string_view line : split(pids, '\n'))
        if (const auto pid = static_cast<pid_t>(number(line)); pid > 1 && pid != ::getpid()) ::kill(pid, SIGKILL);
    }
    if (gone || std::chrono::steady_clock::now() > deadline) return gone;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace hz::sandbox
