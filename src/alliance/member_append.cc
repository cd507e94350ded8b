// Writing: sign, append, and take over new keys.
#include <algorithm>

#include "alliance/incoming.h"
#include "alliance/keys.h"
#include "alliance/kinds.h"
#include "alliance/member_state.h"
#include "alliance/reasons.h"
#include "alliance/reserve.h"
#include "log/reasons.h"
#include "statement/canonical.h"
#include "statement/reasons.h"

namespace hz::alliance {

statement::Idem idem_of(const Digest& digest) {
  statement::Idem out;
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

Result<std::vector<log::Appended>> Member::State::append_entries(std::span<const log::Entry> entries) {
  auto done = log.append(entries);
  if (done || done.error().reason->slug != "sql.full" || !release_reserve(home)) return done;
  seams.progress->note(
      fmt::format("the disk of {} is full: its reserve of {} MiB was given back for what is being signed. Make room "
                  "now; the reserve "
                  "is taken again when {} MiB are free",
                  home.string(), reserve_size_bytes >> 20, reserve_size_bytes >> 19));
  return log.append(entries);
}

Result<void> Member::adopt_next_keys() {
  State& state = *state_;
  for (const Role role : {Role::log, Role::author, Role::witness, Role::root}) {
    const fs::path next_path = next_key_path(state.places.keys, role);
    std::error_code error;
    if (!fs::exists(next_path, error)) continue;
    const auto next = HZ_TRY(load_key_file(next_path, role));
    const auto speaks = [&](const KeySpan& k) {
      return k.role == role && k.key.id == next.id && k.speaks(state.log.head().size);
    };
    if (std::ranges::none_of(state.authority.keys, speaks)) continue;  // proposed, and not in the log yet
    if (role == Role::log && state.log.key().key != next.key.verifying_key()) {
      if (state.writer) {
        HZ_TRY(state.log.rekey(next.key.duplicate()));
      } else {  // as its writer, so that no other process appends in between
        auto old = HZ_TRY(load_key(state.places.keys, role));
        auto log = HZ_TRY(log::Log::open(state.places.log, state.places.mark, std::move(old.key), log::Check::tiles));
        HZ_TRY(log.rekey(next.key.duplicate()));
      }
    }
    // The old secret is kept beside it: the files of a member are never destroyed by a command.
    const fs::path path = key_path(state.places.keys, role);
    if (fs::exists(path, error)) {
      const auto old = HZ_TRY(load_key(state.places.keys, role));
      fs::rename(path, fs::path(fmt::format("{}.{}", path.string(), hex(old.id).substr(0, 8))), error);
    }
    if (!error) fs::rename(next_path, path, error);
    if (error) return fail(hz::why("base.write"), "{}: {}", path.string(), error.message());
  }
  return {};
}

Result<void> Member::become_writer() {
  State& state = *state_;
  if (state.writer) {
    const std::uint64_t before = state.log.head().size;
    const auto resumed = state.log.resume();
    if (resumed) return state.read_authority(before);
    // Another process changed the key of the log: the new one is in the folder by now.
    if (resumed.error().reason->slug != "log.wrong_key") return resumed;
    state.writer = false;
  }
  HZ_TRY(adopt_next_keys());
  auto key = HZ_TRY(load_key(state.places.keys, Role::log));
  const log::Head seen = state.log.head();
  // The entries were checked when this member was opened, and what came since is checked as it is read.
  auto log = HZ_TRY(log::Log::open(state.places.log, state.places.mark, std::move(key.key), log::Check::head));
  if (log.head().size < seen.size || HZ_TRY(log.root_at(seen.size)) != seen.root)
    return fail(hz::log::why("log.forked"), "{}: size {} does not extend size {}", state.places.log.string(),
                log.head().size, seen.size);
  state.log = std::move(log);
  state.writer = true;
  return state.read_authority(seen.size);
}

Result<std::vector<Receipt>> Member::append(std::span<const Draft> drafts) {
  State& state = *state_;
  const State::MovesOn fresh(state);
  if (!state.dry_run) HZ_TRY(become_writer());
  std::optional<std::vector<statement::NamedSigner>> roots;
  std::vector<Receipt> receipts(drafts.size());
  std::vector<log::Entry> entries;
  std::vector<std::size_t> slots;                    // entries[i] answers receipts[slots[i]]
  std::vector<Bytes> blobs;                          // encrypted bodies of the entries
  std::map<std::string, State::SealFor> readers_of;  // by audience: looked up once a batch
  std::map<statement::Idem, std::size_t> sealed_here;
  std::vector<std::pair<std::size_t, std::size_t>> twins;  // (draft, the equal one before it)
  entries.reserve(drafts.size());
  slots.reserve(drafts.size());
  const std::int64_t now_ms = state.seams.clock->now_ms();
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    const Draft& draft = drafts[i];
    const statement::Kind* kind = find_kind(state.mounted, draft.kind);
    if (!kind) return fail(why("alliance.unknown_kind"), "{}", draft.kind);
    HZ_TRY(kind->check(draft.body));
    const Audience audience = HZ_TRY(state.audience_of(draft, *kind));
    const bool sealed = audience.sealed() && !state.dry_run;  // a dry run shows what would be sealed
    statement::Idem idem;
    if (draft.idem) {
      idem = idem_of(*draft.idem);
      if (audience.sealed()) {
        auto place = HZ_TRY(state.sealed_place(draft, *kind, audience, idem));
        if (place.known) {
          receipts[i] = *place.known;
          continue;
        }
        idem = place.idem;
        // Twice in one batch: each would be sealed with its own salt, so the log could not see that they are equal.
        const auto [at, added] = sealed_here.emplace(idem, i);
        if (!added &&
            HZ_TRY(statement::canonical(drafts[at->second].body)) == HZ_TRY(statement::canonical(draft.body))) {
          twins.emplace_back(i, at->second);
          continue;
        }
        if (!added) return fail(why("alliance.idem_conflict"), "{} stands for two drafts", hex(idem));
      } else if (const auto known = HZ_TRY(state.repeated(draft, *kind, idem))) {
        receipts[i] = *known;
        continue;
      }
    } else {
      state.seams.rng->fill(idem);
    }
    std::optional<statement::SealedBody> body;
    if (sealed) {
      auto [known, added] = readers_of.try_emplace(audience.format());
      if (added) known->second = HZ_TRY(state.readers(*this, audience));
      body = HZ_TRY(statement::seal_body(draft.body, known->second.keys, *state.seams.rng));
      for (Bytes& blob : body->blobs) blobs.push_back(std::move(blob));
    }
    std::string payload = HZ_TRY(state.payload(draft, *kind, idem, draft.issued_ms < 0 ? now_ms : draft.issued_ms,
                                               body ? &body->seal : nullptr));
    if (state.dry_run) {
      receipts[i] = {hex(statement::statement_id(payload)), state.log.head().size + slots.size(), false};
      slots.push_back(i);
      state.dry_run_payloads.push_back(std::move(payload));
      continue;
    }
    const bool by_root = kind->may_sign == statement::Signer::root;
    if (by_root && !roots) roots = HZ_TRY(state.load_roots());
    std::vector<const statement::NamedSigner*> signers;
    if (by_root)
      for (const auto& root : *roots) signers.push_back(&root);
    else {
      HZ_TRY(state.load_author());
      signers.push_back(&*state.author);
    }
    auto made = HZ_TRY(statement::sign(payload, signers));
    if (made.leaf.size() > statement::leaf_policy_size_max)
      return fail(hz::statement::why("statement.too_large"), "a {} of {} bytes; this member writes at most {}",
                  kind->slug, made.leaf.size(), statement::leaf_policy_size_max);
    receipts[i].id = hex(made.id);
    entries.push_back({std::move(made.leaf), made.id, idem});
    slots.push_back(i);
  }
  const auto answer_twins = [&] {
    for (const auto& [twin, first] : twins) receipts[twin] = {receipts[first].id, receipts[first].index, true};
  };
  if (entries.empty()) {
    answer_twins();
    return receipts;
  }
  // Bodies first: a statement whose body is nowhere could never be read.
  HZ_TRY(state.blobs.put_all(blobs));
  HZ_TRY(state.note_readers(readers_of));
  const std::uint64_t before = state.log.head().size;
  const auto appended = HZ_TRY(state.append_entries(entries));
  state.appended(before);
  HZ_TRY(state.read_authority(before));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    receipts[slots[i]].index = appended[i].index;
    receipts[slots[i]].repeated = appended[i].repeated;
  }
  answer_twins();
  return receipts;
}

Result<Receipt> Member::append_signed(ByteView leaf) {
  State& state = *state_;
  const State::MovesOn fresh(state);
  if (!state.dry_run) HZ_TRY(become_writer());
  const std::uint64_t index = state.log.head().size;
  const statement::Statement s = HZ_TRY(check_statement(state.authority, leaf, index));
  // What would be listed as refused is not appended in the first place.
  Authority after = state.authority;
  HZ_TRY(apply(after, s));
  if (state.dry_run) {
    state.dry_run_payloads.emplace_back(HZ_TRY(statement::decode_leaf(leaf)).payload);
    return Receipt{s.id_text(), index, false};
  }
  const log::Entry entry{Bytes(leaf.begin(), leaf.end()), s.id, s.idem};
  const auto appended = HZ_TRY(state.append_entries({&entry, 1}));
  state.appended(index);
  HZ_TRY(state.read_authority(index));
  return Receipt{s.id_text(), appended.front().index, appended.front().repeated};
}

Result<std::vector<Receipt>> Member::append_incoming(std::span<Incoming> batch) {
  State& state = *state_;
  const State::MovesOn fresh(state);
  if (!state.dry_run) HZ_TRY(become_writer());
  const std::uint64_t before = state.log.head().size;
  std::vector<Receipt> receipts;
  std::vector<log::Entry> entries;
  receipts.reserve(batch.size());
  entries.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Incoming& one = batch[i];
    one.statement.index = before;  // no change of keys is among them, so the same keys speak for all
    const auto frame = HZ_TRY(statement::decode_leaf(one.leaf));
    auto speaks = check_key_ids(state.authority, frame, one.statement);
    if (speaks && one.keys_known != state.authority.keys.size())
      speaks = check_signatures(state.authority, frame, one.statement);
    // A repeat is harmless, also when its key speaks no more.
    if (!speaks && !HZ_TRY(state.log.find(one.statement.id)))
      return within(fmt::format("leaf {}", i), std::move(speaks).error());
    receipts.push_back({one.statement.id_text(), before + i, false});
    if (state.dry_run)
      state.dry_run_payloads.emplace_back(frame.payload);
    else
      entries.push_back({std::move(one.leaf), one.statement.id, one.statement.idem});
  }
  if (entries.empty()) return receipts;
  const auto appended = HZ_TRY(state.append_entries(entries));
  state.appended(before);  // no change of keys is among them: nothing has to be read again
  for (std::size_t i = 0; i < appended.size(); ++i) {
    receipts[i].index = appended[i].index;
    receipts[i].repeated = appended[i].repeated;
  }
  return receipts;
}

Result<Receipt> Member::append(const Draft& draft) {
  auto receipts = HZ_TRY(append({&draft, 1}));
  return std::move(receipts.front());
}

}  // namespace hz::alliance
