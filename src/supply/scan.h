// The scan: walks a folder or looks at this computer, and turns every evidence source into facts. Nothing is signed
// here.
#pragma once
#include "base/seams.h"
#include "supply/evidence.h"
#include "supply/libraries.h"

namespace hz::supply {

struct ScanOptions {
  fs::path system_root = "/";  // tests give a small tree
  fs::path dpkg_root = "/var/lib/dpkg";
  std::vector<fs::path> library_dirs = {};  // searched before the system's folders
  std::vector<fs::path> program_dirs = {};  // where hezong's own programs are; before the system's folders
  std::int64_t observed_ms = 0;
  Progress* progress = nullptr;
};

// Everything in `root`. A bad file goes to `refused` and the rest is still collected: the caller decides what that
// means. Errors: base.read when the folder itself cannot be read, supply.limit, supply.dpkg.
Result<Collected> scan_folder(const fs::path& root, const std::string& scope, const ScanOptions& options);

// This computer: processor, kernel, drivers, and the known inference libraries it has. Errors: supply.dpkg.
Result<Collected> scan_host(const std::string& scope, const ScanOptions& options);

}  // namespace hz::supply
