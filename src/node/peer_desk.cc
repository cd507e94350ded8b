#include "node/peer_desk.h"

#include <atomic>
#include <map>
#include <mutex>

#include "alliance/keys.h"
#include "alliance/peers.h"
#include "crypto/hash.h"
#include "log/serve.h"
#include "log/witness.h"
#include "node/lend_out.h"
#include "node/peer_call.h"
#include "node/peer_quota.h"
#include "node/serve_artifact.h"
#include "node/vouch.h"

namespace hz::node {
namespace {

constexpr std::string_view log_prefix = "/log", mirrors_path = "/mirror/", witness_prefix = "/witness";

http::Response nothing() {
  return {.status = 404,
          .headers = {{"content-type", "text/plain; charset=utf-8"}, {"cache-control", "no-store"}},
          .body = "There is nothing here.\n"};
}

}  // namespace

struct PeerDesk::State {
  std::string origin;
  fs::path home;
  Clock* clock;

  std::mutex own_turn, mirror_turn, witness_turn, known_turn, vouch_turn;
  log::Log own;
  std::map<std::string, log::Log> mirrors;  // by the hash in the path
  log::Witness witness;
  struct Known {
    alliance::Authority mirrored;  // keys as its log names them, so far as it is here
    std::uint64_t size = 0;        // of what is here
    std::optional<Vouch> vouch = {};
    std::string unwritten = {};  // text of the vouch, until it is in the folder
    const alliance::Authority& calls() const { return vouch ? vouch->authority : mirrored; }
  };
  std::map<std::string, Known> known;
  std::map<std::string, std::string> origin_of_hash;

  alliance::Authority nobody;  // speaks for whoever is not known
  ArtifactShelf artifacts;
  std::atomic<bool> knows = false;
  PeerQuota quota = {};
  Lent lent = {};

  // Who asks, when it is proven. A signature is checked in any case, of a caller nobody knows against a key nobody has,
  // so that the time of a refusal does not tell who is known here.
  std::optional<std::string> caller_of(const http::Request& request) {
    const auto said = read_peer_call(request);
    const PeerCall call = said.value_or(PeerCall{{}, 0, Bytes(64)});
    const std::lock_guard turn(known_turn);
    const auto caller = said ? known.find(call.origin) : known.end();
    const bool proven =
        holds(call, origin, clock->now_ms() / 1000, request, caller == known.end() ? nobody : caller->second.calls());
    return proven && caller != known.end() ? std::optional(call.origin) : std::nullopt;
  }

  // One at a time: each costs some signature checks, and anybody may send one. The answer is the same whether it holds,
  // whether the log is known, and whether it says anything new.
  http::Response shown_keys(const http::Request& request) {
    if (request.method != "POST" || request.body.size() > vouch_size_bytes_max) return nothing();
    const std::unique_lock only(vouch_turn, std::try_to_lock);
    if (!only) return {.status = 503, .headers = {{"retry-after", "1"}}, .body = {}};
    if (auto vouch = check_vouch(request.body)) {
      const std::lock_guard turn(known_turn);
      const auto caller = known.find(vouch->authority.origin);
      if (caller != known.end() && goes_on(*vouch, caller->second.calls(), caller->second.size)) {
        caller->second.vouch = *std::move(vouch);
        caller->second.unwritten = request.body;
      }
    }
    return {.status = 202, .headers = {}, .body = {}};
  }
  fs::path vouch_file(std::string_view name) const { return alliance::peer_folder(home, name) / "keys.evidence"; }

  http::Response mirrored(const http::Request& request) {
    const auto end = request.path.find('/', mirrors_path.size());
    if (end == std::string::npos) return nothing();
    const std::string hash = request.path.substr(mirrors_path.size(), end - mirrors_path.size());
    const std::lock_guard turn(mirror_turn);
    auto open = mirrors.find(hash);
    if (open == mirrors.end()) {
      std::string name;
      {
        const std::lock_guard looking(known_turn);
        if (const auto found = origin_of_hash.find(hash); found != origin_of_hash.end()) name = found->second;
      }
      if (name.empty()) return nothing();
      auto log = log::Log::open_reader(alliance::peer_folder(home, name));
      if (!log) return nothing();
      open = mirrors.emplace(hash, *std::move(log)).first;
    }
    return log::serve(open->second, request, std::string(mirrors_path) + hash);
  }
};

PeerDesk::PeerDesk(std::unique_ptr<State> state) : state_(std::move(state)) {}
PeerDesk::PeerDesk(PeerDesk&&) noexcept = default;
PeerDesk& PeerDesk::operator=(PeerDesk&&) noexcept = default;
PeerDesk::~PeerDesk() = default;

Result<PeerDesk> PeerDesk::open(alliance::Member& member, bool later) {
  auto key = HZ_TRY(alliance::load_key(member.keys_folder(), alliance::Role::witness));
  auto witness =
      HZ_TRY(log::Witness::open(member.home() / "witness.sqlite", key.name, std::move(key.key), *member.seams().clock));
  auto own = HZ_TRY(log::Log::open_reader(member.home() / "log"));
  alliance::Authority nobody;
  nobody.keys.push_back(
      {alliance::Role::author, {"nobody", crypto::SigningKey::generate(*member.seams().rng).verifying_key()}});
  PeerDesk out(std::unique_ptr<State>(new State{.origin = member.origin(),
                                                .home = member.home(),
                                                .clock = member.seams().clock,
                                                .own_turn = {},
                                                .mirror_turn = {},
                                                .witness_turn = {},
                                                .known_turn = {},
                                                .vouch_turn = {},
                                                .own = std::move(own),
                                                .mirrors = {},
                                                .witness = std::move(witness),
                                                .known = {},
                                                .origin_of_hash = {},
                                                .nobody = std::move(nobody),
                                                .artifacts = {member.blobs(), member.home() / "served.jsonl"}}));
  if (!later) HZ_TRY(out.know(member));
  return out;
}

bool PeerDesk::is_for(const http::Request& request) {
  return request.path.starts_with("/log/") || request.path.starts_with(mirrors_path) ||
         request.path.starts_with("/witness/") || request.path.starts_with(artifact_prefix) ||
         request.path.starts_with(lease_prefix) || request.path == keys_path;
}

http::Response PeerDesk::answer(const http::Request& request) {
  State& s = *state_;
  if (!s.knows) return {.status = 503, .headers = {{"retry-after", "5"}}, .body = {}};
  if (request.path == keys_path) return s.shown_keys(request);
  const auto caller = s.caller_of(request);
  const auto pass = caller ? s.quota.enter(*caller, s.clock->now_ms()) : PeerQuota::Pass();
  if (caller && !pass) return {.status = 503, .headers = {{"retry-after", "1"}}, .body = {}};
  if (request.path.starts_with(artifact_prefix))
    return s.artifacts.answer(request, caller.value_or(""), s.clock->now_ms()).value_or(nothing());
  if (!caller) return nothing();
  if (request.path.starts_with(lease_prefix)) return s.lent ? s.lent(request, *caller).value_or(nothing()) : nothing();
  if (request.path.starts_with(mirrors_path)) return s.mirrored(request);
  if (request.path.starts_with("/witness/")) {
    const std::lock_guard turn(s.witness_turn);
    return s.witness.answer(request, witness_prefix);
  }
  const std::lock_guard turn(s.own_turn);
  return log::serve(s.own, request, log_prefix);
}

void PeerDesk::lend(Lent lent) { state_->lent = std::move(lent); }

Result<void> PeerDesk::know(alliance::Member& member) {
  State& s = *state_;
  const std::vector<Contact> contacts = HZ_TRY(node::contacts(member));
  s.artifacts.know(HZ_TRY(Giving::of(member)));
  std::vector<log::NoteKey> heads;
  std::map<std::string, State::Known> known;
  std::map<std::string, std::string> hashes;
  for (const Contact& contact : contacts) {
    if (!contact.authority) continue;
    // What it said stays readable to members, in the mirrors of its log; it is answered no more.
    if (contact.state == "expelled") {
      hashes.emplace(hex(crypto::sha256(as_bytes(contact.origin))), contact.origin);
      continue;
    }
    known.emplace(contact.origin, State::Known{*contact.authority, contact.mirrored});
    hashes.emplace(hex(crypto::sha256(as_bytes(contact.origin))), contact.origin);
    if (const auto key = log_key(*contact.authority)) heads.push_back(*key);
  }
  std::map<std::string, std::string> write;
  {
    const std::lock_guard turn(s.known_turn);
    for (auto& [name, now] : known) {
      const auto before = s.known.find(name);
      std::optional<Vouch> vouch;
      if (before != s.known.end()) {
        vouch = std::move(before->second.vouch);
        if (!before->second.unwritten.empty()) write.emplace(name, std::move(before->second.unwritten));
      } else if (const auto text = read_text(s.vouch_file(name), vouch_size_bytes_max)) {
        if (auto kept = check_vouch(*text)) vouch = *std::move(kept);
      }
      if (vouch && goes_on(*vouch, now.mirrored, now.size)) now.vouch = std::move(vouch);
    }
    s.known = std::move(known);
    s.origin_of_hash = std::move(hashes);
  }
  for (const auto& [name, text] : write) {
    std::error_code error;
    fs::create_directories(alliance::peer_folder(s.home, name), error);
    HZ_TRY(write_file_durably(s.vouch_file(name), as_bytes(text)));
  }
  const std::lock_guard turn(s.witness_turn);
  s.witness.watch(std::move(heads));
  s.knows = true;
  return {};
}

}  // namespace hz::node
