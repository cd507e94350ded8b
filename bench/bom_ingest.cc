// Reads a generated CycloneDX BOM into facts (nodes, edges, notes in memory) and, beside it in the same run, into the
// tree of base/json: the simpler way this reader replaces. The BOM has the shape of what cyclonedx generators write:
// hashes, external references and properties around each component, two-space indentation.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "base/json.h"
#include "base/seams.h"
#include "supply/cyclonedx.h"

using namespace hz;

namespace {

std::string bom(int components) {
  SeededRng rng(20261101);
  std::string out =
      "{\n  \"bomFormat\": \"CycloneDX\",\n  \"specVersion\": \"1.6\",\n  \"version\": 1,\n  \"components\": [";
  const auto digest = [&](int digits) {
    std::string text;
    for (int i = 0; i < digits; ++i) text += "0123456789abcdef"[rng.below(16)];
    return text;
  };
  for (int i = 0; i < components; ++i) {
    out += fmt::format(R"({}
    {{
      "bom-ref": "pkg:npm/%40scope{}/package-{}@{}.{}.0",
      "type": "library",
      "group": "@scope{}",
      "name": "package-{}",
      "version": "{}.{}.0",
      "description": "A package that does one thing, made up for a measurement, number {}",
      "hashes": [
        {{ "alg": "SHA-512", "content": "{}" }},
        {{ "alg": "SHA-1", "content": "{}" }}
      ],
      "licenses": [ {{ "license": {{ "id": "MIT" }} }} ],
      "purl": "pkg:npm/%40scope{}/package-{}@{}.{}.0",
      "externalReferences": [
        {{ "type": "vcs", "url": "git+https://forge.example/scope/package-{}.git" }},
        {{ "type": "distribution", "url": "https://registry.example/package-{}/-/package-{}-{}.{}.0.tgz" }}
      ],
      "properties": [ {{ "name": "cdx:npm:package:path", "value": "node_modules/package-{}" }} ]
    }})",
                       i ? "," : "", i % 50, i, i % 9, i % 7, i % 50, i, i % 9, i % 7, i, digest(128), digest(40),
                       i % 50, i, i % 9, i % 7, i, i, i, i % 9, i % 7, i);
  }
  out += "\n  ],\n  \"dependencies\": [";
  for (int i = 0; i < components; ++i) {
    out += fmt::format("{}\n    {{\n      \"ref\": \"pkg:npm/%40scope{}/package-{}@{}.{}.0\",\n      \"dependsOn\": [",
                       i ? "," : "", i % 50, i, i % 9, i % 7);
    int needs[4];
    for (int k = 0; k < 4; ++k) {
      // The schema wants the four to differ.
      do needs[k] = static_cast<int>(rng.below(static_cast<std::uint64_t>(components)));
      while (std::find(needs, needs + k, needs[k]) != needs + k);
      const int on = needs[k];
      out += fmt::format("{}\n        \"pkg:npm/%40scope{}/package-{}@{}.{}.0\"", k ? "," : "", on % 50, on, on % 9,
                         on % 7);
    }
    out += "\n      ]\n    }";
  }
  return out + "\n  ]\n}\n";
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Best of `rounds` in processor time of this one thread: the figure is per core, and the machine may be shared.
template <class F>
double seconds(int rounds, F&& work) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const double start = cpu_seconds();
    work();
    best = std::min(best, cpu_seconds() - start);
  }
  return best;
}

}  // namespace

int main() {
  constexpr double goal = 200;
  std::printf("%-12s %10s %12s %14s %14s\n", "components", "MB", "facts MB/s", "tree MB/s", "components/s");
  double value = 0, peer = 0;
  for (const int components : {1'000, 100'000}) {
    const std::string text = bom(components);
    const double megabytes = static_cast<double>(text.size()) / 1e6;
    std::size_t nodes = 0, edges = 0;
    const double own = seconds(components < 10'000 ? 200 : 7, [&] {
      const auto facts = supply::parse_cyclonedx(text);
      if (!facts) {
        std::fprintf(stderr, "%s\n", facts.error().text().c_str());
        std::exit(1);
      }
      nodes = facts->nodes.size();
      edges = facts->edges.size();
    });
    const double tree = seconds(components < 10'000 ? 50 : 3, [&] {
      if (!json::parse(text, {.size_bytes_max = 256u << 20})) std::exit(1);
    });
    if (nodes != static_cast<std::size_t>(components) || edges == 0) return 1;
    value = megabytes / own;
    peer = megabytes / tree;
    std::printf("%-12d %10.1f %12.0f %14.0f %14.0f\n", components, megabytes, value, peer, components / own);
  }
  std::printf(
      "{\"id\":\"bom_ingest\",\"value\":%.0f,\"unit\":\"MB/s\",\"goal\":%.0f,\"peer\":%.0f,\"ratio\":%.2f,\"ok\":%s}\n",
      value, goal, peer, value / peer, value >= goal ? "true" : "false");
  return 0;
}
