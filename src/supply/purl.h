// Package URLs: "pkg:npm/%40scope/name@1.0?x#y". Format: the purl specification (ECMA-427).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace hz::supply {

struct Purl {
  std::string type, space, name, version;  // decoded; space and version may be empty
};

// nullopt for a text that is no package URL.
std::optional<Purl> parse_purl(std::string_view text);

// Our id: npm packages become "npm:@scope/name@1.0", all others "pkg:<type>/<space>/<name>@<version>". A Debian package
// URL names the binary package, our `deb:` ids the source package, so it stays "pkg:deb/...".
std::string node_of(const Purl& purl);

}  // namespace hz::supply
