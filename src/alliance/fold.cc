#include "alliance/fold.h"

#include <algorithm>

#include "alliance/ballot_rows.h"
#include "alliance/kinds.h"
#include "alliance/reasons.h"
#include "log/checkpoint.h"
#include "statement/reasons.h"

namespace hz::alliance {
namespace {

const statement::Kind* own_kind(std::string_view slug) {
  for (const statement::Kind& kind : kinds())
    if (kind.slug == slug) return &kind;
  return nullptr;
}

bool changes_keys(std::string_view kind) {
  return kind == Genesis::kind || kind == KeyRotate::kind || kind == KeyRevoke::kind || kind == LogEnd::kind;
}

}  // namespace

Result<Judgement> Judgement::load(sql::Db& db, const std::string& own, ReadFork read_fork) {
  Judgement out(own, read_fork);
  HZ_TRY(db.query("SELECT origin, idx, holds, leaf FROM alliance_act ORDER BY origin, idx", {}, [&](const sql::Row& r) {
    out.take(r.text(0), static_cast<std::uint64_t>(r.integer(1)), r.integer(2) != 0, r.blob(3));
    return true;
  }));
  HZ_TRY(db.query("SELECT origin, size, root FROM alliance_root", {}, [&](const sql::Row& r) {
    out.roots_[{r.text(0), static_cast<std::uint64_t>(r.integer(1))}] = r.text(2);
    return true;
  }));
  return out;
}

Result<void> Judgement::scan(sql::Db& db, const Source& log, std::uint64_t from) {
  return log.visit(from, log.size, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
    if (index > 0 && !may_be_act(leaf)) return {};
    bool holds = true;  // genesis is checked when it is read
    if (index > 0) {
      const auto s = statement::read_leaf(leaf, log.origin, index);
      if (!s || !is_act(s->kind)) return {};  // what cannot be read is listed by the second pass
      const Authority* known = authority(log.origin);
      holds = known && check_signatures(*known, *statement::decode_leaf(leaf), *s).has_value();
    }
    HZ_TRY(db.exec("INSERT INTO alliance_act VALUES(?,?,?,?)",
                   {log.origin, static_cast<std::int64_t>(index), std::int64_t{holds}, leaf}));
    found_ = true;
    take(log.origin, index, holds, leaf);
    return {};
  });
}

void Judgement::refuse(const std::string& origin, std::uint64_t index, std::string_view kind, Error error) {
  refused_.push_back({origin, index, std::string(kind), std::move(error)});
}

void Judgement::take(const std::string& origin, std::uint64_t index, bool signatures_hold, ByteView leaf) {
  Log& log = logs_[origin];
  if (index == 0) {
    auto read = read_genesis(leaf, origin);
    if (read)
      log.authority = log.first = *std::move(read);
    else
      refuse(origin, 0, Genesis::kind, std::move(read).error());
    return;
  }
  if (!log.authority) return;
  auto s = statement::read_leaf(leaf, origin, index);
  if (!s) return;
  const statement::Kind* kind = own_kind(s->kind);
  if (!kind) return;  // of a newer program
  const bool by_root = kind->may_sign == statement::Signer::root;
  if (s->role != (by_root ? "root" : "author"))
    return refuse(origin, index, s->kind, {&why("alliance.role"), fmt::format("signed as {}", s->role)});
  if (!signatures_hold)
    return refuse(origin, index, s->kind,
                  {&statement::why("statement.signature"), fmt::format("{}[{}]", origin, index)});
  if (auto fits = kind->check(s->body); !fits) return refuse(origin, index, s->kind, std::move(fits).error());
  take_named(*s);
  if (!changes_keys(s->kind)) {
    log.candidates.push_back({*std::move(s), Bytes(leaf.begin(), leaf.end())});
    return;
  }
  auto done = check_key_ids(*log.authority, *statement::decode_leaf(leaf), *s);
  if (done) done = apply(*log.authority, *s);
  if (done)
    log.changes.push_back(*std::move(s));
  else
    refuse(origin, index, s->kind, std::move(done).error());
}

// The body has the fields of its kind: it was checked.
void Judgement::take_named(const statement::Statement& s) {
  const auto name = [&](const std::vector<FrontierEntry>& frontier) {
    for (const FrontierEntry& e : frontier)
      if (e.size > 0) named_.emplace(e.origin, e.size);
  };
  if (s.kind == BallotOpen::kind) name(from_json<BallotOpen>(s.body)->frontier);
  if (s.kind == BallotClose::kind) name(from_json<BallotClose>(s.body)->closing.frontier);
  const auto close = [&](const auto& said) {
    if (said.size > 0) named_.emplace(said.origin, static_cast<std::uint64_t>(said.size));
  };
  if (s.kind == Suspend::kind) close(*from_json<Suspend>(s.body));
  if (s.kind == Expel::kind) close(*from_json<Expel>(s.body));
  if (s.kind != BallotChallenge::kind) return;
  const auto note = log::parse_note(from_json<BallotChallenge>(s.body)->note);
  if (!note) return;
  if (const auto head = log::parse_checkpoint(note->text)) named_.emplace(head->origin, head->size);
}

Result<void> Judgement::read_roots(std::span<const Source> logs) {
  for (const Source& source : logs)
    for (auto at = named_.lower_bound({source.origin, 1}); at != named_.end() && at->first == source.origin; ++at) {
      if (at->second > source.size || roots_.contains(*at)) continue;
      roots_[*at] = hex(at->second == source.size ? source.root : HZ_TRY(source.root_at(at->second)));
    }
  return {};
}

// The logs as they were. A log whose keys did not change since gives a part of what is there; else it is judged anew.
class Judgement::Past final : public Archive {
 public:
  explicit Past(const Judgement& now) : now_(now) {}
  std::optional<LogView> prefix(const std::string& origin, std::uint64_t size) const override {
    const auto full = now_.acts_.find(origin);
    if (size == 0 || full == now_.acts_.end()) return std::nullopt;
    const Log& log = now_.logs_.at(origin);
    if (log.changes.empty() || log.changes.back().index < size) return view(full->second, size);
    const auto [at, added] = judged_.try_emplace({origin, size});
    if (added) {
      at->second.authority = *log.first;
      for (const statement::Statement& s : log.changes)
        if (s.index < size) static_cast<void>(apply(at->second.authority, s));  // it was applied before
      for (const Candidate& c : log.candidates)
        if (c.statement.index < std::min(size, at->second.authority.end) &&
            check_key_ids(at->second.authority, *statement::decode_leaf(c.leaf), c.statement))
          at->second.acts.push_back(c.statement);
    }
    return view(at->second, size);
  }
  std::optional<std::string> root(const std::string& origin, std::uint64_t size) const override {
    if (const auto found = now_.roots_.find({origin, size}); found != now_.roots_.end()) return found->second;
    for (const FrontierEntry& head : now_.heads_)  // nobody has named it yet
      if (head.origin == origin && head.size == size) return head.root;
    return std::nullopt;
  }

 private:
  static LogView view(const LogActs& log, std::uint64_t size) {
    const auto end = std::ranges::lower_bound(log.acts, size, {}, &statement::Statement::index);
    return {&log.authority, {log.acts.begin(), end}};
  }

  const Judgement& now_;
  mutable std::map<Position, LogActs> judged_;
};

Result<void> Judgement::finish(std::span<const Source> logs, const Sizes& sizes) {
  sizes_ = sizes;
  for (const Source& source : logs) heads_.push_back({source.origin, source.size, hex(source.root)});
  HZ_TRY(read_roots(logs));
  for (const Source& source : logs) {
    Log& log = logs_[source.origin];
    if (!log.authority || log.authority->signs_heads(source.head_key, source.size)) continue;
    refuse(source.origin, 0, Genesis::kind,
           {&why("alliance.genesis"), fmt::format("the head of {} is signed by {}, which no statement names",
                                                  source.size, log::format_vkey(source.head_key))});
    log.authority.reset();
  }
  for (auto& [origin, log] : logs_) {
    if (!log.authority) continue;
    LogActs& out = acts_.emplace(origin, LogActs{*log.authority, {}}).first->second;
    for (Candidate& c : log.candidates) {
      if (c.statement.index >= log.authority->end) continue;
      // By all that is known of the keys now: a revocation reaches back.
      auto speaks = check_key_ids(*log.authority, *statement::decode_leaf(c.leaf), c.statement);
      if (speaks)
        out.acts.push_back(c.statement);
      else
        refuse(origin, c.statement.index, c.statement.kind, std::move(speaks).error());
    }
  }
  const Past past(*this);
  BallotBook book(past, read_fork_);
  membership_ = book.fold(sizes_, own_);
  for (RefusedAct& one : membership_.refused) refused_.push_back(std::move(one));
  // Only whoever has the heads shows ballots; what went before is compared by its membership.
  if (!logs.empty() && !membership_.founder.empty()) ballots_ = book.ballots(sizes_, membership_.founder);
  return {};
}

Result<BallotClose> Judgement::next_closing(const Ballot& ballot) const {
  const Past past(*this);
  return BallotBook(past, read_fork_).next_closing(ballot, frontier(), sizes_);
}

const Authority* Judgement::authority(const std::string& origin) const {
  const auto found = logs_.find(origin);
  return found != logs_.end() && found->second.authority ? &*found->second.authority : nullptr;
}

std::string Judgement::about(const std::string& origin, std::uint64_t size) const {
  std::string out;
  const auto span = [&](std::uint64_t begin, std::uint64_t end) {
    if (begin < size) out += fmt::format("{} {}\n", begin, std::min(end, size));
  };
  if (const auto found = membership_.standings.find(origin); found != membership_.standings.end())
    for (const Range& r : found->second.counted) span(r.begin, r.end);
  const Authority* keys = authority(origin);
  if (!keys) return out + "no authority\n";
  for (const KeySpan& k : keys->keys) {
    if (k.from >= size) continue;
    out += hex(k.key.id) + " ";
    span(k.from, k.until);
  }
  return out;
}

Result<void> Judgement::write(sql::Db& db) const {
  for (const char* table : {"alliance_member", "alliance_key", "alliance_standing", "alliance_range",
                            "alliance_charter", "alliance_request"})
    HZ_TRY(db.exec(fmt::format("DELETE FROM {}", table)));
  // Acts only: other refusals are the second pass's.
  std::string acts = "DELETE FROM alliance_refused WHERE kind LIKE 'alliance.%'";
  for (const std::string_view kind : plain_kinds) acts += fmt::format(" AND kind <> '{}'", kind);
  HZ_TRY(db.exec(acts));
  // Every log's position is at most 2^63 - 1; an open end is NULL.
  const auto end = [](std::uint64_t n) {
    return n == no_end ? sql::Param() : sql::Param(static_cast<std::int64_t>(n));
  };
  for (const auto& [origin, log] : acts_) {
    const Genesis& genesis = log.authority.genesis;
    HZ_TRY(db.exec("INSERT INTO alliance_member VALUES(?,?,?,?,?,?)",
                   {genesis.member, genesis.name, origin, root_fingerprint(genesis), hex(log.authority.genesis_id),
                    genesis.box_key}));
    for (const KeySpan& k : log.authority.keys)
      HZ_TRY(db.exec("INSERT INTO alliance_key VALUES(?,?,?,?,?,?,?)",
                     {origin, role_text(k.role), verifier_text(k.key, k.role), static_cast<std::int64_t>(k.from),
                      end(k.until), std::int64_t{k.revoked}, hex(k.named_by)}));
  }
  for (const auto& [origin, s] : membership_.standings) {
    HZ_TRY(db.exec("INSERT INTO alliance_standing VALUES(?,?,?,?,?,?,?)",
                   {origin, enum_text(s.state), s.tier, s.url, s.pin, s.root_fingerprint, s.statement}));
    for (const Range& r : s.counted)
      HZ_TRY(db.exec("INSERT INTO alliance_range VALUES(?,?,?)",
                     {origin, static_cast<std::int64_t>(r.begin), end(r.end)}));
  }
  if (const auto& c = membership_.charter)
    HZ_TRY(db.exec(
        "INSERT INTO alliance_charter VALUES(?,?,?,?,?,?)",
        {membership_.founder, c->version, c->name, c->secretariat, json::dump(to_json(*c)), membership_.charter_id}));
  for (const auto& [origin, request] : membership_.requests)
    HZ_TRY(db.exec("INSERT INTO alliance_request VALUES(?,?,?,?,?,?)",
                   {origin, request.first.charter, request.first.url, request.first.pin, request.first.code_proof,
                    request.second}));
  for (const RefusedAct& r : refused_)
    HZ_TRY(db.exec("INSERT OR REPLACE INTO alliance_refused VALUES(?,?,?,?,?)",
                   {r.origin, static_cast<std::int64_t>(r.index), r.kind, r.error.reason->slug, r.error.detail}));
  for (const auto& [at, root] : roots_)
    HZ_TRY(db.exec("INSERT OR IGNORE INTO alliance_root VALUES(?,?,?)",
                   {at.first, static_cast<std::int64_t>(at.second), root}));
  return write_ballots(db, ballots_);
}

}  // namespace hz::alliance
