#include "alliance/peers.h"

#include <algorithm>

#include "alliance/reasons.h"
#include "crypto/hash.h"

namespace hz::alliance {

namespace {

std::string stamp_of(const fs::path& folder) {
  std::string out;
  for (const char* name : {"log.db", "log.db-wal"}) {
    std::error_code ignored;
    const auto time = fs::last_write_time(folder / name, ignored).time_since_epoch().count();
    out += fmt::format("{} {}\n", time, fs::file_size(folder / name, ignored));
  }
  return out;
}

}  // namespace

fs::path peer_folder(const fs::path& home, std::string_view origin) {
  return home / "peers" / hex(crypto::sha256(as_bytes(origin)));
}

Source source_of(log::Log& log, Verified& verified) {
  return {log.origin(),
          log.head().size,
          log.head().root,
          [&log](auto begin, auto end, const auto& each) { return log.visit(begin, end, each); },
          [&log](auto size) { return log.root_at(size); },
          [&log](Source& moved) -> Result<void> {
            HZ_TRY(log.refresh());
            moved.size = log.head().size;
            moved.root = log.head().root;
            moved.head_key = log.key();
            return {};
          },
          log.key(),
          &verified};
}

Source source_of(PeerLog& peer) {
  Source out = source_of(peer.log, peer.verified);
  out.visit = [&peer](auto begin, auto end, const auto& each) {
    auto done = peer.log.visit(begin, end, each);
    if (!done && (done.error().reason->slug == "log.leaf_corrupt" || done.error().reason->slug == "log.tile_corrupt"))
      peer.damage = done.error();
    return done;
  };
  return out;
}

Verified verified_of(log::Log& log, const fs::path& file) {
  Verified out = read_verified(file, log.origin());
  if (out.size == 0 || out.size > log.head().size) return {};
  const auto root = log.root_at(out.size);
  return root && *root == out.root ? out : Verified{};
}

const Authority* PeerLog::keys() {
  const std::uint64_t size = log.head().size;
  if (!authority && size > 0) {
    const auto first = log.leaf(0);
    auto read = first ? read_genesis(*first, log.origin()) : Result<Authority>(std::unexpected(first.error()));
    if (!read) return nullptr;
    authority = *std::move(read);
    keys_read = 1;
  }
  if (!authority) return nullptr;
  const auto walked = log.visit(keys_read, size, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
    HZ_TRY(follow_keys(*authority, index, leaf));
    keys_read = index + 1;
    return {};
  });
  return walked ? &*authority : nullptr;
}

const Authority* PeerLogs::authority(std::string_view origin) const {
  for (const auto& peer : logs_)
    if (peer->log.origin() == origin) return peer->keys();
  return nullptr;
}

bool PeerLogs::drop_damaged() {
  return std::erase_if(logs_, [&](const auto& peer) {
           if (!peer->damage) return false;
           const Error said{peer->damage->reason, fmt::format("{}: {}", peer->log.origin(), peer->damage->detail)};
           damaged_.insert_or_assign(peer->folder, Damaged{stamp_of(peer->folder), said});
           return true;
         }) > 0;
}

void PeerLogs::refresh(std::string_view own) {
  faults_.clear();
  std::erase_if(logs_, [&](const auto& peer) {
    std::error_code ignored;
    if (!fs::exists(peer->folder / "log.db", ignored)) return true;
    if (auto moved = peer->log.refresh(); !moved) {
      faults_.push_back({moved.error().reason, fmt::format("{}: {}", peer->log.origin(), moved.error().detail)});
      return true;
    }
    return false;
  });
  std::error_code error;
  for (fs::directory_iterator at(home_ / "peers", error), end; !error && at != end; at.increment(error)) {
    const fs::path folder = at->path();
    const auto known = [&](const auto& peer) { return peer->folder == folder; };
    std::error_code ignored;
    if (std::ranges::any_of(logs_, known) || !fs::exists(folder / "log.db", ignored)) continue;
    if (const auto bad = damaged_.find(folder); bad != damaged_.end()) {
      if (bad->second.stamp == stamp_of(folder)) {
        faults_.push_back(bad->second.error);
        continue;
      }
      damaged_.erase(bad);  // repaired, or grown: looked at again
    }
    auto log = log::Log::open_reader(folder);
    if (!log) {
      if (log.error().reason->slug != "log.missing")
        faults_.push_back({log.error().reason, fmt::format("{}: {}", folder.string(), log.error().detail)});
      continue;
    }
    // The folder's name is the origin's: two folders of one origin, or the own log as a peer, cannot be.
    if (peer_folder(home_, log->origin()).filename() != folder.filename() || log->origin() == own) {
      faults_.push_back({&why("alliance.peer"), fmt::format("{} holds {}", folder.string(), log->origin())});
      continue;
    }
    Verified verified = verified_of(*log, folder / "verified");
    logs_.push_back(std::make_unique<PeerLog>(PeerLog{folder, *std::move(log), std::move(verified)}));
  }
  std::ranges::sort(logs_, {}, [](const auto& peer) -> const std::string& { return peer->log.origin(); });
}

Result<void> PeerLogs::store_verified() {
  for (const auto& peer : logs_) {
    Verified& now = peer->verified;
    if (now.size == 0 || now.size > peer->log.head().size) continue;
    const Digest root = HZ_TRY(peer->log.root_at(now.size));
    if (root == now.root) continue;
    now.root = root;
    HZ_TRY(write_verified(peer->folder / "verified", peer->log.origin(), now));
  }
  return {};
}

}  // namespace hz::alliance
