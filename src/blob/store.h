// Content-addressed bytes: one file per blob under its SHA-256. Files never change; a put of known bytes is free.
#pragma once
#include <span>

#include "base/fs.h"

namespace hz::blob {

class Store {
 public:
  // Errors: base.write when the folder cannot be made.
  static Result<Store> open(const fs::path& folder);

  // Durable on return; safe against kill at any step. Errors: blob.write.
  Result<Digest> put(ByteView bytes);
  // All durable on return, with one sync of the file system for all of them: cheaper than put from a few blobs on. A
  // name is given only to bytes that are on disk. Errors: blob.write.
  Result<void> put_all(std::span<const Bytes> blobs);
  // Gone for good on return; harmless when it is not here. Errors: blob.write.
  Result<void> erase(const Digest& digest);
  // Bytes checked against the digest on every read. Errors: blob.missing, blob.corrupt, base.too_large.
  Result<Bytes> get(const Digest& digest, std::size_t size_max = 256u << 20) const;
  bool has(const Digest& digest) const;
  fs::path path(const Digest& digest) const;

 private:
  explicit Store(fs::path folder) : folder_(std::move(folder)) {}
  fs::path folder_;
};

}  // namespace hz::blob
