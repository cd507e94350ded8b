// Writes a log of N entries as static files for other programs to verify: cosigned by two witnesses, with some proofs,
// an older signed head, and evidence of a fork. Prints the verifier keys, the log's first. usage: export_log FOLDER N
#include <cstdio>
#include <cstdlib>

#include "crypto/hash.h"
#include "log/cosign_round.h"
#include "log/fork.h"
#include "log/serve.h"
#include "log/tile_reader.h"
#include "log/witness.h"

using namespace hz;

namespace {

template <class T>
T need(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "export_log: %s\n", result.error().text().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

std::vector<log::Entry> entries(SeededRng& rng, std::uint64_t count) {
  std::vector<log::Entry> out;
  for (std::uint64_t i = 0; i < count; ++i) {
    Bytes leaf(20 + rng.below(120));
    rng.fill(leaf);
    log::Entry entry{std::move(leaf), crypto::sha256(as_bytes(std::to_string(i))), {}};
    rng.fill(entry.idem);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const fs::path folder = argv[1];
  const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const TempDir dir;
  SeededRng rng(count);
  const auto key = crypto::SigningKey::generate(rng);
  auto log = need(log::Log::create(dir.path() / "log", dir.path() / "mark", "interop.example/log", key.duplicate()));
  const auto all = entries(rng, count);
  const std::uint64_t old_size = std::max<std::uint64_t>(1, count / 3);
  for (std::uint64_t at = 0; at < count;) {
    const std::uint64_t end = at < old_size ? old_size : std::min(count, at + 777);
    need(log.append(std::span(all).subspan(at, end - at)));
    at = end;
    if (at == old_size) {
      need(write_file_durably(folder / "old-checkpoint", as_bytes(log.checkpoint())));
      // The other programs verify a folder that grew, not one written at once.
      need(log.publish(log.checkpoint(), {}));
      need(log.publish_tree(folder / "tree", silent_progress()));
    }
  }

  std::vector<log::Witness> witnesses;
  std::vector<log::WitnessPeer> peers;
  std::string policy;
  witnesses.reserve(2);
  for (int i = 0; i < 2; ++i) {
    auto& witness = witnesses.emplace_back(
        need(log::Witness::open(dir.path() / fmt::format("w{}.db", i), fmt::format("w{}.example/witness", i),
                                crypto::SigningKey::generate(rng), system_clock())));
    witness.watch({log.key()});
    peers.push_back(
        {witness.key(),
         [&witness](const http::Request& request) -> Result<http::Response> { return witness.answer(request, ""); },
         ""});
    policy += fmt::format("witness w{} {}\n", i, log::format_vkey(witness.key()));
  }
  policy += "group both all w0 w1\nquorum both\n";
  if (!need(log::cosign_round(log, peers, need(log::parse_policy(policy)), log::WithoutQuorum::withhold)).published)
    return 1;

  // A second history under the same key, and the proof that there are two.
  auto other = need(log::Log::create(dir.path() / "other", dir.path() / "mark2", log.origin(), key.duplicate()));
  need(other.append(entries(rng, old_size)));
  log::TileReader reader(
      [&](const http::Request& request) -> Result<http::Response> { return log::serve(log, request, ""); }, "");
  const auto fork = need(log::find_fork(other.checkpoint(), log.checkpoint(), log.key(), reader.nodes(count)));
  need(write_file_durably(folder / "evidence.fork", as_bytes(log::format_fork(fork.value()))));

  need(log.publish_tree(folder / "tree", silent_progress()));
  for (const std::uint64_t index : {std::uint64_t{0}, count / 3, count - 1}) {
    const std::string proof = need(log.prove(index));
    need(write_file_durably(folder / fmt::format("{}.tlog-proof", index), as_bytes(proof)));
  }
  std::puts(log::format_vkey(log.key()).c_str());
  for (const auto& witness : witnesses) std::puts(log::format_vkey(witness.key()).c_str());
}
