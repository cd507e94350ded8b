#include "node/peer_desk.h"

#include <map>
#include <mutex>

#include "alliance/keys.h"
#include "alliance/peers.h"
#include "crypto/hash.h"
#include "log/serve.h"
#include "log/witness.h"
#include "node/peer_call.h"
#include "node/serve_artifact.h"

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

  std::mutex own_turn, mirror_turn, witness_turn, known_turn;
  log::Log own;
  std::map<std::string, log::Log> mirrors;  // by the hash in the path
  log::Witness witness;
  std::map<std::string, alliance::Authority> known;
  std::map<std::string, std::string> origin_of_hash;

  alliance::Authority nobody;  // speaks for whoever is not known
  ArtifactShelf artifacts;

  // Who asks, when it is proven. A signature is checked in any case, of a caller nobody knows against a key nobody has,
  // so that the time of a refusal does not tell who is known here.
  std::optional<std::string> caller_of(const http::Request& request) {
    const auto said = read_peer_call(request);
    const PeerCall call = said.value_or(PeerCall{{}, 0, Bytes(64)});
    const std::lock_guard turn(known_turn);
    const auto caller = said ? known.find(call.origin) : known.end();
    const bool proven =
        holds(call, origin, clock->now_ms() / 1000, request, caller == known.end() ? nobody : caller->second);
    return proven && caller != known.end() ? std::optional(call.origin) : std::nullopt;
  }

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

Result<PeerDesk> PeerDesk::open(alliance::Member& member) {
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
                                                .own = std::move(own),
                                                .mirrors = {},
                                                .witness = std::move(witness),
                                                .known = {},
                                                .origin_of_hash = {},
                                                .nobody = std::move(nobody),
                                                .artifacts = {member.blobs(), member.home() / "served.jsonl"}}));
  HZ_TRY(out.know(member));
  return out;
}

bool PeerDesk::is_for(const http::Request& request) {
  return request.path.starts_with("/log/") || request.path.starts_with(mirrors_path) ||
         request.path.starts_with("/witness/") || request.path.starts_with(artifact_prefix);
}

http::Response PeerDesk::answer(const http::Request& request) {
  State& s = *state_;
  const auto caller = s.caller_of(request);
  if (request.path.starts_with(artifact_prefix))
    return s.artifacts.answer(request, caller.value_or(""), s.clock->now_ms()).value_or(nothing());
  if (!caller) return nothing();
  if (request.path.starts_with(mirrors_path)) return s.mirrored(request);
  if (request.path.starts_with("/witness/")) {
    const std::lock_guard turn(s.witness_turn);
    return s.witness.answer(request, witness_prefix);
  }
  const std::lock_guard turn(s.own_turn);
  return log::serve(s.own, request, log_prefix);
}

Result<void> PeerDesk::know(alliance::Member& member) {
  State& s = *state_;
  const std::vector<Contact> contacts = HZ_TRY(node::contacts(member));
  s.artifacts.know(HZ_TRY(Giving::of(member)));
  std::vector<log::NoteKey> heads;
  std::map<std::string, alliance::Authority> known;
  std::map<std::string, std::string> hashes;
  for (const Contact& contact : contacts) {
    if (!contact.authority) continue;
    known.emplace(contact.origin, *contact.authority);
    hashes.emplace(hex(crypto::sha256(as_bytes(contact.origin))), contact.origin);
    if (const auto key = log_key(*contact.authority)) heads.push_back(*key);
  }
  {
    const std::lock_guard turn(s.known_turn);
    s.known = std::move(known);
    s.origin_of_hash = std::move(hashes);
  }
  const std::lock_guard turn(s.witness_turn);
  s.witness.watch(std::move(heads));
  return {};
}

}  // namespace hz::node
