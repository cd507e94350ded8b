#include "pool/meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <tuple>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "pool/reasons.h"
#include "pool/rules.h"

namespace hz::pool {
namespace {

constexpr std::array<std::string_view, 5> fates{"whole", "refused", "cut", "client_gone", "node_died"};

// A tab before each further word. By hand: two lines are written for every request, and a general formatter shows.
void add_word(std::string& line, std::string_view word) { (line += '\t') += word; }
void add_word(std::string& line, std::int64_t number) {
  std::array<char, 20> digits;
  (line += '\t').append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}
template <class... Words>
std::string line_of(std::string_view first, const Words&... words) {
  std::string out;
  out.reserve(240);
  out += first;
  (add_word(out, words), ...);
  return out;
}

std::string sealed(std::string line) {
  const Digest sum = crypto::sha256(as_bytes(line));
  line += '\t';
  line += hex(ByteView(sum).first(4));
  line += '\n';
  return line;
}

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto at = line.find('\t');
    out.push_back(line.substr(0, at));
    if (at == std::string_view::npos) return out;
    line.remove_prefix(at + 1);
  }
}

// So that the sums of a whole file cannot overflow.
constexpr std::int64_t figure_max = 10'000'000'000'000;

template <class Number>
bool read(std::string_view text, Number& out) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && rest == text.data() + text.size() && out >= 0 && out <= figure_max;
}

}  // namespace

std::string_view fate_text(Fate fate) { return fates[static_cast<std::size_t>(fate)]; }

std::string meter_line(const MeterBegin& b) { return sealed(line_of("begin", b.claim, b.at_ms, b.key, b.product)); }

std::string meter_line(const MeterEnd& e) {
  std::string line = line_of("end", e.claim, e.at_ms, fate_text(e.fate), e.status, e.tries, e.site, e.backend,
                             e.request_bytes, e.answer_bytes, e.served_us, e.units);
  if (!e.lease.empty()) add_word(line, e.lease);
  return sealed(std::move(line));
}

Result<MeterFile> read_meter(std::string_view text) {
  MeterFile out;
  std::map<std::string, std::size_t, std::less<>> places;
  std::set<std::size_t> ended;
  for (std::size_t number = 1; out.good_bytes < text.size(); ++number) {
    const std::string_view rest = text.substr(out.good_bytes);
    const auto end = rest.find('\n');
    const auto refuse = [&](std::string_view what) { return fail(why("pool.meter"), "line {}: {}", number, what); };
    const std::string_view line = rest.substr(0, end);
    const auto mark = line.rfind('\t');
    const bool whole = end != std::string_view::npos && line.size() <= meter_line_bytes_max &&
                       mark != std::string_view::npos &&
                       hex(crypto::sha256(as_bytes(line.substr(0, mark)))).substr(0, 8) == line.substr(mark + 1);
    if (!whole) {
      // Only a line without its end can be half written.
      if (end != std::string_view::npos) return refuse("its check sum is wrong");
      out.torn = true;
      return out;
    }
    const auto words = split(line.substr(0, mark));
    if (words[0] == "begin") {
      MeterBegin begin;
      if (words.size() != 5 || !is_claim_id(words[1]) || !read(words[2], begin.at_ms)) return refuse("not a begin");
      begin.claim = words[1];
      begin.key = words[3];
      begin.product = words[4];
      if (!places.emplace(begin.claim, out.requests.size()).second) return refuse("the claim begins twice");
      MeterEnd none;
      none.claim = begin.claim;
      none.at_ms = begin.at_ms;
      none.fate = Fate::node_died;
      out.requests.push_back({std::move(begin), std::move(none)});
    } else {
      MeterEnd e;
      if (words[0] != "end" || words.size() < 12 || words.size() > 13 || !read(words[2], e.at_ms) ||
          !read(words[4], e.status) || !read(words[5], e.tries) || !read(words[8], e.request_bytes) ||
          !read(words[9], e.answer_bytes) || !read(words[10], e.served_us) || !read(words[11], e.units))
        return refuse("neither a begin nor an end");
      const auto fate = std::ranges::find(fates, words[3]);
      if (fate == fates.end() || *fate == "node_died") return refuse("no such fate");
      e.fate = static_cast<Fate>(fate - fates.begin());
      e.claim = words[1];
      e.site = words[6];
      e.backend = words[7];
      if (words.size() == 13 && !is_claim_id(words[12])) return refuse("no lease");
      if (words.size() == 13) e.lease = words[12];
      const auto place = places.find(e.claim);
      if (place == places.end()) return refuse("an end without a begin");
      if (!ended.insert(place->second).second) return refuse("the claim ends twice");
      out.requests[place->second].end = std::move(e);
    }
    out.good_bytes += end + 1;
  }
  return out;
}

std::vector<Usage> usage_of(const std::vector<Metered>& requests) {
  std::map<std::tuple<std::string, std::string, std::string>, Usage> sums;
  for (const Metered& m : requests) {
    Usage& u = sums[{m.begin.key, m.begin.product, m.end.lease}];
    ++u.requests;
    switch (m.end.fate) {
      case Fate::whole:
        ++u.whole;
        break;
      case Fate::refused:
        ++u.refused;
        break;
      case Fate::cut:
        ++u.cut;
        break;
      case Fate::client_gone:
        ++u.client_gone;
        break;
      case Fate::node_died:
        ++u.node_died;
        break;
    }
    u.request_bytes += m.end.request_bytes;
    u.answer_bytes += m.end.answer_bytes;
    u.served_us += m.end.served_us;
    u.units += m.end.units;
  }
  std::vector<Usage> out;
  for (auto& [who, u] : sums) {
    std::tie(u.key, u.product, u.lease) = who;
    out.push_back(std::move(u));
  }
  return out;
}

}  // namespace hz::pool
