#include "alliance/fold.h"

#include "alliance/kinds.h"
#include "alliance/reasons.h"
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
      log.authority = *std::move(read);
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
  if (!changes_keys(s->kind)) {
    log.candidates.push_back({*std::move(s), Bytes(leaf.begin(), leaf.end())});
    return;
  }
  auto done = check_key_ids(*log.authority, *statement::decode_leaf(leaf), *s);
  if (done) done = apply(*log.authority, *s);
  if (!done) refuse(origin, index, s->kind, std::move(done).error());
}

void Judgement::finish(std::span<const Source> logs) {
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
        out.acts.push_back(std::move(c.statement));
      else
        refuse(origin, c.statement.index, c.statement.kind, std::move(speaks).error());
    }
  }
  membership_ = fold_membership(acts_, own_, read_fork_);
  for (RefusedAct& one : membership_.refused) refused_.push_back(std::move(one));
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
  HZ_TRY(db.exec("DELETE FROM alliance_refused WHERE kind LIKE 'alliance.%'"));
  // Every log's position is at most 2^63 - 1; an open end is NULL.
  const auto end = [](std::uint64_t n) {
    return n == no_end ? sql::Param() : sql::Param(static_cast<std::int64_t>(n));
  };
  for (const auto& [origin, log] : acts_) {
    const Genesis& genesis = log.authority.genesis;
    HZ_TRY(db.exec("INSERT INTO alliance_member VALUES(?,?,?,?,?)",
                   {genesis.member, genesis.name, origin, root_fingerprint(genesis), hex(log.authority.genesis_id)}));
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
  return {};
}

}  // namespace hz::alliance
