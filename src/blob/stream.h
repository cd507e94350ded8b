// Blobs too large for memory: read piece by piece for sending, written piece by piece as they arrive.
#pragma once
#include "base/http.h"
#include "blob/store.h"
#include "crypto/hash.h"

namespace hz::blob {

// The bytes of a stored blob, in any order. When they are read from the first to the last, the last read also checks
// the digest; a part cannot be checked here, its receiver checks the whole. Errors: blob.missing; of read():
// blob.corrupt.
Result<std::shared_ptr<http::Source>> open_source(const Store& store, const Digest& digest);

// A blob on its way in. Nothing is visible before finish(), and nothing is left when it is destroyed without.
class Intake {
 public:
  // Errors: blob.write.
  static Result<Intake> begin(const Store& store);
  // Errors: blob.write, base.too_large beyond `size_bytes_max`.
  Result<void> write(ByteView bytes, std::uint64_t size_bytes_max);
  // Durable on return when the bytes have this digest. True: they were not stored before. Errors: blob.digest,
  // blob.write.
  Result<bool> finish(const Digest& expected);

 private:
  Intake(Store store, Fd fd) : store_(std::move(store)), fd_(std::move(fd)) {}
  Store store_;
  Fd fd_;  // has no name
  std::uint64_t size_bytes_ = 0;
  crypto::Sha256 hash_;
};

}  // namespace hz::blob
