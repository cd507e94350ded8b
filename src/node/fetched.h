// Under whose release the bytes here came: files `fetched/<SHA-256>` in the member's folder.
//
// Anybody can sign a release of a digest it has only heard of. If that were enough, the holder of a confidential model
// would hand it to whoever claims it. So a node gives bytes on only for the members under whose release it got them,
// and its own.
#pragma once
#include <map>
#include <set>
#include <stop_token>
#include <string>

#include "api/op.h"
#include "base/fs.h"

namespace hz::node {

using Origins = std::map<Digest, std::set<std::string>>;  // by blob: releasing members

// Durable on return. Errors: base.write.
Result<void> keep_origin(const fs::path& home, const Digest& blob, const std::string& releaser);
// Files that are no such record are passed over.
Origins kept_origins(const fs::path& home);

// `hezong share fetch` of this digest, from every node that may have it. Errors: as there; base.cancelled.
Result<void> fetch_released(api::Ctx& ctx, const std::string& sha256, std::stop_token stop = {});

}  // namespace hz::node
