// P4: verified durable appends per second, and a full check of what was written.
//
// What is timed is what a node does with statements that arrive: worker threads verify each statement's Ed25519
// signature and the one writer appends; a batch counts when append has returned (committed, synced, mark moved). Two
// runs:
//   flat out   batches of 1,000 leaves of 600 bytes, as fast as they go: the rate
//   paced      10,000 statements/s offered, a batch every 20 ms (the batching rule): latency from the moment a batch is
//   due
// The floor beside it, in the same run: plain SQLite with the same rows in the same batches under WAL and
// synchronous=FULL, without signature, tree or mark.
//
// usage: ./dev bench p4 [ENTRIES]   (default 100000)
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <thread>

#include "crypto/hash.h"
#include "log/store.h"
#include "measure.h"
#include "sql/db.h"

using namespace hz;
using bench::need;
using bench::now_s;

namespace {

constexpr std::size_t batch_entries = 1000;
constexpr std::size_t paced_entries = 200;
constexpr double paced_interval_s = 0.02;
constexpr std::size_t payload_size_bytes = 500;  // with 64 bytes of signature and 36 of frame: 600

// Processor time of all threads: says what the work costs even when neighbours share the machine.
double cpu_s() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct Batch {
  std::vector<log::Entry> entries;
  double handed_over_s = 0;
  std::size_t count = 0;
  std::size_t verified = 0;
  bool sound = true;
};

// A leaf of the shape that matters here: signature, frame, payload.
std::vector<Batch> make_batches(std::size_t count, std::size_t each, std::uint64_t seed,
                                const crypto::SigningKey& key) {
  std::vector<Batch> batches((count + each - 1) / each);
  SeededRng rng(seed);
  for (std::size_t i = 0; i < count; ++i) {
    Bytes leaf(64 + 36 + payload_size_bytes);
    rng.fill(std::span(leaf).subspan(64));
    const auto signature = key.sign(ByteView(leaf).subspan(64));
    std::copy(signature.begin(), signature.end(), leaf.begin());
    log::Entry entry{std::move(leaf), {}, {}};
    entry.id = crypto::sha256(ByteView(entry.leaf).subspan(64));
    rng.fill(entry.idem);
    batches[i / each].entries.push_back(std::move(entry));
    ++batches[i / each].count;
  }
  return batches;
}

// Verifiers take shares of 100 entries from batches in order; the writer takes whole verified batches in order.
// At most `ahead` batches are open, as a server with bounded queues would have it. With an interval, batch b is not due
// before start + b * interval, and its latency counts from then.
class Pipeline {
 public:
  Pipeline(std::vector<Batch>& batches, const crypto::VerifyingKey& key, double interval_s = 0)
      : batches_(batches), key_(key), interval_s_(interval_s) {}

  std::vector<double> run(log::Log& log) {
    start_s_ = now_s();
    std::vector<std::jthread> verifiers;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
      verifiers.emplace_back([this] { verify(); });
    std::vector<double> latencies_s;
    for (std::size_t b = 0; b < batches_.size();) {
      std::vector<log::Entry> entries;
      std::size_t end = b;
      {
        // What is verified by now goes into one append, up to 1,000 entries: a slow sync makes the next batch larger,
        // not the queue.
        std::unique_lock hold(mutex_);
        changed_.wait(hold, [&] { return done(b); });
        while (end < batches_.size() && done(end) &&
               (end == b || entries.size() + batches_[end].entries.size() <= batch_entries))
          std::ranges::move(batches_[end++].entries, std::back_inserter(entries));
      }
      need(log.append(entries));
      const double at_s = now_s();
      for (; b < end; ++b) latencies_s.push_back(at_s - batches_[b].handed_over_s);
      const std::scoped_lock hold(mutex_);
      appended_ = end;
      changed_.notify_all();
    }
    return latencies_s;
  }

 private:
  bool done(std::size_t b) const {
    if (!batches_[b].sound) std::exit(1);
    return batches_[b].verified == batches_[b].count;
  }

  void verify() {
    constexpr std::size_t share = 100;
    const std::size_t ahead = interval_s_ > 0 ? 100 : 2;
    std::unique_lock hold(mutex_);
    for (;;) {
      changed_.wait(hold, [&] { return batch_ == batches_.size() || batch_ < appended_ + ahead; });
      if (batch_ == batches_.size()) return;
      Batch& batch = batches_[batch_];
      if (at_ == 0) {
        const double due_s = start_s_ + interval_s_ * static_cast<double>(batch_);
        if (interval_s_ > 0 && now_s() < due_s) {
          changed_.wait_for(hold, std::chrono::duration<double>(due_s - now_s()));
          continue;
        }
        batch.handed_over_s = interval_s_ > 0 ? due_s : now_s();
      }
      const std::size_t begin = at_, end = std::min(at_ + share, batch.count);
      at_ = end;
      if (at_ == batch.count) ++batch_, at_ = 0;
      hold.unlock();
      bool sound = true;
      for (std::size_t i = begin; i < end; ++i) {
        const ByteView leaf = batch.entries[i].leaf;
        sound &= key_.verify(leaf.subspan(64), leaf.first(64));
      }
      hold.lock();
      batch.sound &= sound;
      batch.verified += end - begin;
      changed_.notify_all();
    }
  }

  std::vector<Batch>& batches_;
  const crypto::VerifyingKey& key_;
  const double interval_s_;
  double start_s_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t batch_ = 0, at_ = 0;
  std::size_t appended_ = 0;
};

double plain_rows_per_s(const fs::path& path, const std::vector<Batch>& batches, std::size_t count) {
  sql::Db db = need(sql::Db::open(path, sql::Mode::writer));
  need(db.run(
      "CREATE TABLE entry(idx INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, idem BLOB NOT NULL UNIQUE, leaf BLOB)"));
  const double start = now_s();
  std::int64_t index = 0;
  for (const Batch& batch : batches)
    need(db.transaction([&]() -> Result<void> {
      for (const log::Entry& e : batch.entries)
        HZ_TRY(db.exec("INSERT INTO entry VALUES(?,?,?,?)",
                       {index++, ByteView(e.id), ByteView(e.idem), ByteView(e.leaf)}));
      return {};
    }));
  return static_cast<double>(count) / (now_s() - start);
}

// What one durable overwrite of 8 KiB costs on this disk right now; each append needs two.
std::vector<double> syncs_s(const fs::path& path) {
  need(write_file_durably(path, Bytes(8192)));
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  std::vector<double> out;
  for (int i = 0; i < 200; ++i) {
    const Bytes bytes(8192, static_cast<std::uint8_t>(i));
    const double start = now_s();
    if (::pwrite(fd.get(), bytes.data(), bytes.size(), 0) < 0 || ::fdatasync(fd.get()) != 0) std::exit(1);
    out.push_back(now_s() - start);
  }
  return out;
}

double percentile_ms(std::vector<double> seconds, double share) {
  std::ranges::sort(seconds);
  return seconds[std::min(seconds.size() - 1, static_cast<std::size_t>(share * static_cast<double>(seconds.size())))] *
         1000;
}

// Appends a second of tessera's POSIX log on the same disk, by the program tests/interop/public_go; 0 without it.
double tessera_appends(const fs::path& scratch, std::size_t count) {
  const char* program = std::getenv("HEZONG_PUBLIC_GO");
  if (!program) return 0;
  const std::string command =
      fmt::format("'{}' appends '{}' {} {} 2>/dev/null", program, scratch.string(), count, payload_size_bytes + 100);
  FILE* const pipe = ::popen(command.c_str(), "r");
  double out = 0;
  if (pipe && std::fscanf(pipe, "%lf", &out) != 1) out = 0;
  if (pipe && ::pclose(pipe) != 0) out = 0;
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  SeededRng rng(2);
  const auto author = crypto::SigningKey::generate(rng);
  const auto author_key = author.verifying_key();
  auto batches = make_batches(count, batch_entries, 1, author);
  const TempDir dir;

  const double floor = plain_rows_per_s(dir.path() / "plain.db", batches, count);

  auto log = need(
      log::Log::create(dir.path() / "log", dir.path() / "mark", "bench.example/p4", crypto::SigningKey::generate(rng)));
  const double start = now_s(), cpu_start = cpu_s();
  const auto latencies_s = Pipeline(batches, author_key).run(log);
  const double appends = static_cast<double>(count) / (now_s() - start);
  const double append_cpu_us = (cpu_s() - cpu_start) * 1e6 / static_cast<double>(count);

  constexpr std::size_t paced_count = 50'000;
  auto paced = make_batches(paced_count, paced_entries, 7, author);
  const double paced_start = now_s();
  const auto paced_s = Pipeline(paced, author_key, paced_interval_s).run(log);
  const double paced_rate = paced_count / (now_s() - paced_start);
  const double p50 = percentile_ms(paced_s, 0.5), p99 = percentile_ms(paced_s, 0.99);

  const auto sync_s = syncs_s(dir.path() / "sync");
  const double single_start = now_s();
  constexpr std::size_t singles = 500;
  for (std::size_t i = 0; i < singles; ++i) {
    log::Entry entry{Bytes(600, static_cast<std::uint8_t>(i)), {}, {}};
    rng.fill(entry.id);
    rng.fill(entry.idem);
    need(log.append(std::span(&entry, 1)));
  }
  const double single = singles / (now_s() - single_start);

  const double check_start = now_s(), check_cpu_start = cpu_s();
  const auto reader = need(log::Log::open_reader(dir.path() / "log", log::Check::leaves));
  const double checked = static_cast<double>(reader.head().size) / (now_s() - check_start);
  const double check_cpu_us = (cpu_s() - check_cpu_start) * 1e6 / static_cast<double>(reader.head().size);

  const double proof_start = now_s();
  constexpr std::size_t proofs = 2000;
  for (std::size_t i = 0; i < proofs; ++i) need(log.inclusion_proof(rng.below(log.head().size), log.head().size));
  const double proof_us = (now_s() - proof_start) * 1e6 / proofs;

  const double ratio = appends / floor;
  std::printf("%zu statements of %zu bytes, batches of %zu, %u cores\n", count, payload_size_bytes + 100, batch_entries,
              std::thread::hardware_concurrency());
  std::printf("  verified durable appends    %9.0f /s   goal 10000\n", appends);
  std::printf("    processor time each       %9.1f us  all threads, signature included\n", append_cpu_us);
  std::printf("    batch of 1000 in flight   %9.1f ms p50, %.1f ms p99\n", percentile_ms(latencies_s, 0.5),
              percentile_ms(latencies_s, 0.99));
  std::printf("  paced at 10000/s: kept up   %9.0f /s\n", paced_rate);
  std::printf("    latency to durable        %9.1f ms p50, %.1f ms p99   goal p99 100\n", p50, p99);
  std::printf("  one by one, one client      %9.0f /s   goal 1000 (no signature check)\n", single);
  std::printf("  start-up check of entries   %9.0f /s   goal 1500000\n", checked);
  std::printf("    processor time each       %9.2f us  all threads\n", check_cpu_us);
  std::printf("  inclusion proof, random     %9.1f us   goal 50\n", proof_us);
  std::printf("  fdatasync of 8 KiB here     %9.1f ms p50, %.1f ms p99   an append needs two\n",
              percentile_ms(sync_s, 0.5), percentile_ms(sync_s, 0.99));
  std::printf("  plain SQLite, same rows     %9.0f /s   the floor: no signature, tree or mark; ratio %.2f\n", floor,
              ratio);
  const double tessera = tessera_appends(dir.path() / "tessera", std::min<std::size_t>(count, 50'000));
  if (tessera > 0)
    std::printf("  Tessera's POSIX log, here   %9.0f /s   no statement signatures, batches of 1000; ratio %.2f\n",
                tessera, appends / tessera);
  else
    std::printf(
        "  Tessera on POSIX NVMe           10000 /s   as published, about 7 of 30 cores, without statement signatures; "
        "measured here when HEZONG_PUBLIC_GO names tests/interop/public_go, built\n");
  const bool ok = appends >= 10'000 && p99 <= 100 && checked >= 1'500'000;
  std::printf(
      "{\"id\":\"p4\",\"value\":%.0f,\"unit\":\"verified durable appends/s\",\"goal\":10000,"
      "\"peer\":\"plain SQLite FULL %.0f "
      "rows/s\",\"ratio\":%.2f,\"tessera_per_s\":%.0f,\"ok\":%s,\"p50_ms\":%.1f,\"p99_ms\":%.1f,"
      "\"check_leaves_per_s\":%.0f,\"single_per_s\":%.0f,\"proof_us\":%.1f,\"append_cpu_us\":%.1f,\"check_cpu_us\":%."
      "2f}\n",
      appends, floor, ratio, tessera, ok ? "true" : "false", p50, p99, checked, single, proof_us, append_cpu_us,
      check_cpu_us);
}
