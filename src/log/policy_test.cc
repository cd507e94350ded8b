#include "log/policy.h"

#include <doctest/doctest.h>

#include "log/cosignature.h"
#include "log/test_world.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

namespace {

NoteKey witness_key(int i) {
  return {fmt::format("w{}.example", i), KeyType::cosignature_v1, key_of(100 + i).verifying_key()};
}
std::string witness_line(std::string_view name, int i) {
  return fmt::format("witness {} {}\n", name, format_vkey(witness_key(i)));
}
std::string log_line() {
  return fmt::format("log {} https://a.example/\n",
                     format_vkey({std::string(origin), KeyType::ed25519, key_of(42).verifying_key()}));
}
// The example of the specification.
std::string example() {
  std::string out = "# comment\n" + log_line() + "\n";
  for (int i = 1; i <= 3; ++i) out += witness_line(fmt::format("X{}", i), i);
  out += " group  X-witnesses\t2 X1 X2 X3 \n\n";
  for (int i = 1; i <= 3; ++i) out += witness_line(fmt::format("Y{}", i), 10 + i);
  return out + "group Y-witnesses any Y1 Y2 Y3\n  # last\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n";
}
bool met(const Policy& policy, std::initializer_list<int> who) {
  std::vector<NoteKey> keys;
  for (const int i : who) keys.push_back(witness_key(i));
  std::vector<const NoteKey*> cosigners;
  for (const NoteKey& key : keys) cosigners.push_back(&key);
  return quorum_met(policy, cosigners);
}

}  // namespace

TEST_CASE("policy: the specification's example counts two of X and one of Y") {
  const Policy policy = parse_policy(example()).value();
  CHECK(policy.logs.size() == 1);
  CHECK(policy.logs[0].url == "https://a.example/");
  CHECK(policy.witnesses.size() == 6);
  CHECK(policy.groups.size() == 3);
  CHECK(met(policy, {1, 2, 11}));
  CHECK(met(policy, {2, 3, 12, 13}));
  CHECK_FALSE(met(policy, {1, 2, 3}));
  CHECK_FALSE(met(policy, {1, 11, 12, 13}));
  CHECK_FALSE(met(policy, {1, 99, 11}));
  CHECK_FALSE(met(policy, {}));
  CHECK_FALSE(met(policy, {1, 1, 11}));
}

TEST_CASE("policy: losses that the quorum survives, and those that break it, are told apart") {
  const Policy policy = parse_policy(example()).value();
  CHECK(breaking_losses(policy).empty());
  CHECK(survives(policy, std::vector<std::string>{"X1", "Y1", "Y2"}));
  CHECK_FALSE(survives(policy, std::vector<std::string>{"X1", "X2"}));
  CHECK_FALSE(survives(policy, std::vector<std::string>{"Y1", "Y2", "Y3"}));
  CHECK(survives(policy, std::vector<std::string>{"nobody"}));
  const Policy narrow = parse_policy(witness_line("a", 1) + witness_line("b", 2) + witness_line("c", 3) +
                                     "group bc any b c\ngroup q all a bc\nquorum q\n")
                            .value();
  CHECK(breaking_losses(narrow) == std::vector<std::string>{"a"});
  CHECK(breaking_losses(parse_policy("quorum none\n").value()).empty());
  CHECK(survives(parse_policy("quorum none\n").value(), {}));
}

TEST_CASE("policy: every broken rule is refused and the line is named") {
  const std::string a = witness_line("a", 1), b = witness_line("b", 2);
  struct Case {
    std::string text;
    std::string_view line;
  };
  const Case cases[] = {
      {a, "line 1"},                                                     // no quorum
      {a + "quorum a", "line 2"},                                        // no end of line
      {a + "quorum a\nquorum none\n", "line 3"},                         // two quorums
      {a + "quorum b\n", "line 2"},                                      // undefined
      {a + "quorum a b\n", "line 2"},                                    // too many words
      {a + "group g 1 a b\n" + b + "quorum g\n", "line 2"},              // used before definition
      {a + "group g all a a\nquorum g\n", "line 2"},                     // twice in one group
      {a + b + "group g any a\ngroup h any a b\nquorum g\n", "line 4"},  // in two groups
      {a + "group g any g\nquorum g\n", "line 2"},                       // itself
      {a + "group g 0 a\nquorum g\n", "line 2"},                         // thresholds
      {a + "group g 2 a\nquorum g\n", "line 2"},
      {a + "group g 01 a\nquorum g\n", "line 2"},
      {a + "group g any\nquorum g\n", "line 2"},    // no member
      {a + "group a any a\nquorum a\n", "line 2"},  // name taken
      {a + witness_line("a", 2) + "quorum a\n", "line 2"},
      {a + witness_line("b", 1) + "quorum a\n", "line 2"},  // public key twice
      {witness_line("none", 1) + "quorum none\n", "line 1"},
      {"group g any none\nquorum none\n", "line 1"},
      {"witness a nokey\nquorum a\n", "line 1"},
      {fmt::format("log {}\nquorum none\n", format_vkey(witness_key(1))), "line 1"},  // key of the wrong type
      {log_line() + log_line() + "quorum none\n", "line 2"},
      {"Log x\nquorum none\n", "line 1"},
      {std::string("quorum none\x01\n"), "line 1"},
      {std::string("quorum none\r\n"), "line 1"},
      {"quorum none\n" + std::string("\x7f\n"), "line 2"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto policy = parse_policy(c.text);
    REQUIRE(slug(policy) == "log.policy");
    CHECK(policy.error().detail.starts_with(fmt::format("{}:", c.line)));
  }
  // Octets above 0x7f are opaque.
  CHECK(parse_policy(witness_line("\xff\xe2\x84\xaa", 1) + "quorum \xff\xe2\x84\xaa\n").has_value());
}

TEST_CASE("policy: 300 logs, 300 witnesses and 300 nested groups are read; a chain of groups is decided") {
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += fmt::format(
        "log {}\n", format_vkey({fmt::format("l{}.example", i), KeyType::ed25519, key_of(1000 + i).verifying_key()}));
  for (int i = 0; i < 300; ++i) text += witness_line(fmt::format("w{}", i), i);
  text += "group g0 all w0\n";
  for (int i = 1; i < 300; ++i) text += fmt::format("group g{} all g{} w{}\n", i, i - 1, i);
  const Policy policy = parse_policy(text + "quorum g299\n").value();
  CHECK(breaking_losses(policy).size() == 300);
  CHECK(slug(parse_policy(std::string(policy_size_bytes_max + 1, '\n'))) == "base.too_large");
}

TEST_CASE("policy: a head counts with the log's signature and the quorum, and with neither missing") {
  const Policy policy =
      parse_policy(log_line() + witness_line("a", 1) + witness_line("b", 2) + "group q 2 a b\nquorum q\n").value();
  const Checkpoint head{std::string(origin), 0, crypto::sha256(ByteView())};
  Note note = parse_note(sign_checkpoint(head, key_of(42))).value();
  CHECK(slug(open_witnessed(format_note(note), policy)) == "log.quorum");
  note.signatures.push_back(cosign(note.text, "w1.example", key_of(101), 7));
  note.signatures.push_back(note.signatures.back());
  CHECK(slug(open_witnessed(format_note(note), policy)) == "log.quorum");
  note.signatures.push_back(cosign(note.text, "w2.example", key_of(102), 8));
  CHECK(open_witnessed(format_note(note), policy).value() == head);
  note.signatures.erase(note.signatures.begin());
  CHECK(slug(open_witnessed(format_note(note), policy)) == "log.note_unsigned");
  const Note other = parse_note(sign_checkpoint({"other.example/x", 0, head.root}, key_of(1))).value();
  CHECK(slug(open_witnessed(format_note(other), policy)) == "log.checkpoint_origin");
}
