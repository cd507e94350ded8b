#include "node/card.h"

#include <algorithm>

#include "alliance/charter.h"
#include "alliance/peers.h"
#include "alliance/reasons.h"
#include "base/folders.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "statement/ids.h"

namespace hz::node {
namespace {

using alliance::why;

std::unexpected<Error> refuse(std::string_view what) { return fail(why("alliance.invite"), "{}", what); }

bool is_url(std::string_view text) {
  const bool shown = text.size() <= 500 && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
  return text.empty() || (shown && (text.starts_with("https://") || text.starts_with("http://")));
}

}  // namespace

std::string format_card(const Card& card) { return json::pretty(to_json(card)) + "\n"; }

Result<Card> parse_card(std::string_view text) {
  const auto root = HZ_TRY(json::parse(text, {.size_bytes_max = card_size_bytes_max, .depth_max = 3}));
  Card out = HZ_TRY(from_json<Card>(root));
  if (out.format != card_format) return refuse(fmt::format("format {}, {} expected", out.format, card_format));
  if (!statement::is_sha256(out.root_fingerprint)) return refuse("root_fingerprint should be 64 hex digits");
  if (!is_url(out.url)) return refuse("url should be http or https");
  if (!out.pin.empty() && !statement::is_sha256(out.pin)) return refuse("pin should be 64 hex digits");
  if (!out.code.empty() && !parse_hex(out.code)) return refuse("code should be hex digits");
  if (format_card(out) != text) return refuse("the text is not the one text of its content");
  return out;
}

Result<Checked> check_card(const Card& card, std::string_view kind) {
  Checked out = HZ_TRY(check_evidence(HZ_TRY(parse_evidence(card.evidence))));
  if (out.statement.kind != kind) return refuse(fmt::format("evidence of {}, {} expected", out.statement.kind, kind));
  if (const std::string held = alliance::root_fingerprint(out.authority.genesis); held != card.root_fingerprint)
    return fail(why("alliance.other_root"), "{}: the card says {}, its evidence {}", out.authority.origin,
                card.root_fingerprint, held);
  return out;
}

std::string code_proof(std::string_view code, const alliance::Authority& joiner) {
  return hex(crypto::sha256(
      as_bytes(fmt::format("hezong/invite/v1\n{}\n{}\n{}", code, joiner.origin, hex(joiner.genesis_id)))));
}

Result<void> store_card(const fs::path& home, std::string_view origin, Card card) {
  card.code.clear();
  const fs::path folder = alliance::peer_folder(home, origin);
  HZ_TRY(create_folder_durably(folder));
  return write_file_durably(folder / "card.json", as_bytes(format_card(card)));
}

Result<Card> stored_card(const fs::path& home, std::string_view origin) {
  return parse_card(HZ_TRY(read_text(alliance::peer_folder(home, origin) / "card.json", card_size_bytes_max)));
}

Result<std::string> new_code(const fs::path& home, Rng& rng) {
  std::array<std::uint8_t, 16> secret;
  rng.fill(secret);
  const std::string code = hex(secret);
  HZ_TRY(create_folder_durably(home / "invites", 0700));
  const std::string name = hex(crypto::sha256(as_bytes(code))).substr(0, 16);
  HZ_TRY(write_file_durably(home / "invites" / name, as_bytes(code + "\n"), 0600));
  return code;
}

std::optional<fs::path> code_file(const fs::path& home, std::string_view proof, const alliance::Authority& joiner) {
  std::error_code error;
  for (fs::directory_iterator at(home / "invites", error), end; !error && at != end; at.increment(error)) {
    auto code = read_text(at->path(), 100);
    if (!code || !code->ends_with('\n')) continue;
    code->pop_back();
    const std::string wanted = code_proof(*code, joiner);
    if (crypto::equal_constant_time(as_bytes(wanted), as_bytes(proof))) return at->path();
  }
  return std::nullopt;
}

}  // namespace hz::node
