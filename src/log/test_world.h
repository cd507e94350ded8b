// What the tests of this module share: logs in a temporary folder whose bytes follow from a seed.
#pragma once
#include "base/fs.h"
#include "crypto/hash.h"
#include "log/serve.h"
#include "log/store.h"

namespace hz::log::test {

inline std::string_view slug(const auto& result) {
  return result ? std::string_view("ok") : result.error().reason->slug;
}

inline Identity identity_of(ByteView leaf) {
  Identity out;
  out.id = crypto::sha256({as_bytes("id"), leaf});
  const Digest idem = crypto::sha256({as_bytes("idem"), leaf});
  std::copy_n(idem.begin(), 16, out.idem.begin());
  return out;
}
inline Result<Identity> identify(ByteView leaf) { return identity_of(leaf); }

inline Bytes leaf_of(std::uint64_t i, std::string_view flavour = "entry") {
  const std::string text = fmt::format("{} {} {}", flavour, i, std::string(i % 97, 'x'));
  return {text.begin(), text.end()};
}
inline std::vector<Entry> entries_of(std::uint64_t begin, std::uint64_t end, std::string_view flavour = "entry") {
  std::vector<Entry> out;
  for (auto i = begin; i < end; ++i) {
    Entry entry{leaf_of(i, flavour), {}, {}};
    const Identity identity = identity_of(entry.leaf);
    entry.id = identity.id;
    entry.idem = identity.idem;
    out.push_back(std::move(entry));
  }
  return out;
}

inline crypto::SigningKey key_of(std::uint64_t seed) {
  SeededRng rng(seed);
  return crypto::SigningKey::generate(rng);
}
inline constexpr std::string_view origin = "hezong.example/acme";

// Two logs of one origin and key: what a cloned machine, or a dishonest member, would write.
inline Log create_log(const fs::path& folder, std::uint64_t seed = 42) {
  return Log::create(folder / "log", folder / "mark", origin, key_of(seed)).value();
}

// The log behind an exchange, as a server would answer.
inline http::Exchange exchange_of(Log& log, std::string prefix = "") {
  return [&log, prefix](const http::Request& request) -> Result<http::Response> { return serve(log, request, prefix); };
}

}  // namespace hz::log::test
