// A small made-up computer for tests: libraries, a package database, a folder to scan. Built at run time, so that no
// binary stands in the repository.
#pragma once
#include "base/fs.h"
#include "supply/libraries.h"

namespace hz::supply::made_up {

// A library with the given names: the least an ELF reader needs (one PT_LOAD, one PT_DYNAMIC, a string table).
inline Bytes elf(std::string_view soname, const std::vector<std::string>& needed, std::string_view runpath = "",
                 std::uint16_t machine = LibraryCatalogue::machine()) {
  std::string strings(1, '\0');
  const auto name = [&](std::string_view text) {
    const std::uint64_t at = strings.size();
    strings.append(text).push_back('\0');
    return at;
  };
  std::vector<std::pair<std::uint64_t, std::uint64_t>> dynamic;
  for (const std::string& need : needed) dynamic.emplace_back(1, name(need));
  if (!soname.empty()) dynamic.emplace_back(14, name(soname));
  if (!runpath.empty()) dynamic.emplace_back(29, name(runpath));
  constexpr std::uint64_t headers = 64 + 2 * 56, base = 0x10000;
  const std::uint64_t dynamic_size = (dynamic.size() + 3) * 16, strings_at = headers + dynamic_size;
  dynamic.emplace_back(5, base + strings_at);
  dynamic.emplace_back(10, strings.size());
  dynamic.emplace_back(0, 0);
  const std::uint64_t size = strings_at + strings.size();

  Bytes out;
  const auto put = [&](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  out = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  put(3, 2), put(machine, 2), put(1, 4), put(0, 8), put(64, 8), put(0, 8), put(0, 4), put(64, 2), put(56, 2), put(2, 2);
  put(64, 2), put(0, 2), put(0, 2);
  const auto segment = [&](std::uint32_t type, std::uint64_t offset, std::uint64_t length) {
    put(type, 4), put(4, 4), put(offset, 8), put(base + offset, 8), put(base + offset, 8), put(length, 8),
        put(length, 8);
    put(8, 8);
  };
  segment(1, 0, size);
  segment(2, headers, dynamic_size);
  for (const auto& [tag, value] : dynamic) put(tag, 8), put(value, 8);
  out.insert(out.end(), strings.begin(), strings.end());
  return out;
}

inline void write(const fs::path& path, ByteView bytes) {
  fs::create_directories(path.parent_path());
  HZ_ASSERT(write_file_durably(path, bytes).has_value());
}
inline void write(const fs::path& path, std::string_view text) { write(path, as_bytes(text)); }

// libengine.so.4 needs libmath.so.1 and libc.so.6; packages engine (source engine-src) and libc6 (source glibc).
inline void computer(const fs::path& root) {
  write(root / "usr/lib/libengine.so.4.0", elf("libengine.so.4", {"libmath.so.1", "libc.so.6"}));
  write(root / "usr/lib/libmath.so.1", elf("libmath.so.1", {"libc.so.6", "libgone.so.2"}));
  write(root / "usr/lib/libc.so.6", elf("libc.so.6", {}));
  write(root / "usr/bin/serve-ours", elf("", {"libc.so.6"}));
  fs::create_symlink("libengine.so.4.0", root / "usr/lib/libengine.so.4");
  write(
      root / "var/lib/dpkg/status",
      "Package: libengine4\nStatus: install ok installed\nMaintainer: A <a@example.org>\nArchitecture: amd64\n"
      "Source: engine-src (4.0-1)\nVersion: 4.0-1+b2\nDescription: engine\n more\nHomepage: https://engine.example\n\n"
      "Package: libc6\nStatus: install ok installed\nMaintainer: B <b@example.org>\nArchitecture: amd64\nSource: "
      "glibc\n"
      "Version: 2.36-9\n\n"
      "Package: removed\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: amd64\n");
  write(root / "var/lib/dpkg/info/libengine4:amd64.list",
        "/.\n/usr/lib\n/usr/lib/libengine.so.4.0\n/usr/lib/libmath.so.1\n");
  write(root / "var/lib/dpkg/info/libc6:amd64.list", "/lib/libc.so.6\n");
  write(root / "proc/cpuinfo", "processor\t: 0\nvendor_id\t: MadeUp\nmodel name\t: Made Up(R) CPU @ 2 GHz\n");
  write(root / "proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
}

// The smallest ONNX model that decodes: one Relu, opset 17.
inline Bytes model() {
  const auto field = [](std::uint8_t tag, const std::string& body) {
    return std::string(1, static_cast<char>(tag)) + static_cast<char>(body.size()) + body;
  };
  const std::string node = field(0x0a, "x") + field(0x12, "y") + field(0x22, "Relu");
  const std::string graph =
      field(0x0a, node) + field(0x12, "g") + field(0x5a, field(0x0a, "x")) + field(0x62, field(0x0a, "y"));
  const std::string text =
      std::string("\x08\x08") + field(0x12, "trainer") + field(0x3a, graph) + field(0x42, std::string("\x10\x11"));
  return Bytes(text.begin(), text.end());
}

inline constexpr std::string_view manifest = R"([product]
id = "glyph"
name = "Glyph reader"
area = "vision"
summary = "Reads one character."
[model]
file = "../models/glyph.onnx"
licence = "Apache-2.0"
[golden]
file = "glyph.golden"
quality_min_milli = 950
[tolerance]
outage_max_s = 3600
quality_drop_max_milli = 10
[requirement]
all = ["model", { any = ["backend:ours", "backend:engine"] }, "service:hub.example", "npm:left"]
[[service]]
host = "hub.example"
role = "model hub"
config = "../deploy.env"
key = "HF_ENDPOINT"
)";

inline void deployment(const fs::path& root) {
  write(root / "products/glyph.toml", manifest);
  write(root / "products/glyph.golden", "golden");
  write(root / "models/glyph.onnx", model());
  write(root / "deploy.env",
        "# comment https://not.example\nHF_ENDPOINT=https://user:secret@Hub.Example/x?token=secret\n");
  write(root / "backends.toml",
        "[[backend]]\nname = \"engine\"\ntitle = \"Engine\"\nlibrary = [\"libengine.so.*\"]\n"
        "[[backend]]\nname = \"ours\"\ntitle = \"Ours\"\nprogram = [\"serve-ours\"]\n"
        "[[backend]]\nname = \"plugin\"\ntitle = \"Plug-in\"\nlibrary = [\"libplugin.so\"]\nnpm = \"right\"\n");
  write(root / "node_modules/left/package.json",
        R"({"name":"left","version":"1.0.0","license":"MIT","dependencies":{"right":"^2"}})");
  write(root / "node_modules/right/package.json", R"({"name":"right","version":"2.1.0","author":{"name":"R"}})");
  write(root / "node_modules/right/bin/libplugin.so", elf("libplugin.so", {"libc.so.6"}));
}

}  // namespace hz::supply::made_up
