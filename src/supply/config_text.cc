#include "supply/config_text.h"

#include <algorithm>

#include "supply/reasons.h"
#include "supply/service_host.h"
#include "supply/text_lines.h"

namespace hz::supply {

namespace {

constexpr std::size_t size_bytes_max = 1u << 20, services_max = 1000;

constexpr std::string_view schemes[] = {"http",  "https",  "grpc", "grpcs",    "ws",         "wss",     "tcp",
                                        "redis", "rediss", "amqp", "postgres", "postgresql", "mongodb", "oci"};
// These describe; nothing is called there.
constexpr std::string_view describing[] = {"$schema", "$id",     "@context", "homepage", "documentation",
                                           "docs",    "license", "licence",  "author",   "repository",
                                           "bugs",    "funding", "source"};

struct Role {
  std::string_view part, role;
};
// The role is read off the setting's name, never off the host.
constexpr Role roles[] = {{"LICENSE", "licence server"},   {"HF_", "model hub"},
                          {"HUGGINGFACE", "model hub"},    {"MODELSCOPE", "model hub"},
                          {"OPENAI", "model api"},         {"ANTHROPIC", "model api"},
                          {"API_BASE", "model api"},       {"INDEX_URL", "package index"},
                          {"REGISTRY", "package index"},   {"PROXY", "proxy"},
                          {"ISSUER", "identity provider"}, {"OIDC", "identity provider"},
                          {"TELEMETRY", "telemetry"},      {"OTEL", "telemetry"}};
// Settings whose value is a host even without a scheme.
constexpr std::string_view host_settings[] = {"_HOST",   "_ENDPOINT", "_BASE_URL", "_SERVER", "_REGISTRY", "_INDEX_URL",
                                              "_MIRROR", "_PROXY",    "_API_BASE", "_URL",    "_HOSTNAME"};

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  return out;
}

std::string_view unquoted(std::string_view text) {
  text = trimmed(text);
  while (!text.empty() && (text.back() == ',' || text.back() == ';')) text = trimmed(text.substr(0, text.size() - 1));
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front())
    text = text.substr(1, text.size() - 2);
  return text;
}

// "export KEY=value", "key: value", "\"key\": \"value\"", "- name: x" -> key and value; no key gives an empty one.
std::pair<std::string_view, std::string_view> split_setting(std::string_view line) {
  line = trimmed(line);
  while (line.starts_with("- ") || line.starts_with("{") || line.starts_with("export "))
    line = trimmed(line.substr(line.starts_with("export ") ? 7 : line.starts_with("- ") ? 2 : 1));
  std::size_t end = std::string_view::npos;
  if (!line.empty() && (line.front() == '"' || line.front() == '\'')) {
    const auto close = line.find(line.front(), 1);
    if (close == std::string_view::npos) return {{}, line};
    end = line.find_first_not_of(" \t", close + 1);
    if (end == std::string_view::npos || (line[end] != ':' && line[end] != '=')) return {{}, line};
  } else {
    end = line.find_first_of("=:");
    if (end == std::string_view::npos || line.substr(end).starts_with("://")) return {{}, line};
  }
  return {unquoted(line.substr(0, end)), trimmed(line.substr(end + 1))};
}

bool valid_key(std::string_view key) {
  return !key.empty() && key.size() <= 128 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == '$' || c == '@' || c == '/';
  });
}

class ConfigReader {
 public:
  Result<Facts> read(std::string_view text) {
    each_line(text, [&](std::string_view line, int number) { read_line(line, number); });
    return finish();
  }

  Result<Facts> read(const json::Value& value) {
    read_value(value, "$", "");
    return finish();
  }

 private:
  Result<Facts> finish() {
    if (out_.nodes.size() > services_max)
      return fail(why("supply.limit"), "{} services, at most {}", out_.nodes.size(), services_max);
    return std::move(out_);
  }

  // base/json has bounded the nesting.
  void read_value(const json::Value& value, const std::string& path, std::string_view key) {
    if (const json::Object* members = value.object()) {
      for (const auto& [name, member] : *members)
        if (std::find(std::begin(describing), std::end(describing), name) == std::end(describing))
          read_value(member, path + "." + (valid_key(name) ? name : "..."), name);
    } else if (const json::Array* items = value.array()) {
      for (std::size_t i = 0; i < items->size(); ++i) read_value((*items)[i], fmt::format("{}[{}]", path, i), key);
    } else if (const std::string* text = value.string()) {
      place_ = path;
      const std::string name = upper(valid_key(key) ? key : "");
      read_urls(*text, key, name, 0);
      read_bare_hosts(*text, key, name, 0);
    }
  }

  void read_line(std::string_view line, int number) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#' || line.front() == ';' || line.starts_with("//")) return;
    if (const auto comment = line.find(" #"); comment != std::string_view::npos)
      line = trimmed(line.substr(0, comment));
    if (line.front() == '[') return;  // a section header
    auto [key, value] = split_setting(line);
    if (!valid_key(key)) key = {};
    if (std::find(std::begin(describing), std::end(describing), key) != std::end(describing)) return;
    if (key.starts_with("xmlns")) return;
    const std::string name = upper(key);
    read_urls(value, key, name, number);
    read_bare_hosts(unquoted(value), key, name, number);
  }

  void read_urls(std::string_view value, std::string_view key, const std::string& name, int number) {
    for (auto at = value.find("://"); at != std::string_view::npos; at = value.find("://", at + 3)) {
      std::size_t start = at;
      while (start > 0 && ((value[start - 1] >= 'a' && value[start - 1] <= 'z') ||
                           (value[start - 1] >= 'A' && value[start - 1] <= 'Z')))
        --start;
      std::string scheme = upper(value.substr(start, at - start));
      std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      if (std::find(std::begin(schemes), std::end(schemes), scheme) == std::end(schemes)) continue;
      const std::string_view rest = value.substr(at + 3);
      if (const auto host = service_host(rest.substr(0, rest.find_first_of(" \t\"'`,;<>)}]"))))
        add(*host, key, name, number);
    }
  }

  void read_bare_hosts(std::string_view value, std::string_view key, const std::string& name, int number) {
    if (value.find("://") != std::string_view::npos || value.size() > 1024) return;
    if (name.ends_with("LICENSE_FILE") || name.ends_with("LICENSE_SERVER") || name.ends_with("LICENSE_SERVERS")) {
      // FlexLM lists: port@host, separated by ':' or ';'. A plain file name has no '@'.
      while (!value.empty()) {
        const auto end = value.find_first_of(":;, ");
        const std::string_view piece = value.substr(0, end);
        const bool whole = name.ends_with("SERVER") && end == std::string_view::npos;
        if (piece.find('@') != std::string_view::npos || whole)
          if (const auto host = service_host(piece)) add(*host, key, name, number);
        if (end == std::string_view::npos) break;
        value.remove_prefix(end + 1);
      }
      return;
    }
    const bool names_host = std::any_of(std::begin(host_settings), std::end(host_settings),
                                        [&](std::string_view end) { return name.ends_with(end); });
    if (!names_host || value.find_first_of(" \t/\\$") == 0) return;
    if (value.find_first_of(" \t$") != std::string_view::npos) return;
    const auto host = service_host(value);
    // Without a dot it may be a local nickname, a file or a word: not counted as a service.
    if (host && host->find('.') != std::string::npos && host->find('_') == std::string::npos)
      add(*host, key, name, number);
  }

  void add(const std::string& host, std::string_view key, const std::string& name, int number) {
    const std::string place = !place_.empty() ? place_
                              : key.empty()   ? fmt::format("line {}", number)
                                              : fmt::format("{} (line {})", key, number);
    const std::string id = "service:" + host;
    auto at = std::find_if(out_.nodes.begin(), out_.nodes.end(), [&](const NodeFact& n) { return n.node == id; });
    if (at == out_.nodes.end()) {
      NodeFact node;
      node.node = id;
      node.type = "service";
      node.name = host;
      out_.nodes.push_back(std::move(node));
      at = out_.nodes.end() - 1;
    }
    const Note place_note{"configured by", place, {}};
    if (std::find(at->notes.begin(), at->notes.end(), place_note) == at->notes.end()) at->notes.push_back(place_note);
    for (const Role& role : roles)
      if (name.find(role.part) != std::string::npos) {
        const Note note{"role", std::string(role.role), {}};
        if (std::find(at->notes.begin(), at->notes.end(), note) == at->notes.end()) at->notes.push_back(note);
        break;
      }
  }

  Facts out_;
  std::string place_;  // JSON path of the value being read, "" for lines
};

}  // namespace

Result<Facts> parse_config_text(std::string_view text) {
  if (text.size() > size_bytes_max)
    return fail(why("supply.limit"), "{} bytes, at most {}", text.size(), size_bytes_max);
  if (text.find('\0') != std::string_view::npos) return fail(why("supply.config"), "a NUL byte: this is not text");
  return ConfigReader().read(text);
}

Result<Facts> parse_config_json(std::string_view text) {
  const auto value = json::parse(text, {.size_bytes_max = size_bytes_max, .depth_max = 64});
  return value ? ConfigReader().read(*value) : parse_config_text(text);
}

}  // namespace hz::supply
