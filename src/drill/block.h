// What a live drill takes away for real, on this host's own jobs only: files that no server of the drill can open,
// hosts that none can reach. Said before it is done, and again when it is lifted.
#pragma once
#include <string>
#include <vector>

#include "base/fields.h"
#include "statement/kind.h"

namespace hz::drill {

struct BlockedLibrary {
  std::string node;  // file:<soname>
  std::string because;
  std::string sha256, build_id;    // of the first file; "" when the scan did not say and no file is here
  std::vector<std::string> files;  // on this host, whatever they are called
  static constexpr auto fields() {
    return rows(row("node", &BlockedLibrary::node, "file:<soname>"),
                row("because", &BlockedLibrary::because, "why it is lost"),
                row("sha256", &BlockedLibrary::sha256, "of the file as scanned, hex", or_default),
                row("build_id", &BlockedLibrary::build_id, "of the linker's note, hex", or_default),
                row("files", &BlockedLibrary::files, "files of this host that are it, by name, digest or build id"));
  }
};

struct DrillBlock {
  static constexpr std::string_view kind = "drill.block";
  std::string drill;
  bool lifted = false;
  std::vector<BlockedLibrary> libraries;
  std::vector<std::string> hosts;
  std::vector<std::string> not_blocked;  // lost, and nothing that can be denied to a process here
  static constexpr auto fields() {
    return rows(row("drill", &DrillBlock::drill, "statement id of the drill, hex"),
                row("lifted", &DrillBlock::lifted, "no more from now on", or_default),
                row("libraries", &DrillBlock::libraries, "files that its servers cannot open"),
                row("hosts", &DrillBlock::hosts, "names that its servers cannot reach"),
                row("not_blocked", &DrillBlock::not_blocked, "lost, and not to be denied to a process on this host"));
  }
};

}  // namespace hz::drill
