#include "alliance/ballot.h"

#include <algorithm>
#include <set>

#include "alliance/reasons.h"
#include "crypto/hash.h"
#include "statement/ids.h"

namespace hz::alliance {

std::string charter_subject(const Charter& charter) { return result_digest(to_json(charter)); }

Result<void> check(const BallotOpen& open) {
  const auto bad = [&](std::string_view what) { return fail(why("alliance.ballot"), "on {}: {}", open.act, what); };
  if (!statement::is_shown_name(open.act) || !statement::is_shown_name(open.subject))
    return bad("it names no act and subject of 1 to 200 bytes");
  if (open.text.empty() || open.text.size() > 10'000) return bad("a question of 1 to 10000 bytes is needed");
  if (!statement::is_sha256(open.charter)) return bad("it names no charter");
  if (open.closes_ms < 0 || open.reveal_ms < 0) return bad("its times");
  if (open.options.size() == 1 || open.options.size() > ballot_options_max)
    return bad(fmt::format("{} options; none, or 2 to {}", open.options.size(), ballot_options_max));
  std::set<std::string_view> seen;
  for (const std::string& option : open.options)
    if (!statement::is_shown_name(option) || option == abstain || !seen.insert(option).second)
      return bad(fmt::format("option {}", option));
  const bool supports_act =
      open.act == "charter" || open.act == "admit" || open.act == "suspend" || open.act == "expel";
  if (supports_act && !open.options.empty()) return bad("it is answered by yes or no");
  HZ_TRY(check_frontier(open.frontier));
  if ((open.act == "charter") == open.proposal.empty()) return bad("a proposal belongs to a charter, and to it only");
  if (open.proposal.empty()) return {};
  const Charter proposed = HZ_TRY(from_json<Charter>(HZ_TRY(json::parse(open.proposal)), "$.proposal"));
  HZ_TRY(check(proposed));
  if (charter_subject(proposed) != open.subject) return bad("the subject is not the digest of the proposal");
  return {};
}

bool is_choice(const BallotOpen& open, std::string_view choice) {
  if (choice == abstain) return true;
  return open.options.empty() ? choice == "yes" || choice == "no"
                              : std::ranges::find(open.options, choice) != open.options.end();
}

std::string commitment(std::string_view ballot, std::string_view voter, std::string_view choice,
                       std::string_view salt) {
  // Origins, digests and choices hold no line feed, so that two different votes never give one text.
  return hex(crypto::sha256(as_bytes(fmt::format("hezong/vote/v1\n{}\n{}\n{}\n{}\n", ballot, voter, choice, salt))));
}

}  // namespace hz::alliance
