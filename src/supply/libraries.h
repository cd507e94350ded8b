// Shared libraries: from a file to everything the loader would bring in with it.
//
// The simpler way, asking `ldd`, runs the file's own loader: unsafe on untrusted libraries, impossible for a foreign
// architecture, and 15 ms a file. Reading the dynamic section costs microseconds and runs nothing.
#pragma once
#include <map>
#include <memory>
#include <optional>

#include "base/fs.h"
#include "supply/elf.h"
#include "supply/facts.h"

namespace hz::supply {

struct Library {
  fs::path path;       // where it was found, links resolved
  std::string node;    // file:<soname>
  std::string digest;  // SHA-256 of the file, hex
  Elf elf;
};

// A library with those it needs, as far as they were found.
struct LibraryNeeds {
  const Library* library;
  std::vector<const Library*> found;
  std::vector<std::string> missing;  // sonames
};

class LibraryCatalogue {
 public:
  // `system_root` is "/" but for tests; `extra` folders are searched before the system's.
  LibraryCatalogue(fs::path system_root, std::vector<fs::path> extra);

  // Reads a file once, however often it is asked for. Errors: base.read, base.too_large (512 MiB), supply.elf,
  // supply.limit.
  Result<const Library*> read(const fs::path& path);
  // The closure of `first` over DT_NEEDED, `first` in front, in the order found; `machine` decides between
  // architectures.
  std::vector<LibraryNeeds> closure(const Library& first);
  // The first file, in search order, whose name matches one of the patterns and whose machine is this computer's.
  std::optional<fs::path> find(const std::vector<std::string>& patterns) const;

  const fs::path& system_root() const { return root_; }
  // This computer's ELF machine number.
  static std::uint16_t machine();

 private:
  std::vector<fs::path> system_folders() const;
  std::optional<fs::path> locate(const std::string& soname, const Library& from);

  fs::path root_;
  std::vector<fs::path> folders_;
  std::map<fs::path, std::unique_ptr<Library>> read_;
  std::map<std::pair<std::string, std::string>, std::optional<fs::path>> located_;  // (soname, private search list)
};

// The facts of one library. `within` names the package that ships it, when its place shows that.
Facts library_facts(const LibraryNeeds& needs, const std::string& shown_path, const std::optional<std::string>& within);

}  // namespace hz::supply
