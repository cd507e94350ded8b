// Blobs for other members: GET and HEAD /artifact/<hex SHA-256>, whole or a range, streamed.
//
// What is not here, what the caller may not have, and what is no digest get one answer: none. The desk turns it into
// its 404.
#pragma once
#include <memory>
#include <optional>

#include "base/http.h"
#include "blob/store.h"
#include "node/giving.h"
#include "node/served.h"

namespace hz::node {

inline constexpr std::string_view artifact_prefix = "/artifact/";
// Which release the bytes are given under: its statement id, hex.
inline constexpr std::string_view release_header = "hezong-release";

struct ArtifactLimits {
  int per_caller_max = 4;  // answers under way to one member; more are 503
  int total_max = 32;
};

class ArtifactShelf {
 public:
  ArtifactShelf(blob::Store store, fs::path served_file, ArtifactLimits limits = {});
  ~ArtifactShelf();

  // Absent: nothing for this caller. `caller` is empty for somebody unproven. From any thread.
  std::optional<http::Response> answer(const http::Request& request, std::string_view caller, std::int64_t now_ms);
  // Takes over what may be given now, and writes down what was.
  void know(Giving giving);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hz::node
