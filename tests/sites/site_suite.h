// The conformance suite of site adapters: what every place that executes must do, run over each of them.
#pragma once
#include <doctest/doctest.h>
#include <signal.h>

#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "base/seams.h"
#include "crypto/hash.h"
#include "pool/claims.h"
#include "pool/reasons.h"
#include "sandbox/plain_http.h"
#include "standards/golden.h"
#include "standards/oip_session.h"

namespace hz::pool {

// One site to test. `open` gives a new adapter object each time, as a restarted node would make one.
struct Bench {
  fs::path home;
  SiteConfig config;
  std::function<std::unique_ptr<SiteAdapter>(const SiteConfig&)> open;
  std::function<fs::path(const std::string& claim)> kept_in;  // where the keeper of a claim works
  std::int64_t ready_ms_max = 30'000;
};

inline const fs::path products = fs::path(HZ_SOURCE_DIR) / "examples/alliance/products";

inline ServerJob job_of(const Bench& bench, const std::string& claim, const std::string& product = "glyph",
                        const std::string& backend = "refrt") {
  ServerJob job;
  job.claim = claim;
  job.site = bench.config.site;
  job.product = "product:" + product;
  job.backend = "backend:" + backend;
  job.model_path = (products / (product + ".onnx")).string();
  job.model_sha256 = hex(crypto::sha256(read_file(job.model_path, 1u << 30).value()));
  job.limits = {.memory_bytes_max = std::int64_t{1} << 30, .pids_max = 64, .wall_ms_max = 600'000};
  job.deadline_ms = system_clock().now_ms() + bench.ready_ms_max;
  job.evidence = "e" + std::string(63, '0');
  return job;
}

inline std::map<std::string, Serving> all_serving(const fs::path& folder) {
  std::map<std::string, Serving> out;
  const ServingFolder read = read_serving_folder(folder);
  for (const Error& fault : read.faults) FAIL(fault.text());
  for (const Serving& one : read.servers) out[one.claim] = one;
  return out;
}

template <class T>
std::string slug(const Result<T>& result) {
  return result ? "" : std::string(result.error().reason->slug);
}

// Observes until the state is there or is over; what was seen last.
inline Observed until(SiteAdapter& site, const std::string& claim, JobState wanted, std::int64_t ms = 60'000) {
  Observed seen;
  for (const auto end = sandbox::in_ms(ms); std::chrono::steady_clock::now() < end;) {
    auto now = site.observe(claim);
    const std::string trouble = now ? "" : now.error().text();
    REQUIRE_MESSAGE(now, trouble);
    seen = *now;
    if (seen.state == wanted || is_over(seen.state)) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const std::string note = fmt::format("{} {} {}", enum_text(seen.state), seen.reason, seen.detail);
  CHECK_MESSAGE(seen.state == wanted, note);
  return seen;
}

inline std::string post(const Observed& at, const std::string& path, const std::string& body) {
  auto answer = sandbox::plain_exchange(at.address, static_cast<std::uint16_t>(at.port),
                                        10'000)({.method = "POST", .path = path, .body = body});
  return answer ? answer->body : answer.error().text();
}

// The whole golden set through the server's door, judged as conformance judges it.
inline standards::Judgement golden_through(const Observed& at, const std::string& product) {
  const auto golden = standards::decode_golden(read_file(products / (product + ".golden"), 1u << 30).value()).value();
  auto line = sandbox::PlainHttp::open(at.address, static_cast<std::uint16_t>(at.port), sandbox::in_ms(5'000)).value();
  std::vector<float> logits(golden.reference.size());
  for (std::size_t first = 0; first < golden.cases; first += 64) {
    const std::size_t count = std::min<std::size_t>(64, golden.cases - first);
    onnx::Value input;
    input.type = onnx::Value::Type::tensor;
    input.name = golden.input_name;
    input.tensor = golden.batch(first, count);
    const auto message = standards::oip::encode_infer({input});
    const auto answer = line.ask("POST", "/v2/models/" + at.model + "/infer",
                                 {{"content-type", "application/octet-stream"},
                                  {"inference-header-content-length", std::to_string(*message.json_bytes)}},
                                 message.body, sandbox::in_ms(30'000));
    REQUIRE(answer);
    REQUIRE(*answer);
    REQUIRE((*answer)->status == 200);
    const auto reply = standards::oip::decode_infer(
        (*answer)->body, std::stoul(std::string(http::header((*answer)->headers, "inference-header-content-length"))));
    REQUIRE(reply);
    REQUIRE(reply->outputs.at(0).tensor.data.size() == count * golden.classes.size() * sizeof(float));
    std::memcpy(logits.data() + first * golden.classes.size(), reply->outputs[0].tensor.data.data(),
                reply->outputs[0].tensor.data.size());
  }
  return standards::judge_golden(golden, logits, 900, false);
}

// The server's own process: the keeper's child keeps the room, and its child is the server.
inline pid_t server_process(const Bench& bench, const std::string& claim) {
  const auto keeper = ClaimFolder(bench.kept_in(claim)).keeper().value();
  REQUIRE(keeper);
  std::int64_t pid = keeper->pid;
  for (int generation = 0; generation < 2; ++generation)
    pid = std::atoll(read_text(fmt::format("/proc/{0}/task/{0}/children", pid), 4096).value_or("0").c_str());
  REQUIRE(pid > 1);
  return static_cast<pid_t>(pid);
}

inline SiteConfig misbehaving(const Bench& bench, const std::string& mode) {
  SiteConfig config = bench.config;
  const std::string script = std::string(HZ_SOURCE_DIR) + "/tests/sites/server.py";
  config.command = {"/usr/bin/python3", "-I", script, mode};
  config.read_paths = {script};
  config.hang_ms_max = 700;
  return config;
}

inline void suite_serves(const Bench& bench) {
  auto site = bench.open(bench.config);
  const auto devices = site->inventory().value();
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].count > 0);
  CHECK(site->health().ok);
  CHECK(slug(site->observe("nobody-asked")) == "pool.no_claim");
  CHECK(slug(site->cancel("nobody-asked")) == "pool.no_claim");
  CHECK(slug(site->usage("nobody-asked")) == "pool.no_claim");
  CHECK(slug(site->observe("../../etc")) == "pool.no_claim");

  ServerJob job = job_of(bench, "serves-1");
  REQUIRE(site->submit(job));
  job.deadline_ms += 1000;  // the same job, asked again later, by a process that knows nothing of the first
  REQUIRE(bench.open(bench.config)->submit(job));
  ServerJob other = job;
  other.product = "product:intent";
  CHECK(slug(site->submit(other)) == "pool.claim_conflict");
  const Observed ready = until(*site, job.claim, JobState::ready);
  CHECK(ready.sha256 == job.model_sha256);
  CHECK(ready.model == "glyph");
  CHECK(ready.port > 0);

  // What the gateway reads.
  auto serving = all_serving(bench.home / "serving");
  REQUIRE(serving.contains(job.claim));
  CHECK(serving[job.claim].port == ready.port);
  CHECK(serving[job.claim].sha256 == job.model_sha256);
  CHECK(serving[job.claim].evidence == job.evidence);
  CHECK(serving[job.claim].site == bench.config.site);

  const auto judged = golden_through(ready, "glyph");
  CHECK(judged.verdict == standards::Verdict::strict);

  // Usage: integers that only grow, and stay when it is over.
  JobUsage before = site->usage(job.claim).value();
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    const JobUsage now = bench.open(bench.config)->usage(job.claim).value();
    CHECK(now.wall_ms >= before.wall_ms);
    CHECK(now.cpu_ms >= before.cpu_ms);
    CHECK(now.device_ms >= before.device_ms);
    before = now;
  }
  CHECK(before.wall_ms > 0);
  CHECK(before.cpu_ms > 0);

  // Ended twice, by two processes.
  CHECK(site->cancel(job.claim).value().state == JobState::ended);
  CHECK(bench.open(bench.config)->cancel(job.claim).value().state == JobState::ended);
  CHECK(site->observe(job.claim).value().state == JobState::ended);
  CHECK_FALSE(all_serving(bench.home / "serving").contains(job.claim));
  CHECK_FALSE(sandbox::PlainHttp::open(ready.address, static_cast<std::uint16_t>(ready.port), sandbox::in_ms(1000)));
  const JobUsage last = site->usage(job.claim).value();
  CHECK(last.wall_ms >= before.wall_ms);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(site->usage(job.claim).value().wall_ms == last.wall_ms);
  // A claim is one job for ever: asked again it is over, and nothing starts.
  CHECK(site->submit(job).value().state == JobState::ended);
}

inline void suite_one_of_many(const Bench& bench) {
  const ServerJob job = job_of(bench, "asked-by-many", "keyword");
  std::vector<std::jthread> askers;
  std::atomic<int> done = 0;
  for (int i = 0; i < 6; ++i) askers.emplace_back([&] { done += bench.open(bench.config)->submit(job).has_value(); });
  askers.clear();
  CHECK(done == 6);
  auto site = bench.open(bench.config);
  const Observed ready = until(*site, job.claim, JobState::ready);
  CHECK(golden_through(ready, "keyword").verdict == standards::Verdict::strict);
  const pid_t server = server_process(bench, job.claim);
  ::kill(server, SIGKILL);
  const Observed after = until(*site, job.claim, JobState::failed, 15'000);
  CHECK(after.reason == "pool.job_ended");
  CHECK(after.detail.find("SIGKILL") != std::string::npos);
  CHECK_FALSE(all_serving(bench.home / "serving").contains(job.claim));
}

inline void suite_misbehaving(const Bench& bench) {
  const std::pair<std::string, std::string> modes[] = {{"liar", "pool.job_digest"},  {"silent", "pool.job_digest"},
                                                       {"turns", "pool.job_digest"}, {"refuses", "pool.job_load"},
                                                       {"dies", "pool.job_ended"},   {"hangs", "pool.job_hangs"},
                                                       {"deaf", "pool.job_late"},    {"mute", "pool.job_late"}};
  std::vector<std::unique_ptr<SiteAdapter>> sites;
  for (const auto& [mode, reason] : modes) {
    sites.push_back(bench.open(misbehaving(bench, mode)));
    ServerJob job = job_of(bench, "bad-" + mode);
    if (reason == "pool.job_late") job.deadline_ms = system_clock().now_ms() + 3'000;
    auto submitted = sites.back()->submit(job);
    const std::string trouble = submitted ? "" : submitted.error().text();
    REQUIRE_MESSAGE(submitted, trouble);
  }
  for (std::size_t i = 0; i < std::size(modes); ++i) {
    CAPTURE(modes[i].first);
    const Observed seen = until(*sites[i], "bad-" + modes[i].first, JobState::failed, 40'000);
    CHECK(seen.reason == modes[i].second);
    CHECK_FALSE(all_serving(bench.home / "serving").contains(seen.claim));
    if (modes[i].first == "dies") {
      CHECK(seen.detail.find("could not bear it") != std::string::npos);
      CHECK(sites[i]->log(seen.claim).value().find("could not bear it") != std::string::npos);
    }
  }
  // Bytes that are not what was asked for never reach a server.
  ServerJob wrong = job_of(bench, "wrong-bytes");
  wrong.model_sha256 = std::string(64, 'a');
  auto site = bench.open(bench.config);
  REQUIRE(site->submit(wrong));
  CHECK(until(*site, wrong.claim, JobState::failed).reason == "pool.model_digest");
}

inline void suite_drain(const Bench& bench) {
  auto site = bench.open(bench.config);
  REQUIRE(site->drain(true));
  CHECK(slug(bench.open(bench.config)->submit(job_of(bench, "while-draining"))) == "pool.site_drained");
  CHECK(site->health().draining);
  CHECK_FALSE(site->health().ok);
  CHECK(site->offer().value().at(0).count == 0);
  CHECK(site->inventory().value().at(0).count > 0);
  REQUIRE(site->drain(true));
  REQUIRE(site->drain(false));
  REQUIRE(site->drain(false));
  CHECK(site->health().ok);
  CHECK(site->offer().value().at(0).count > 0);
  // Refusal left no trace: the claim is free.
  REQUIRE(site->submit(job_of(bench, "while-draining")));
  until(*site, "while-draining", JobState::ready);
  REQUIRE(site->cancel("while-draining"));
}

// What one job can see of another, and of the member that runs it.
inline void suite_separated(const Bench& bench) {
  std::ofstream(bench.home / "author.key") << "secret";
  auto probing = bench.open(misbehaving(bench, "honest"));
  auto site = bench.open(bench.config);
  REQUIRE(site->submit(job_of(bench, "neighbour", "intent")));
  REQUIRE(probing->submit(job_of(bench, "prober")));
  const Observed neighbour = until(*site, "neighbour", JobState::ready);
  const Observed prober = until(*probing, "prober", JobState::ready);
  const auto exec = [&](const std::string& text) { return post(prober, "/exec", text); };
  CHECK(exec("out = 6 * 7") == "42");
  if (prober.isolation < sandbox::Isolation::s1) {
    for (const std::string& gap : prober.gaps) MESSAGE("SKIPPED: this machine grants no more: " << gap);
  } else {
    const auto read = [&](const fs::path& path) { return exec("out = open('" + path.string() + "').read()"); };
    CHECK(read(bench.home / "author.key") == "FileNotFoundError 2");
    CHECK(read(bench.kept_in("neighbour") / "request.json") == "FileNotFoundError 2");
    CHECK(read(bench.kept_in("prober") / "request.json") == "FileNotFoundError 2");
    CHECK(read(products / "intent.onnx") == "FileNotFoundError 2");
    // Not its own program either: read-only, whoever it runs as.
    const std::string written = exec("out = open('" + std::string(HZ_SOURCE_DIR) + "/tests/sites/server.py', 'a')");
    CHECK((written == "OSError 30" || written == "PermissionError 13"));
    CHECK(exec(fmt::format("import socket; socket.create_connection(('127.0.0.1', {}), 3)", neighbour.port)) ==
          "ConnectionRefusedError 111");
    CHECK(exec("import os; out = len([p for p in os.listdir('/proc') if p.isdigit()])") == "2");
  }
  REQUIRE(site->cancel("neighbour"));
  REQUIRE(probing->cancel("prober"));
}

}  // namespace hz::pool
