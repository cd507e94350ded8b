// A blob on its way in that survives its process: bytes of a fetch that was killed are there for the next one.
//
// It stands in the store's folder `partial` under the digest it will have, where no reader of blobs looks. Nothing
// about its content is believed before verify().
#pragma once
#include "blob/store.h"
#include "crypto/hash.h"

namespace hz::blob {

class Partial {
 public:
  // Opens what an earlier process left, or begins. One process at a time has it. Cost: reads what is there, to hash it.
  // Errors: blob.busy, blob.write.
  static Result<Partial> open(const Store& store, const Digest& digest);

  std::uint64_t size() const { return size_bytes_; }
  // Appends. Errors: blob.write.
  Result<void> write(ByteView bytes);
  // Begins again with nothing. Errors: blob.write.
  Result<void> restart();
  // The bytes so far have the digest.
  bool verify() const;
  // Makes the blob visible; durable on return. Errors: blob.digest when verify() says no, blob.write.
  Result<void> publish();

 private:
  Partial(Store store, const Digest& digest, Fd fd) : store_(std::move(store)), digest_(digest), fd_(std::move(fd)) {}
  fs::path path() const;
  Store store_;
  Digest digest_;
  Fd fd_;
  std::uint64_t size_bytes_ = 0;
  crypto::Sha256 hash_;
};

}  // namespace hz::blob
