#include "node/bundle.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "crypto/hash.h"
#include "log/decimal.h"
#include "node/reasons.h"
#include "statement/field_tree.h"
#include "statement/ids.h"

namespace hz::node {
namespace {

constexpr std::string_view header = "hezong.example/bundle@v1\n";
constexpr std::string_view digest_word = "sha256 ";
constexpr std::size_t digest_line_size_bytes = digest_word.size() + 64 + 1;

// The file from the front, line by line and block by block.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool done() const { return text_.empty(); }
  bool next_is(std::string_view word) const { return text_.starts_with(word); }

  std::unexpected<Error> refuse(std::string_view where, std::string_view what) const {
    return fail(why("node.bundle_syntax"), "{}: {}", where, what);
  }
  // `word number[ rest]`
  Result<std::pair<std::size_t, std::string>> line(std::string_view where, std::string_view word, bool with_rest) {
    const auto end = text_.find('\n');
    if (end == std::string_view::npos) return refuse(where, "the line has no end");
    std::string_view line = text_.substr(0, end);
    if (!line.starts_with(word) || line.size() <= word.size() || line[word.size()] != ' ')
      return refuse(where, fmt::format("a line `{} ...` should be here", word));
    line.remove_prefix(word.size() + 1);
    std::size_t number = 0;
    const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    const auto digits = static_cast<std::size_t>(stop - line.data());
    // One number has one text, or two files would be one bundle.
    if (error != std::errc{} || digits == 0 || (line.front() == '0' && digits > 1))
      return refuse(where, "a plain decimal number should be here");
    std::string rest;
    if (with_rest) {
      if (digits == line.size() || line[digits] != ' ') return refuse(where, "a name should follow the number");
      rest = std::string(line.substr(digits + 1));
    } else if (digits != line.size()) {
      return refuse(where, "the line should end with its number");
    }
    text_.remove_prefix(end + 1);
    return std::pair(number, std::move(rest));
  }
  Result<std::string> block(std::string_view where, std::size_t size) {
    if (size > text_.size()) return refuse(where, "the file ends within it");
    std::string out(text_.substr(0, size));
    text_.remove_prefix(size);
    return out;
  }

 private:
  std::string_view text_;
};

bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace

bool is_bundle(std::string_view text) { return text.starts_with(header); }

std::string format_bundle(const Bundle& bundle) {
  std::string out(header);
  out += fmt::format("policy {} {}\n{}", bundle.policy.size(), bundle.policy_name, bundle.policy);
  for (const BundleLog& log : bundle.logs) {
    out += fmt::format("log {} {}\n", log.proofs.size(), log.origin);
    for (const std::string& proof : log.proofs) out += fmt::format("length {}\n{}", proof.size(), proof);
    for (const BundleLog::Shown& one : log.shown)
      out += fmt::format("shown {} {}\n{}", one.disclosure.size(), one.index, one.disclosure);
  }
  for (const BundleBody& body : bundle.bodies)
    out += fmt::format("body {} {}\n{}", body.opening.size(), body.statement, body.opening);
  for (const BundleFile& file : bundle.files)
    out += fmt::format("file {} {}\n{}", file.bytes.size(), file.name, file.bytes);
  return out + fmt::format("{}{}\n", digest_word, hex(crypto::sha256(as_bytes(out))));
}

Result<Bundle> parse_bundle(std::string_view text) {
  if (text.size() > bundle_size_bytes_max)
    return fail(hz::why("base.too_large"), "a bundle of {} bytes, limit {}", text.size(), bundle_size_bytes_max);
  if (!is_bundle(text))
    return fail(why("node.bundle_syntax"), "line 1 should be {}", header.substr(0, header.size() - 1));
  if (text.size() < header.size() + digest_line_size_bytes)
    return fail(why("node.bundle_syntax"), "the digest at the end is missing");
  const std::string_view above = text.substr(0, text.size() - digest_line_size_bytes);
  if (text.substr(above.size()) != fmt::format("{}{}\n", digest_word, hex(crypto::sha256(as_bytes(above)))))
    return fail(why("node.bundle_syntax"),
                "the last line is not the SHA-256 of the bytes above it: the file is damaged");
  Reader in(above.substr(header.size()));
  Bundle out;
  auto [policy_size, policy_name] = HZ_TRY(in.line("policy", "policy", true));
  if (!statement::is_shown_name(policy_name)) return in.refuse("policy", "its name cannot be shown");
  out.policy_name = std::move(policy_name);
  if (policy_size > log::policy_size_bytes_max) return in.refuse("policy", "it is too large");
  out.policy = HZ_TRY(in.block("policy", policy_size));
  std::size_t proofs = 0;
  while (!in.done() && !in.next_is("body ") && !in.next_is("file ")) {
    if (out.logs.size() == bundle_logs_max) return in.refuse("log", fmt::format("more than {} logs", bundle_logs_max));
    auto [count, origin] = HZ_TRY(in.line(fmt::format("log {}", out.logs.size() + 1), "log", true));
    if (!log::valid_origin(origin)) return in.refuse("log", "the name cannot name a log");
    if (!out.logs.empty() && origin <= out.logs.back().origin)
      return in.refuse(origin, "logs should be sorted by name");
    proofs += std::min(count, bundle_proofs_max + 1);
    if (count == 0 || proofs > bundle_proofs_max)
      return in.refuse(origin, fmt::format("1 to {} proofs in a bundle", bundle_proofs_max));
    BundleLog& log = out.logs.emplace_back(BundleLog{std::move(origin), {}});
    for (std::size_t i = 0; i < count; ++i) {
      const std::string where = fmt::format("{}: proof {}", log.origin, i + 1);
      const std::size_t size = HZ_TRY(in.line(where, "length", false)).first;
      if (size == 0 || size > log::proof_size_bytes_max) return in.refuse(where, "its size is out of bounds");
      log.proofs.push_back(HZ_TRY(in.block(where, size)));
    }
    while (in.next_is("shown ")) {
      const std::string where = fmt::format("{}: disclosure {}", log.origin, log.shown.size() + 1);
      const auto [size, index] = HZ_TRY(in.line(where, "shown", true));
      const auto at = log::parse_decimal(index);
      if (!at || (!log.shown.empty() && *at <= log.shown.back().index))
        return in.refuse(where, "its statement should be a plain decimal above the one before");
      if (size == 0 || size > statement::disclosure_size_max) return in.refuse(where, "its size is out of bounds");
      if (log.shown.size() == count) return in.refuse(where, "more disclosures than statements");
      log.shown.push_back({*at, HZ_TRY(in.block(where, size))});
    }
  }
  if (out.logs.empty()) return fail(why("node.bundle_syntax"), "there is no log in it");
  while (in.next_is("body ")) {
    auto [size, id] = HZ_TRY(in.line(fmt::format("body {}", out.bodies.size() + 1), "body", true));
    if (!statement::is_sha256(id)) return in.refuse("body", "it should name a statement");
    if (!out.bodies.empty() && id <= out.bodies.back().statement) return in.refuse(id, "bodies should be sorted");
    if (size > bundle_opening_bytes_max || out.bodies.size() == bundle_proofs_max) return in.refuse(id, "too large");
    out.bodies.push_back({std::move(id), HZ_TRY(in.block("body", size))});
  }
  while (!in.done()) {
    auto [size, name] = HZ_TRY(in.line(fmt::format("file {}", out.files.size() + 1), "file", true));
    if (!is_file_name(name)) return in.refuse("file", "1 to 64 of [a-z0-9._-], not beginning with a dot");
    if (!out.files.empty() && name <= out.files.back().name) return in.refuse(name, "files should be sorted");
    if (size > bundle_file_bytes_max || out.files.size() == bundle_files_max) return in.refuse(name, "too large");
    out.files.push_back({std::move(name), HZ_TRY(in.block("file", size))});
  }
  return out;
}

}  // namespace hz::node
