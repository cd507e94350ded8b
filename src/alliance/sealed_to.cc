#include "alliance/sealed_to.h"

#include <algorithm>

#include "base/json.h"

namespace hz::alliance {
namespace {

constexpr std::size_t file_bytes_max = 16u << 20;

const Readers& nobody() {
  static const Readers none;
  return none;
}

template <class Stretches>
const Readers& before(const Stretches& stretches, std::uint64_t index) {
  const auto next = stretches.upper_bound(index);
  return next == stretches.begin() ? nobody() : std::prev(next)->second;
}

}  // namespace

SealedTo SealedTo::read(const fs::path& path) {
  const auto text = read_text(path, file_bytes_max);
  const auto parsed = text ? json::parse(*text) : std::unexpected(text.error());
  const json::Object* classes = parsed ? parsed->object() : nullptr;
  if (!classes) return {};
  SealedTo out;
  for (const auto& [audience, stretches] : *classes) {
    if (!stretches.array()) return {};
    for (const json::Value& one : *stretches.array()) {
      const std::int64_t* from = one.find("from") ? one.find("from")->integer() : nullptr;
      const json::Array* readers = one.find("readers") ? one.find("readers")->array() : nullptr;
      if (!from || *from < 0 || !readers) return {};
      Readers& to = out.classes_[audience][static_cast<std::uint64_t>(*from)];
      for (const json::Value& reader : *readers) {
        if (!reader.string()) return {};
        to.insert(*reader.string());
      }
    }
  }
  return out;
}

Result<void> SealedTo::write(const fs::path& path) const {
  json::Object classes;
  for (const auto& [audience, stretches] : classes_) {
    json::Array list;
    for (const auto& [from, readers] : stretches) {
      json::Array names;
      for (const std::string& reader : readers) names.emplace_back(reader);
      json::Value one;
      one.set("from", static_cast<std::int64_t>(from)).set("readers", std::move(names));
      list.push_back(std::move(one));
    }
    classes.emplace_back(audience, std::move(list));
  }
  return write_file_durably(path, as_bytes(json::dump(json::Value(std::move(classes))) + "\n"), 0600);
}

const Readers& SealedTo::at(const std::string& audience, std::uint64_t index) const {
  const auto found = classes_.find(audience);
  return found == classes_.end() ? nobody() : before(found->second, index);
}

bool SealedTo::note(const std::string& audience, std::uint64_t index, const Readers& readers) {
  Stretches& stretches = classes_[audience];
  if (!stretches.empty() && before(stretches, index) == readers) return false;
  stretches.insert_or_assign(index, readers);
  return true;
}

void SealedTo::widen(const std::string& audience, std::uint64_t begin, std::uint64_t end, const Readers& readers) {
  Stretches& stretches = classes_[audience];
  // A border on either side, then everybody in between, then borders that part nothing go.
  stretches.try_emplace(end, before(stretches, end));
  stretches.try_emplace(begin, before(stretches, begin));
  for (auto at = stretches.find(begin); at != stretches.end() && at->first < end; ++at)
    at->second.insert(readers.begin(), readers.end());
  for (auto at = stretches.begin(); at != stretches.end();)
    at = at->second == (at == stretches.begin() ? nobody() : std::prev(at)->second) ? stretches.erase(at)
                                                                                    : std::next(at);
}

std::optional<std::uint64_t> SealedTo::first_lacking(const std::string& audience, std::uint64_t from,
                                                     const Readers& wanted) const {
  const auto lacks = [&](const Readers& readers) { return !std::ranges::includes(readers, wanted); };
  const auto found = classes_.find(audience);
  if (found == classes_.end()) return lacks(nobody()) ? std::optional(from) : std::nullopt;
  if (lacks(before(found->second, from))) return from;
  for (auto at = found->second.upper_bound(from); at != found->second.end(); ++at)
    if (lacks(at->second)) return at->first;
  return std::nullopt;
}

}  // namespace hz::alliance
