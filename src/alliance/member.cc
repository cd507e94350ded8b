#include "alliance/member.h"

#include <sys/stat.h>

#include <algorithm>

#include "alliance/authority.h"
#include "alliance/keys.h"
#include "alliance/kinds.h"
#include "alliance/reasons.h"
#include "alliance/replay.h"
#include "blob/store.h"
#include "crypto/hash.h"
#include "log/store.h"
#include "statement/canonical.h"
#include "statement/reasons.h"

namespace hz::alliance {
namespace {

struct Places {
  fs::path keys, log, mark, views, blobs;
  explicit Places(const fs::path& home)
      : keys(home / "keys"),
        log(home / "log"),
        mark(home / "mark"),
        views(home / "views.sqlite"),
        blobs(home / "blobs") {}
};

Result<void> make_folder(const fs::path& path, int mode) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  fs::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) != 0 && !fs::is_directory(path, error))
    return fail(hz::why("base.write"), "{}: the folder cannot be made", path.string());
  return {};
}

Result<void> check_options(const CreateOptions& options) {
  if (!log::valid_origin(options.origin) || options.origin.find("://") != std::string::npos)
    return fail(why("alliance.origin"), "\"{}\"", options.origin);
  const bool control = std::any_of(options.name.begin(), options.name.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (options.name.empty() || options.name.size() > 200 || control || !valid_utf8(options.name))
    return fail(why("alliance.name"), "{} bytes", options.name.size());
  return {};
}

statement::Idem idem_of(const Digest& digest) {
  statement::Idem out;
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

// A rollback journal was left behind: readers may not roll it back. It exists only until a new log has switched to WAL.
bool needs_writer(const Error& error) { return error.reason->slug == "sql.open"; }

// Puts the genesis statement at index 0.
Result<void> begin_log(log::Log& log, const fs::path& keys, const CreateOptions& options, const Seams& seams) {
  const auto root = HZ_TRY(load_or_create_key(keys, options.origin, Role::root, *seams.rng));
  const auto author = HZ_TRY(load_or_create_key(keys, options.origin, Role::author, *seams.rng));
  const auto witness = HZ_TRY(load_or_create_key(keys, options.origin, Role::witness, *seams.rng));
  const Genesis genesis{.member = options.origin,
                        .name = options.name,
                        .roots = {verifier_text(root.named_key(), Role::root)},
                        .log_key = log::format_vkey(log.key()),
                        .author_key = verifier_text(author.named_key(), Role::author),
                        .witness_key = verifier_text(witness.named_key(), Role::witness)};
  const json::Value body = to_json(genesis);
  const statement::Idem idem = idem_of(crypto::sha256(as_bytes("hezong/genesis")));
  const std::string payload = HZ_TRY(statement::build_payload({.kind = Genesis::kind,
                                                               .issuer = options.origin,
                                                               .log = options.origin,
                                                               .role = "root",
                                                               .issued_ms = seams.clock->now_ms(),
                                                               .idem = idem,
                                                               .body = &body}));
  const statement::NamedSigner* signers[] = {&root};
  auto made = HZ_TRY(statement::sign(payload, signers));
  HZ_TRY(read_genesis(made.leaf, options.origin));
  const log::Entry entry{std::move(made.leaf), made.id, idem};
  HZ_TRY(log.append({&entry, 1}));
  return {};
}

}  // namespace

struct Member::State {
  fs::path home;
  Places places;
  Mounted mounted;
  Seams seams;
  log::Log log;
  Authority authority;
  blob::Store blobs;
  bool writer = false;
  std::optional<statement::NamedSigner> author;
  std::optional<Views> views;
  bool dry_run = false;
  std::vector<std::string> dry_run_payloads;

  Source source() {
    return {log.origin(),
            log.head().size,
            log.head().root,
            [this](auto begin, auto end, const auto& each) { return log.visit(begin, end, each); },
            [this](auto size) { return log.root_at(size); },
            [this](Source& moved) -> Result<void> {
              if (!writer) HZ_TRY(log.refresh());
              moved.size = log.head().size;
              moved.root = log.head().root;
              return {};
            }};
  }
  Result<void> load_author() {
    if (author) return {};
    auto key = HZ_TRY(load_key(places.keys, Role::author));
    if (key.id != authority.author.id)
      return fail(why("alliance.key_mismatch"), "{} is {}, genesis names {}",
                  key_path(places.keys, Role::author).string(), hex(key.id), hex(authority.author.id));
    author = std::move(key);
    return {};
  }
  Result<statement::NamedSigner> load_root() const {
    if (!has_key(places.keys, Role::root))
      return fail(why("alliance.no_root_key"), "{}", key_path(places.keys, Role::root).string());
    auto key = HZ_TRY(load_key(places.keys, Role::root));
    const auto is_it = [&](const statement::NamedKey& root) { return root.id == key.id; };
    if (std::none_of(authority.roots.begin(), authority.roots.end(), is_it))
      return fail(why("alliance.key_mismatch"), "{} is {}, which genesis does not name",
                  key_path(places.keys, Role::root).string(), hex(key.id));
    return key;
  }
  Result<std::string> payload(const Draft& draft, const statement::Kind& kind, const statement::Idem& idem,
                              std::int64_t issued_ms) const {
    return statement::build_payload({.kind = kind.slug,
                                     .issuer = authority.genesis.member,
                                     .log = authority.origin,
                                     .role = kind.may_sign == statement::Signer::root ? "root" : "author",
                                     .issued_ms = issued_ms,
                                     .idem = idem,
                                     .audience = draft.audience,
                                     .refs = draft.refs,
                                     .subjects = draft.subjects,
                                     .body = &draft.body});
  }
  Result<statement::Statement> at(std::uint64_t index) {
    return statement::read_leaf(HZ_TRY(log.leaf(index)), authority.origin, index);
  }
  // The place of an earlier statement with this idempotency key. It must say the same; only its claimed time may
  // differ.
  Result<std::optional<Receipt>> repeated(const Draft& draft, const statement::Kind& kind,
                                          const statement::Idem& idem) {
    const auto index = HZ_TRY(log.find_idem(idem));
    if (!index) return std::optional<Receipt>();
    const auto known = HZ_TRY(at(*index));
    const std::string same = HZ_TRY(payload(draft, kind, idem, known.issued_ms));
    if (statement::statement_id(same) != known.id)
      return fail(why("alliance.idem_conflict"), "{} stands for statement {} at {}", hex(idem), known.id_text(),
                  *index);
    return std::optional(Receipt{known.id_text(), *index, true});
  }
};

Member::Member(std::unique_ptr<State> state) : state_(std::move(state)) {}
Member::Member(Member&&) noexcept = default;
Member& Member::operator=(Member&&) noexcept = default;
Member::~Member() = default;

Result<Member> Member::create(const fs::path& home, const CreateOptions& options, const Mounted& mounted,
                              const Seams& seams) {
  HZ_TRY(check_options(options));
  const Places places(home);
  {
    const auto there = log::Log::open_reader(places.log);
    if (there && there->head().size > 0)
      return fail(why("alliance.exists"), "{} is in {} with {} statements", there->origin(), home.string(),
                  there->head().size);
    // A database that only its writer can recover is judged below, where the writer opens it.
    if (!there && there.error().reason->slug != "log.missing" && !needs_writer(there.error()))
      return std::unexpected(there.error());
  }
  HZ_TRY(make_folder(home, 0700));
  HZ_TRY(make_folder(places.keys, 0700));
  HZ_TRY(make_folder(places.mark, 0700));
  HZ_TRY(make_folder(places.blobs, 0700));
  const auto log_signer = HZ_TRY(load_or_create_key(places.keys, options.origin, Role::log, *seams.rng));
  {
    auto log = log::Log::create(places.log, places.mark, options.origin, log_signer.key.duplicate());
    if (!log && log.error().reason->slug == "log.exists")
      log = log::Log::open(places.log, places.mark, log_signer.key.duplicate());
    if (!log) return std::unexpected(std::move(log).error());
    if (log->head().size > 0)
      return fail(why("alliance.exists"), "{} is in {} with {} statements", log->origin(), home.string(),
                  log->head().size);
    HZ_TRY(begin_log(*log, places.keys, options, seams));
  }
  return open(home, mounted, seams);
}

Result<Member> Member::open(const fs::path& home, const Mounted& mounted, const Seams& seams) {
  const Places places(home);
  const bool begun = has_key(places.keys, Role::log);
  auto log = log::Log::open_reader(places.log, log::Check::leaves, places.mark);
  if (!log && log.error().reason->slug == "log.missing") {
    if (begun) return fail(why("alliance.unfinished"), "{} has keys and no log", home.string());
    return fail(why("alliance.no_member"), "{}", home.string());
  }
  if (!log && needs_writer(log.error()) && fs::exists(places.log / "log.db-journal"))
    return fail(why("alliance.unfinished"), "{} has a log that was cut off while it was made", home.string());
  if (!log) return std::unexpected(std::move(log).error());
  if (log->head().size == 0) return fail(why("alliance.unfinished"), "{} has an empty log", home.string());
  auto authority = HZ_TRY(read_genesis(HZ_TRY(log->leaf(0)), log->origin()));
  if (!(authority.log_key == log->key()))
    return fail(why("alliance.genesis"), "{} signs checkpoints with {}, genesis names {}", log->origin(),
                log::format_vkey(log->key()), authority.genesis.log_key);
  auto blobs = HZ_TRY(blob::Store::open(places.blobs));
  return Member(std::unique_ptr<State>(new State{home,
                                                 places,
                                                 mounted,
                                                 seams,
                                                 *std::move(log),
                                                 std::move(authority),
                                                 std::move(blobs),
                                                 false,
                                                 {},
                                                 {},
                                                 false,
                                                 {}}));
}

const std::string& Member::id() const { return state_->authority.genesis.member; }
const std::string& Member::origin() const { return state_->authority.origin; }
const fs::path& Member::home() const { return state_->home; }
const Authority& Member::authority() const { return state_->authority; }
log::Log& Member::log() { return state_->log; }
blob::Store& Member::blobs() { return state_->blobs; }
Seams& Member::seams() { return state_->seams; }
void Member::set_dry_run(bool on) { state_->dry_run = on; }
const std::vector<std::string>& Member::dry_run_payloads() const { return state_->dry_run_payloads; }

Result<void> Member::become_writer() {
  State& state = *state_;
  if (state.writer) return {};
  auto key = HZ_TRY(load_key(state.places.keys, Role::log));
  // The entries were checked when this member was opened.
  state.log = HZ_TRY(log::Log::open(state.places.log, state.places.mark, std::move(key.key), log::Check::tiles));
  state.writer = true;
  return {};
}

Result<std::vector<Receipt>> Member::append(std::span<const Draft> drafts) {
  State& state = *state_;
  if (!state.dry_run) {
    HZ_TRY(state.load_author());
    HZ_TRY(become_writer());
  }
  std::optional<statement::NamedSigner> root;
  std::vector<Receipt> receipts(drafts.size());
  std::vector<log::Entry> entries;
  std::vector<std::size_t> slots;  // entries[i] answers receipts[slots[i]]
  entries.reserve(drafts.size());
  slots.reserve(drafts.size());
  const std::int64_t now_ms = state.seams.clock->now_ms();
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    const Draft& draft = drafts[i];
    const statement::Kind* kind = find_kind(state.mounted, draft.kind);
    if (!kind) return fail(why("alliance.unknown_kind"), "{}", draft.kind);
    HZ_TRY(kind->check(draft.body));
    statement::Idem idem;
    if (draft.idem) {
      idem = idem_of(*draft.idem);
      if (const auto known = HZ_TRY(state.repeated(draft, *kind, idem))) {
        receipts[i] = *known;
        continue;
      }
    } else {
      state.seams.rng->fill(idem);
    }
    std::string payload = HZ_TRY(state.payload(draft, *kind, idem, draft.issued_ms < 0 ? now_ms : draft.issued_ms));
    if (state.dry_run) {
      receipts[i] = {hex(statement::statement_id(payload)), state.log.head().size + slots.size(), false};
      slots.push_back(i);
      state.dry_run_payloads.push_back(std::move(payload));
      continue;
    }
    const bool by_root = kind->may_sign == statement::Signer::root;
    if (by_root && !root) root = HZ_TRY(state.load_root());
    const statement::NamedSigner* signers[] = {by_root ? &*root : &*state.author};
    auto made = HZ_TRY(statement::sign(payload, signers));
    if (made.leaf.size() > statement::leaf_policy_size_max)
      return fail(hz::statement::why("statement.too_large"), "a {} of {} bytes; this member writes at most {}",
                  kind->slug, made.leaf.size(), statement::leaf_policy_size_max);
    receipts[i].id = hex(made.id);
    entries.push_back({std::move(made.leaf), made.id, idem});
    slots.push_back(i);
  }
  if (entries.empty()) return receipts;
  const auto appended = HZ_TRY(state.log.append(entries));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    receipts[slots[i]].index = appended[i].index;
    receipts[slots[i]].repeated = appended[i].repeated;
  }
  return receipts;
}

Result<Receipt> Member::append(const Draft& draft) {
  auto receipts = HZ_TRY(append({&draft, 1}));
  return std::move(receipts.front());
}

Result<sql::Db*> Member::views() {
  State& state = *state_;
  if (!state.views) state.views.emplace(HZ_TRY(Views::open(state.places.views, state.mounted)));
  HZ_TRY(state.views->catch_up(state.source(), *state.seams.progress));
  return &state.views->db();
}

Result<std::string> Member::rebuild_views() {
  State& state = *state_;
  if (!state.views) state.views.emplace(HZ_TRY(Views::open(state.places.views, state.mounted)));
  HZ_TRY(state.views->clear());
  return view_digest(*HZ_TRY(views()));
}

Frontier Member::frontier() const {
  const log::Head& head = state_->log.head();
  Frontier out;
  out.logs.push_back({state_->authority.origin, head.size, hex(head.root)});
  const auto text = statement::canonical(to_json(out.logs));
  HZ_ASSERT(text.has_value());
  out.digest = hex(crypto::sha256(as_bytes(*text)));
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
