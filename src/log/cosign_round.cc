#include "log/cosign_round.h"

#include <algorithm>
#include <thread>

#include "log/cosignature.h"
#include "log/decimal.h"
#include "log/reasons.h"
#include "log/witness.h"

namespace hz::log {
namespace {

constexpr int asks_max = 3;
constexpr std::size_t answer_size_bytes_max = 64 * 1024;

struct Asking {
  const WitnessPeer* peer;
  std::uint64_t old_size = 0;
  http::Request request;
  std::optional<Result<http::Response>> response;
  std::optional<SignatureLine> line;
  std::optional<Error> fault;
  bool open = true;
};

// The peer's own line of a 200 answer, verified.
Result<SignatureLine> cosignature_of(std::string_view body, const std::string& text, const NoteKey& key) {
  const auto refuse = [&](std::string_view what) { return fail(why("log.witness_answer"), "{}: {}", key.name, what); };
  if (body.size() > answer_size_bytes_max) return refuse("the answer is too long");
  const auto note = parse_note(text + "\n" + std::string(body));
  if (!note || note->text != text) return refuse("the answer is not signature lines");
  for (const SignatureLine& line : note->signatures) {
    if (line.name != key.name || line.key_id != key.id()) continue;
    const auto cosignature = parse_cosignature(line.signature);
    if (!cosignature || cosignature->time_s == 0 || !verify_cosignature(text, key.key, line.signature))
      return refuse("the cosignature does not hold");
    return line;
  }
  return refuse("no line of its key");
}

class Round {
 public:
  Round(Log& log, std::span<const WitnessPeer> peers) : log_(log) {
    for (const WitnessPeer& peer : peers) asked_.push_back({&peer, 0, {}, {}, {}, {}, true});
  }

  Result<void> run(const RunAll& run_all) {
    note_ = HZ_TRY(parse_note(log_.checkpoint()));
    HZ_TRY(believe());
    for (int ask = 0; ask < asks_max; ++ask) {
      std::vector<std::function<void()>> tasks;
      for (Asking& a : asked_) {
        if (!a.open) continue;
        HZ_TRY(prepare(a));
        // Each task touches its own row only.
        tasks.push_back([&a] { a.response = a.peer->exchange(a.request); });
      }
      if (tasks.empty()) break;
      run_all(tasks);
      for (Asking& a : asked_)
        if (a.open) judge(a, ask + 1 == asks_max);
    }
    return {};
  }

  const std::vector<Asking>& asked() const { return asked_; }
  std::string note() const {
    Note out = note_;
    for (const Asking& a : asked_)
      if (a.line) out.signatures.push_back(*a.line);
    return format_note(out);
  }

 private:
  // A peer whose line the published note holds knows that size; of the others nothing is known, and 0 asks them.
  Result<void> believe() {
    const Published published = HZ_TRY(log_.published());
    const Note note = HZ_TRY(parse_note(published.note));
    for (Asking& a : asked_) {
      const NoteKey& key = a.peer->key;
      if (published.size <= log_.head().size && std::ranges::any_of(note.signatures, [&](const SignatureLine& s) {
            return s.name == key.name && s.key_id == key.id();
          }))
        a.old_size = published.size;
    }
    return {};
  }

  Result<void> prepare(Asking& a) {
    const auto path = HZ_TRY(log_.consistency_proof(a.old_size, log_.head().size));
    a.request = {};
    a.request.method = "POST";
    a.request.path = a.peer->prefix + "/add-checkpoint";
    a.request.headers = {{"content-type", "text/plain; charset=utf-8"}};
    a.request.body = format_add_checkpoint({a.old_size, path, log_.checkpoint()});
    return {};
  }

  void judge(Asking& a, bool last) {
    const auto fault = [&](const Reason& reason, std::string what) {
      a.fault = Error{&reason, fmt::format("{}: {}", a.peer->key.name, what)};
      a.open = false;
    };
    if (!*a.response) return fault(*a.response->error().reason, a.response->error().detail);
    const http::Response& response = **a.response;
    if (response.status == 409) {
      const std::string_view body = response.body;
      const auto size = body.ends_with('\n') ? parse_decimal(body.substr(0, body.size() - 1)) : std::nullopt;
      if (!size || *size == a.old_size || last) return fault(why("log.witness_answer"), "409 without a usable size");
      if (*size > log_.head().size)
        return fault(why("log.witness_ahead"),
                     fmt::format("it names size {}, the head has {}", *size, log_.head().size));
      a.old_size = *size;
      return;
    }
    a.open = false;
    if (response.status != 200) return fault(why("log.witness_answer"), fmt::format("status {}", response.status));
    auto line = cosignature_of(response.body, note_.text, a.peer->key);
    if (line) {
      a.line = *std::move(line);
    } else {
      a.fault = std::move(line).error();
    }
  }

  Log& log_;
  Note note_;
  std::vector<Asking> asked_;
};

// Asks the monitoring path what the peer really has: a signed note of ours, larger than the head, is proof.
Result<void> prove_ahead(Log& log, const WitnessPeer& peer) {
  http::Request request;
  request.path = fmt::format("{}/{}/checkpoint", peer.prefix, origin_hash(log.origin()));
  const auto response = peer.exchange(request);
  if (!response || response->status != 200) return {};
  const auto shown = open_checkpoint(response->body, log.key());
  if (shown && shown->size > log.head().size)
    return fail(why("log.witness_ahead"), "{} has the signed head of size {}, stored are {}", peer.key.name,
                shown->size, log.head().size);
  return {};
}

}  // namespace

void run_in_threads(std::span<const std::function<void()>> tasks) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < tasks.size(); ++i) threads.emplace_back(tasks[i]);
  if (!tasks.empty()) tasks[0]();
}

Result<CosignRound> cosign_round(Log& log, std::span<const WitnessPeer> peers, const Policy& policy,
                                 WithoutQuorum without_quorum, const RunAll& run_all,
                                 const std::function<Result<void>()>& before_publish) {
  Round round(log, peers);
  const NoteKey key = log.key();
  HZ_TRY(round.run(run_all));
  CosignRound out{log.head(), {}, false, false};
  std::vector<NoteKey> known = policy.witness_keys();
  for (const Asking& a : round.asked()) {
    WitnessAnswer answer{a.peer->key, std::nullopt, a.fault};
    if (a.line) answer.time_s = HZ_TRY(parse_cosignature(a.line->signature)).time_s;
    if (a.fault && a.fault->reason->slug == "log.witness_ahead") HZ_TRY(prove_ahead(log, *a.peer));
    if (std::ranges::find(known, a.peer->key) == known.end()) known.push_back(a.peer->key);
    out.answers.push_back(std::move(answer));
  }
  // Lines of earlier rounds for the same head count too: they are merged when it is published.
  Note note = HZ_TRY(parse_note(round.note()));
  const Published before = HZ_TRY(log.published());
  if (const Note old = HZ_TRY(parse_note(before.note)); old.text == note.text)
    note.signatures.insert(note.signatures.end(), old.signatures.begin(), old.signatures.end());
  const auto signers = known.empty() ? std::vector<const NoteKey*>() : [&] {
    auto verified = verify_note(note, known);
    return verified ? *std::move(verified) : std::vector<const NoteKey*>();
  }();
  out.quorum = quorum_met(policy, signers);
  out.published = out.quorum || without_quorum == WithoutQuorum::publish;
  if (!out.published) return out;
  if (before_publish) {
    HZ_TRY(before_publish());
    out.published = log.key() == key && HZ_TRY(log.published()).size <= out.head.size;
  }
  if (out.published) HZ_TRY(log.publish(round.note(), known));
  return out;
}

}  // namespace hz::log
