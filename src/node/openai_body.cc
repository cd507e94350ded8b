#include "node/openai_body.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/json.h"
#include "node/reasons.h"

namespace hz::node {
namespace {

constexpr std::size_t tail_bytes = 2048;
constexpr std::int64_t tokens_limit = 100'000'000;

class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}
  std::size_t at() const { return at_; }
  std::string_view since(std::size_t from) const { return text_.substr(from, at_ - from); }
  void space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool eat(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool done() const { return at_ == text_.size(); }
  bool string() {
    if (!eat('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (c == '\\') ++at_;
    }
    at_ = text_.size();
    return false;
  }
  // Any value, by its outside.
  bool value() {
    if (at_ >= text_.size()) return false;
    if (text_[at_] == '"') return string();
    if (text_[at_] == '{' || text_[at_] == '[') {
      std::size_t depth = 0;
      while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '"') {
          if (!string()) return false;
          continue;
        }
        ++at_;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) return true;
      }
      return false;
    }
    const std::size_t from = at_;
    while (at_ < text_.size() && std::string_view(",}] \t\r\n").find(text_[at_]) == std::string_view::npos) ++at_;
    return at_ > from;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<std::string> text_of(std::string_view quoted) {
  const auto value = json::parse(quoted, {.size_bytes_max = 4096, .depth_max = 1});
  if (!value || !value->string()) return std::nullopt;
  return *value->string();
}

std::int64_t number_of(std::string_view text, std::int64_t otherwise) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  // What is no such number is the server's to refuse.
  return error == std::errc{} && end == text.data() + text.size() && out >= 0 && out <= tokens_limit ? out : otherwise;
}

}  // namespace

Result<OpenAiBody> read_openai_body(std::string_view text) {
  const auto refuse = [](std::string_view what) { return fail(why("node.gateway_body"), "{}", what); };
  OpenAiBody out;
  bool has_model = false;
  Walk walk(text);
  walk.space();
  if (!walk.eat('{')) return refuse("it is no JSON object");
  walk.space();
  if (!walk.eat('}')) {
    for (;;) {
      walk.space();
      std::size_t from = walk.at();
      if (!walk.string()) return refuse("a member has no name");
      const std::string_view quoted = walk.since(from);
      std::string_view name = quoted.substr(1, quoted.size() - 2);
      std::optional<std::string> decoded;
      if (name.find('\\') != std::string_view::npos) {
        decoded = quoted.size() <= 4096 ? text_of(quoted) : std::nullopt;
        if (!decoded) return refuse("a member's name is no JSON text");
        name = *decoded;
      }
      walk.space();
      if (!walk.eat(':')) return refuse("a member has no value");
      walk.space();
      from = walk.at();
      if (!walk.value()) return refuse("a member has no value");
      const std::string_view value = walk.since(from);
      if (name == "model") {
        if (has_model) return refuse("model stands twice");
        auto model = value.size() <= 4096 ? text_of(value) : std::nullopt;
        if (!model) return refuse("model is no text");
        out.model = *std::move(model);
        out.model_at = from;
        out.model_bytes = value.size();
        has_model = true;
      } else if (name == "stream") {
        out.stream = value == "true";
      } else if (name == "max_tokens" || name == "max_completion_tokens") {
        out.tokens_max = std::max(out.tokens_max, number_of(value, -1));
      } else if (name == "n") {
        out.choices = std::clamp<std::int64_t>(number_of(value, 1), 1, 1024);
      }
      walk.space();
      if (walk.eat(',')) continue;
      if (walk.eat('}')) break;
      return refuse("it is no JSON object");
    }
  }
  walk.space();
  if (!walk.done()) return refuse("something follows the JSON object");
  if (!has_model) return refuse("it names no model");
  return out;
}

std::string with_model(std::string_view text, const OpenAiBody& body, std::string_view model) {
  std::string out(text.substr(0, body.model_at));
  out.reserve(text.size() + model.size());
  json::append_quoted(out, model);
  out += text.substr(body.model_at + body.model_bytes);
  return out;
}

std::int64_t tokens_estimate(std::size_t body_bytes) { return static_cast<std::int64_t>((body_bytes + 3) / 4); }

void TokenCount::saw(std::string_view piece) {
  for (const char c : piece) {
    if (c == '\r') continue;
    events_ += c == '\n' && last_ == '\n';
    last_ = c;
  }
  const std::string_view end = piece.substr(piece.size() - std::min(piece.size(), tail_bytes));
  if (tail_.size() + end.size() > tail_bytes) tail_.erase(0, tail_.size() + end.size() - tail_bytes);
  tail_ += end;
}

std::int64_t TokenCount::total() const {
  static constexpr std::string_view name = "\"total_tokens\"";
  const auto found = tail_.rfind(name);
  if (found == std::string::npos) return -1;
  std::string_view rest = std::string_view(tail_).substr(found + name.size());
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == ':')) rest.remove_prefix(1);
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out);
  return error == std::errc{} && end != rest.data() && out >= 0 && out <= tokens_limit ? out : -1;
}

}  // namespace hz::node
