#include "pool/meter_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <tuple>

#include "base/bytes.h"
#include "base/json.h"
#include "pool/reasons.h"

namespace hz::pool {
namespace {

constexpr std::size_t file_read_bytes_max = 256u << 20;
constexpr std::size_t held_bytes_max = 32u << 10;

fs::path sums_path(fs::path file) { return file.replace_extension(".sums.json"); }

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".meter") out.push_back(it->path());
  std::ranges::sort(out);
  return out;
}

// A node holds its files locked while it may still write to them.
bool is_held(const fs::path& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  return fd && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Result<std::vector<Usage>> sums_of(const fs::path& file, bool& held) {
  held = is_held(file);
  const MeterFile read = HZ_TRY(read_meter(HZ_TRY(read_text(file, file_read_bytes_max))));
  std::vector<Usage> out = usage_of(read.requests);
  if (held)
    for (Usage& u : out) u.running = std::exchange(u.node_died, 0);
  return out;
}

Result<std::vector<Usage>> stored_sums(const fs::path& file) {
  const std::string text = HZ_TRY(read_text(file, file_read_bytes_max));
  return from_json<std::vector<Usage>>(HZ_TRY(json::parse(text)));
}

}  // namespace

struct MeterJournal::File {
  Fd fd;
  fs::path path;
  std::int64_t size_bytes = 0, running = 0;
  std::atomic<bool> dirty = false;
  ~File() {
    // What was set aside and not needed.
    if (fd) (void)!::ftruncate(fd.get(), size_bytes);
  }
};

MeterJournal::MeterJournal(fs::path folder, std::string run, Clock& clock, MeterOptions options)
    : folder_(std::move(folder)), run_(std::move(run)), clock_(clock), options_(options) {
  if (options_.sync_ms > 0) syncing_ = std::jthread([this](std::stop_token stop) { sync_for_ever(std::move(stop)); });
}

MeterJournal::~MeterJournal() {
  write_lines();
  if (syncing_.joinable()) {
    syncing_.request_stop();
    syncing_.join();
  }
  if (options_.sync_ms > 0) sync();
}

Result<std::unique_ptr<MeterJournal>> MeterJournal::open(const fs::path& folder, Rng& rng, Clock& clock,
                                                         MeterOptions options) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(hz::why("base.write"), "{}: {}", folder.string(), error.message());
  std::array<std::uint8_t, 4> run;
  rng.fill(run);
  std::unique_ptr<MeterJournal> out(new MeterJournal(folder, hex(run), clock, options));
  for (const fs::path& file : files_of(folder)) {
    if (fs::exists(sums_path(file), error)) continue;
    bool held = false;
    const auto sums = sums_of(file, held);
    if (held) continue;
    if (!sums) {
      out->faults_.push_back(Error{sums.error().reason, file.filename().string() + ": " + sums.error().detail});
      continue;
    }
    HZ_TRY(write_file_durably(sums_path(file), as_bytes(json::dump(to_json(*sums)) + "\n"), 0600));
  }
  return out;
}

Result<std::shared_ptr<MeterJournal::File>> MeterJournal::next_file() {
  auto out = std::make_shared<File>();
  out->path = folder_ / fmt::format("{:013}-{}-{:04}.meter", clock_.now_ms(), run_, ++files_);
  out->fd = Fd(::open(out->path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
  const auto refuse = [&](std::string_view step) {
    const int saved = errno;
    if (out->fd) ::unlink(out->path.c_str());
    return fail(why("pool.meter_write"), "{}: {}: {}", out->path.string(), step, std::strerror(saved));
  };
  if (!out->fd) return refuse("open");
  if (::flock(out->fd.get(), LOCK_EX | LOCK_NB) != 0) return refuse("flock");
  if (::fallocate(out->fd.get(), FALLOC_FL_KEEP_SIZE, 0, options_.file_bytes_max) != 0 && errno != EOPNOTSUPP &&
      errno != ENOSYS)
    return refuse("set room aside");
  const Fd dir(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir || (options_.sync_ms > 0 && ::fsync(dir.get()) != 0)) return refuse("fsync of the folder");
  return out;
}

bool MeterJournal::write(File& file, std::string_view lines) {
  for (std::size_t done = 0; done < lines.size();) {
    const auto n = ::write(file.fd.get(), lines.data() + done, lines.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      // Half a line within a file would spoil what follows it.
      if (done > 0 && ::ftruncate(file.fd.get(), file.size_bytes) != 0) good_ = false;
      return false;
    }
    done += static_cast<std::size_t>(n);
  }
  file.size_bytes += static_cast<std::int64_t>(lines.size());
  return true;
}

Result<MeterJournal::Ticket> MeterJournal::begin(std::string_view key, std::string_view product) {
  if (!good_) return fail(why("pool.meter_write"), "an earlier line could not be written or synced");
  constexpr auto line_max = static_cast<std::int64_t>(meter_line_bytes_max);
  const auto held = held_in_ == current_ ? static_cast<std::int64_t>(held_.size()) : 0;
  if (!current_ || current_->size_bytes + held + (current_->running + 2) * line_max > options_.file_bytes_max) {
    write_lines();
    auto next = next_file();
    if (!next) return std::unexpected(std::move(next).error());
    current_ = *std::move(next);
  }
  Ticket out;
  out.number_ = ++begins_;
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), out.number_, 16).ptr;
  ((out.claim_ += run_) += '-').append(digits.data(), end);
  const std::string line = meter_line(MeterBegin{out.claim_, clock_.now_ms(), std::string(key), std::string(product)});
  if (line.size() > meter_line_bytes_max) return fail(why("pool.meter_write"), "a line of {} bytes", line.size());
  if (held_in_ != current_) {
    write_lines();
    held_in_ = current_;
  }
  hold(line, out.number_, true);
  ++current_->running;
  out.file_ = current_;
  if (!options_.hold_lines || held_.size() >= held_bytes_max) write_lines();
  if (!begun(out)) return fail(why("pool.meter_write"), "{}: {}", current_->path.string(), std::strerror(errno));
  return out;
}

bool MeterJournal::begun(Ticket& ticket) {
  if (not_begun_.empty() || not_begun_.erase(ticket.number_) == 0) return true;
  ticket.file_.reset();
  return false;
}

void MeterJournal::hold(std::string_view line, std::uint64_t number, bool begins) {
  held_ += line;
  held_lines_.push_back({number, line.size(), begins});
}

// A begin that could not be written refuses its request. The ends of others keep their turn: room was set aside for
// them.
void MeterJournal::drop_begins() {
  std::string kept;
  std::vector<Line> kept_lines;
  std::size_t at = 0;
  for (const Line& line : held_lines_) {
    const std::string_view text = std::string_view(held_).substr(at, line.bytes);
    at += line.bytes;
    if (line.begins) {
      not_begun_.insert(line.number);
      --held_in_->running;
    } else if (not_begun_.erase(line.number) > 0) {
      ++held_in_->running;  // it has begun and ended without going anywhere
    } else {
      kept += text;
      kept_lines.push_back(line);
    }
  }
  held_ = std::move(kept);
  held_lines_ = std::move(kept_lines);
}

void MeterJournal::mark_dirty(const std::shared_ptr<File>& file) {
  if (file->dirty.exchange(true)) return;
  const std::scoped_lock lock(mutex_);
  dirty_.push_back(file);
  wake_.notify_one();
}

void MeterJournal::write_lines() {
  if (!held_.empty()) {
    if (!write(*held_in_, held_)) {
      drop_begins();
      if (!held_.empty() && !write(*held_in_, held_)) good_ = false;
    }
    mark_dirty(held_in_);
    held_.clear();
    held_lines_.clear();
  }
  held_in_ = current_;
}

void MeterJournal::end(Ticket& ticket, MeterEnd end) {
  const std::shared_ptr<File> file = std::move(ticket.file_);
  HZ_ASSERT(file != nullptr);
  end.claim = std::move(ticket.claim_);
  end.at_ms = clock_.now_ms();
  --file->running;
  if (held_in_ != file) {
    write_lines();
    held_in_ = file;
  }
  hold(meter_line(end), ticket.number_, false);
  if (!options_.hold_lines || held_.size() >= held_bytes_max) write_lines();
}

void MeterJournal::sync() {
  std::vector<std::shared_ptr<File>> files;
  {
    const std::scoped_lock lock(mutex_);
    files.swap(dirty_);
  }
  for (const auto& file : files) {
    file->dirty = false;  // before: what is written meanwhile is synced the next time
    // After a failed sync nobody knows what is on the disk.
    if (::fdatasync(file->fd.get()) != 0) good_ = false;
  }
}

void MeterJournal::sync_for_ever(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait(lock, stop, [this] { return !dirty_.empty(); });
    // Some more lines may come along.
    wake_.wait_for(lock, stop, std::chrono::milliseconds(options_.sync_ms), [] { return false; });
    lock.unlock();
    sync();
    lock.lock();
  }
}

MeterSums read_meter_folder(const fs::path& folder) {
  MeterSums out;
  std::map<std::tuple<std::string, std::string, std::string>, Usage> sums;
  std::error_code error;
  for (const fs::path& file : files_of(folder)) {
    ++out.files;
    bool held = false;
    const bool stored = fs::exists(sums_path(file), error);
    const auto usage = stored ? stored_sums(sums_path(file)) : sums_of(file, held);
    if (!usage) {
      out.faults.push_back(Error{usage.error().reason, file.filename().string() + ": " + usage.error().detail});
      continue;
    }
    for (const Usage& u : *usage) {
      Usage& sum = sums[{u.key, u.product, u.lease}];
      sum.key = u.key;
      sum.product = u.product;
      sum.lease = u.lease;
      for (const auto field :
           {&Usage::requests, &Usage::whole, &Usage::refused, &Usage::cut, &Usage::client_gone, &Usage::node_died,
            &Usage::running, &Usage::request_bytes, &Usage::answer_bytes, &Usage::served_us, &Usage::units})
        sum.*field += u.*field;
    }
  }
  for (auto& [who, u] : sums) out.usage.push_back(std::move(u));
  return out;
}

}  // namespace hz::pool
