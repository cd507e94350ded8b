#include "statement/statement.h"

#include <algorithm>

#include "crypto/hash.h"
#include "statement/canonical.h"
#include "statement/reasons.h"

namespace hz::statement {

namespace detail {
const json::Value& body(const Statement& statement) { return statement.body; }
}  // namespace detail

namespace {

constexpr std::string_view statement_type = "https://in-toto.io/Statement/v1";
constexpr std::string_view predicate_prefix = "https://hezong.example/";
constexpr std::string_view predicate_suffix = "/v1";

bool is_slug_word(std::string_view word) {
  if (word.empty() || word.front() < 'a' || word.front() > 'z') return false;
  return std::all_of(word.begin(), word.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}
bool is_relation(std::string_view word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}
bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Reads a parsed payload; the first thing that does not fit is kept with its path.
class Reader {
 public:
  Result<Statement> read(json::Value& root) {
    Statement out;
    if (read_root(root, out)) return out;
    return fail(why("statement.header"), "{}{}{}", path_, path_.empty() ? "" : " ", what_);
  }

 private:
  bool refuse(std::string path, std::string what) {
    path_ = std::move(path);
    what_ = std::move(what);
    return false;
  }
  const json::Value* member(const json::Value& object, std::string_view path, std::string_view key) {
    const json::Value* found = object.find(key);
    if (!found) refuse(fmt::format("{}.{}", path, key), "is missing");
    return found;
  }
  bool text(const json::Value& object, std::string_view path, std::string_view key, std::string& out) {
    const json::Value* found = member(object, path, key);
    if (!found) return false;
    const std::string* s = found->string();
    if (!s || s->empty()) return refuse(fmt::format("{}.{}", path, key), "should be a text");
    out = *s;
    return true;
  }
  bool only(const json::Value& object, std::string_view path, std::initializer_list<std::string_view> known) {
    if (!object.object()) return refuse(std::string(path), "should be an object");
    for (const auto& [key, ignored] : *object.object())
      if (std::find(known.begin(), known.end(), key) == known.end())
        return refuse(fmt::format("{}.{}", path, key), "is not a known field");
    return true;
  }
  // The list at object.key with least..most items.
  const json::Array* list(const json::Value& object, std::string_view path, std::string_view key, std::size_t least,
                          std::size_t most) {
    const json::Value* found = member(object, path, key);
    if (!found) return nullptr;
    const json::Array* items = found->array();
    if (!items || items->size() < least || items->size() > most) {
      refuse(fmt::format("{}.{}", path, key), fmt::format("should be a list of {} to {} items", least, most));
      return nullptr;
    }
    return items;
  }

  bool read_root(json::Value& root, Statement& out) {
    if (!only(root, "$", {"_type", "predicate", "predicateType", "subject"})) return false;
    if (root.text("_type") != statement_type) return refuse("$._type", fmt::format("should be {}", statement_type));
    auto kind = kind_slug(root.text("predicateType"));
    if (!kind) return refuse("$.predicateType", "should be https://hezong.example/<area>/<verb>/v1");
    out.kind = *std::move(kind);
    const json::Array* subjects = list(root, "$", "subject", 1, subjects_max);
    if (!subjects) return false;
    out.subjects.reserve(subjects->size());
    for (std::size_t i = 0; i < subjects->size(); ++i) {
      const std::string path = fmt::format("$.subject[{}]", i);
      const json::Value& item = (*subjects)[i];
      Subject& subject = out.subjects.emplace_back();
      if (!only(item, path, {"digest", "name"}) || !text(item, path, "name", subject.name)) return false;
      const json::Value* digest = member(item, path, "digest");
      if (!digest || !only(*digest, path + ".digest", {"sha256", "sm3"})) return false;
      for (const auto& [name, value] : *digest->object())
        if (!value.string() || !is_hex(*value.string(), 64))
          return refuse(fmt::format("{}.digest.{}", path, name), "should be 64 hex digits");
      if (!text(*digest, path + ".digest", "sha256", subject.sha256)) return false;
    }
    const json::Value* predicate = member(root, "$", "predicate");
    if (!predicate || !only(*predicate, "$.predicate", {"body", "hz"})) return false;
    const json::Value* header = member(*predicate, "$.predicate", "hz");
    if (!header || !read_header(*header, out)) return false;
    const json::Value* body = predicate->find("body");
    if ((body != nullptr) == out.seal.has_value()) return refuse("$.predicate", "should have either a body or hz.priv");
    if (body) {
      if (!body->object()) return refuse("$.predicate.body", "should be an object");
      out.body = std::move(const_cast<json::Value&>(*body));  // root is ours to empty
    }
    return true;
  }

  bool read_header(const json::Value& hz, Statement& out) {
    constexpr std::string_view path = "$.predicate.hz";
    if (!only(hz, path, {"aud", "exp", "iat", "idem", "iss", "log", "priv", "refs", "ret", "role", "seen", "v"}))
      return false;
    const json::Value* v = hz.find("v");
    if (!v || !v->integer() || *v->integer() != 1) return refuse("$.predicate.hz.v", "should be 1");
    if (!text(hz, path, "iss", out.issuer) || !text(hz, path, "log", out.origin) || !text(hz, path, "role", out.role))
      return false;
    for (const std::string_view key : {"iat", "exp", "ret"}) {
      const json::Value* time = hz.find(key);
      if (!time && key != "iat") continue;
      if (!time || !time->integer() || *time->integer() < 0)
        return refuse(fmt::format("{}.{}", path, key), "should be a time in milliseconds");
      if (key == "iat") out.issued_ms = *time->integer();
    }
    const std::string_view idem = hz.text("idem");
    if (!is_hex(idem, 32)) return refuse("$.predicate.hz.idem", "should be 32 hex digits");
    const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i < out.idem.size(); ++i)
      out.idem[i] = static_cast<std::uint8_t>(nibble(idem[2 * i]) << 4 | nibble(idem[2 * i + 1]));
    const json::Array* audience = list(hz, path, "aud", 1, audience_max);
    if (!audience) return false;
    for (const json::Value& item : *audience) {
      if (!item.string() || item.string()->empty()) return refuse("$.predicate.hz.aud", "should list texts");
      out.audience.push_back(*item.string());
    }
    if (hz.find("refs")) {
      const json::Array* refs = list(hz, path, "refs", 1, refs_max);
      if (!refs) return false;
      out.refs.reserve(refs->size());
      for (std::size_t i = 0; i < refs->size(); ++i) {
        const json::Value& item = (*refs)[i];
        const std::string at = fmt::format("{}.refs[{}]", path, i);
        if (!only(item, at, {"id", "idx", "log", "rel"})) return false;
        if (!is_relation(item.text("rel"))) return refuse(at + ".rel", "should be lower-case letters and hyphens");
        if (!is_hex(item.text("id"), 64)) return refuse(at + ".id", "should be 64 hex digits");
        out.refs.push_back({std::string(item.text("rel")), std::string(item.text("id"))});
      }
    }
    if (const json::Value* seen = hz.find("seen"); seen && !seen->array())
      return refuse("$.predicate.hz.seen", "should be a list");
    if (const json::Value* priv = hz.find("priv")) {
      auto seal = read_seal(*priv);
      if (!seal) return refuse("", std::move(seal).error().detail);
      out.seal = *std::move(seal);
    }
    return true;
  }

  std::string path_, what_;
};

}  // namespace

std::string pae(std::string_view type, std::string_view payload) {
  std::string out;
  out.reserve(payload.size() + type.size() + 32);
  out += fmt::format("DSSEv1 {} {} {} ", type.size(), type, payload.size());
  out += payload;
  return out;
}

StatementId statement_id(std::string_view payload) { return crypto::sha256(as_bytes(pae(payload_type, payload))); }

Result<std::string> predicate_type(std::string_view slug) {
  const auto dot = slug.find('.');
  if (dot == std::string_view::npos || !is_slug_word(slug.substr(0, dot)) || !is_slug_word(slug.substr(dot + 1)))
    return fail(why("statement.kind"), "\"{}\"", slug);
  return fmt::format("{}{}/{}{}", predicate_prefix, slug.substr(0, dot), slug.substr(dot + 1), predicate_suffix);
}

Result<std::string> kind_slug(std::string_view type) {
  const auto refuse = [&] { return fail(why("statement.kind"), "predicate type \"{}\"", type); };
  if (type.size() <= predicate_prefix.size() + predicate_suffix.size() || !type.starts_with(predicate_prefix) ||
      !type.ends_with(predicate_suffix))
    return refuse();
  std::string slug(
      type.substr(predicate_prefix.size(), type.size() - predicate_prefix.size() - predicate_suffix.size()));
  const auto slash = slug.find('/');
  if (slash == std::string::npos || !is_slug_word(std::string_view(slug).substr(0, slash)) ||
      !is_slug_word(std::string_view(slug).substr(slash + 1)))
    return refuse();
  slug[slash] = '.';
  return slug;
}

// Written by hand in key order, because the shape is fixed; only the body is a tree. check_canonical() on the result is
// the counterpart (sign.cc calls it before every signature).
Result<std::string> build_payload(const Content& c) {
  if (!c.seal && (!c.body || !c.body->object()))
    return fail(why("statement.header"), "$.predicate.body should be an object");
  if (c.seal && (c.body || !c.subjects.empty()))
    return fail(why("statement.header"), "a sealed statement has no body, and no subject but its commitment");
  if (c.issued_ms < 0 || c.issued_ms > canonical_integer_max)
    return fail(why("statement.header"), "$.predicate.hz.iat {} is out of range", c.issued_ms);
  if (c.subjects.size() > subjects_max || c.refs.size() > refs_max || c.audience.size() > audience_max)
    return fail(why("statement.header"), "{} subjects, {} refs, {} in the audience; at most {} each", c.subjects.size(),
                c.refs.size(), c.audience.size(), refs_max);
  const std::string type = HZ_TRY(predicate_type(c.kind));
  std::string out;
  out.reserve(1024);
  const auto text = [&](std::string_view value) { json::append_quoted(out, value); };
  out += "{\"_type\":\"";
  out += statement_type;
  out += "\",\"predicate\":{";
  std::string body_digest;
  if (c.seal) {
    body_digest = c.seal->commit;
  } else {
    out += "\"body\":";
    const std::size_t body_at = out.size();
    HZ_TRY(append_canonical(out, *c.body, 2));
    if (c.subjects.empty()) body_digest = hex(crypto::sha256(as_bytes(std::string_view(out).substr(body_at))));
    out += ',';
  }
  out += "\"hz\":{\"aud\":[";
  if (c.audience.empty()) out += "\"*\"";
  for (std::size_t i = 0; i < c.audience.size(); ++i) {
    if (i) out += ',';
    text(c.audience[i]);
  }
  out += fmt::format("],\"iat\":{},\"idem\":\"{}\",\"iss\":", c.issued_ms, hex(c.idem));
  text(c.issuer);
  out += ",\"log\":";
  text(c.log);
  if (c.seal) {
    HZ_TRY(read_seal(to_json(*c.seal)));
    out += ",\"priv\":" + seal_text(*c.seal);
  }
  for (std::size_t i = 0; i < c.refs.size(); ++i) {
    const Ref& ref = c.refs[i];
    if (!is_relation(ref.rel) || !is_hex(ref.id, 64))
      return fail(why("statement.header"), "$.predicate.hz.refs[{}]: {} {}", i, ref.rel, ref.id);
    out += i ? "," : ",\"refs\":[";
    out += fmt::format("{{\"id\":\"{}\",\"rel\":\"{}\"}}", ref.id, ref.rel);
  }
  if (!c.refs.empty()) out += ']';
  out += ",\"role\":";
  text(c.role);
  out += ",\"v\":1}},\"predicateType\":\"";
  out += type;
  out += "\",\"subject\":[";
  if (c.subjects.empty()) {
    out += fmt::format("{{\"digest\":{{\"sha256\":\"{}\"}},\"name\":\"{}\"}}", body_digest, c.kind);
  }
  for (std::size_t i = 0; i < c.subjects.size(); ++i) {
    const Subject& subject = c.subjects[i];
    if (!is_hex(subject.sha256, 64) || subject.name.empty())
      return fail(why("statement.header"), "$.subject[{}]: \"{}\" {}", i, subject.name, subject.sha256);
    if (i) out += ',';
    out += fmt::format("{{\"digest\":{{\"sha256\":\"{}\"}},\"name\":", subject.sha256);
    text(subject.name);
    out += '}';
  }
  out += "]}";
  return out;
}

Result<Statement> parse_payload(std::string_view payload) {
  json::Value root = HZ_TRY(parse_canonical(payload));
  Statement out = HZ_TRY(Reader().read(root));
  out.id = statement_id(payload);
  return out;
}

}  // namespace hz::statement
