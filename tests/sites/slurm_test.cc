// The Slurm site against the conformance suite of sites, on clusters of its own, and what only Slurm does to one.
#include <unistd.h>

#include "pool/jwt.h"
#include "pool/slurm_site.h"
#include "site_suite.h"

using namespace hz;
using namespace hz::pool;

namespace {

// One cluster, started once for the program.
struct Cluster {
  TempDir folder;
  std::optional<sandbox::Process> process;
  std::string key, skipped;
  std::uint16_t port = 0;

  explicit Cluster(const std::string& name) {
    const fs::path root = folder.path() / "cluster";
    fs::create_directory(root);
    fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    process.emplace(sandbox::Process::start({.argv = {"/usr/bin/env", "python3",
                                                      std::string(HZ_SOURCE_DIR) + "/tests/sites/slurm_cluster.py",
                                                      root.string(), name, "2"},
                                             .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
                                             .folder = {},
                                             .limits = {.files_open_max = 1024}})
                        .value());
    const auto line = process->read_line(4096, sandbox::in_ms(60'000));
    if (!line) {
      skipped = process->complaint();
      return;
    }
    const auto said = json::parse(*line).value();
    port = static_cast<std::uint16_t>(*said.find("port")->integer());
    key = said.text("key");
  }
  // Its daemons end with it; a killed script could not collect them.
  ~Cluster() {
    process->close_input();
    process->wait(sandbox::in_ms(30'000));
  }
  void tell(const std::string& word) {
    CHECK(process->write_line(word, sandbox::in_ms(5'000)));
    CHECK(process->read_line(4096, sandbox::in_ms(60'000)));
  }
};

// Two that share nothing: the suite's second site shows that claims do not cross.
Cluster& cluster(const std::string& name = "one") {
  static std::map<std::string, std::unique_ptr<Cluster>> all;
  auto& out = all[name];
  if (!out) out = std::make_unique<Cluster>(name);
  return *out;
}

bool here() {
  if (cluster().skipped.empty()) return true;
  MESSAGE(cluster().skipped);
  REQUIRE_MESSAGE(cluster().skipped.find("SKIPPED") != std::string::npos, cluster().skipped);
  return false;
}

struct Slurm {
  TempDir folder;
  Bench bench;
  explicit Slurm(const std::string& name = "one") {
    fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    bench.home = folder.path();
    bench.config.site = "site:test-" + name;
    bench.config.adapter = "slurm";
    bench.config.port = cluster(name).port;
    bench.config.user = "games";
    bench.config.jwt_key_file = cluster(name).key;
    bench.config.shared = (folder.path() / "shared").string();
    bench.config.gres = "dcu:1";
    const SiteWorld world{bench.home, {fs::path(HZ_BINARY_DIR) / "bin"}};
    bench.open = [world](const SiteConfig& config) { return std::move(open_site(world, config).value()); };
    bench.kept_in = [this](const std::string& claim) { return fs::path(bench.config.shared) / claim; };
  }
  ~Slurm() {
    auto site = bench.open(bench.config);
    for (const std::string& claim : site->claims()) (void)site->cancel(claim);
  }
};

}  // namespace

TEST_CASE("slurm: a real product is served, and its golden cases hold") {
  if (here()) suite_serves(Slurm().bench);
}
TEST_CASE("slurm: many ask for one claim, one server runs, and its death is noticed") {
  if (here()) suite_one_of_many(Slurm().bench);
}
TEST_CASE("slurm: servers that lie, die, hang or never begin are failed, each with its reason") {
  if (here()) suite_misbehaving(Slurm().bench);
}
TEST_CASE("slurm: a draining site takes no new work") {
  if (here()) suite_drain(Slurm().bench);
}
TEST_CASE("slurm: a job sees nothing of its neighbour nor of the member") {
  if (here()) suite_separated(Slurm().bench);
}

TEST_CASE("slurm: an expired token is named as such, fails no job, and a new one is taken up") {
  if (!here()) return;
  Slurm slurm;
  const fs::path file = slurm.bench.home / "token";
  const auto put_token = [&](std::int64_t life_s) {
    const Bytes key = read_file(cluster().key, 4096).value();
    std::ofstream(file) << make_jwt(key, "games", system_clock().now_ms() / 1000, life_s) << "\n";
  };
  slurm.bench.config.jwt_key_file.clear();
  slurm.bench.config.token_file = file.string();
  put_token(600);
  auto site = slurm.bench.open(slurm.bench.config);
  const ServerJob job = job_of(slurm.bench, "token");
  REQUIRE(site->submit(job));
  until(*site, job.claim, JobState::ready);
  put_token(-10);
  CHECK(slug(site->observe(job.claim)) == "pool.site_token");
  CHECK(slug(site->submit(job_of(slurm.bench, "token-2"))) == "pool.site_token");
  CHECK(site->health().reason == "pool.site_token");
  CHECK(all_serving(slurm.bench.home / "serving").contains(job.claim));  // unknown is not failed
  // A token that only the cluster knows to be bad comes back as its 500.
  std::ofstream(file) << make_jwt(as_bytes("another cluster's key, of thirty-two"), "games",
                                  system_clock().now_ms() / 1000, 600);
  CHECK(slug(site->observe(job.claim)) == "pool.site_answer");
  CHECK(all_serving(slurm.bench.home / "serving").contains(job.claim));
  put_token(600);
  CHECK(site->observe(job.claim).value().state == JobState::ready);
  REQUIRE(site->submit(job_of(slurm.bench, "token-2")));
  REQUIRE(site->cancel("token-2"));
}

TEST_CASE("slurm: a job holds as many devices as it names") {
  if (!here()) return;
  Slurm slurm;
  auto site = slurm.bench.open(slurm.bench.config);
  const std::int64_t free = site->offer().value().at(0).count;
  ServerJob wide = job_of(slurm.bench, "wide");
  wide.devices = 2;
  REQUIRE(site->submit(wide));
  until(*site, "wide", JobState::ready);
  CHECK(site->offer().value().at(0).count == free - 2);
  const JobUsage used = site->usage("wide").value();
  CHECK(used.wall_ms > 0);
  CHECK(used.device_ms == 2 * used.wall_ms);
  REQUIRE(site->cancel("wide"));
}

TEST_CASE("slurm: drained nodes are seen; what waits for one is late, and what runs goes on") {
  if (!here()) return;
  Slurm slurm;
  auto site = slurm.bench.open(slurm.bench.config);
  CHECK(site->inventory().value().at(0).device == "dcu");
  CHECK(site->inventory().value().at(0).count == 16);
  const ServerJob job = job_of(slurm.bench, "goes-on");
  REQUIRE(site->submit(job));
  until(*site, job.claim, JobState::ready);
  CHECK(site->offer().value().at(0).count == 15);
  cluster().tell("drain");
  const struct Resume {
    ~Resume() { cluster().tell("resume"); }
  } resume;
  CHECK_FALSE(site->health().ok);
  CHECK(site->health().reason == "pool.site_drained");
  CHECK(site->offer().value().at(0).count == 0);
  CHECK(site->observe(job.claim).value().state == JobState::ready);
  ServerJob waits = job_of(slurm.bench, "waits");
  waits.deadline_ms = system_clock().now_ms() + 2'000;
  REQUIRE(site->submit(waits));
  CHECK(site->observe(waits.claim).value().state == JobState::queued);
  const Observed late = until(*site, waits.claim, JobState::failed, 20'000);
  CHECK(late.reason == "pool.job_late");
}

TEST_CASE("slurm: a controller that restarts loses nothing") {
  if (!here()) return;
  Slurm slurm;
  auto site = slurm.bench.open(slurm.bench.config);
  const ServerJob job = job_of(slurm.bench, "survives");
  REQUIRE(site->submit(job));
  until(*site, job.claim, JobState::ready);
  cluster().tell("restart");
  // While it is away nothing is known, and nothing is failed.
  Observed seen;
  for (const auto end = sandbox::in_ms(60'000); std::chrono::steady_clock::now() < end;) {
    const auto now = site->observe(job.claim);
    if (!now) {
      CHECK(slug(now) == "pool.site_answer");
      CHECK(all_serving(slurm.bench.home / "serving").contains(job.claim));
      continue;
    }
    seen = *now;
    break;
  }
  CHECK(seen.state == JobState::ready);
  CHECK(golden_through(seen, "glyph").verdict == standards::Verdict::strict);
  for (const auto end = sandbox::in_ms(60'000); !site->health().ok && std::chrono::steady_clock::now() < end;)
    std::this_thread::yield();
  REQUIRE(site->submit(job_of(slurm.bench, "after-restart")));
  until(*site, "after-restart", JobState::ready);
}

TEST_CASE("slurm: a submit whose answer is lost is found again, not made twice") {
  if (!here()) return;
  Slurm slurm;
  const SiteWorld world{slurm.bench.home, {fs::path(HZ_BINARY_DIR) / "bin"}};
  const auto real = sandbox::plain_exchange("127.0.0.1", cluster().port, 10'000);
  int submits = 0;
  bool lose = true;
  auto site = open_slurm_site(world, slurm.bench.config, [&](const http::Request& request) -> Result<http::Response> {
    auto answer = real(request);
    if (!request.path.ends_with("/job/submit")) return answer;
    ++submits;
    if (lose) return fail(hz::pool::why("pool.site_answer"), "the line broke");
    return answer;
  });
  const ServerJob job = job_of(slurm.bench, "lost-answer");
  CHECK(slug(site->submit(job)) == "pool.site_answer");
  CHECK(site->observe(job.claim).value().state == JobState::queued);
  lose = false;
  REQUIRE(site->submit(job));
  CHECK(submits == 1);
  until(*site, job.claim, JobState::ready);
  // This machine lost its record, as in a power cut; the shared folder and Slurm did not.
  fs::remove_all(slurm.bench.home / "site" / "claims" / job.claim);
  CHECK(slug(site->observe(job.claim)) == "pool.no_claim");
  CHECK(site->submit(job).value().state == JobState::ready);
  CHECK(submits == 1);
}

TEST_CASE("slurm: two clusters share nothing") {
  if (!here()) return;
  Slurm one, two("two");
  auto first = one.bench.open(one.bench.config), second = two.bench.open(two.bench.config);
  REQUIRE(first->submit(job_of(one.bench, "same-claim")));
  REQUIRE(second->submit(job_of(two.bench, "same-claim", "intent")));
  const Observed a = until(*first, "same-claim", JobState::ready), b = until(*second, "same-claim", JobState::ready);
  CHECK(a.model == "glyph");
  CHECK(b.model == "intent");
  // One cluster's token is nothing to the other.
  SiteConfig crossed = two.bench.config;
  crossed.jwt_key_file = one.bench.config.jwt_key_file;
  CHECK(slug(two.bench.open(crossed)->observe("same-claim")) == "pool.site_answer");
  REQUIRE(first->cancel("same-claim"));
  CHECK(second->observe("same-claim").value().state == JobState::ready);
}
