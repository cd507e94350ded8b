// Recursive descent over words.
//
// The simpler idea, two states and a depth counter, tells expressions from other texts and cannot say what they permit:
// "MIT OR GPL-3.0-only AND unknown" is one thing when AND binds closer and another when it does not.
#include "share/spdx.h"

#include <algorithm>

#include "share/reasons.h"

namespace hz::share {
namespace {

bool is_id(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

// After a prefix something must follow.
bool is_reference(std::string_view word) {
  constexpr std::string_view document = "DocumentRef-", licence = "LicenseRef-";
  if (word.starts_with(document)) {
    const auto colon = word.find(':');
    if (colon == std::string_view::npos || !is_id(word.substr(document.size(), colon - document.size()))) return false;
    word.remove_prefix(colon + 1);
  }
  return word.starts_with(licence) && is_id(word.substr(licence.size()));
}

struct Reader {
  std::string_view text;
  std::size_t at = 0;

  std::unexpected<Error> refuse(std::string_view what) const {
    return fail(why("share.licence"), "\"{}\", at byte {}: {}", text, at, what);
  }
  void skip() {
    while (at < text.size() && text[at] == ' ') ++at;
  }
  std::string_view peek() {
    skip();
    if (at == text.size()) return {};
    if (text[at] == '(' || text[at] == ')') return text.substr(at, 1);
    return text.substr(at, std::min(text.find_first_of(" ()", at), text.size()) - at);
  }
  bool take(std::string_view word) {
    if (peek() != word) return false;
    at += word.size();
    return true;
  }

  Result<Spdx> licence() {
    const std::string_view word = peek();
    if (word == "AND" || word == "OR" || word == "WITH") return refuse("an operator where a licence is expected");
    Spdx out;
    std::string_view id = word;
    if (id.starts_with("LicenseRef-") || id.starts_with("DocumentRef-")) {
      if (!is_reference(id)) return refuse("not a LicenseRef-");
    } else {
      out.or_later = id.ends_with('+');
      if (out.or_later) id.remove_suffix(1);
      if (!is_id(id)) return refuse(word.empty() ? "a licence is missing" : "not a licence identifier");
      // Nobody's knowledge is no licence: `unknown` stands alone or not at all.
      if (id == "unknown") return refuse("unknown is no part of an expression");
    }
    out.id = id;
    at += word.size();
    if (!take("WITH")) return out;
    const std::string_view exception = peek();
    if (exception == "AND" || exception == "OR" || exception == "WITH" || !is_id(exception))
      return refuse("an exception must follow WITH");
    out.exception = exception;
    at += exception.size();
    return out;
  }

  Result<Spdx> term(int depth) {
    if (!take("(")) return licence();
    if (depth == spdx_depth_max) return refuse("too many parentheses");
    Spdx inner = HZ_TRY(expression(depth + 1));
    if (!take(")")) return refuse("a parenthesis is not closed");
    return inner;
  }

  // Terms with `word` between them; a single one stands for itself.
  template <class Next>
  Result<Spdx> list(std::string_view word, Spdx::Kind kind, Next next) {
    Spdx first = HZ_TRY(next());
    if (peek() != word) return first;
    Spdx out{.kind = kind, .id = {}, .exception = {}, .parts = {}};
    out.parts.push_back(std::move(first));
    while (take(word)) out.parts.push_back(HZ_TRY(next()));
    return out;
  }
  Result<Spdx> expression(int depth) {
    return list("OR", Spdx::Kind::any, [&] { return list("AND", Spdx::Kind::all, [&] { return term(depth); }); });
  }
};

}  // namespace

Result<Spdx> Spdx::parse(std::string_view text) {
  if (text.size() > spdx_size_bytes_max) return fail(why("share.licence"), "{} bytes", text.size());
  Reader reader{text};
  Spdx out = HZ_TRY(reader.expression(0));
  if (!reader.peek().empty()) return reader.refuse("AND or OR is expected");
  return out;
}

std::string Spdx::format() const {
  if (kind == Kind::licence) return id + (or_later ? "+" : "") + (exception.empty() ? "" : " WITH " + exception);
  std::string out;
  for (const Spdx& part : parts) {
    if (!out.empty()) out += kind == Kind::all ? " AND " : " OR ";
    const bool grouped = part.kind != Kind::licence && (part.kind == Kind::any || kind == Kind::all);
    out += grouped ? "(" + part.format() + ")" : part.format();
  }
  return out;
}

}  // namespace hz::share
