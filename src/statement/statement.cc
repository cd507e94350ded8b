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

// Reads a parsed payload and takes its texts; the first thing that does not fit is kept with its path.
class Reader {
 public:
  Result<Statement> read(json::Value& root) {
    Statement out;
    if (read_root(root, out)) return out;
    return fail(why("statement.header"), "{}{}{}", path_, path_.empty() ? "" : " ", what_);
  }

 private:
  using Place = json::Place;

  bool refuse(const Place& at, std::string what) {
    path_ = at.text();
    what_ = std::move(what);
    return false;
  }
  // The document is the caller's to empty.
  template <class T>
  static T take(const T& value) {
    return std::move(const_cast<T&>(value));
  }
  // An object's members of these names, null for those it lacks. Names are sorted, and so are members: the document is
  // canonical.
  template <std::size_t N>
  bool members(const json::Value& object, const Place& at, const std::string_view (&names)[N],
               std::array<const json::Value*, N>& out) {
    if (!object.object()) return refuse(at, "should be an object");
    std::size_t i = 0;
    for (const auto& [key, value] : *object.object()) {
      while (i < N && names[i] < key) ++i;
      if (i == N || names[i] != key) return refuse({at, key}, "is not a known field");
      out[i++] = &value;
    }
    return true;
  }
  bool text(const json::Value* member, const Place& at, std::string& out) {
    if (!member) return refuse(at, "is missing");
    const std::string* s = member->string();
    if (!s || s->empty()) return refuse(at, "should be a text");
    out = take(*s);
    return true;
  }
  bool time(const json::Value& member, const Place& at) {
    return (member.integer() && *member.integer() >= 0) || refuse(at, "should be a time in milliseconds");
  }
  // The list with least..most items.
  const json::Array* list(const json::Value* member, const Place& at, std::size_t least, std::size_t most) {
    if (!member) return refuse(at, "is missing"), nullptr;
    const json::Array* items = member->array();
    if (!items || items->size() < least || items->size() > most)
      return refuse(at, fmt::format("should be a list of {} to {} items", least, most)), nullptr;
    return items;
  }

  bool read_root(const json::Value& root, Statement& out) {
    const Place at = "$", predicate_at(at, "predicate"), header_at(predicate_at, "hz");
    std::array<const json::Value*, 4> found{};
    if (!members(root, at, {"_type", "predicate", "predicateType", "subject"}, found)) return false;
    const auto& [type, predicate, predicate_type, subject] = found;
    if (!type || !type->string() || *type->string() != statement_type)
      return refuse({at, "_type"}, fmt::format("should be {}", statement_type));
    auto kind = kind_slug(predicate_type && predicate_type->string() ? *predicate_type->string() : "");
    if (!kind) return refuse({at, "predicateType"}, "should be https://hezong.example/<area>/<verb>/v1");
    out.kind = *std::move(kind);
    if (!read_subjects(subject, {at, "subject"}, out)) return false;
    if (!predicate) return refuse(predicate_at, "is missing");
    std::array<const json::Value*, 2> inner{};
    if (!members(*predicate, predicate_at, {"body", "hz"}, inner)) return false;
    const auto& [body, header] = inner;
    if (!header) return refuse(header_at, "is missing");
    if (!read_header(*header, header_at, out)) return false;
    if ((body != nullptr) == out.seal.has_value()) return refuse(predicate_at, "should have either a body or hz.priv");
    if (body) {
      if (!body->object()) return refuse({predicate_at, "body"}, "should be an object");
      out.body = take(*body);
    }
    return true;
  }

  bool read_subjects(const json::Value* member, const Place& at, Statement& out) {
    const json::Array* subjects = list(member, at, 1, subjects_max);
    if (!subjects) return false;
    out.subjects.reserve(subjects->size());
    for (std::size_t i = 0; i < subjects->size(); ++i) {
      const Place item_at(at, i), digest_at(item_at, "digest");
      Subject& subject = out.subjects.emplace_back();
      std::array<const json::Value*, 2> item{}, hashes{};
      if (!members((*subjects)[i], item_at, {"digest", "name"}, item)) return false;
      const auto& [digest, name] = item;
      if (!text(name, {item_at, "name"}, subject.name)) return false;
      if (!digest) return refuse(digest_at, "is missing");
      if (!members(*digest, digest_at, {"sha256", "sm3"}, hashes)) return false;
      for (const auto& [algorithm, value] : *digest->object())
        if (!value.string() || !is_hex(*value.string(), 64))
          return refuse({digest_at, algorithm}, "should be 64 hex digits");
      if (!text(hashes[0], {digest_at, "sha256"}, subject.sha256)) return false;
    }
    return true;
  }

  bool read_header(const json::Value& header, const Place& at, Statement& out) {
    std::array<const json::Value*, 12> found{};
    if (!members(header, at, {"aud", "exp", "iat", "idem", "iss", "log", "priv", "refs", "ret", "role", "seen", "v"},
                 found))
      return false;
    const auto& [aud, exp, iat, idem, iss, log, priv, refs, ret, role, seen, v] = found;
    if (!v || !v->integer() || *v->integer() != 1) return refuse({at, "v"}, "should be 1");
    if (!text(iss, {at, "iss"}, out.issuer) || !text(log, {at, "log"}, out.origin) ||
        !text(role, {at, "role"}, out.role))
      return false;
    if (!iat) return refuse({at, "iat"}, "should be a time in milliseconds");
    if (!time(*iat, {at, "iat"}) || (exp && !time(*exp, {at, "exp"})) || (ret && !time(*ret, {at, "ret"})))
      return false;
    out.issued_ms = *iat->integer();
    if (!read_idem(idem, out)) return refuse({at, "idem"}, "should be 32 hex digits");
    const json::Array* audience = list(aud, {at, "aud"}, 1, audience_max);
    if (!audience) return false;
    out.audience.reserve(audience->size());
    for (const json::Value& item : *audience) {
      if (!item.string() || item.string()->empty()) return refuse({at, "aud"}, "should list texts");
      out.audience.push_back(take(*item.string()));
    }
    if (refs && !read_refs(*refs, {at, "refs"}, out)) return false;
    if (seen && !seen->array()) return refuse({at, "seen"}, "should be a list");
    if (priv) {
      auto seal = read_seal(*priv);
      if (!seal) return refuse("", std::move(seal).error().detail);
      out.seal = *std::move(seal);
    }
    return true;
  }

  static bool read_idem(const json::Value* member, Statement& out) {
    const std::string* idem = member ? member->string() : nullptr;
    if (!idem || !is_hex(*idem, 32)) return false;
    const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i < out.idem.size(); ++i)
      out.idem[i] = static_cast<std::uint8_t>(nibble((*idem)[2 * i]) << 4 | nibble((*idem)[2 * i + 1]));
    return true;
  }

  bool read_refs(const json::Value& member, const Place& at, Statement& out) {
    const json::Array* refs = list(&member, at, 1, refs_max);
    if (!refs) return false;
    out.refs.reserve(refs->size());
    for (std::size_t i = 0; i < refs->size(); ++i) {
      const Place item_at(at, i);
      std::array<const json::Value*, 4> found{};
      if (!members((*refs)[i], item_at, {"id", "idx", "log", "rel"}, found)) return false;
      Ref& ref = out.refs.emplace_back();
      const auto& [id, index, log, relation] = found;
      const auto is = [](const json::Value* value, const auto& rule) {
        return value && value->string() && rule(*value->string());
      };
      if (!is(relation, is_relation)) return refuse({item_at, "rel"}, "should be lower-case letters and hyphens");
      if (!is(id, [](std::string_view text) { return is_hex(text, 64); }))
        return refuse({item_at, "id"}, "should be 64 hex digits");
      ref = {take(*relation->string()), take(*id->string())};
    }
    return true;
  }

  std::string path_, what_;
};

std::string pae_head(std::string_view type, std::string_view payload) {
  return fmt::format("DSSEv1 {} {} {} ", type.size(), type, payload.size());
}
}  // namespace

std::string pae(std::string_view type, std::string_view payload) {
  std::string out = pae_head(type, payload);
  out.reserve(out.size() + payload.size());
  out += payload;
  return out;
}

StatementId statement_id(std::string_view payload) {
  return crypto::sha256({as_bytes(pae_head(payload_type, payload)), as_bytes(payload)});
}

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
