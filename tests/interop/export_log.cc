// Writes a log of N entries as static files, and some proofs, for other programs to verify. Prints the verifier key.
// usage: export_log FOLDER N
#include <cstdio>
#include <cstdlib>

#include "crypto/hash.h"
#include "log/store.h"

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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const fs::path folder = argv[1];
  const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const TempDir dir;
  SeededRng rng(count);
  auto log = need(log::Log::create(dir.path() / "log", dir.path() / "mark", "interop.example/log",
                                   crypto::SigningKey::generate(rng)));
  std::vector<log::Entry> batch;
  for (std::uint64_t i = 0; i < count; ++i) {
    Bytes leaf(20 + rng.below(120));
    rng.fill(leaf);
    log::Entry entry{std::move(leaf), crypto::sha256(as_bytes(std::to_string(i))), {}};
    rng.fill(entry.idem);
    batch.push_back(std::move(entry));
    if (batch.size() == 777 || i + 1 == count) {
      need(log.append(batch));
      batch.clear();
    }
  }
  need(log.export_tree(folder / "tree", silent_progress()));
  for (const std::uint64_t index : {std::uint64_t{0}, count / 3, count - 1}) {
    const std::string proof = need(log.prove(index));
    need(write_file_durably(folder / fmt::format("{}.tlog-proof", index), as_bytes(proof)));
  }
  std::puts(log::format_vkey(log.key()).c_str());
}
