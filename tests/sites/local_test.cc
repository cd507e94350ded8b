// The local site against the conformance suite of sites, and what only a local site has.
#include "sandbox/cgroup.h"
#include "site_suite.h"

using namespace hz;
using namespace hz::pool;

namespace {

struct Local {
  TempDir folder;
  Bench bench;
  Local() {
    bench.home = folder.path();
    bench.config.site = "site:test-local";
    bench.config.adapter = "local";
    bench.config.slots = 12;
    const SiteWorld world{bench.home, {fs::path(HZ_BINARY_DIR) / "bin"}};
    bench.open = [world](const SiteConfig& config) { return std::move(open_site(world, config).value()); };
    bench.kept_in = [this](const std::string& claim) { return bench.home / "site" / "claims" / claim; };
  }
  ~Local() {
    auto site = bench.open(bench.config);
    for (const std::string& claim : site->claims()) (void)site->cancel(claim);
  }
};

}  // namespace

TEST_CASE("local: a real product is served, and its golden cases hold") { suite_serves(Local().bench); }
TEST_CASE("local: many ask for one claim, one server runs, and its death is noticed") {
  suite_one_of_many(Local().bench);
}
TEST_CASE("local: servers that lie, die, hang or never begin are failed, each with its reason") {
  suite_misbehaving(Local().bench);
}
TEST_CASE("local: a draining site takes no new work") { suite_drain(Local().bench); }
TEST_CASE("local: a job sees nothing of its neighbour nor of the member") { suite_separated(Local().bench); }

TEST_CASE("local: a killed keeper takes its server along, and the claim is failed") {
  Local local;
  auto site = local.bench.open(local.bench.config);
  const ServerJob job = job_of(local.bench, "keeper-dies");
  REQUIRE(site->submit(job));
  until(*site, job.claim, JobState::ready);
  const pid_t server = server_process(local.bench, job.claim);
  const auto id = identify_process(server);
  REQUIRE(id);
  const auto keeper = ClaimFolder(local.bench.kept_in(job.claim)).keeper().value();
  REQUIRE(send_signal(*keeper, SIGKILL));
  for (const auto end = sandbox::in_ms(5000); is_alive(*id) && std::chrono::steady_clock::now() < end;)
    std::this_thread::yield();
  CHECK_FALSE(is_alive(*id));
  const Observed seen = until(*site, job.claim, JobState::failed, 5000);
  CHECK(seen.reason == "pool.job_lost");
  // Nothing is left behind in the system's control groups.
  const std::string self = read_text("/proc/self/cgroup", 65536).value(),
                    mounts = read_text("/proc/self/mountinfo", 1 << 20).value();
  for (const char* controller : {"", "memory", "pids", "cpuacct"})
    for (const fs::path& above : sandbox::cgroup_parents(self, mounts, controller, ""))
      CHECK_FALSE(fs::exists(above / cgroup_name(job.claim, keeper->pid)));
  CHECK_FALSE(all_serving(local.bench.home / "serving").contains(job.claim));
}

TEST_CASE("local: a sweep tells the truth without anybody asking for a claim") {
  Local local;
  std::ofstream(local.bench.home / "sites.json") << R"({"sites":[{"site":"site:test-local","adapter":"local","slots":4,
    "read_paths":[],"command":[]}]})";
  const SiteWorld world{local.bench.home, {fs::path(HZ_BINARY_DIR) / "bin"}};
  auto site = local.bench.open(local.bench.config);
  const ServerJob job = job_of(local.bench, "swept");
  REQUIRE(site->submit(job));
  const auto is_served = [&] { return all_serving(local.bench.home / "serving").contains(job.claim); };
  for (const auto end = sandbox::in_ms(30'000); !is_served() && std::chrono::steady_clock::now() < end;)
    CHECK(sweep_sites(world).empty());
  CHECK(is_served());
  ::kill(server_process(local.bench, job.claim), SIGKILL);
  for (const auto end = sandbox::in_ms(10'000); is_served() && std::chrono::steady_clock::now() < end;)
    CHECK(sweep_sites(world).empty());
  CHECK_FALSE(is_served());
}

TEST_CASE("local: foreign engines find their libraries in the room") {
  Local local;
  auto site = local.bench.open(local.bench.config);
  for (const std::string engine : {"ort", "opencv"}) {
    const ServerJob job = job_of(local.bench, "with-" + engine, "glyph", engine);
    REQUIRE(site->submit(job));
    Observed seen = site->observe(job.claim).value();
    for (const auto end = sandbox::in_ms(60'000);
         !is_over(seen.state) && seen.state != JobState::ready && std::chrono::steady_clock::now() < end;
         std::this_thread::sleep_for(std::chrono::milliseconds(20)))
      seen = site->observe(job.claim).value();
    if (seen.detail.find("exit 7") != std::string::npos) {
      MESSAGE("SKIPPED: this engine's library is not here: " << engine);
      continue;
    }
    REQUIRE_MESSAGE(seen.state == JobState::ready, seen.detail);
    const auto judged = golden_through(seen, "glyph");
    CHECK((judged.verdict == standards::Verdict::strict || judged.verdict == standards::Verdict::basic_only));
  }
}

TEST_CASE("local: memory has an end, and so has time") {
  Local local;
  auto eater = local.bench.open(misbehaving(local.bench, "eats"));
  ServerJob job = job_of(local.bench, "eats");
  job.limits.memory_bytes_max = 128 << 20;
  REQUIRE(eater->submit(job));
  auto short_lived = local.bench.open(local.bench.config);
  ServerJob brief = job_of(local.bench, "brief");
  brief.limits.wall_ms_max = 2'000;
  REQUIRE(short_lived->submit(brief));
  const Observed ended = until(*short_lived, brief.claim, JobState::ended, 20'000);
  CHECK(ended.detail.find("2000 ms") != std::string::npos);
  if (eater->observe(job.claim).value().isolation < sandbox::Isolation::s2) {
    MESSAGE("SKIPPED: no control group; the server is refused memory instead of ended");
    return;
  }
  CHECK(until(*eater, job.claim, JobState::failed, 30'000).reason == "pool.job_memory");
}

TEST_CASE("local: devices are counted, and an owner's least isolation is kept") {
  Local local;
  SiteConfig small = local.bench.config;
  small.slots = 1;
  auto site = local.bench.open(small);
  REQUIRE(site->submit(job_of(local.bench, "first")));
  CHECK(slug(site->submit(job_of(local.bench, "second"))) == "pool.site_full");
  CHECK(site->offer().value().at(0).count == 0);
  REQUIRE(site->cancel("first"));
  CHECK(site->offer().value().at(0).count == 1);
  ServerJob wide = job_of(local.bench, "wide");
  wide.devices = 2;
  CHECK(slug(site->submit(wide)) == "pool.site_full");
  SiteConfig large = small;
  large.slots = 3;
  auto wider = local.bench.open(large);
  REQUIRE(wider->submit(wide));
  CHECK(wider->offer().value().at(0).count == 1);
  until(*wider, "wide", JobState::ready);
  const JobUsage used = wider->usage("wide").value();
  CHECK(used.device_ms == 2 * used.wall_ms);
  ServerJob other = wide;
  other.devices = 1;
  CHECK(slug(wider->submit(other)) == "pool.claim_conflict");
  REQUIRE(wider->cancel("wide"));
  small.isolation_least = sandbox::Isolation::s3;
  site = local.bench.open(small);
  REQUIRE(site->submit(job_of(local.bench, "third")));
  const Observed seen = until(*site, "third", JobState::failed);
  CHECK(seen.reason == "pool.job_start");
  CHECK(seen.detail.find("sandbox.isolation") != std::string::npos);
}

TEST_CASE("local: a claim of one site is not the other's") {
  Local local;
  auto site = local.bench.open(local.bench.config);
  REQUIRE(site->submit(job_of(local.bench, "mine")));
  SiteConfig other = local.bench.config;
  other.site = "site:other";
  CHECK(slug(local.bench.open(other)->observe("mine")) == "pool.no_claim");
  CHECK(slug(local.bench.open(other)->cancel("mine")) == "pool.no_claim");
  CHECK(local.bench.open(other)->claims().empty());
  CHECK(site->claims() == std::vector<std::string>{"mine"});
}
