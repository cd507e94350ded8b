#include "node/serve_artifact.h"

#include <mutex>

#include "blob/stream.h"

namespace hz::node {
namespace {

// Answers under way. Held by each source, so it ends when the last byte is sent or the connection is cut.
struct Underway {
  std::mutex turn;
  std::map<std::string, int, std::less<>> by_caller;
  int total = 0;
};

class CountedSource final : public http::Source {
 public:
  CountedSource(std::shared_ptr<http::Source> inner, std::shared_ptr<Underway> underway, std::string caller)
      : inner_(std::move(inner)), underway_(std::move(underway)), caller_(std::move(caller)) {}
  ~CountedSource() override {
    const std::lock_guard turn(underway_->turn);
    --underway_->total;
    if (--underway_->by_caller.find(caller_)->second == 0) underway_->by_caller.erase(caller_);
  }
  std::uint64_t size() const override { return inner_->size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) override { return inner_->read(offset, out); }

 private:
  std::shared_ptr<http::Source> inner_;
  std::shared_ptr<Underway> underway_;
  std::string caller_;
};

bool begin(Underway& underway, const std::string& caller, const ArtifactLimits& limits) {
  const std::lock_guard turn(underway.turn);
  int& mine = underway.by_caller[caller];
  if (mine >= limits.per_caller_max || underway.total >= limits.total_max) {
    if (mine == 0) underway.by_caller.erase(caller);
    return false;
  }
  ++mine;
  ++underway.total;
  return true;
}

}  // namespace

struct ArtifactShelf::State {
  State(blob::Store from, fs::path served_file, ArtifactLimits most)
      : store(std::move(from)), limits(most), served(std::move(served_file)) {}
  blob::Store store;
  ArtifactLimits limits;
  ServedLog served;
  std::shared_ptr<Underway> underway = std::make_shared<Underway>();
  std::mutex turn;
  std::shared_ptr<const Giving> giving = std::make_shared<Giving>();

  void note(const Giving& giving_now, const Digest& blob, std::string_view caller, const Giving::Answer& answer,
            std::int64_t now_ms) {
    const std::vector<Offer>* offers = giving_now.offers(blob);
    if (!offers) return;
    for (std::size_t i = 0; i < answer.asked.size(); ++i) {
      const Offer& offer = (*offers)[i];
      ServedRow row{now_ms,
                    std::string(caller),
                    offer.known.release.sha256,
                    offer.known.statement,
                    &offer == answer.offer,
                    share::decision(offer.known.release, answer.asked[i]).reasons};
      if (!row.given && row.reasons.empty()) row.reasons.push_back("node.not_given: no member now");
      served.note(std::move(row));
    }
  }
};

ArtifactShelf::ArtifactShelf(blob::Store store, fs::path served_file, ArtifactLimits limits)
    : state_(std::make_unique<State>(std::move(store), std::move(served_file), limits)) {}
ArtifactShelf::~ArtifactShelf() { (void)state_->served.flush(); }

void ArtifactShelf::know(Giving giving) {
  auto fresh = std::make_shared<const Giving>(std::move(giving));
  {
    const std::lock_guard turn(state_->turn);
    state_->giving.swap(fresh);
  }
  (void)state_->served.flush();  // a full disk stops no answer; what was noted stays pending
}

std::optional<http::Response> ArtifactShelf::answer(const http::Request& request, std::string_view caller,
                                                    std::int64_t now_ms) {
  State& s = *state_;
  const auto digest = parse_digest(request.path.substr(std::min(artifact_prefix.size(), request.path.size())));
  std::shared_ptr<const Giving> giving;
  {
    const std::lock_guard turn(s.turn);
    giving = s.giving;
  }
  const Giving::Answer answer = giving->may_give(digest ? *digest : Digest{}, caller, now_ms);
  if (digest && !caller.empty()) s.note(*giving, *digest, caller, answer, now_ms);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!digest || caller.empty() || !reads || !answer.given) return std::nullopt;
  auto source = blob::open_source(s.store, *digest);
  if (!source) return std::nullopt;
  if (answer.offer) (void)s.served.flush();  // who got bytes is on disk before the bytes are out
  http::Response out{
      .headers = {{"content-type", answer.offer ? answer.offer->known.release.media_type : "application/octet-stream"},
                  {"x-content-type-options", "nosniff"},
                  {"cache-control", "no-store"},
                  {"etag", "\"" + hex(*digest) + "\""}}};
  if (answer.offer) out.headers.push_back({std::string(release_header), answer.offer->known.statement});
  std::string who(caller);
  if (!begin(*s.underway, who, s.limits))
    return http::Response{.status = 503, .headers = {{"retry-after", "1"}, {"cache-control", "no-store"}}};
  out.source = std::make_shared<CountedSource>(*std::move(source), s.underway, std::move(who));
  return out;
}

}  // namespace hz::node
