#include "alliance/member.h"

#include <algorithm>

#include "alliance/closing.h"
#include "alliance/head_keys.h"
#include "alliance/keys.h"
#include "alliance/member_state.h"
#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "statement/canonical.h"

namespace hz::alliance {
namespace {

// A rollback journal was left behind: readers may not roll it back. It exists only until a new log has switched to WAL.
bool needs_writer(const Error& error) { return error.reason->slug == "sql.open"; }

}  // namespace

Member::Member(std::unique_ptr<State> state) : state_(std::move(state)) {}
Member::Member(Member&&) noexcept = default;
Member& Member::operator=(Member&&) noexcept = default;
Member::~Member() = default;

Result<Member> Member::open(const fs::path& home, const Mounted& mounted, const Seams& seams) {
  const Places places(home);
  const bool begun = has_key(places.keys, Role::log);
  auto log = log::Log::open_reader(places.log, log::Check::since_record, places.mark);
  if (!log && log.error().reason->slug == "log.missing") {
    if (begun) return fail(why("alliance.unfinished"), "{} has keys and no log", home.string());
    return fail(why("alliance.no_member"), "{}", home.string());
  }
  if (!log && needs_writer(log.error()) && fs::exists(places.log / "log.db-journal"))
    return fail(why("alliance.unfinished"), "{} has a log that was cut off while it was made", home.string());
  if (!log) return std::unexpected(std::move(log).error());
  if (log->head().size == 0) return fail(why("alliance.unfinished"), "{} has an empty log", home.string());
  auto authority = HZ_TRY(read_genesis(HZ_TRY(log->leaf(0)), log->origin()));
  auto blobs = HZ_TRY(blob::Store::open(places.blobs));
  Verified verified = verified_of(*log, places.verified);
  Member out(std::unique_ptr<State>(new State{home,
                                              places,
                                              mounted,
                                              seams,
                                              *std::move(log),
                                              std::move(authority),
                                              std::move(blobs),
                                              PeerLogs(home),
                                              std::move(verified),
                                              false,
                                              {},
                                              {},
                                              false,
                                              {}}));
  State& state = *out.state_;
  state.verified_kept = state.verified.size;
  HZ_TRY(state.read_authority_by_record());
  state.keep_checked();
  if (!state.authority.signs_heads(state.log.key(), state.log.head().size))
    return fail(why("alliance.genesis"), "{} signs checkpoints with {}, which no statement names", state.log.origin(),
                log::format_vkey(state.log.key()));
  state.peers.refresh(state.authority.origin);
  return out;
}

Result<void> Member::refresh() {
  State& state = *state_;
  state.move_on();
  const std::uint64_t seen = state.log.head().size;
  HZ_TRY(state.log.refresh());
  HZ_TRY(state.read_authority(seen));
  if (!state.authority.signs_heads(state.log.key(), state.log.head().size))
    return fail(why("alliance.genesis"), "{} signs checkpoints with {}, which no statement names", state.log.origin(),
                log::format_vkey(state.log.key()));
  return {};
}

Result<void> Member::rest() {
  hold_views(false);
  if (!state_->writer) return {};
  state_->keep_checked();
  // Not after each statement: a file a request would cost more than checking some signatures again.
  const std::uint64_t head = state_->log.head().size;
  if (head >= state_->verified_kept + verified_every && state_->verified.size < state_->appended_from)
    // Whoever replays the views has stored how far it came.
    if (auto kept = verified_of(state_->log, state_->places.verified); kept.size > state_->verified.size) {
      state_->verified = std::move(kept);
      state_->join_verified();
    }
  const bool much = state_->verified.size >= state_->verified_kept + verified_every;
  const Result<void> kept = much ? state_->keep_verified() : Result<void>();
  state_->log.rest();
  return kept;
}

const std::string& Member::id() const { return state_->authority.genesis.member; }
const std::string& Member::origin() const { return state_->authority.origin; }
const fs::path& Member::home() const { return state_->home; }
const Authority& Member::authority() const { return state_->authority; }
const fs::path& Member::keys_folder() const { return state_->places.keys; }
const std::vector<Error>& Member::peer_faults() const { return state_->peers.faults(); }
log::Log& Member::log() { return state_->log; }
std::vector<log::Log*> Member::peer_logs() {
  if (!state_->held) state_->peers.refresh(state_->authority.origin);
  std::vector<log::Log*> out;
  for (const auto& peer : state_->peers.logs()) out.push_back(&peer->log);
  return out;
}
blob::Store& Member::blobs() { return state_->blobs; }
Seams& Member::seams() { return state_->seams; }
void Member::set_dry_run(bool on) { state_->dry_run = on; }
void Member::set_audience(std::optional<Audience> audience) { state_->audience = std::move(audience); }
const std::vector<std::string>& Member::dry_run_payloads() const { return state_->dry_run_payloads; }

const Authority* Member::peer_authority(std::string_view origin) { return state_->peers.authority(origin); }

Result<sql::Db*> Member::views() {
  State& state = *state_;
  if (state.held) return &state.views->db();
  if (state.before_views) HZ_TRY(state.before_views());
  // Another object may have checked the signatures meanwhile, or made them.
  if (state.verified.size < state.log.head().size) {
    const Verified kept = read_verified(state.places.verified, state.authority.origin);
    if (kept.size > state.log.head().size) HZ_TRY(refresh());  // and has gone on since
    learn(kept);
  }
  for (;;) {
    std::vector<Source> logs = state.sources();
    for (Source& log : logs) log.open = [&state](const statement::Statement& s) { return state.open_for_replay(s); };
    Views& views = *HZ_TRY(state.opened_views(logs));
    const auto caught_up =
        views.catch_up(std::move(logs), *state.seams.progress, state.bodies_text(), state.before_views);
    // A mirror that is damaged stops nobody: its statements are left out until it is repaired.
    if (!caught_up && state.peers.drop_damaged()) continue;
    const bool changed = HZ_TRY(caught_up);
    // Also when nothing changed, once: the process that replayed an erasure may have died before it deleted anything.
    if (changed || !state.settled) {
      state.settled = true;
      if (HZ_TRY(state.settle_bodies())) continue;
    }
    if (!state.hold || HZ_TRY(state.try_hold())) break;
  }
  HZ_TRY(state.keep_verified());
  return &state.views->db();
}

Result<Views*> Member::State::opened_views(const std::vector<Source>& logs) {
  if (held) return &*views;
  std::uint64_t size = 0;
  for (const Source& source : logs) size += source.size;
  const bool lasting = size >= lasting_from;
  if (views && lasting && !views->lasting()) views.reset();
  if (!views) views.emplace(HZ_TRY(Views::open(places.views, mounted, authority.origin, lasting)));
  return &*views;
}

void Member::ask_before_views(GoOn go_on) { state_->before_views = std::move(go_on); }

Result<std::uint64_t> Member::views_behind() {
  std::vector<Source> logs = state_->sources();
  Views& views = *HZ_TRY(state_->opened_views(logs));
  return views.behind(std::move(logs));
}

std::shared_ptr<const Verified> Member::verdicts() const {
  const State& state = *state_;
  if (state.verified.size != state.log.head().size) return nullptr;
  auto out = std::make_shared<Verified>(state.verified);
  out->root = state.log.head().root;
  return out;
}

void Member::learn(const Verified& verdicts) {
  State& state = *state_;
  const log::Head& head = state.log.head();
  if (verdicts.size <= state.verified.size || verdicts.size > head.size) return;
  const auto root = verdicts.size == head.size ? Result<Digest>(head.root) : state.log.root_at(verdicts.size);
  if (root && *root == verdicts.root) state.verified = verdicts;
}

void Member::hold_views(bool on) {
  state_->hold = on;
  if (!on) state_->move_on();
}

void Member::State::move_on() {
  if (!held) return;
  views->db().end_read();
  held.reset();
}

Result<bool> Member::State::try_hold() {
  sql::Db& db = views->db();
  HZ_TRY(db.begin_read());
  Frontier now = frontier_now();
  std::size_t same = 0, all = 0;
  const auto read = db.query("SELECT origin, size, root FROM alliance_log", {}, [&](const sql::Row& r) {
    const FrontierEntry* head = entry_of(now.logs, r.text_view(0));
    ++all;
    same += head && head->size == static_cast<std::uint64_t>(r.integer(1)) && head->root == r.text_view(2);
    return true;
  });
  if (read && same == all && all == now.logs.size()) {
    held = std::move(now);
    return true;
  }
  db.end_read();
  HZ_TRY(read);
  return false;
}

Result<std::map<std::string, std::uint64_t>> Member::replayed() {
  State& state = *state_;
  std::map<std::string, std::uint64_t> out;
  sql::Db& db = HZ_TRY(state.opened_views(state.sources()))->db();
  HZ_TRY(db.transaction([&] {
    return db.query("SELECT origin, size FROM alliance_log", {}, [&](const sql::Row& r) {
      out[r.text(0)] = static_cast<std::uint64_t>(r.integer(1));
      return true;
    });
  }));
  return out;
}

std::vector<Source> Member::State::sources() {
  peers.refresh(authority.origin);
  std::vector<Source> out{source_of(log, verified)};
  for (const auto& peer : peers.logs()) out.push_back(source_of(*peer));
  return out;
}

Result<void> Member::views_at(std::span<const FrontierEntry> heads, const std::string& as,
                              const std::function<Result<void>(sql::Db&)>& read) {
  Views views = HZ_TRY(Views::in_memory(state_->mounted, as));
  HZ_TRY(views.catch_up(HZ_TRY(state_->sources_at(heads)), silent_progress()));
  return read(views.db());
}

Result<std::vector<Source>> Member::State::sources_at(std::span<const FrontierEntry> heads) {
  std::vector<Source> here = sources(), then;
  for (const FrontierEntry& head : heads) {
    if (head.size == 0) continue;
    const auto source = std::ranges::find(here, head.origin, &Source::origin);
    const std::uint64_t size = source == here.end() ? 0 : source->size;
    if (size < head.size)
      return fail(why("alliance.closing_waiting"), "{}: {} statements are named, {} are here", head.origin, head.size,
                  size);
    if (head.size != source->size) source->root = HZ_TRY(source->root_at(head.size));
    if (hex(source->root) != head.root)
      return fail(why("alliance.other_history"), "{} at {} is {} here, not {}", head.origin, head.size,
                  hex(source->root), head.root);
    source->size = head.size;
    // The key may have changed since; then that head was signed by the one that spoke there.
    const Authority* speaks = head.origin == authority.origin ? &authority : peers.authority(head.origin);
    if (speaks)
      if (const auto keys = head_keys(*speaks, head.size); !keys.empty()) source->head_key = keys.front();
    source->refresh = [](Source&) -> Result<void> { return {}; };
    then.push_back(*source);
  }
  return then;
}

Frontier Member::frontier() const { return state_->held ? *state_->held : state_->frontier_now(); }

Frontier Member::State::frontier_now() const {
  Frontier out;
  const auto add = [&](const log::Log& one) {
    out.logs.push_back({one.origin(), one.head().size, hex(one.head().root)});
  };
  add(log);
  for (const auto& peer : peers.logs()) add(peer->log);
  std::ranges::sort(out.logs, {}, &FrontierEntry::origin);
  const auto text = statement::canonical(to_json(out.logs));
  HZ_ASSERT(text.has_value());
  out.digest = hex(crypto::sha256(as_bytes(*text)));
  out.opened = opened;
  return out;
}

Result<statement::Statement> Member::find(std::string_view id) {
  const auto digest = parse_digest(id);
  const auto index = digest ? HZ_TRY(state_->log.find(*digest)) : std::nullopt;
  if (!index) return fail(why("alliance.no_statement"), "{} in {}", id, state_->authority.origin);
  return state_->at(*index);
}

Result<Bytes> Member::leaf(std::uint64_t index) {
  if (index >= state_->log.head().size)
    return fail(why("alliance.no_index"), "{} in {} with {} statements", index, state_->authority.origin,
                state_->log.head().size);
  return state_->log.leaf(index);
}

}  // namespace hz::alliance
