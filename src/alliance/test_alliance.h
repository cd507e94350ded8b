// An alliance of small members in one folder, for tests: real keys, real logs, a pillar of facts by name.
#pragma once
#include <doctest/doctest.h>

#include <map>
#include <vector>

#include "alliance/authority.h"
#include "alliance/charter.h"
#include "alliance/member.h"
#include "alliance/peers.h"
#include "alliance/replay.h"
#include "statement/canonical.h"

namespace hz::alliance::test {

// Facts by name, the member's newest stands; a negative number contradicts its rule.
struct Fact {
  static constexpr std::string_view kind = "test.fact";
  std::string name;
  std::int64_t number = 0;
  static constexpr auto fields() {
    return rows(row("name", &Fact::name, "name"), row("number", &Fact::number, "number"));
  }
};

class Alliance {
 public:
  // Member 0 founds it and admits the others.
  Alliance(std::size_t count, std::uint64_t seed);

  static Mounted mounted();
  Seams seams() { return {&clock, &rng, &silent_progress()}; }
  // A new member with a join request in its log, admitted or not.
  Member join(const std::string& origin, bool admitted);
  Admit admission(std::size_t member, std::int64_t from);
  // A new key of a role, and the statement that names it.
  void rotate(std::size_t member, Role role);
  // Puts three leaves into a log with the right log key: a statement of another log, one signed by another member's key
  // and one that says another issuer.
  void plant(std::size_t into, std::size_t of, SeededRng& rng);
  // A statement whose signature has the right key id and wrong bytes.
  void plant_bad_signature(std::size_t into);
  // The entry that stands at `index` once more, which the program of an honest member would not store.
  void plant_again(std::size_t into, std::uint64_t index);

  TempDir dir;
  ManualClock clock{1795442706123};
  SeededRng rng;
  std::vector<Member> members;

 private:
  void append_raw(std::size_t into, std::vector<log::Entry> entries);
};

// Views over prefixes of an alliance's logs, as one member's node computes them.
class Replayer {
 public:
  Replayer(Alliance& alliance, std::size_t asks);
  void catch_up(const std::vector<std::uint64_t>& sizes);
  void catch_up();  // to the heads
  void rebuild();   // from nothing, with what is known about signatures
  sql::Db& db() { return views_->db(); }
  std::int64_t count(std::string_view query) { return db().integer(query).value().value_or(-1); }
  std::string text(std::string_view query) { return db().text(query).value().value_or("(none)"); }
  const Verified& verified(std::size_t log) { return verified_[log]; }

 private:
  Alliance& alliance_;
  TempDir dir_;
  std::vector<Verified> verified_;
  std::optional<Views> views_;
};

}  // namespace hz::alliance::test
