// Submits per second to a real Slurm cluster through slurmrestd, with the adapter's claim records and files on
// the shared folder. Beside it, in the same run, the same submissions without an adapter: one kept connection, no
// record, which is what Slurm itself can take. The nodes are drained, so that starting jobs is not measured. usage:
// bench_slurm_submit [JOBS]
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "crypto/hash.h"
#include "pool/claims.h"
#include "pool/jwt.h"
#include "pool/slurm_site.h"
#include "sandbox/plain_http.h"

using namespace hz;
using namespace hz::pool;
using Steady = std::chrono::steady_clock;

namespace {

constexpr double goal_per_second = 400;

double seconds_since(Steady::time_point start) { return std::chrono::duration<double>(Steady::now() - start).count(); }

// Processor time of this program: what a submit costs here, on however busy a machine.
double own_cpu_s() {
  struct rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

int complain(const Error& error) {
  fmt::print("{}\n", error.text());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const int jobs = argc > 1 ? std::atoi(argv[1]) : 2000;
  const TempDir temp;
  fs::create_directory(temp.path() / "cluster");
  fs::permissions(temp.path(), fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  auto cluster = sandbox::Process::start(
      {.argv = {"/usr/bin/env", "python3", HZ_SOURCE_DIR "/tests/sites/slurm_cluster.py",
                (temp.path() / "cluster").string(), "bench", "2",
                // As Slurm advises for many submits: no attempt to start a job inside each of them.
                "defer,sched_interval=5"},
       .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
       .folder = {},
       .limits = {.files_open_max = 1024}});
  if (!cluster) return complain(cluster.error());
  const auto line = cluster->read_line(4096, sandbox::in_ms(60'000));
  if (!line) {
    fmt::print("{}\n{{\"id\":\"slurm_submit\",\"skipped\":true,\"ok\":false}}\n", cluster->complaint());
    return 0;
  }
  const auto said = json::parse(*line).value();
  SiteConfig config;
  config.site = "site:bench";
  config.adapter = "slurm";
  config.port = *said.find("port")->integer();
  config.user = "games";
  config.jwt_key_file = said.text("key");
  config.shared = (temp.path() / "shared").string();
  config.gres = "dcu:1";
  if (auto told = cluster->write_line("drain", sandbox::in_ms(5'000)); !told) return complain(told.error());
  (void)cluster->read_line(4096, sandbox::in_ms(60'000));
  const fs::path model = temp.path() / "model.onnx";
  std::ofstream(model) << "not loaded here";
  ServerJob job;
  job.site = config.site;
  job.product = "product:bench";
  job.backend = "backend:refrt";
  job.model_path = model.string();
  job.model_sha256 = hex(crypto::sha256(as_bytes("not loaded here")));
  job.deadline_ms = system_clock().now_ms() + 600'000;

  // Both take turns, so that neither has the empty queue to itself.
  std::string last_body;
  const auto call = sandbox::plain_exchange("127.0.0.1", static_cast<std::uint16_t>(config.port), 30'000);
  std::vector<http::Header> headers;
  const auto site =
      open_slurm_site({temp.path(), {fs::path(HZ_BINARY_DIR) / "bin"}}, config, [&](const http::Request& request) {
        if (!request.body.empty()) last_body = request.body;
        headers = request.headers;
        return call(request);
      });
  double ours_s = 0, raw_s = 0, ours_cpu_s = 0, raw_cpu_s = 0;
  const int turn = std::max(1, jobs / 10);
  for (int done = 0; done < jobs; done += turn) {
    auto start = Steady::now();
    double cpu = own_cpu_s();
    for (int i = done; i < std::min(jobs, done + turn); ++i) {
      job.claim = fmt::format("bench-{}", i);
      if (auto submitted = site->submit(job); !submitted) return complain(submitted.error());
    }
    ours_s += seconds_since(start);
    ours_cpu_s += own_cpu_s() - cpu;
    start = Steady::now();
    cpu = own_cpu_s();
    for (int i = done; i < std::min(jobs, done + turn); ++i) {
      const auto answer =
          call({.method = "POST", .path = "/slurm/v0.0.38/job/submit", .headers = headers, .body = last_body});
      if (!answer) return complain(answer.error());
      if (answer->status != 200) return complain(Error{&hz::why("base.read"), answer->body});
    }
    raw_s += seconds_since(start);
    raw_cpu_s += own_cpu_s() - cpu;
  }
  const double ours = jobs / ours_s, raw = jobs / raw_s, cpu_us = ours_cpu_s * 1e6 / jobs;
  fmt::print("adapter      {:6.0f} submits/s, {:4.0f} us of its processor time each, claim recorded, {} jobs\n", ours,
             cpu_us, jobs);
  fmt::print("REST alone   {:6.0f} submits/s, {:4.0f} us, one kept connection, same bodies\n", raw,
             raw_cpu_s * 1e6 / jobs);
  fmt::print(
      "{{\"id\":\"slurm_submit\",\"value\":{:.0f},\"unit\":\"submits/"
      "s\",\"cpu_us\":{:.0f},\"peer\":{:.0f},\"ratio\":{:.2f},"
      "\"goal\":{:.0f},\"ok\":{}}}\n",
      ours, cpu_us, raw, ours / raw, goal_per_second, ours >= goal_per_second);
  cluster->close_input();
  cluster->wait(sandbox::in_ms(30'000));
  return 0;
}
