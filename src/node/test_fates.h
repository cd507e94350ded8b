// Random fates of requests through the gateway, without sockets: what a carrier would tell a passage, drawn from a
// seed. Every request that was begun has to stand in the meter exactly once, with the fate it had, whatever happened:
// servers that die before or within an answer, clients that leave, quotas, answers that are not taken, tables that
// change, and a node that is killed again and again. For tests and bench/fates.cc.
#pragma once
#include <algorithm>
#include <fstream>
#include <set>
#include <unordered_map>

#include "base/fs.h"
#include "node/gateway.h"
#include "pool/api_key.h"

namespace hz::node {

struct FatesReport {
  std::int64_t requests = 0, begun = 0, kills = 0, tables = 0, tries = 0, not_taken = 0;
  std::map<std::string, std::int64_t> fates;
  std::vector<std::string> faults;  // empty: every request counts once
};

class Fates {
 public:
  Fates(std::uint64_t seed, fs::path folder) : rng_(seed), folder_(std::move(folder)) {
    for (int i = 0; i < 4; ++i) {
      const pool::NewKey made = pool::new_key(rng_);
      secrets_.push_back(made.secret);
      pool::ApiKey key{made.id, "key", hex(pool::secret_hash(made.secret)), {}, 0, 0, 0};
      key.products = {"product:a", "product:b"};
      if (i != 1) key.products.push_back("product:c");
      if (i == 2) key.requests_per_minute = 50;
      if (i == 3) key.units_per_minute = 400;
      said_.keys[made.id] = {key, false, "s"};
      limits_[made.id] = key.requests_per_minute;
    }
    begin_life();
  }

  FatesReport run(std::int64_t requests) {
    while (report_.requests < requests || !open_.empty()) {
      clock_.advance_ms(static_cast<std::int64_t>(rng_.below(3)));
      if (report_.requests < requests && one_in(requests / 40 + 1)) kill();
      if (one_in(500)) change_table();
      if (report_.requests < requests && (open_.size() < 16 || one_in(2)) && open_.size() < 64) {
        start();
        continue;
      }
      const std::size_t at = rng_.below(open_.size());
      if (step(*open_[at])) continue;
      open_[at] = std::move(open_.back());
      open_.pop_back();
    }
    if (gateway_->bodies_bytes() != 0) fault("bytes of bodies are still held");
    nobody_is_stuck();
    open_.clear();
    gateway_.reset();
    journal_.reset();
    check();
    return report_;
  }

 private:
  struct Running {
    http::Request request;
    std::unique_ptr<net::Passage> passage;
    std::string key, claim;
    std::int64_t window = 0;
    bool arrived = false, begun = false;
    std::vector<std::string> tried;
    std::optional<net::Upstream> at;  // the try under way
  };

  bool one_in(std::int64_t n) { return rng_.below(static_cast<std::uint64_t>(n)) == 0; }
  void fault(std::string what) {
    if (report_.faults.size() < 20) report_.faults.push_back(std::move(what));
  }

  void begin_life() {
    auto journal =
        pool::MeterJournal::open(folder_, rng_, clock_, {.file_bytes_max = 1 << 20, .sync_ms = 0, .hold_lines = true});
    HZ_ASSERT(journal.has_value());
    for (const Error& e : (*journal)->faults()) fault(e.text());
    journal_ = *std::move(journal);
    GatewayLimits limits;
    limits.breaker = {.failures_max = 5, .open_ms = 20, .open_ms_max = 200};
    gateway_.emplace(*journal_, clock_, clock_, limits);
    change_table();
  }

  // A claim stands at one site for one product; which run, and how much of the traffic each gets, changes.
  void change_table() {
    ++report_.tables;
    std::vector<pool::Serving> servers;
    int port = 1;
    for (const char* product : {"product:a", "product:b", "product:c"}) {
      auto& routed = said_.routes[product];
      routed.statement = "s";
      routed.route = {product, {}, {}, "", 10'000};
      const int n = product[8] == 'a' ? 3 : product[8] == 'b' ? 2 : 1;
      for (int i = 0; i < n; ++i, ++port) {
        pool::Target target{fmt::format("c{}", port), "site:s", "backend:b", static_cast<std::int64_t>(rng_.below(4))};
        if (all_here_) target.weight += 1;
        routed.route.targets.push_back(target);
        if (!all_here_ && one_in(6)) continue;
        servers.push_back({target.claim, product, target.site, target.backend, "127.0.0.1",
                           static_cast<std::uint16_t>(port), "model", "", ""});
      }
    }
    gateway_->use(make_gateway_table(said_, servers));
  }

  // Nothing is told to anybody; what the last write left may be half a line.
  void kill() {
    ++report_.kills;
    for (const auto& r : open_)
      if (r->begun) expect(*r, pool::Fate::node_died);
    open_.clear();
    used_.clear();  // quotas are kept in memory
    gateway_.reset();
    journal_.reset();
    if (one_in(2)) {
      std::vector<fs::path> files;
      for (const auto& entry : fs::directory_iterator(folder_))
        if (entry.path().extension() == ".meter") files.push_back(entry.path());
      if (!files.empty()) {
        const auto newest = *std::ranges::max_element(files);
        if (!fs::exists(fs::path(newest).replace_extension(".sums.json")))
          std::ofstream(newest, std::ios::app) << "begin\ttorn";
      }
    }
    begin_life();
  }

  void start() {
    ++report_.requests;
    auto r = std::make_unique<Running>();
    const std::size_t who = rng_.below(secrets_.size());
    const char product = static_cast<char>('a' + rng_.below(3));
    std::string secret = secrets_[who];
    if (one_in(50)) secret.back() = secret.back() == '0' ? '1' : '0';
    r->request.method = "POST";
    r->request.headers = {{"authorization", "Bearer " + secret}};
    if (one_in(3)) {
      r->request.path = "/v1/chat/completions";
      r->request.body = fmt::format(R"({{"model":"{}","max_tokens":{},"stream":{},"messages":[]}})", product,
                                    rng_.below(64), one_in(2));
      if (one_in(20)) r->request.body.resize(rng_.below(r->request.body.size()));
    } else {
      r->request.path = fmt::format("/v2/models/{}/infer", product);
      r->request.body = "{}";
    }
    r->request.headers.push_back({"content-length", std::to_string(r->request.body.size())});
    r->key = std::string(*pool::key_id_of(secret));
    r->window = clock_.now_ms() / 60'000;
    auto passage = gateway_->passage(r->request);
    if (!passage) return;
    r->passage = *std::move(passage);
    if (one_in(30)) return;  // the body never came
    open_.push_back(std::move(r));
  }

  struct Expected {
    pool::Fate fate;
    int status;
  };
  void expect(const Running& r, pool::Fate fate, int status = 0) {
    if (!expected_.emplace(r.claim, Expected{fate, status}).second) fault("a claim was given twice: " + r.claim);
    ++report_.fates[std::string(pool::fate_text(fate))];
    if (fate == pool::Fate::refused || fate == pool::Fate::node_died || !limits_[r.key]) return;
    if (++used_[{r.key, r.window}] > limits_[r.key]) fault("more requests than the quota of " + r.key);
  }

  // False: the request is over.
  bool step(Running& r) {
    if (!r.arrived) {
      r.arrived = true;
      if (r.request.path.starts_with("/v1")) r.window = clock_.now_ms() / 60'000;
      const std::uint64_t before = journal_->begins();
      r.passage->arrived(r.request);
      if (journal_->begins() != before) {
        r.begun = true;
        ++report_.begun;
        r.claim = fmt::format("{}-{:x}", journal_->run(), before + 1);
      }
      return true;
    }
    if (!r.at) {
      const std::uint64_t before = journal_->begins();
      journal_->write_lines();  // as the carrier does, for all that arrived meanwhile
      r.at = r.passage->next();
      if (journal_->begins() != before) fault("one request was begun twice");
      if (!r.at) {
        const http::Response answer = r.passage->refusal();
        if (answer.status < 400) fault("a refusal that is none");
        if (r.begun)
          expect(r, pool::Fate::refused, answer.status);
        else
          ++report_.not_taken;
        return false;
      }
      ++report_.tries;
      const std::string_view claim = http::header(r.at->shown, "hezong-request");
      if (!r.begun || r.claim != claim) fault(fmt::format("a try as {}, in the meter as {}", claim, r.claim));
      return true;
    }
    return end_try(r);
  }
  bool end_try(Running& r) {
    using net::TryEnd;
    net::Tried tried;
    tried.request_bytes = r.request.body.size();
    tried.kept = one_in(3);
    const std::string place = std::to_string(r.at->port);
    if (std::ranges::find(r.tried, place) != r.tried.end()) fault("a server that had failed was tried again");
    r.at.reset();
    const std::uint64_t dice = rng_.below(27);
    if (dice < 20) {
      static constexpr int statuses[] = {200, 200, 200, 200, 200, 200, 400, 404, 429, 500, 503};
      tried.status = statuses[rng_.below(std::size(statuses))];
      if (!r.passage->takes(tried.status)) {
        tried.end = TryEnd::declined;
        r.tried.push_back(place);
        r.passage->ended(tried);
        return true;
      }
      const bool stream = one_in(2);
      const std::string_view piece = stream ? "data: {}\n\n" : R"({"usage":{"total_tokens":7}})";
      const std::uint64_t n = stream ? rng_.below(5) : 1;
      for (std::uint64_t i = 0; i < n; ++i) {
        r.passage->saw(piece);
        tried.answer_bytes += piece.size();
      }
      tried.end = dice < 18 ? TryEnd::whole : dice == 18 ? TryEnd::cut : TryEnd::client_gone;
      r.passage->ended(tried);
      expect(r, dice < 18 ? pool::Fate::whole : dice == 18 ? pool::Fate::cut : pool::Fate::client_gone, tried.status);
      return false;
    }
    static constexpr TryEnd ends[] = {TryEnd::unreachable, TryEnd::closed, TryEnd::closed,     TryEnd::late,
                                      TryEnd::not_http,    TryEnd::closed, TryEnd::client_gone};
    tried.end = ends[dice - 20];
    if (tried.end == TryEnd::late) clock_.advance_ms(3'000);
    r.passage->ended(tried);
    if (tried.end == TryEnd::client_gone) {
      expect(r, pool::Fate::client_gone);
      return false;
    }
    // A kept connection that was closed says nothing about its server, which may be tried again.
    if (tried.end != TryEnd::closed || !tried.kept) r.tried.push_back(place);
    return true;
  }

  // Every server is reached again once all of them answer.
  void nobody_is_stuck() {
    all_here_ = true;
    change_table();
    clock_.advance_ms(120'000);
    std::set<std::uint16_t> reached;
    for (int i = 0; i < 600; ++i) {
      http::Request request{.method = "POST", .path = fmt::format("/v2/models/{}/infer", "abc"[i % 3])};
      request.headers = {{"authorization", "Bearer " + secrets_[0]}};
      if (i % 100 == 99) change_table();
      auto passage = gateway_->passage(request);
      if (!passage || !*passage) {
        fault("a good request was refused at the end");
        continue;
      }
      ++report_.requests;
      const std::uint64_t before = journal_->begins();
      (*passage)->arrived(request);
      report_.begun += journal_->begins() != before;
      const auto to = (*passage)->next();
      if (!to) {
        fault("no server was found at the end");
        continue;
      }
      reached.insert(to->port);
      net::Tried tried;
      tried.status = 200;
      (*passage)->ended(tried);
      Running r;
      r.key = std::string(*pool::key_id_of(secrets_[0]));
      r.claim = http::header(to->shown, "hezong-request");
      expect(r, pool::Fate::whole, 200);
    }
    if (reached.size() != 6) fault(fmt::format("only {} of 6 servers are reached again", reached.size()));
  }

  void check() {
    std::int64_t found = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() != ".meter") continue;
      const auto text = read_text(entry.path(), 1u << 30);
      const auto file = text ? pool::read_meter(*text) : std::unexpected(text.error());
      if (!file) {
        fault(entry.path().filename().string() + ": " + file.error().text());
        continue;
      }
      for (const pool::Metered& m : file->requests) {
        ++found;
        const auto e = expected_.find(m.begin.claim);
        if (e == expected_.end()) {
          fault("in the meter and never begun, or twice: " + m.begin.claim);
          continue;
        }
        if (e->second.fate != m.end.fate || (m.end.fate != pool::Fate::node_died && e->second.status != m.end.status))
          fault(fmt::format("{}: {} {} in the meter, {} {} it was", m.begin.claim, pool::fate_text(m.end.fate),
                            m.end.status, pool::fate_text(e->second.fate), e->second.status));
        expected_.erase(e);
      }
    }
    if (!expected_.empty()) fault(fmt::format("{} requests are not in the meter", expected_.size()));
    if (found != report_.begun) fault(fmt::format("{} in the meter, {} begun", found, report_.begun));
    std::int64_t summed = 0;
    const pool::MeterSums sums = pool::read_meter_folder(folder_);
    for (const pool::Usage& u : sums.usage) summed += u.requests;
    if (summed != found || !sums.faults.empty()) fault(fmt::format("{} summed up, {} in the meter", summed, found));
  }

  SeededRng rng_;
  const fs::path folder_;
  ManualClock clock_{1'800'000'000'000};
  std::vector<std::string> secrets_;
  pool::GateTable said_;
  std::map<std::string, std::int64_t> limits_;
  std::unique_ptr<pool::MeterJournal> journal_;
  std::optional<Gateway> gateway_;
  std::vector<std::unique_ptr<Running>> open_;
  std::unordered_map<std::string, Expected> expected_;
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> used_;
  bool all_here_ = false;
  FatesReport report_;
};

}  // namespace hz::node
