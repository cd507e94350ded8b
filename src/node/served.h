// Which member got which bytes from this node, and who was refused: `served.jsonl` in the member's folder.
//
// Not statements: every member reads every log, and which company takes which model is that company's business. Each
// distinct answer (release, reader, verdict) is one line, so a reader that asks all day costs one line.
#pragma once
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/fs.h"

namespace hz::node {

struct ServedRow {
  std::int64_t at_ms = 0;
  std::string reader, sha256, statement;
  bool given = false;
  std::vector<std::string> reasons;
  static constexpr auto fields() {
    return rows(row("at_ms", &ServedRow::at_ms, "the first time, by this node's clock"),
                row("reader", &ServedRow::reader, "member that asked"),
                row("sha256", &ServedRow::sha256, "SHA-256 of the bytes, hex"),
                row("statement", &ServedRow::statement, "release behind the answer, hex"),
                row("given", &ServedRow::given, "the bytes may go to the reader"),
                row("reasons", &ServedRow::reasons, "why not: slug, colon, what"));
  }
};

class ServedLog {
 public:
  // Reads what is there; lines that are none are passed over.
  explicit ServedLog(fs::path file);
  // Remembers an answer that is new. From any thread; nothing is written, so that the time of a refusal does not tell
  // whether it is the first.
  void note(ServedRow row);
  // Writes what was noted since. Errors: base.write.
  Result<void> flush();

  static std::vector<ServedRow> read(const fs::path& file);

 private:
  fs::path file_;
  std::mutex turn_;
  std::set<std::string> said_;
  std::string pending_;
};

}  // namespace hz::node
