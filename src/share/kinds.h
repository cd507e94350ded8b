// The statements of this pillar.
#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "statement/kind.h"

namespace hz::share {

enum class Audience : std::uint8_t { owner, alliance, everyone };
constexpr auto enum_names(Audience) {
  return std::array<EnumName<Audience>, 3>{
      {{Audience::owner, "owner"}, {Audience::alliance, "alliance"}, {Audience::everyone, "everyone"}}};
}

// The signer has these bytes and may give them to the audience under the licence.
struct Release {
  static constexpr std::string_view kind = "share.release";
  std::string sha256;
  std::string name;
  std::string licence;
  Audience audience = Audience::owner;
  std::int64_t size_bytes = 0;
  static constexpr auto fields() {
    return rows(row("sha256", &Release::sha256, "SHA-256 of the bytes, hex"),
                row("name", &Release::name, "name shown to people"),
                row("licence", &Release::licence, "SPDX expression, or unknown"),
                row("audience", &Release::audience, "owner, alliance or everyone"),
                row("size_bytes", &Release::size_bytes, "number of bytes"));
  }
};

std::span<const statement::Kind> kinds();
std::string_view view_schema();

}  // namespace hz::share
