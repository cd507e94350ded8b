// Folders that are still there after a power cut.
#pragma once
#include "base/fs.h"

namespace hz {

// The folder, with every missing one above it, each synced into its parent on return. mkdir alone is not durable: after
// a power cut the name can be gone, and every synced file in it with the name. A folder that exists already is synced
// into its parent too, since its maker may have died before that. Errors: base.write.
Result<void> create_folder_durably(const fs::path& folder, int mode = 0755);

}  // namespace hz
