// A product's known answers, asked of a running server: what the answers are worth, and whether they may carry it.
//
// The whole golden set is asked before traffic moves; samples of it, drawn anew, ride along afterwards. A sample's
// share has noise: two standard errors of a share measured on so many cases, counted at the worst, a half. So a sample
// is refused only when it lies below by more than its noise; the whole set is never excused by noise. Where the
// incumbent still serves, the very same cases are asked of it too: then the difference between the two, case by case,
// is what counts, and most of the noise is gone, since both sides miss the same hard cases.
#pragma once
#include "api/op.h"
#include "drill/live.h"
#include "pool/job.h"
#include "standards/golden.h"
#include "standards/products.h"

namespace hz::node {

// Two standard errors of a share of `cases` out of `all`, in thousandths; 0 when all are asked or `cases` is 0.
std::int64_t noise_milli(std::int64_t cases, std::int64_t all);

// What may be lost.
struct QualityTerms {
  std::int64_t before_milli = 0;    // of the incumbent, on the whole set
  std::int64_t drop_max_milli = 0;  // what the product tolerates
};
// "" when the answers may carry the product; else why not. `beside`: the incumbent's on the same cases, no cases when
// it serves no more. Pure.
std::string wrong_with(const drill::Answers& seen, std::string_view worst, const drill::Answers& beside,
                       const QualityTerms& terms);

// The model and the golden set of a product of this member, and asking.
class KnownAnswers {
 public:
  // nullopt: one of the two is neither in the member's blob store nor in `folder`. The caller holds the member. Reads
  // names only. Errors: sql.*, base.read.
  static Result<std::optional<KnownAnswers>> find(alliance::Member& member, const std::string& product,
                                                  const std::string& folder);
  // The bytes, which only asking needs; again is free. Errors: base.read, standards.golden.
  Result<void> load();

  const standards::Product& product() const { return product_; }
  const fs::path& model_path() const { return model_path_; }

  struct Seen {
    drill::Answers answers;
    std::string worst;  // a sentence; "" when every logit is equal
  };
  // `cases` of them drawn by `seed`; 0: all. A server that does not answer is an answer too: its verdict says so.
  Seen ask(const pool::Observed& server, std::int64_t cases, std::uint64_t seed) const;

 private:
  standards::Product product_;
  fs::path model_path_, golden_path_;
  Bytes model_;
  std::optional<standards::Golden> golden_;
};

// "STRICT on 200 cases (± 7.0 %): quality 97.5 %, top-1 100.0 %, top-5 100.0 %, logits within tolerance"
std::string sentence(const drill::Answers& answers);

}  // namespace hz::node
