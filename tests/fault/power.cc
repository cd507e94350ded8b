// Runs a fault program's story once per seed on a disk that loses power at a random call (power_disk.h).
//
// usage: fault_STORY power SEEDS [FIRST]      a failure prints the seed; `power 1 SEED` repeats it
// Each seed: the story's prepared folder is copied, `run` works on it until the cut, and `verify` opens what a machine
// would find afterwards: nothing acknowledged is lost, and the same work can be done again. Every run is a process of
// its own, since a log that cannot be made durable ends its process.
#include <sys/wait.h>
#include <unistd.h>

#include "power_disk.h"
#include "story.h"

namespace hz::fault {
namespace {

// The exit status of `body` in a child process, with its standard output in `out` when that is wanted.
template <class F>
int in_child(F&& body, std::string* out = nullptr) {
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return 98;
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    if (out) ::dup2(ends[1], STDOUT_FILENO);
    body();
    std::_Exit(0);
  }
  ::close(ends[1]);
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    if (out) out->append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int lose_power_at_every_seed(std::uint64_t first, std::uint64_t seeds) {
  const TempDir home;
  const fs::path before = home.path() / "before", now = home.path() / "now";
  if (in_child([&] { prepare(before); }) != 0) return 1;
  std::string calls_text;
  fs::copy(before, now, fs::copy_options::recursive);
  std::string acks;
  const int clean = in_child(
      [&] {
        power_on(now, 0, ~std::uint64_t{0});
        run(now);
        acknowledge(fmt::format("calls {}", power_calls()));
      },
      &calls_text);
  const auto mark = calls_text.rfind("calls ");
  const std::uint64_t calls = mark == std::string::npos ? 0 : std::strtoull(calls_text.c_str() + mark + 6, nullptr, 10);
  if (clean != 0 || calls == 0) {
    std::fprintf(stderr, "the clean run ended with %d after %lu calls\n", clean, static_cast<unsigned long>(calls));
    return 1;
  }
  std::uint64_t acknowledged = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    fs::remove_all(now);
    fs::copy(before, now, fs::copy_options::recursive);
    acks.clear();
    const int ran = in_child(
        [&] {
          power_on(now, seed, SeededRng(seed).below(calls + 1));
          run(now);
          power_off();  // after the last call: all was acknowledged
        },
        &acks);
    const int checked = ran == 137 ? in_child([&] { verify(now, acks); }) : 0;
    if (!acks.empty()) ++acknowledged;
    if (ran != 137 || checked != 0) {
      std::fprintf(stderr, "BROKEN at seed %lu: the run ended with %d, the check with %d; acknowledged: %s\n",
                   static_cast<unsigned long>(seed), ran, checked, acks.c_str());
      return 1;
    }
  }
  std::printf("%lu power cuts, seeds from %lu, among %lu calls; %lu after an acknowledgement: nothing was lost\n",
              static_cast<unsigned long>(seeds), static_cast<unsigned long>(first), static_cast<unsigned long>(calls),
              static_cast<unsigned long>(acknowledged));
  return acknowledged > 0 ? 0 : 1;
}

}  // namespace hz::fault

int main(int argc, char** argv) {
  using namespace hz;
  const std::string verb = argc > 2 ? argv[1] : "";
  if (verb == "prepare")
    fault::prepare(argv[2]);
  else if (verb == "run")
    fault::run(argv[2]);
  else if (verb == "verify" && argc > 3)
    fault::verify(argv[2], fault::need(read_text(argv[3], 1 << 20)));
  else if (verb == "power")
    return fault::lose_power_at_every_seed(argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1,
                                           std::strtoull(argv[2], nullptr, 10));
  else
    return 2;
  return 0;
}
