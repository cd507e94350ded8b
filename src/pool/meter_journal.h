// The meter on disk: lines are written as requests begin and end, and summed up again (docs/formats/meter.md).
//
// Writing lines in memory and syncing them now and then is what a gateway can afford, but a killed process would take
// them along; syncing each one costs more than the request. So each line goes to the kernel before anything else
// else happens: a begin before its request goes out, an end at the latest when the caller's turn is over
// (`write_lines`). What begins and ends in one turn goes together, so a busy gateway makes one system call for many
// requests. So a killed node loses no request, and a thread syncs what
// is new every few tens of milliseconds (a machine that loses its power loses those, and a request that was lost whole
// is billed to nobody). Room for every end is set aside before its begin is written, so a full disk refuses new
// requests and loses nothing of the running ones.
//
// A file is closed for begins when it is full and for ends when its last request has ended, so each file tells whole
// stories and can be summed up, moved and audited alone.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "base/fs.h"
#include "base/seams.h"
#include "pool/meter.h"

namespace hz::pool {

struct MeterOptions {
  std::int64_t file_bytes_max = 32 << 20;
  int sync_ms = 50;  // 0: never, for tests of other things
  // Lines wait for write_lines(), which the caller then calls soon, and before a request that has begun goes out.
  bool hold_lines = false;
};

class MeterJournal {
  struct File;

 public:
  // A request between its two lines. Dropping one writes nothing: the request then counts as dead with the node.
  class Ticket {
   public:
    Ticket() = default;
    explicit operator bool() const { return file_ != nullptr; }
    const std::string& claim() const { return claim_; }

   private:
    friend class MeterJournal;
    std::shared_ptr<File> file_;
    std::string claim_;
    std::uint64_t number_ = 0;
  };

  // Sums up what earlier runs left, so that reading it again is cheap. Errors: base.write, pool.meter is passed over
  // (`faults`): a damaged file must not keep the node down.
  static Result<std::unique_ptr<MeterJournal>> open(const fs::path& folder, Rng& rng, Clock& clock,
                                                    MeterOptions options = {});
  ~MeterJournal();  // syncs what is open

  // The line is in the kernel on return, or held. Errors: pool.meter_write.
  Result<Ticket> begin(std::string_view key, std::string_view product);
  // Once per ticket. `end.claim` and `end.at_ms` are filled in here.
  void end(Ticket& ticket, MeterEnd end);
  // Hands the kernel the lines that are held. Cheap when there are none. What could not begin is told by begun().
  void write_lines();
  // After write_lines(): the ticket's begin is in the kernel. False: it never will be, and the ticket is over.
  bool begun(Ticket& ticket);
  // False once a line could not be written or synced: nothing more may be taken.
  bool good() const { return good_; }
  // Syncs what is new now.
  void sync();
  const std::vector<Error>& faults() const { return faults_; }
  // Claims are this, a hyphen, and the number of the begin in hex.
  const std::string& run() const { return run_; }
  std::uint64_t begins() const { return begins_; }

 private:
  MeterJournal(fs::path folder, std::string run, Clock& clock, MeterOptions options);
  Result<std::shared_ptr<File>> next_file();
  bool write(File& file, std::string_view lines);
  void hold(std::string_view line, std::uint64_t number, bool begins);
  void drop_begins();
  void mark_dirty(const std::shared_ptr<File>& file);
  void sync_for_ever(std::stop_token stop);

  const fs::path folder_;
  const std::string run_;  // 8 hex digits, so that claims of different runs differ
  Clock& clock_;
  const MeterOptions options_;
  std::uint64_t begins_ = 0, files_ = 0;
  std::shared_ptr<File> current_;
  std::shared_ptr<File> held_in_;  // the one file that `held_` is for
  std::string held_;               // lines that the kernel does not have yet
  struct Line {
    std::uint64_t number;  // of its begin
    std::size_t bytes;
    bool begins;
  };
  std::vector<Line> held_lines_;       // what `held_` is made of
  std::set<std::uint64_t> not_begun_;  // begins that could not be written, until their tickets hear of it
  std::vector<Error> faults_;
  std::atomic<bool> good_ = true;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<std::shared_ptr<File>> dirty_;  // under mutex_
  std::jthread syncing_;                      // last: it ends first
};

struct MeterSums {
  std::vector<Usage> usage;  // by key and product
  std::int64_t files = 0;
  std::vector<Error> faults;  // files that could not be read
};
// All files of a folder. Requests without an end are `running` in files that a node holds open and `node_died` in
// others. The folder may be absent.
MeterSums read_meter_folder(const fs::path& folder);

}  // namespace hz::pool
