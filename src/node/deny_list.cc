#include "node/deny_list.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "crypto/hash.h"
#include "pool/site_config.h"
#include "sandbox/engine_program.h"
#include "sql/db.h"
#include "supply/elf.h"

namespace hz::node {
namespace {

constexpr std::size_t entries_max = 400'000, library_bytes_max = 1u << 30, others_max = 50;

// A file seen as bytes without reading what nobody looks at.
class Mapped {
 public:
  explicit Mapped(const fs::path& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat seen{};
    if (!fd || ::fstat(fd.get(), &seen) != 0 || !S_ISREG(seen.st_mode) || seen.st_size <= 0) return;
    size_ = static_cast<std::size_t>(seen.st_size);
    void* at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (at != MAP_FAILED) at_ = static_cast<const std::uint8_t*>(at);
  }
  ~Mapped() {
    if (at_) ::munmap(const_cast<std::uint8_t*>(at_), size_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  ByteView bytes() const { return at_ ? ByteView(at_, size_) : ByteView(); }

 private:
  const std::uint8_t* at_ = nullptr;
  std::size_t size_ = 0;
};

struct Candidate {
  fs::path path;
  std::uintmax_t size = 0;
  std::string soname, build_id;
};

// Libraries below the roots, each file once, whatever name leads there.
std::vector<Candidate> candidates(const std::vector<fs::path>& roots) {
  std::vector<Candidate> out;
  std::set<fs::path> seen;
  std::size_t entries = 0;
  const auto take = [&](const fs::path& path, bool any_name) {
    if (!any_name && path.filename().string().find(".so") == std::string::npos) return;
    const Mapped file(path);
    if (!supply::looks_like_elf(file.bytes()) || file.bytes().size() > library_bytes_max) return;
    const auto elf = supply::parse_elf(file.bytes());
    out.push_back({path, file.bytes().size(), elf ? elf->soname : "", elf ? elf->build_id : ""});
  };
  for (const fs::path& root : roots) {
    std::error_code error;
    const fs::path real = fs::canonical(root, error);
    if (error || !seen.insert(real).second) continue;
    if (fs::is_regular_file(real, error)) {
      take(real, true);
      continue;
    }
    // What the system ships is named as libraries are; a product's own folder may call them what it likes.
    const bool any_name = !real.string().starts_with("/usr/");
    for (fs::recursive_directory_iterator it(real, fs::directory_options::skip_permission_denied, error), end;
         !error && it != end && ++entries < entries_max; it.increment(error)) {
      std::error_code gone;
      if (it->is_symlink(gone)) {
        // A link out of the folder is followed by whoever opens it.
        const fs::path target = fs::canonical(it->path(), gone);
        if (!gone && seen.insert(target).second && fs::is_regular_file(target, gone)) take(target, any_name);
      } else if (it->is_regular_file(gone) && seen.insert(it->path()).second) {
        take(it->path(), any_name);
      }
    }
  }
  return out;
}

bool is_named(const fs::path& path, const std::string& soname) {
  const std::string name = path.filename().string();
  return name == soname || name.starts_with(soname + ".");
}

}  // namespace

LostParts lost_parts(const drill::Rehearsal& drill, const std::vector<std::pair<std::string, std::string>>& digests) {
  LostParts out;
  const drill::Stack& stack = drill.stack();
  std::map<std::string, std::string> files;  // node, why
  for (const drill::LostNode& lost : drill.loss().nodes) {
    const std::string id(stack.id(lost.node));
    bool any = false;
    if (id.starts_with("file:")) {
      files.emplace(id, lost.because);
      any = true;
    } else if (id.starts_with("service:")) {
      out.hosts.push_back(id.substr(8));
      any = true;
    }
    for (const drill::Edge& edge : drill.world().edges) {
      // A lost runtime is its libraries; a lost package is the files that it ships.
      const bool part = (edge.node == id && id.starts_with("backend:") && edge.input.starts_with("file:")) ||
                        (edge.input == id && !id.starts_with("file:") && edge.node.starts_with("file:"));
      if (!part) continue;
      files.emplace(edge.node == id ? edge.input : edge.node, "part of " + id);
      any = true;
    }
    if (!any && !id.starts_with("product:") && !id.starts_with("gate:")) out.others.push_back(id);
  }
  for (const auto& [node, because] : files) {
    LostLibrary one{node, because, node.substr(5), {}};
    for (const auto& [file, sha256] : digests)
      if (file == node) one.sha256.push_back(sha256);
    out.libraries.push_back(std::move(one));
  }
  std::ranges::sort(out.hosts);
  out.hosts.erase(std::ranges::unique(out.hosts).begin(), out.hosts.end());
  return out;
}

void find_files(std::vector<drill::BlockedLibrary>& libraries, const std::vector<LostLibrary>& lost,
                const std::vector<fs::path>& roots) {
  const std::vector<Candidate> here = candidates(roots);
  for (const LostLibrary& one : lost) {
    drill::BlockedLibrary out{one.node, one.because, one.sha256.empty() ? "" : one.sha256.front(), "", {}};
    std::set<std::string> build_ids;
    std::set<std::uintmax_t> sizes;
    const auto is_it = [&](const Candidate& c) { return is_named(c.path, one.soname) || c.soname == one.soname; };
    for (const Candidate& c : here)
      if (is_it(c)) {
        if (!c.build_id.empty()) build_ids.insert(c.build_id);
        sizes.insert(c.size);
      }
    for (const Candidate& c : here) {
      bool same = is_it(c) || build_ids.contains(c.build_id);
      // The digest is what is left for a renamed file without notes; only files as large can have it.
      if (!same && c.build_id.empty() && sizes.contains(c.size))
        same = std::ranges::find(one.sha256, hex(crypto::sha256(Mapped(c.path).bytes()))) != one.sha256.end();
      if (same) out.files.push_back(c.path.string());
    }
    if (!build_ids.empty()) out.build_id = *build_ids.begin();
    std::ranges::sort(out.files);
    libraries.push_back(std::move(out));
  }
}

Result<drill::DrillBlock> deny_list(api::Ctx& ctx, const drill::Rehearsal& drill) {
  std::vector<std::pair<std::string, std::string>> digests;
  sql::Db& views = *HZ_TRY(HZ_TRY(ctx.member())->views());
  HZ_TRY(views.query("SELECT node, sha256 FROM public_supply_file ORDER BY node, sha256", {}, [&](const sql::Row& r) {
    digests.emplace_back(r.text(0), r.text(1));
    return true;
  }));
  const LostParts lost = lost_parts(drill, digests);
  std::vector<fs::path> roots{"/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64"};
  for (const pool::SiteConfig& site : HZ_TRY(pool::site_configs(ctx.home)))
    roots.insert(roots.end(), site.read_paths.begin(), site.read_paths.end());
  for (const char* engine : {"ort", "opencv", "refrt"})
    if (const auto program = sandbox::engine_program(ctx.tool_dirs, "", "serve", engine))
      for (const fs::path& path : program->read_paths)
        if (path.filename() != "oip-host" && !path.filename().string().starts_with("oip-host-")) roots.push_back(path);
  drill::DrillBlock out;
  find_files(out.libraries, lost.libraries, roots);
  for (const std::string& host : lost.hosts)
    if (out.hosts.size() < pool::denied_hosts_max) out.hosts.push_back(host);
  for (const std::string& other : lost.others)
    if (out.not_blocked.size() < others_max) out.not_blocked.push_back(other);
  if (lost.others.size() > others_max)
    out.not_blocked.push_back(fmt::format("and {} more", lost.others.size() - others_max));
  std::size_t files = 0;
  for (const drill::BlockedLibrary& one : out.libraries) files += one.files.size();
  if (files > pool::denied_files_max)
    out.not_blocked.push_back(
        fmt::format("{} of {} files: more than a job can be told", files - pool::denied_files_max, files));
  if (lost.hosts.size() > out.hosts.size())
    out.not_blocked.push_back(fmt::format("{} of {} hosts", lost.hosts.size() - out.hosts.size(), lost.hosts.size()));
  return out;
}

pool::Denied denied_of(const drill::DrillBlock& block) {
  pool::Denied out;
  for (const drill::BlockedLibrary& one : block.libraries)
    for (const std::string& file : one.files)
      if (out.files.size() < pool::denied_files_max) out.files.push_back(file);
  std::ranges::sort(out.files);
  out.files.erase(std::ranges::unique(out.files).begin(), out.files.end());
  out.hosts = block.hosts;
  return out;
}

}  // namespace hz::node
