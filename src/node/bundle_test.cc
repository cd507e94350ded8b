#include "node/bundle.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "alliance/authority.h"
#include "alliance/member.h"
#include "crypto/hash.h"
#include "log/cosignature.h"
#include "log/store.h"
#include "node/evidence.h"
#include "node/make_bundle.h"
#include "pool/kinds.h"
#include "statement/canonical.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::node;

namespace {

crypto::SigningKey key_of(std::uint8_t i) {
  std::array<std::uint8_t, 32> seed{};
  seed[0] = i;
  return crypto::SigningKey::from_seed(seed);
}
log::NoteKey witness(std::uint8_t i) {
  return {fmt::format("w{}.example", i), log::KeyType::cosignature_v1, key_of(i).verifying_key()};
}
std::string policy_of(std::initializer_list<std::uint8_t> witnesses, std::string_view rule) {
  std::string out, names;
  for (const std::uint8_t i : witnesses) {
    out += fmt::format("witness w{} {}\n", i, log::format_vkey(witness(i)));
    names += fmt::format(" w{}", i);
  }
  return out + fmt::format("group g {}{}\nquorum g\n", rule, names);
}

struct World {
  TempDir dir;
  ManualClock clock{1795442706123};
  SeededRng rng;
  alliance::Member member;

  explicit World(std::uint64_t seed, std::string origin = "hezong.example/acme")
      : rng(seed),
        member(alliance::Member::create(dir.path() / "home", {"Acme", std::move(origin)}, {pool::kinds(), {}},
                                        {&clock, &rng, &silent_progress()})
                   .value()) {}
  std::uint64_t add(std::string site) {
    const pool::Site offer{std::move(site), "Hangzhou", "unknown", "CN", {{"backend:refrt", 1, 2, 3, 4}}};
    return member.append(alliance::draft(offer)).value().index;
  }
  // The current head, cosigned by these witnesses.
  std::string head(std::initializer_list<std::uint8_t> witnesses) {
    log::Note note = log::parse_note(member.log().checkpoint()).value();
    for (const std::uint8_t i : witnesses)
      note.signatures.push_back(log::cosign(note.text, witness(i).name, key_of(i), 1'795'442'700u + i));
    return log::format_note(note);
  }
  BundleLog proofs(const std::string& note, std::initializer_list<std::uint64_t> positions) {
    BundleLog out{member.origin(), {}};
    for (const std::uint64_t index : positions)
      out.proofs.push_back(
          log::format_proof({member.log().leaf(index).value(), index,
                             member.log().inclusion_proof(index, member.log().head().size).value(), note}));
    return out;
  }
  // A change of keys of this log, signed as this role by these keys, whether or not a member would sign such a thing.
  std::uint64_t change_keys(std::string_view role, std::span<const statement::NamedSigner* const> keys) {
    std::array<std::uint8_t, 32> seed{};
    seed[0] = 99;
    const statement::NamedSigner next(member.origin(), crypto::SigningKey::from_seed(seed));
    const json::Value body = to_json(
        alliance::KeyRotate{alliance::Role::log, alliance::verifier_text(next.named_key(), alliance::Role::log), {}});
    statement::Idem idem;
    rng.fill(idem);
    const std::string payload = statement::build_payload({.kind = alliance::KeyRotate::kind,
                                                          .issuer = member.id(),
                                                          .log = member.origin(),
                                                          .role = role,
                                                          .idem = idem,
                                                          .body = &body})
                                    .value();
    auto made = statement::sign(payload, keys).value();
    REQUIRE(member.become_writer());
    return member.log().append(std::vector<log::Entry>{{std::move(made.leaf), made.id, idem}}).value()[0].index;
  }
  // A site that only its owner can read.
  statement::Statement seal(std::string site) {
    const pool::Site offer{std::move(site), "Hangzhou", "unknown", "CN", {{"backend:refrt", 170, 2, 3, 4}}};
    alliance::Draft d = alliance::draft(offer);
    d.audience = alliance::Audience{};
    return member.find(member.append(d).value().id).value();
  }
  std::string root() { return alliance::root_fingerprint(member.authority().genesis); }
};

// Two logs, two statements, heads cosigned by two of three.
struct Audit {
  World acme{1}, beta{2, "hezong.example/beta"};
  Bundle bundle;
  Audit() {
    acme.add("site:a");
    acme.add("site:b");
    beta.add("site:c");
    bundle = {"our policy",
              policy_of({1, 2, 3}, "2"),
              {acme.proofs(acme.head({1, 3}), {0, 2}), beta.proofs(beta.head({2, 3}), {0, 1})}};
  }
  BundleAnswer check(const BundleTrust& trust = {}) { return check_bundle(format_bundle(bundle), trust); }
};

// Everything that is proven, without the maker's own words about its policy.
std::string facts(const BundleAnswer& b) {
  std::string out;
  for (const BundleHead& h : b.heads) {
    out += fmt::format("{} {} {} {} {} {}", h.log, h.name, h.root_fingerprint, h.root_hash, h.size, h.cosigned_s);
    for (const std::string& w : h.witnesses) out += " " + w;
    out += "\n";
  }
  for (const BundleStatement& s : b.statements) out += json::dump(to_json(s)) + "\n";
  return out;
}
std::string with_new_digest(std::string text) {
  text.resize(text.size() - 72);
  return text + "sha256 " + hex(crypto::sha256(as_bytes(text))) + "\n";
}

}  // namespace

TEST_CASE("bundle: who said what, under which keys, and how many witnesses saw the head") {
  Audit a;
  const BundleAnswer out = a.check();
  REQUIRE(out.holds);
  CHECK(out.trust == "self-consistent only");
  CHECK(out.policy_name == "our policy");
  REQUIRE(out.heads.size() == 2);
  CHECK(out.heads[0].log == "hezong.example/acme");
  CHECK(out.heads[0].root_fingerprint == a.acme.root());
  CHECK(out.heads[0].size == 3);
  CHECK(out.heads[0].witnesses == std::vector<std::string>{"w1.example", "w3.example"});
  CHECK(out.heads[0].cosigned_s == 1'795'442'703);
  CHECK(out.heads[0].quorum);
  REQUIRE(out.statements.size() == 2);
  CHECK(out.statements[0].body.text("site") == "site:b");
  CHECK(out.statements[0].role == "author");
  REQUIRE(out.statements[0].keys.size() == 1);
  CHECK(out.statements[0].keys[0].starts_with("hezong.example/acme/author+"));
  CHECK(out.statements[1].log == "hezong.example/beta");
}

TEST_CASE("bundle: one bundle has one text") {
  Audit a;
  const std::string text = format_bundle(a.bundle);
  CHECK(parse_bundle(text).value() == a.bundle);
  CHECK(format_bundle(parse_bundle(text).value()) == text);
}

TEST_CASE("bundle: no single byte can be changed, dropped or added") {
  Audit a;
  const std::string good = format_bundle(a.bundle);
  SeededRng rng(7);
  for (std::size_t at = 0; at < good.size(); ++at) {
    CAPTURE(at);
    std::string changed = good, dropped = good, added = good;
    changed[at] = static_cast<char>(changed[at] ^ (1 + rng.below(255)));
    dropped.erase(at, 1);
    added.insert(at, 1, static_cast<char>(rng.below(256)));
    CHECK_FALSE(check_bundle(changed, {}).holds);
    CHECK_FALSE(check_bundle(dropped, {}).holds);
    if (added != good) CHECK_FALSE(check_bundle(added, {}).holds);
  }
}

TEST_CASE("bundle: whoever also writes a new digest changes nothing but the words about the policy") {
  Audit a;
  const std::string good = format_bundle(a.bundle);
  const BundleAnswer wanted = check_bundle(good, {});
  const std::size_t begin = good.find("policy "), end = good.find("log 2 ");
  BundleTrust own;
  own.policy = log::parse_policy(policy_of({1, 2, 3}, "2")).value();
  SeededRng rng(8);
  std::size_t passed = 0;
  for (std::size_t at = 0; at + 72 < good.size(); ++at) {
    CAPTURE(at);
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ (1 + rng.below(255)));
    const BundleAnswer out = check_bundle(with_new_digest(changed), own);
    if (!out.holds) continue;
    ++passed;
    CHECK(at >= begin);
    CHECK(at < end);
    CHECK(facts(out) == facts(wanted));
    CHECK(std::ranges::all_of(out.heads, &BundleHead::quorum));
  }
  CHECK(passed > 0);  // its name at least
}

TEST_CASE("bundle: the auditor's own terms decide") {
  Audit a;
  CHECK(a.check({{a.acme.root(), a.beta.root()}, {}}).holds);
  const BundleAnswer other = a.check({{a.acme.root()}, {}});
  CHECK_FALSE(other.holds);
  CHECK(other.failed_item == "log hezong.example/beta: head");
  CHECK(other.heads.size() == 1);  // what was found before stands

  const auto under = [&](const std::string& policy) { return a.check({{}, log::parse_policy(policy).value()}); };
  CHECK(under(policy_of({3}, "all")).holds);
  CHECK(under(policy_of({1, 2}, "any")).holds);
  CHECK_FALSE(under(policy_of({1, 2}, "all")).holds);
  CHECK_FALSE(under(policy_of({9}, "any")).holds);
  // A policy that names logs names all of them.
  const auto log_line = [](World& w) { return fmt::format("log {}\n", log::format_vkey(w.member.log().key())); };
  CHECK(under(log_line(a.acme) + log_line(a.beta) + "quorum none\n").holds);
  CHECK(under(log_line(a.acme) + "quorum none\n").failed_item == "log hezong.example/beta: head");
}

TEST_CASE("bundle: the first item that does not hold is named") {
  const auto failed = [](Audit& a) {
    const BundleAnswer out = a.check();
    CHECK_FALSE(out.holds);
    return out.failed_item + ": " + out.failed_reason;
  };
  {
    Audit a;  // a witness that the policy does not name
    a.bundle.logs[0] = a.acme.proofs(a.acme.head({1, 7}), {0, 2});
    CHECK(failed(a) == "log hezong.example/acme: head: node.bundle_wrong");
  }
  {
    Audit a;  // no genesis
    a.bundle.logs[1] = a.beta.proofs(a.beta.head({}), {1});
    CHECK(failed(a) == "log hezong.example/beta: genesis: node.bundle_wrong");
  }
  {
    Audit a;  // two heads of one log
    BundleLog& acme = a.bundle.logs[0];
    acme.proofs[1] = a.acme.proofs(a.acme.head({1}), {2}).proofs[0];
    CHECK(failed(a) == "log hezong.example/acme: proof 2: node.bundle_wrong");
  }
  {
    Audit a;  // another log's statement under this log's name
    std::swap(a.bundle.logs[0].proofs[1], a.bundle.logs[1].proofs[1]);
    CHECK(failed(a) == "log hezong.example/acme: proof 2: node.bundle_wrong");
  }
  {
    Audit a;  // a statement at another place than its own
    const std::string note = a.acme.head({1, 3});
    log::Proof moved = log::parse_proof(a.bundle.logs[0].proofs[1]).value();
    moved.index = 1;
    a.bundle.logs[0].proofs[1] = log::format_proof(moved);
    CHECK(failed(a) == "log hezong.example/acme: statement 1: log.proof_wrong");
  }
  {
    Audit a;
    a.bundle.policy = "quorum\n";
    CHECK(failed(a) == "the enclosed policy: log.policy");
  }
}

TEST_CASE("bundle: logs in another order, twice, or none are no bundle") {
  Audit a;
  const auto syntax = [](const Bundle& b) {
    const auto r = parse_bundle(format_bundle(b));
    return !r && r.error().reason->slug == "node.bundle_syntax";
  };
  Bundle other = a.bundle;
  std::swap(other.logs[0], other.logs[1]);
  CHECK(syntax(other));
  other = a.bundle;
  other.logs[1].origin = other.logs[0].origin;
  CHECK(syntax(other));
  other = a.bundle;
  other.logs.clear();
  CHECK(syntax(other));
  other = a.bundle;
  other.logs[0].proofs.clear();
  CHECK(syntax(other));
  other = a.bundle;
  other.policy_name = "two\nlines";
  CHECK(syntax(other));
}

TEST_CASE("bundle and evidence: an author's key cannot change keys, though its signature holds") {
  Audit a;
  const auto author = alliance::load_key(a.acme.member.home() / "keys", alliance::Role::author).value();
  const statement::NamedSigner* signers[] = {&author};
  const std::uint64_t at = a.acme.change_keys("author", signers);
  const std::uint64_t after = a.acme.add("site:d");
  a.bundle.logs[0] = a.acme.proofs(a.acme.head({1, 3}), {0, at, after});
  const BundleAnswer out = a.check();
  CHECK(out.failed_item == fmt::format("log hezong.example/acme: statement {}", at));
  CHECK(out.failed_reason == "alliance.role");

  const BundleLog& proofs = a.bundle.logs[0];
  const auto checked = check_evidence({proofs.proofs[0], {proofs.proofs[1]}, proofs.proofs[2]});
  REQUIRE_FALSE(checked);
  CHECK(checked.error().reason->slug == "alliance.role");
  CHECK(check_evidence({proofs.proofs[0], {}, proofs.proofs[2]}));  // it changed nothing
}

TEST_CASE("bundle: a member's own is made, the same bytes twice, and holds; nothing asked for is an error") {
  World w(5);
  w.add("site:a");
  w.add("site:b");
  const std::string id =
      w.member.log().leaf(2)
          ? statement::read_leaf(w.member.log().leaf(2).value(), w.member.origin(), 2).value().id_text()
          : "";
  const auto made = make_bundle(w.member, {}, {id});
  REQUIRE(made);
  CHECK(*made == make_bundle(w.member, {}, {id}).value());
  const BundleAnswer out = check_bundle(*made, {{w.root()}, {}});
  CHECK(out.holds);
  REQUIRE(out.statements.size() == 1);
  CHECK(out.statements[0].id == id);
  CHECK_FALSE(out.heads[0].quorum);  // nobody cosigned
  CHECK(make_bundle(w.member, {}, {}).error().reason->slug == "node.bundle_empty");
  CHECK(make_bundle(w.member, {}, {std::string(64, '0')}).error().reason->slug == "alliance.no_statement");
}

TEST_CASE("bundle: sealed bodies open, files are named by a statement, and nothing else is let in") {
  World w(6);
  const std::string file = "the report";
  alliance::Draft draft = alliance::draft(
      pool::Site{"site:a", "Hangzhou", hex(crypto::sha256(as_bytes(file))), "CN", {{"backend:refrt", 1, 2, 3, 4}}});
  draft.audience = alliance::Audience::parse("owner").value();
  const std::string id = w.member.append(draft).value().id;
  const std::string closed = make_bundle(w.member, {}, {id}).value();
  const BundleAnswer shut = check_bundle(closed, {});
  CHECK(shut.holds);
  CHECK(shut.statements[0].body.is_null());
  CHECK(shut.statements[0].sealed);
  CHECK(
      std::ranges::any_of(shut.not_checked, [](const auto& line) { return line.contains("1 sealed statement says"); }));

  const std::string text = make_bundle(w.member, {}, {id}, {}, {id}, {{"report.html", file}}).value();
  const BundleAnswer open = check_bundle(text, {});
  CHECK(open.holds);
  CHECK(open.statements[0].body.text("site") == "site:a");
  REQUIRE(open.files.size() == 1);
  CHECK(open.files[0].statement == id);
  // Every byte counts: of what is opened, of the file, of its name, with a digest that fits again.
  const std::string whole = text.substr(0, text.size() - 72);
  for (std::size_t at = whole.find("\nbody ") + 1; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    changed += "sha256 " + hex(crypto::sha256(as_bytes(changed))) + "\n";
    const BundleAnswer out = check_bundle(changed, {});
    const bool only_the_name = out.holds && out.files.size() == 1 && out.files[0].name != "report.html";
    CHECK_MESSAGE((!out.holds || only_the_name), at);
    CHECK_FALSE(check_bundle(text.substr(0, at) + static_cast<char>(text[at] ^ 1) + text.substr(at + 1), {}).holds);
  }
  Bundle parts = parse_bundle(text).value();
  CHECK(format_bundle(parts) == text);
  const auto refused = [](const Bundle& b) { return check_bundle(format_bundle(b), {}).failed_item; };
  Bundle other = parts;
  other.bodies.push_back({std::string(64, 'f'), other.bodies[0].opening});
  CHECK(refused(other) == "body of " + std::string(64, 'f'));
  other = parts;
  other.files[0].bytes = "another report";
  CHECK(refused(other) == "file report.html");
  other = parts;
  other.bodies.clear();  // then nothing names the file
  CHECK(refused(other) == "file report.html");
  other = parts;
  other.files[0].name = "../report";
  CHECK(refused(other) == "the file");
  other.files = {parts.files[0], parts.files[0]};
  CHECK(refused(other) == "the file");
}

TEST_CASE("bundle: chosen fields of a sealed statement stand in it and are proven, and the others stay hidden") {
  Audit audit;
  World& acme = audit.acme;
  const statement::Statement s = acme.seal("site:sealed"), other = acme.seal("site:other");
  const std::vector<std::string> fields{"jurisdiction", "offers[0].backend"};
  BundleLog log = acme.proofs(acme.head({1, 3}), {0, s.index, other.index});
  log.shown = {{s.index, acme.member.disclose(s, fields).value()}};
  audit.bundle.logs[0] = log;
  const std::string text = format_bundle(audit.bundle);
  CHECK(parse_bundle(text).value() == audit.bundle);
  CHECK(text.find("170") == std::string::npos);
  const BundleAnswer got = check_bundle(text, {});
  INFO(got.failed_item, " ", got.failed_detail);
  REQUIRE(got.holds);
  const auto find = [&](const statement::Statement& which) {
    return *std::ranges::find(got.statements, which.id_text(), &BundleStatement::id);
  };
  REQUIRE(find(s).disclosed.size() == 2);
  CHECK(find(s).disclosed[0].path == "jurisdiction");
  CHECK(find(s).disclosed[0].value == "\"CN\"");
  CHECK(find(s).sealed->starts_with("owner, commitment "));
  CHECK(find(other).disclosed.empty());
  CHECK(find(other).sealed);
  const auto says = [](const BundleAnswer& b, std::string_view words) {
    return std::ranges::any_of(b.not_checked, [&](const std::string& line) { return line.contains(words); });
  };
  CHECK(says(got, "what 1 sealed statement says"));
  CHECK(says(got, "disclosed fields are all there are"));

  const auto failed = [&](const auto& change) {
    Bundle changed = audit.bundle;
    change(changed.logs[0]);
    const BundleAnswer answer = check_bundle(format_bundle(changed), {});
    CHECK_FALSE(answer.holds);
    return answer.failed_reason;
  };
  const auto replaced = [](BundleLog& in, std::string_view from, std::string_view to) {
    const auto at = in.shown[0].disclosure.find(from);
    REQUIRE(at != std::string::npos);
    in.shown[0].disclosure.replace(at, from.size(), to);
  };
  CHECK(failed([&](BundleLog& in) { replaced(in, "\"CN\"", "\"DE\""); }) == "statement.disclosure_wrong");
  CHECK(failed([&](BundleLog& in) { in.shown[0].index = other.index; }) == "statement.disclosure_wrong");
  CHECK(failed([&](BundleLog& in) { in.shown[0].index = 0; }) == "node.bundle_wrong");
  CHECK(failed([&](BundleLog& in) { in.shown[0].index = 77; }) == "node.bundle_wrong");
  CHECK(failed([&](BundleLog& in) { in.shown.push_back(in.shown[0]); }) == "node.bundle_syntax");
  CHECK(failed([&](BundleLog& in) { in.shown[0].disclosure += " "; }) == "statement.not_canonical");
  audit.bundle.logs[0] = acme.proofs(acme.head({1, 3}), {0, 1});  // site:a, for everyone
  audit.bundle.logs[0].shown = {{1, log.shown[0].disclosure}};
  CHECK(audit.check().failed_reason == "alliance.not_sealed");
}
