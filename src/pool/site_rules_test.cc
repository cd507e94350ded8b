#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/test_result.h"
#include "crypto/hash.h"
#include "pool/claim_folder.h"
#include "pool/claims.h"
#include "pool/jwt.h"
#include "pool/kinds.h"
#include "pool/model_server.h"
#include "pool/rules.h"
#include "pool/serving.h"
#include "pool/site_config.h"
#include "pool/slurm_answer.h"
#include "sql/db.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::pool;

namespace {

ServerJob job() {
  ServerJob out;
  out.claim = "c-1";
  out.site = "site:hall-a";
  out.product = "product:glyph";
  out.backend = "backend:refrt";
  out.model_sha256 = hex(crypto::sha256(as_bytes("model")));
  out.deadline_ms = 1;
  return out;
}
template <class Change>
std::string refused(Change change) {
  ServerJob out = job();
  change(out);
  return std::string(slug(check(out)));
}

}  // namespace

TEST_CASE("job: ids, digest and limits are checked") {
  CHECK(refused([](auto&) {}).empty());
  CHECK(refused([](auto& j) { j.claim = "../x"; }) == "pool.claim_id");
  CHECK(refused([](auto& j) { j.claim = ""; }) == "pool.claim_id");
  CHECK(refused([](auto& j) { j.site = "hall-a"; }) == "pool.site_id");
  CHECK(refused([](auto& j) { j.product = "glyph"; }) == "pool.site_id");
  CHECK(refused([](auto& j) { j.backend = "ort"; }) == "pool.site_id");
  CHECK(refused([](auto& j) { j.model_sha256 = "abc"; }) == "pool.model_digest");
  CHECK(refused([](auto& j) { j.limits.memory_bytes_max = 1; }) == "pool.job_limits");
  CHECK(refused([](auto& j) { j.limits.pids_max = 3; }) == "pool.job_limits");
  CHECK(refused([](auto& j) { j.limits.wall_ms_max = 0; }) == "pool.job_limits");
}

TEST_CASE("job: a model's name fits in a URL and starts with no dot") {
  CHECK(model_name("product:glyph") == "glyph");
  CHECK(model_name("product:a/b+c%~1.2") == "a-b-c--1.2");
  CHECK(model_name("product:..") == "-.");
}

TEST_CASE("digest echo: what a server says it serves is compared, and silence is no yes") {
  const std::string right = job().model_sha256, wrong(64, 'a');
  const auto echo = [](int status, const std::string& body) { return slug(read_digest_echo(status, body, job())); };
  const auto said = [](const std::string& digest) { return R"({"parameters":{"hz_digest":")" + digest + "\"}}"; };
  CHECK(echo(200, said(right)).empty());
  CHECK(echo(200, said("sha256:" + right)).empty());
  CHECK(echo(200, said(wrong)) == "pool.job_digest");
  CHECK(echo(200, said("")) == "pool.job_digest");
  CHECK(echo(200, "{}") == "pool.job_digest");
  CHECK(echo(200, R"({"parameters":[1]})") == "pool.job_digest");
  CHECK(echo(200, "no json") == "pool.job_load");
  CHECK(echo(404, said(right)) == "pool.job_load");
}

TEST_CASE("model: bytes that are not the asked ones are never sent") {
  int asked = 0;
  const http::Exchange ask = [&](const http::Request&) -> Result<http::Response> {
    ++asked;
    return http::Response{.status = 200, .body = R"({"parameters":{"hz_digest":")" + job().model_sha256 + "\"}}"};
  };
  CHECK(slug(load_model(ask, job(), as_bytes("another"))) == "pool.model_digest");
  CHECK(asked == 0);
  CHECK(load_model(ask, job(), as_bytes("model")).value() == job().model_sha256);
  CHECK(asked == 2);
}

TEST_CASE("claim folder: what is written is read again, a damaged file is never taken for none") {
  const TempDir temp;
  const ClaimFolder folder(temp.path());
  CHECK_FALSE(folder.request().value());
  CHECK_FALSE(folder.state().value());
  KeptJob kept;
  kept.job = job();
  kept.argv = {"/bin/true"};
  REQUIRE(folder.write_request(kept));
  CHECK(folder.request().value()->job == kept.job);
  Observed seen = blank("c-1", JobState::ready);
  seen.port = 8080;
  REQUIRE(folder.write_state(seen));
  CHECK(folder.state().value()->port == 8080);
  std::ofstream(temp.path() / "state.json") << "{\"state\":\"rea";
  CHECK(slug(folder.state()) == "base.json_syntax");
  folder.append_log("one\n\x1b[31mtwo\n");
  CHECK(folder.log_end(100) == "one\n?[31mtwo");
  CHECK(folder.log_end(4) == "two");
  for (int i = 0; i < 40; ++i) folder.append_log(std::string(20'000, 'x') + "\n");
  CHECK(fs::file_size(temp.path() / "log") < 400'000);
}

TEST_CASE("keeper: another process with the same number is not taken for it, and gets no signal") {
  const auto self = identify_process(::getpid());
  REQUIRE(self);
  CHECK(is_alive(*self));
  KeeperId earlier = *self;
  earlier.start_ticks -= 1;
  CHECK_FALSE(is_alive(earlier));
  CHECK_FALSE(send_signal(earlier, SIGKILL));  // or this test would end here
  KeeperId before_boot = *self;
  before_boot.boot = "another boot";
  CHECK_FALSE(send_signal(before_boot, SIGKILL));
  CHECK_FALSE(identify_process(0x7fffffff));
}

TEST_CASE("serving: a file is there exactly while its claim is ready") {
  const TempDir temp;
  Observed seen = blank("c-1", JobState::ready);
  seen.address = "127.0.0.1";
  seen.port = 8080;
  seen.model = "glyph";
  seen.sha256 = job().model_sha256;
  REQUIRE(keep_serving_file(temp.path() / "serving", job(), seen));
  const auto read = read_serving_folder(temp.path() / "serving");
  REQUIRE(read.faults.empty());
  REQUIRE(read.servers.size() == 1);
  CHECK(read.servers[0].port == 8080);
  CHECK(read.servers[0].sha256 == seen.sha256);
  for (const JobState state : {JobState::starting, JobState::failed, JobState::ended, JobState::queued}) {
    REQUIRE(keep_serving_file(temp.path() / "serving", job(), seen));
    REQUIRE(keep_serving_file(temp.path() / "serving", job(), blank("c-1", state)));
    CHECK(read_serving_folder(temp.path() / "serving").servers.empty());
  }
}

TEST_CASE("sites.json: what is missing or out of range is named") {
  const auto read = [](const std::string& text) { return slug(read_site_configs("{\"sites\":[" + text + "]}")); };
  const std::string local = R"({"site":"site:a","adapter":"local")",
                    slurm = R"({"site":"site:b","adapter":"slurm","user":"u","shared":"/s")";
  CHECK(read(local + "}").empty());
  CHECK(read(slurm + R"(,"port":1,"token_file":"/t"})").empty());
  CHECK(read(local + "}," + local + "}") == "pool.site_config");
  CHECK(read(R"({"site":"a","adapter":"local"})") == "pool.site_config");
  CHECK(read(R"({"site":"site:a","adapter":"cloud"})") == "pool.site_config");
  CHECK(read(local + R"(,"slots":0})") == "pool.site_config");
  CHECK(read(slurm + R"(,"token_file":"/t"})") == "pool.site_config");
  CHECK(read(slurm + R"(,"port":1})") == "pool.site_config");
  CHECK(read(slurm + R"(,"port":1,"token_file":"/t","jwt_key_file":"/k"})") == "pool.site_config");
  CHECK(read(local + R"(,"slot":1})") == "base.json_field");
  const TempDir temp;
  CHECK(site_configs(temp.path()).value().empty());
  CHECK(slug(site_config(temp.path(), "site:a")) == "pool.site_config");
}

TEST_CASE("jwt: a token equals the one that Python's hmac makes; its expiry is read from what it says") {
  const std::string token = make_jwt(as_bytes("key"), "alice", 1000, 60);
  CHECK(token ==
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        "eyJleHAiOjEwNjAsImlhdCI6MTAwMCwic3VuIjoiYWxpY2UifQ."
        "XGmcbxh5R1D_qzpFl7YyeAbcX_rPDWmmzAryDv-2a4A");
  CHECK(jwt_expires_s(token) == 1060);
  CHECK(jwt_expires_s(make_jwt(as_bytes("key"), "alice", 1000, -60)) == 940);
  for (const char* bad : {"", ".", "..", "a.b.c", "a.e30.c", "a.eyJleHAiOiJ4In0.c"}) CHECK_FALSE(jwt_expires_s(bad));
}

TEST_CASE("slurm: a job that names no number holds as many devices as the site's settings say") {
  const auto of = [](std::string gres, std::string adapter = "slurm") {
    SiteConfig config;
    config.adapter = std::move(adapter);
    config.gres = std::move(gres);
    return devices_of_job(config);
  };
  CHECK(of("dcu:2") == 2);
  CHECK(of("dcu:k100:8") == 8);
  CHECK(of("dcu:k100") == 1);
  CHECK(of("dcu") == 1);
  CHECK(of("") == 1);
  CHECK(of("dcu:") == 1);
  CHECK(of("dcu:0") == 1);
  CHECK(of("dcu:2", "local") == 1);
  CHECK(gres_name("dcu:2") == "dcu");
  CHECK(gres_name("dcu:k100:8") == "dcu:k100");
  CHECK(gres_name("dcu:k100") == "dcu:k100");
  CHECK(gres_name("dcu") == "dcu");
}

TEST_CASE("slurm: devices are counted in every form that Slurm writes them") {
  CHECK(gres_count("dcu:k100:8", "dcu") == 8);
  CHECK(gres_count("gpu:2,dcu:4", "dcu") == 4);
  CHECK(gres_count("gpu:a:1(S:0-1),gpu:b:2(IDX:0,1),npu:7", "gpu") == 3);
  CHECK(gres_count("dcux:8", "dcu") == 0);
  CHECK(gres_count("", "dcu") == 0);
  CHECK(gres_count("dcu:(null)", "dcu") == 0);
  CHECK(gres_count("dcu:k100:0", "dcu") == 0);
}

TEST_CASE("slurm: answers are read, and a 500 says nothing about a job") {
  const auto answer = [](int status, std::string body) {
    http::Response out;
    out.status = status;
    out.body = std::move(body);
    return out;
  };
  CHECK(slurm_submitted(answer(200, R"({"errors":[],"job_id":7})")).value() == 7);
  CHECK(slurm_submitted(answer(200, R"({"errors":[{"error_code":2068,"error":"drained"}],"job_id":8})")).value() == 8);
  CHECK(slug(slurm_submitted(answer(200, R"({"errors":[]})"))) == "pool.site_answer");
  CHECK(slug(slurm_submitted(answer(200, R"({"errors":[{"error_code":2014}],"job_id":0})"))) == "pool.site_answer");
  CHECK(slug(slurm_submitted(answer(401, "Authentication failure"))) == "pool.site_token");
  CHECK(slug(slurm_submitted(answer(500, R"({"errors":[{"error_code":5005,"error":"Zero Bytes"}]})"))) ==
        "pool.site_answer");
  CHECK(slug(slurm_jobs(answer(500, R"({"errors":[{"error_number":-1,"error":"Unspecified error"}]})"))) ==
        "pool.site_answer");
  CHECK_FALSE(slurm_jobs(answer(500, R"({"errors":[{"error_number":2017}],"jobs":[]})")).value());
  const auto jobs = slurm_jobs(answer(200, R"({"jobs":[{"job_id":3,"name":"hz-c","job_state":"RUNNING"}]})")).value();
  REQUIRE(jobs);
  CHECK(jobs->at(0).name == "hz-c");
  CHECK(slurm_phase(jobs->at(0).state) == SlurmPhase::running);
  CHECK(slurm_phase("PENDING") == SlurmPhase::waiting);
  CHECK(slurm_phase("NODE_FAIL") == SlurmPhase::over);
  CHECK(slurm_phase("whatever comes") == SlurmPhase::over);
  const auto nodes = slurm_nodes(answer(200, R"x({"nodes":[
    {"state":"idle","state_flags":[],"gres":"dcu:8","gres_used":"dcu:0","cpus":16,"alloc_cpus":0},
    {"state":"mixed","state_flags":[],"gres":"dcu:8","gres_used":"dcu:3(IDX:0-2)","cpus":16,"alloc_cpus":3},
    {"state":"idle","state_flags":["DRAIN"],"gres":"dcu:8","gres_used":"dcu:0"},
    {"state":"down","state_flags":[],"gres":"dcu:8"}]})x"),
                                 "dcu")
                         .value();
  CHECK(nodes.nodes == 4);
  CHECK(nodes.usable == 2);
  CHECK(nodes.total == 16);
  CHECK(nodes.taken == 3);
}

TEST_CASE("job statement: checked at replay, and a claim is one job for ever") {
  Job said{"c-1", "site:a", "product:glyph", "backend:ort", std::string(64, 'b'), {}, ""};
  CHECK(check(said));
  said.evidence = "not hex";
  CHECK(slug(check(said)) == "pool.evidence_id");
  said.evidence.clear();
  auto db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  REQUIRE(db.run(view_schema()));
  const auto replay = [&](const Job& job_said) {
    statement::Statement s;
    s.body = to_json(job_said);
    for (const statement::Kind& kind : kinds())
      if (kind.slug == Job::kind) return kind.replay(db, s);
    return Result<void>(fail(hz::why("base.read"), "no such kind"));
  };
  REQUIRE(replay(said));
  Job again = said;
  again.site = "site:b";
  REQUIRE(replay(again));
  CHECK(db.integer("SELECT count(*) FROM public_pool_job WHERE site = 'site:a'").value() == 1);
  CHECK(db.integer("SELECT count(*) FROM public_pool_job").value() == 1);
  said.claim = "No";
  CHECK(slug(replay(said)) == "pool.claim_id");
}

TEST_CASE("claims: what was over for a month is removed with its shared folder, everything else stays") {
  TempDir home, shared;
  fs::create_directories(home.path() / "site" / "claims");
  CHECK(write_file_durably(home.path() / "sites.json",
                           as_bytes(fmt::format("{{\"sites\":[{{\"site\":\"site:hall-a\",\"adapter\":\"local\","
                                                "\"shared\":\"{}\"}}]}}",
                                                shared.path().string()))));
  ManualClock clock(std::int64_t{40} * 86'400'000);
  for (const auto& [claim, state, days] :
       {std::tuple{"old", JobState::ended, 31}, {"young", JobState::failed, 29}, {"queued", JobState::queued, 39}}) {
    const ClaimFolder folder(home.path() / "site" / "claims" / claim);
    fs::create_directories(folder.path());
    fs::create_directories(shared.path() / claim);
    KeptJob kept;
    kept.job = job();
    kept.job.claim = claim;
    REQUIRE(folder.write_request(kept));
    Observed seen = blank(claim, state);
    seen.since_ms = clock.now_ms() - std::int64_t{days} * 86'400'000;
    REQUIRE(folder.write_state(seen));
  }
  sweep_sites({home.path(), {}, &clock});
  const auto there = [&](const char* claim) {
    return fs::exists(home.path() / "site" / "claims" / claim) && fs::exists(shared.path() / claim);
  };
  CHECK_FALSE(fs::exists(home.path() / "site" / "claims" / "old"));
  CHECK_FALSE(fs::exists(shared.path() / "old"));
  CHECK(there("young"));
  CHECK(there("queued"));
}

TEST_CASE("job: what a drill denies is checked like everything else") {
  CHECK(refused([](ServerJob& j) { j.denied.files = {"/usr/lib/x.so"}; }) == "");
  CHECK(refused([](ServerJob& j) { j.denied.files = {"lib/x.so"}; }) == "pool.job_limits");
  CHECK(refused([](ServerJob& j) { j.denied.files.assign(denied_files_max + 1, "/x"); }) == "pool.job_limits");
  CHECK(refused([](ServerJob& j) { j.denied.hosts = {"hub.example"}; }) == "");
  for (const char* host : {"", "Hub.example", "a b", "a\nb"})
    CHECK(refused([&](ServerJob& j) { j.denied.hosts = {host}; }) == "pool.job_limits");
}
