#include "supply/evidence.h"

#include "crypto/hash.h"

namespace hz::supply {

namespace {

// Raised when the meaning of facts changes, so that a rescan of unchanged files is recorded anew.
constexpr std::string_view scanner = "hezong scanner 1\n";
constexpr std::size_t note_bytes_max = 512, text_bytes_max = 2048;

void shorten(std::string& text, std::size_t size_max) {
  if (text.size() <= size_max) return;
  std::size_t end = size_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a UTF-8 sequence
  text.resize(end);
  text += "…";
}

std::string digest_text(std::initializer_list<std::string_view> parts) {
  crypto::Sha256 hash;
  for (const std::string_view part : parts) hash.update(as_bytes(part));
  return hex(hash.finish());
}

json::Value facts_json(const Facts& facts) {
  json::Value out;
  out.set("nodes", to_json(facts.nodes)).set("edges", to_json(facts.edges));
  out.set("model_ops", to_json(facts.model_ops)).set("unknowns", to_json(facts.unknowns));
  return out;
}

}  // namespace

std::string facts_digest(const Evidence& evidence) {
  return digest_text({scanner, evidence.source.digest, "\n", json::dump(facts_json(evidence.facts))});
}

std::string facts_digest(Product product) {
  product.observed_ms = 0;
  product.facts.clear();
  return digest_text({scanner, json::dump(to_json(product))});
}

std::vector<Observation> split_evidence(const Evidence& evidence, std::int64_t observed_ms, std::size_t size_max) {
  Observation head;
  head.source = evidence.source;
  head.observed_ms = observed_ms;
  head.facts = facts_digest(evidence);
  const std::size_t overhead = json::dump(to_json(head)).size() + 64;
  std::vector<Observation> out = {head};
  std::size_t used = overhead;
  const auto place = [&](auto row, auto member) {
    const std::size_t size = json::dump(to_json(row)).size() + 1;
    if (used + size > size_max && used > overhead) {
      out.push_back(head);
      used = overhead;
    }
    used += size;
    (out.back().*member).push_back(std::move(row));
  };
  for (NodeFact node : evidence.facts.nodes) {
    shorten(node.name, text_bytes_max);
    if (node.notes.size() > 16) node.notes.resize(16);
    for (Note& note : node.notes) shorten(note.value, note_bytes_max);
    place(std::move(node), &Observation::nodes);
  }
  for (const EdgeFact& edge : evidence.facts.edges) place(edge, &Observation::edges);
  for (const ModelOp& op : evidence.facts.model_ops) place(op, &Observation::model_ops);
  for (UnknownFact unknown : evidence.facts.unknowns) {
    shorten(unknown.why, text_bytes_max);
    place(std::move(unknown), &Observation::unknowns);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].part = static_cast<std::int64_t>(i) + 1;
    out[i].parts = static_cast<std::int64_t>(out.size());
  }
  return out;
}

}  // namespace hz::supply
