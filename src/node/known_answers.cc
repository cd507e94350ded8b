#include "node/known_answers.h"

#include <algorithm>
#include <cmath>

#include "blob/store.h"
#include "sandbox/plain_http.h"
#include "standards/oip_session.h"

namespace hz::node {
namespace {

constexpr std::int64_t ask_ms_max = 30'000;

std::string percent(std::int64_t milli) {
  return fmt::format("{}{}.{} %", milli < 0 ? "-" : "", std::abs(milli) / 10, std::abs(milli) % 10);
}

}  // namespace

std::int64_t noise_milli(std::int64_t cases, std::int64_t all) {
  if (cases <= 0 || cases >= all) return 0;
  return static_cast<std::int64_t>(1'000 / std::sqrt(static_cast<double>(cases)));
}

std::string wrong_with(const drill::Answers& seen, std::string_view worst, const drill::Answers& beside,
                       const QualityTerms& terms) {
  if (seen.verdict != "STRICT" && seen.verdict != "BASIC_ONLY") return fmt::format("{}: {}", seen.verdict, worst);
  const auto drop = [&](std::int64_t before, std::int64_t noise, std::string_view of) {
    if (before - seen.quality_milli <= terms.drop_max_milli + noise) return std::string();
    return fmt::format("quality fell from {} {} to {}, {} may be lost{}", percent(before), of,
                       percent(seen.quality_milli), percent(terms.drop_max_milli),
                       noise > 0 ? fmt::format(" and {} is noise of {} cases", percent(noise), seen.cases) : "");
  };
  if (std::string why = drop(terms.before_milli, seen.noise_milli, "before"); !why.empty()) return why;
  // The same cases on both sides: what is left of the noise is that of the cases on which they differ, at most those
  // that the two miss together counted once.
  if (beside.cases == 0) return "";
  const double missed = static_cast<double>(2'000 - beside.quality_milli - seen.quality_milli) / 1'000;
  const auto noise = seen.noise_milli == 0
                         ? std::int64_t{0}
                         : static_cast<std::int64_t>(2'000 * std::sqrt(missed / static_cast<double>(seen.cases)));
  return drop(beside.quality_milli, std::min(noise, seen.noise_milli), "of the incumbent on the same cases");
}

Result<std::optional<KnownAnswers>> KnownAnswers::find(alliance::Member& member, const std::string& product,
                                                       const std::string& folder) {
  KnownAnswers out;
  bool known = false;
  for (const standards::Product& one : HZ_TRY(standards::recorded_products(*HZ_TRY(member.views()))))
    if (one.id == product && one.member == member.id()) {
      out.product_ = one;
      known = true;
    }
  if (!known) return std::optional<KnownAnswers>();
  std::map<std::string, fs::path> files;
  if (!folder.empty()) files = HZ_TRY(standards::index_files(folder));
  const auto path_of = [&](const std::string& sha256) -> fs::path {
    const auto digest = parse_digest(sha256);
    if (digest && member.blobs().has(*digest)) return member.blobs().path(*digest);
    const auto at = files.find(sha256);
    return at == files.end() ? fs::path() : at->second;
  };
  out.model_path_ = path_of(out.product_.model_sha256);
  out.golden_path_ = path_of(out.product_.golden_sha256);
  if (out.model_path_.empty() || out.golden_path_.empty()) return std::optional<KnownAnswers>();
  return std::optional(std::move(out));
}

Result<void> KnownAnswers::load() {
  if (golden_) return {};
  model_ = HZ_TRY(read_file(model_path_, 1u << 30));
  golden_ = HZ_TRY(standards::decode_golden(HZ_TRY(read_file(golden_path_, standards::GoldenLimits{}.size_bytes_max))));
  return {};
}

KnownAnswers::Seen KnownAnswers::ask(const pool::Observed& server, std::int64_t cases, std::uint64_t seed) const {
  const auto all = static_cast<std::int64_t>(golden_->cases);
  standards::Product wanted = product_;
  wanted.quality_min_milli -= noise_milli(cases, all);
  const standards::Opener open = [&]() -> Result<std::unique_ptr<standards::Session>> {
    return standards::attach_oip_session(
        sandbox::plain_exchange(server.address, static_cast<std::uint16_t>(server.port), ask_ms_max), server.model);
  };
  const standards::ModelResult seen =
      cases > 0 && cases < all
          ? standards::test_product(wanted, model_,
                                    standards::sample_of(*golden_, static_cast<std::size_t>(cases), seed), open, {}, {})
          : standards::test_product(wanted, model_, *golden_, open, {}, {});
  Seen out;
  out.worst = seen.worst;
  out.answers = {
      .verdict = std::string(enum_text(seen.verdict)),
      .logits = seen.logits == standards::Match::within ? "within tolerance" : std::string(enum_text(seen.logits)),
      .cases = seen.cases,
      .quality_milli = seen.quality_milli,
      .agreement_milli = seen.agreement_milli,
      .top5_milli = seen.top5_milli,
      .noise_milli = noise_milli(seen.cases, all)};
  return out;
}

std::string sentence(const drill::Answers& a) {
  return fmt::format("{} on {} cases{}: quality {}, top-1 {}, top-5 {}, logits {}", a.verdict, a.cases,
                     a.noise_milli > 0 ? fmt::format(" (± {})", percent(a.noise_milli)) : "", percent(a.quality_milli),
                     percent(a.agreement_milli), percent(a.top5_milli), a.logits);
}

}  // namespace hz::node
