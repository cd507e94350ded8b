// Watches what a server asks of the kernel where its room denies something: the filter stops each open and connect, the
// warder looks at its argument, and answers.
//
// The bar itself is not here: a denied file lies under an empty one without rights, a denied host resolves to an
// address where nobody listens. This says *who* ran into it. The simpler ideas see less: inotify says nothing of an
// open that failed, and the server's own message is whatever its author chose to print.
//
// The argument lies in the server's memory, which it may change between our look and the kernel's; so an answer "go on"
// is no permission (the bar stands behind it), and a record may be wrong about a server that wants it to be.
#pragma once
#include <sys/types.h>

#include <map>
#include <optional>

#include "base/fs.h"
#include "sandbox/refusal.h"

namespace hz::sandbox {

class Notices {
 public:
  // `listener`: of the filter (install_filter). `mask`: device and inode of the file that lies over what is denied.
  // `hosts`: IPv4 address inside the room (host byte order) to name.
  Notices(Fd listener, std::pair<dev_t, ino_t> mask, std::map<std::uint32_t, std::string> hosts)
      : listener_(std::move(listener)), mask_(mask), hosts_(std::move(hosts)) {}
  int fd() const { return listener_.get(); }

  // Takes one notice and answers it. What was refused, when this was news.
  std::optional<Refusal> serve();

 private:
  std::optional<Refusal> judge(pid_t thread, long call, const std::uint64_t* arguments, int& error) const;
  Fd listener_;
  std::pair<dev_t, ino_t> mask_;
  std::map<std::uint32_t, std::string> hosts_;
  std::vector<Refusal> told_;
};

}  // namespace hz::sandbox
