#include "log/note.h"

#include <doctest/doctest.h>

#include "base/test_result.h"
#include "log/checkpoint.h"
#include "log/cosignature.h"
#include "log/proof.h"

using namespace hz;
using namespace hz::log;

namespace {

crypto::SigningKey key_of(std::uint64_t seed) {
  SeededRng rng(seed);
  return crypto::SigningKey::generate(rng);
}

constexpr std::string_view spec_vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
constexpr std::string_view spec_note =
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

}  // namespace

TEST_CASE("note: the example of the signed-note specification verifies, and no changed byte of it does") {
  const NoteKey key = parse_vkey(spec_vkey).value();
  CHECK(format_vkey(key) == spec_vkey);
  const Note note = parse_note(spec_note).value();
  CHECK(format_note(note) == spec_note);
  CHECK(verify_note(note, std::span(&key, 1)).value().front() == &key);
  for (std::size_t at = 0; at < spec_note.size(); ++at) {
    std::string changed(spec_note);
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto parsed = parse_note(changed);
    if (parsed) CHECK_FALSE(verify_note(*parsed, std::span(&key, 1)));
  }
}

TEST_CASE("note: text may hold empty lines; the last one splits") {
  const auto key = key_of(1);
  const std::string text = "a\n\n— not a signature\n\nb\n";
  const Note note{text, {sign_note(text, "k", key)}};
  const Note back = parse_note(format_note(note)).value();
  CHECK(back == note);
  const NoteKey known{"k", KeyType::ed25519, key.verifying_key()};
  CHECK(verify_note(back, std::span(&known, 1)));
}

TEST_CASE("note: malformed messages are refused") {
  const std::string sig = " " + base64(Bytes(68, 7)) + "\n";
  for (const std::string& bad :
       {std::string(), std::string("\n"), std::string("a\n"), std::string("a\n\n"),
        "a\n\n— n" + sig.substr(0, sig.size() - 1), "a\n\n- n" + sig, "a\n\n—n" + sig, "a\n\n— " + sig,
        "a\n\n— n+m" + sig, "a\n\n— n\xc2\xa0m" + sig, std::string("a\n\n— n AAAA\n"), std::string("a\n\n— n AAAAAA\n"),
        "a\r\n\n— n" + sig, "a\xff\n\n— n" + sig, "a\n\n— n" + sig + "x\n"})
    CHECK(slug(parse_note(bad)) == "log.note");
  std::string many = "a\n\n";
  for (int i = 0; i < 100; ++i) many += "— n" + sig;
  CHECK(parse_note(many));
  CHECK(slug(parse_note(many + "— n" + sig)) == "log.note");
  CHECK(slug(parse_note(std::string(note_size_bytes_max + 1, 'a'))) == "base.too_large");
  // An ML-DSA-44 line of an unknown witness is carried along.
  CHECK(parse_note("a\n\n— w " + base64(Bytes(4 + 8 + 2420, 1)) + "\n"));
}

TEST_CASE("note: unknown keys are ignored, a bad signature of a known key refuses the note") {
  const auto a = key_of(1), b = key_of(2);
  const NoteKey known[] = {{"a", KeyType::ed25519, a.verifying_key()}, {"b", KeyType::ed25519, b.verifying_key()}};
  const std::string text = "hello\n";
  const auto line_a = sign_note(text, "a", a), line_b = sign_note(text, "b", b);
  auto bad_b = line_b;
  bad_b.signature[3] ^= 1;
  auto stranger = line_b;
  stranger.key_id ^= 1;
  CHECK(verify_note({text, {line_a, line_b}}, known).value().size() == 2);
  CHECK(verify_note({text, {line_a, stranger}}, known).value().size() == 1);
  CHECK(verify_note({text, {line_a, line_a}}, known).value().size() == 1);
  CHECK(slug(verify_note({text, {line_a, bad_b}}, known)) == "log.note_signature");
  CHECK(slug(verify_note({text, {stranger}}, known)) == "log.note_unsigned");
  // The right bytes under another name are another key.
  auto renamed = line_a;
  renamed.name = "b";
  CHECK(slug(verify_note({text, {renamed}}, known)) == "log.note_unsigned");
}

TEST_CASE("vkey: a changed name, id, type or key is refused") {
  std::string text(spec_vkey);
  CHECK(parse_vkey(text));
  for (const char* bad :
       {"", "x", "x+530d903a", "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "a b+00000000+AA==", "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"})
    CHECK_FALSE(parse_vkey(bad));
  // A low-order point is no key, even with its own right key id.
  const Bytes identity = parse_hex("0100000000000000000000000000000000000000000000000000000000000000").value();
  CHECK(slug(crypto::VerifyingKey::parse(identity)) == "crypto.public_key");
}

TEST_CASE("checkpoint: three exact lines, one text per head") {
  const Checkpoint checkpoint{"hezong.example/acme", 70000, crypto::VerifyingKey(key_of(3).verifying_key()).bytes()};
  const std::string text = format_checkpoint(checkpoint);
  CHECK(parse_checkpoint(text).value() == checkpoint);
  const std::string root = base64(checkpoint.root) + "\n";
  for (const std::string& bad :
       {text + "extension\n", text + "\n", text.substr(0, text.size() - 1), "a\n07\n" + root, "a\n-1\n" + root,
        "a\n+1\n" + root, "a\n\n" + root, "a\n9223372036854775808\n" + root, "a\n1\n" + base64(Bytes(31)) + "\n",
        std::string("a\n1\nAA\n"), "\n1\n" + root, "a b\n1\n" + root, "a/\n1\n" + root, "https://a\n1\n" + root,
        std::string(256, 'a') + "\n1\n" + root})
    CHECK(slug(parse_checkpoint(bad)) == "log.checkpoint");
  CHECK(parse_checkpoint("a\n9223372036854775807\n" + root));
}

TEST_CASE("checkpoint: opens under its own log key only") {
  const auto key = key_of(4), other = key_of(5);
  const NoteKey log_key{"log.example/a", KeyType::ed25519, key.verifying_key()};
  const std::string note = sign_checkpoint({"log.example/a", 5, {}}, key);
  CHECK(open_checkpoint(note, log_key).value().size == 5);
  CHECK(slug(open_checkpoint(note, {"log.example/b", KeyType::ed25519, key.verifying_key()})) ==
        "log.checkpoint_origin");
  CHECK(slug(open_checkpoint(note, {"log.example/a", KeyType::ed25519, other.verifying_key()})) == "log.note_unsigned");
}

TEST_CASE("cosignature: counts for its checkpoint, time and key, and for nothing else") {
  const auto log_secret = key_of(6), witness = key_of(7);
  const std::string text = format_checkpoint({"log.example/a", 9, {}});
  const Note note{text, {sign_note(text, "log.example/a", log_secret), cosign(text, "w.example", witness, 1679315147)}};
  const NoteKey known[] = {{"log.example/a", KeyType::ed25519, log_secret.verifying_key()},
                           {"w.example", KeyType::cosignature_v1, witness.verifying_key()}};
  const Note back = parse_note(format_note(note)).value();
  CHECK(verify_note(back, known).value().size() == 2);
  CHECK(parse_cosignature(back.signatures[1].signature).value().time_s == 1679315147);
  CHECK(cosigned_text(text, 7).starts_with("cosignature/v1\ntime 7\nlog.example/a\n9\n"));
  for (std::size_t byte = 0; byte < 72; ++byte) {
    Note changed = back;
    changed.signatures[1].signature[byte] ^= 1;
    CHECK(slug(verify_note(changed, known)) == "log.note_signature");
  }
  // The same key as an ordinary signer has another key id.
  CHECK(known[1].id() != NoteKey{"w.example", KeyType::ed25519, witness.verifying_key()}.id());
  CHECK_FALSE(parse_cosignature(Bytes(71)));
  CHECK_FALSE(parse_cosignature(Bytes(72, 0xff)));
}

TEST_CASE("proof: reads what it writes and refuses loose forms") {
  const auto key = key_of(8);
  const Proof proof{{1, 2, 3}, 5, {Digest{}, Digest{1}}, sign_checkpoint({"log.example/a", 7, {}}, key)};
  const std::string text = format_proof(proof);
  CHECK(text.starts_with("c2sp.org/tlog-proof@v1\nextra AQID\nindex 5\n"));
  CHECK(parse_proof(text).value() == proof);
  Proof bare = proof;
  bare.extra.clear();
  bare.path.clear();
  CHECK(parse_proof(format_proof(bare)).value() == bare);
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return slug(parse_proof(changed));
  };
  CHECK(with("@v1", "@v2") == "log.proof_syntax");
  CHECK(with("extra AQID", "extra AQI") == "log.proof_syntax");
  CHECK(with("extra AQID", "extra ") == "log.proof_syntax");
  CHECK(with("index 5", "index 05") == "log.proof_syntax");
  CHECK(with("index 5", "index -5") == "log.proof_syntax");
  CHECK(with("AAAA=\n", "AAAA=\r\n") == "log.proof_syntax");
  CHECK(with("\n\n", "\n") == "log.proof_syntax");
  CHECK(slug(parse_proof("c2sp.org/tlog-proof@v1\nindex 1\n")) == "log.proof_syntax");
  CHECK(slug(parse_proof("")) == "log.proof_syntax");
}
