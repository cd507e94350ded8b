// `exposure scan`: scan, record and answer.
#pragma once
#include "api/op.h"
#include "supply/exposure.h"
#include "supply/record.h"

namespace hz::supply {

struct ScanIn {
  std::optional<std::string> dir;
  bool host = false;
  std::optional<std::string> entities;
  bool keep_going = false;
  std::vector<std::string> library_dir;
  std::optional<std::string> scope;
  static constexpr auto fields() {
    return rows(
        row("dir", &ScanIn::dir, "folder to scan"),
        row("host", &ScanIn::host, "look at this computer: processor, drivers, inference libraries", or_default),
        row("entities", &ScanIn::entities, "entity list to import first"),
        row("keep_going", &ScanIn::keep_going, "record what can be read when some files are refused", or_default),
        row("library_dir", &ScanIn::library_dir, "folder with backend libraries, searched before the system's"),
        row("scope", &ScanIn::scope, "name of this scan; the folder's name when absent"));
  }
};

struct ScanOut {
  bool recorded = false;  // in a member's log; otherwise nothing was kept
  Recorded changes;
  std::int64_t files_read = 0;
  Exposure exposure;
  std::vector<Refusal> refused;
  std::vector<std::string> remarks;
  std::string frontier;
  static constexpr auto fields() {
    return rows(row("recorded", &ScanOut::recorded, "the facts stand in this member's log"),
                row("changes", &ScanOut::changes, "what was news"),
                row("files_read", &ScanOut::files_read, "files read"),
                row("exposure", &ScanOut::exposure, "the answer"), row("refused", &ScanOut::refused, "files refused"),
                row("remarks", &ScanOut::remarks, "what was left out on purpose"),
                row("frontier", &ScanOut::frontier, "digest of what the answer was computed from"));
  }
};

// Errors: supply.nothing, supply.refused (all refused files in the detail), what importing and appending say.
Result<ScanOut> scan(api::Ctx& ctx, const ScanIn& in);
std::string text(const ScanOut& out, const api::Style& style);
bool answer_is_no(const ScanOut& out);

}  // namespace hz::supply
