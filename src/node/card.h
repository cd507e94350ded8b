// Cards: one file that says who a member is and where its node answers. An invitation is the founder's card with a
// one-time code; an applicant's card carries its request to join. Format: docs/formats/invite.md.
//
// A card proves what its evidence proves (evidence.h), for whoever has compared the root fingerprint over another
// channel. URL and pin are the sender's word; a wrong one leads to a node that cannot show the log.
#pragma once
#include "base/fs.h"
#include "node/evidence.h"

namespace hz::node {

struct Card {
  std::string format;
  std::string root_fingerprint;
  std::string evidence;
  std::string url, pin, code;
  static constexpr auto fields() {
    return rows(row("format", &Card::format, "hezong-card/1"),
                row("root_fingerprint", &Card::root_fingerprint, "compare it over another channel"),
                row("evidence", &Card::evidence, "evidence of the charter, or of the request to join"),
                row("url", &Card::url, "where the node answers", or_default),
                row("pin", &Card::pin, "SHA-256 of its certificate's key, hex", or_default),
                row("code", &Card::code, "one-time code of an invitation", or_default));
  }
};

inline constexpr std::string_view card_format = "hezong-card/1";
inline constexpr std::size_t card_size_bytes_max = 2 * evidence_size_bytes_max;

std::string format_card(const Card& card);
// What is accepted has one text. Errors: alliance.invite, base.*.
Result<Card> parse_card(std::string_view text);
// The evidence holds, it is of this kind, and the root fingerprint is that of its genesis. Errors: alliance.invite,
// and what check_evidence says.
Result<Checked> check_card(const Card& card, std::string_view kind);

// Proves to the inviter that this joiner knows the code, and shows nobody else the code: SHA-256 of a label, code,
// joiner's origin and genesis id.
std::string code_proof(std::string_view code, const alliance::Authority& joiner);

// The peer's card as it is kept: peers/<hex>/card.json, without a code. Errors: base.*, alliance.invite.
Result<void> store_card(const fs::path& home, std::string_view origin, Card card);
Result<Card> stored_card(const fs::path& home, std::string_view origin);

// Codes given out and not used yet, one file each under invites/ (0600). Errors: base.*.
Result<std::string> new_code(const fs::path& home, Rng& rng);
// The file of the code that this proof proves; nullopt when none does.
std::optional<fs::path> code_file(const fs::path& home, std::string_view proof, const alliance::Authority& joiner);

}  // namespace hz::node
