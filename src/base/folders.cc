#include "base/folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/reason.h"

namespace hz {

Result<void> create_folder_durably(const fs::path& folder, int mode) {
  const fs::path path = folder.has_filename() ? folder : folder.parent_path();
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const auto refuse = [](const fs::path& at) {
    return fail(why("base.write"), "{}: {}", at.string(), std::strerror(errno));
  };
  std::error_code error;
  const bool known = fs::is_directory(path, error);
  if (!known) {
    if (!fs::is_directory(parent, error)) HZ_TRY(create_folder_durably(parent));
    if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) != 0 && !(errno == EEXIST && fs::is_directory(path, error)))
      return refuse(path);
  }
  const Fd above(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A folder of somebody else's, such as /home, may be closed to us; then we did not make this one.
  if (!above && known && errno == EACCES) return {};
  if (!above || ::fsync(above.get()) != 0) return refuse(parent);
  return {};
}

}  // namespace hz
