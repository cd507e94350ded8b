#include "node/witness_places.h"

#include <algorithm>

#include "alliance/node_place.h"
#include "node/reasons.h"

namespace hz::node {
namespace {

struct Said {
  std::vector<WitnessPlace> witnesses;
  static constexpr auto fields() { return rows(row("witnesses", &Said::witnesses, "where each runs")); }
};

}  // namespace

Result<std::vector<WitnessPlace>> witness_places(const fs::path& home, const log::Policy& policy) {
  const fs::path file = home / "witnesses.json";
  std::error_code gone;
  if (!fs::exists(file, gone)) return std::vector<WitnessPlace>();
  const auto value = HZ_TRY(json::parse(HZ_TRY(read_text(file, log::policy_size_bytes_max))));
  auto said = HZ_TRY(from_json<Said>(value));
  std::vector<std::string> seen;
  for (const WitnessPlace& one : said.witnesses) {
    if (!alliance::check({one.jurisdiction, one.entity}))
      return fail(why("node.witness_places"), "{}: \"{}\", \"{}\"", one.witness, one.jurisdiction, one.entity);
    if (std::ranges::find(policy.witnesses, one.witness, &log::PolicyWitness::name) == policy.witnesses.end())
      return fail(why("node.witness_places"), "{} is no witness of the policy", one.witness);
    if (std::ranges::find(seen, one.witness) != seen.end())
      return fail(why("node.witness_places"), "{} stands twice", one.witness);
    seen.push_back(one.witness);
  }
  return std::move(said.witnesses);
}

}  // namespace hz::node
