#include <doctest/doctest.h>

#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/sign.h"

using namespace hz;
using namespace hz::crypto;

TEST_CASE("hash: the FIPS 180-4 examples, at once and in pieces") {
  CHECK(hex(sha256(as_bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(empty_root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::string million(1'000'000, 'a');
  Sha256 pieces;
  for (std::size_t at = 0, step = 1; at < million.size(); at += step++)
    pieces.update(as_bytes(std::string_view(million).substr(at, step)));
  CHECK(hex(pieces.finish()) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

namespace {
SigningKey key_of(const char* seed_hex) {
  Seed seed;
  const Bytes bytes = parse_hex(seed_hex).value();
  std::copy(bytes.begin(), bytes.end(), seed.begin());
  return SigningKey::from_seed(seed);
}
}  // namespace

TEST_CASE("sign: RFC 8032 test 2 signs to the published bytes") {
  const auto key = key_of("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  CHECK(hex(key.verifying_key().bytes()) == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const Bytes message{0x72};
  CHECK(hex(key.sign(message)) ==
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST_CASE("sign: one changed bit anywhere in message, signature or key is refused") {
  SeededRng rng(11);
  const auto key = SigningKey::generate(rng);
  const Bytes message{1, 2, 3, 4};
  const auto signature = key.sign(message);
  const auto public_key = key.verifying_key();
  REQUIRE(public_key.verify(message, signature));
  for (std::size_t bit = 0; bit < 64 * 8; ++bit) {
    auto changed = signature;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    CHECK_FALSE(public_key.verify(message, changed));
  }
  for (std::size_t bit = 0; bit < 32; ++bit) {
    Bytes changed = message;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    CHECK_FALSE(public_key.verify(changed, signature));
  }
  for (std::size_t bit = 0; bit < 256; ++bit) {
    auto changed = public_key.bytes();
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    if (const auto other = VerifyingKey::parse(changed)) CHECK_FALSE(other->verify(message, signature));
  }
  CHECK_FALSE(public_key.verify(message, ByteView(signature).first(63)));
}

TEST_CASE("sign: a moved-from key holds no secret") {
  auto key = key_of("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  const SigningKey taken = std::move(key);
  CHECK(key.seed() == Seed{});  // NOLINT(bugprone-use-after-move): that is the claim
  CHECK(taken.seed() != Seed{});
}

namespace {

// RFC 6962 §2.1 word for word, over a list of leaf hashes: slow and plainly right.
std::size_t split_of(std::size_t n) {
  std::size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
Digest naive_root(std::span<const Digest> leaves) {
  if (leaves.empty()) return empty_root();
  if (leaves.size() == 1) return leaves[0];
  const auto k = split_of(leaves.size());
  return node_hash(naive_root(leaves.first(k)), naive_root(leaves.subspan(k)));
}
std::vector<Digest> naive_path(std::size_t m, std::span<const Digest> leaves) {
  if (leaves.size() == 1) return {};
  const auto k = split_of(leaves.size());
  auto path = m < k ? naive_path(m, leaves.first(k)) : naive_path(m - k, leaves.subspan(k));
  path.push_back(naive_root(m < k ? leaves.subspan(k) : leaves.first(k)));
  return path;
}
std::vector<Digest> naive_subproof(std::size_t m, std::span<const Digest> leaves, bool whole) {
  if (m == leaves.size()) return whole ? std::vector<Digest>{} : std::vector<Digest>{naive_root(leaves)};
  const auto k = split_of(leaves.size());
  auto proof = m <= k ? naive_subproof(m, leaves.first(k), whole) : naive_subproof(m - k, leaves.subspan(k), false);
  proof.push_back(naive_root(m <= k ? leaves.subspan(k) : leaves.first(k)));
  return proof;
}

std::vector<Digest> some_leaves(std::size_t n) {
  std::vector<Digest> leaves;
  for (std::size_t i = 0; i < n; ++i) leaves.push_back(leaf_hash(as_bytes(fmt::format("leaf {}", i))));
  return leaves;
}
NodeSource source_of(const std::vector<Digest>& leaves) {
  return [&leaves](Node node) -> Result<Digest> {
    const auto count = std::size_t{1} << node.level;
    REQUIRE((node.index + 1) * count <= leaves.size());
    return naive_root(std::span(leaves).subspan(node.index * count, count));
  };
}

}  // namespace

TEST_CASE("merkle: the RFC 6962 test tree of eight leaves has its published roots") {
  // Leaves and roots of the Certificate Transparency reference tests.
  const char* leaves_hex[] = {
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const char* roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                         "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                         "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                         "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                         "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                         "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  RightEdge edge;
  for (std::size_t i = 0; i < 8; ++i) {
    edge.append(leaf_hash(parse_hex(leaves_hex[i]).value()));
    CHECK(hex(edge.root()) == roots[i]);
  }
}

TEST_CASE("merkle: roots, inclusion and consistency equal the naive tree for every size to 130 and every pair") {
  const auto all = some_leaves(130);
  RightEdge edge;
  for (std::size_t n = 0; n <= all.size(); ++n) {
    const std::vector<Digest> leaves(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
    const Digest root = naive_root(leaves);
    const auto source = source_of(leaves);
    REQUIRE(edge.root() == root);
    REQUIRE(tree_root(n, source).value() == root);
    for (std::size_t i = 0; i < n; ++i) {
      const auto proof = inclusion_proof(i, n, source).value();
      REQUIRE(proof == naive_path(i, leaves));
      REQUIRE(verify_inclusion(leaves[i], i, n, proof, root));
    }
    for (std::size_t old = 0; old <= n; ++old) {
      const auto proof = consistency_proof(old, n, source).value();
      if (old > 0) REQUIRE(proof == naive_subproof(old, leaves, true));
      REQUIRE(verify_consistency(old, n, naive_root(std::span(leaves).first(old)), root, proof));
    }
    if (n < all.size()) edge.append(all[n]);
  }
}

TEST_CASE("merkle: a proof with any hash changed, dropped, added or swapped is refused") {
  const auto all = some_leaves(70);
  SeededRng rng(5);
  for (const std::size_t n :
       {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{8}, std::size_t{65}, std::size_t{70}}) {
    const std::vector<Digest> leaves(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
    const Digest root = naive_root(leaves);
    const auto source = source_of(leaves);
    const auto mutants = [&](const std::vector<Digest>& proof) {
      std::vector<std::vector<Digest>> out;
      for (std::size_t k = 0; k < proof.size(); ++k) {
        auto changed = proof;
        changed[k][rng.below(32)] ^= static_cast<std::uint8_t>(1U << rng.below(8));
        out.push_back(changed);
        auto dropped = proof;
        dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(k));
        out.push_back(dropped);
        if (k > 0) {
          auto swapped = proof;
          std::swap(swapped[k], swapped[k - 1]);
          out.push_back(swapped);
        }
      }
      for (const Digest& extra : {root, leaves[0], Digest{}}) {
        auto longer = proof;
        longer.push_back(extra);
        out.push_back(longer);
        longer = proof;
        longer.insert(longer.begin(), extra);
        out.push_back(longer);
      }
      return out;
    };
    for (std::size_t i = 0; i < n; ++i) {
      const auto proof = inclusion_proof(i, n, source).value();
      for (const auto& mutant : mutants(proof)) REQUIRE_FALSE(verify_inclusion(leaves[i], i, n, mutant, root));
      REQUIRE_FALSE(verify_inclusion(leaves[i], n, n, proof, root));
      if (n > 1) REQUIRE_FALSE(verify_inclusion(leaves[i], (i + 1) % n, n, proof, root));
      REQUIRE_FALSE(verify_inclusion(leaf_hash(leaves[i]), i, n, proof, root));
    }
    for (std::size_t old = 1; old < n; ++old) {
      const Digest old_root = naive_root(std::span(leaves).first(old));
      const auto proof = consistency_proof(old, n, source).value();
      for (const auto& mutant : mutants(proof)) REQUIRE_FALSE(verify_consistency(old, n, old_root, root, mutant));
      REQUIRE_FALSE(verify_consistency(old, n, root, root, proof));
      REQUIRE_FALSE(verify_consistency(old, n, old_root, old_root, proof));
      REQUIRE_FALSE(verify_consistency(n, old, root, old_root, proof));
    }
  }
}

TEST_CASE("merkle: subtrees appended whole give the edge of leaves appended singly") {
  const auto leaves = some_leaves(23);
  RightEdge single, whole;
  for (const auto& leaf : leaves) single.append(leaf);
  whole.append_subtree(4, naive_root(std::span(leaves).first(16)));
  whole.append_subtree(2, naive_root(std::span(leaves).subspan(16, 4)));
  whole.append_subtree(1, naive_root(std::span(leaves).subspan(20, 2)));
  whole.append_subtree(0, leaves[22]);
  CHECK(single.hashes() == whole.hashes());
  CHECK(single.root() == RightEdge(23, single.hashes()).root());
}

TEST_CASE("merkle: proofs outside the tree are refused by name") {
  const auto leaves = some_leaves(3);
  CHECK(inclusion_proof(3, 3, source_of(leaves)).error().reason->slug == "crypto.proof_range");
  CHECK(consistency_proof(4, 3, source_of(leaves)).error().reason->slug == "crypto.proof_range");
}
