#include "supply/host_facts.h"

#include "crypto/hash.h"
#include "supply/text_lines.h"

namespace hz::supply {

namespace {

NodeFact component(std::string id, std::string type, std::string name) {
  NodeFact node;
  node.node = std::move(id);
  node.type = std::move(type);
  node.name = std::move(name);
  return node;
}

bool printable(std::string_view text) {
  if (text.empty() || text.size() > 200) return false;
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e || c == '*') return false;
  return true;
}

// "Intel(R) Xeon(R) Processor" -> "Intel-R-Xeon-R-Processor": an id people can type.
std::string word_id(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    if (plain)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out;
}

}  // namespace

Facts cpu_facts(std::string_view cpuinfo) {
  std::string_view vendor, model;
  each_line(cpuinfo, [&](std::string_view line, int) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view key = trimmed(line.substr(0, colon)), value = trimmed(line.substr(colon + 1));
    if (vendor.empty() && (key == "vendor_id" || key == "CPU implementer")) vendor = value;
    if (model.empty() && (key == "model name" || key == "Model Name" || key == "uarch")) model = value;
  });
  Facts out;
  if (!printable(model)) return out;
  out.nodes.push_back(component(fmt::format("chip:{}", word_id(model)), "chip", std::string(model)));
  if (printable(vendor)) out.nodes.back().notes.push_back({"vendor id", std::string(vendor), {}});
  return out;
}

Facts nvidia_facts(std::string_view version) {
  Facts out;
  constexpr std::string_view mark = "Kernel Module";
  const auto at = version.find(mark);
  if (at == std::string_view::npos) return out;
  std::string_view rest = trimmed(version.substr(at + mark.size(), 200));
  // Open modules say "Kernel Module for x86_64  580.1": the version is the first word that starts with a digit and has
  // a dot.
  while (!rest.empty()) {
    const auto end = rest.find_first_of(" \t\n");
    const std::string_view word = rest.substr(0, end);
    if (word[0] >= '0' && word[0] <= '9' && word.find('.') != std::string_view::npos && printable(word)) {
      out.nodes.push_back(component(fmt::format("driver:nvidia@{}", word), "driver", "NVIDIA kernel module"));
      out.nodes.back().version = std::string(word);
      return out;
    }
    if (end == std::string_view::npos) break;
    rest = trimmed(rest.substr(end));
  }
  return out;
}

Facts kernel_facts(std::string_view osrelease) {
  Facts out;
  const std::string_view release = trimmed(osrelease);
  if (!printable(release) || release.find_first_of(" @/") != std::string_view::npos) return out;
  out.nodes.push_back(component(fmt::format("driver:linux@{}", release), "driver", "Linux kernel"));
  out.nodes.back().version = std::string(release);
  return out;
}

std::vector<Evidence> host_evidence(const fs::path& system_root, const std::string& scope) {
  std::vector<Evidence> out;
  const auto add = [&](const char* path, Facts (*parse)(std::string_view)) {
    const auto text = read_file(system_root / path, 4u << 20);
    if (!text) return;
    Facts facts = parse(as_text(*text));
    if (facts.empty()) return;
    // Clock speeds and the like change by the second: the digest covers what was taken out, not the whole text.
    const std::string digest = hex(crypto::sha256(as_bytes(json::dump(to_json(facts.nodes)))));
    out.push_back({{scope, fmt::format("/{}", path), "host", digest}, std::move(facts)});
  };
  add("proc/cpuinfo", cpu_facts);
  add("proc/sys/kernel/osrelease", kernel_facts);
  add("proc/driver/nvidia/version", nvidia_facts);
  return out;
}

}  // namespace hz::supply
