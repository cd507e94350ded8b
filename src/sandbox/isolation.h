// How strongly a run was separated from the rest of the machine. Stated in every result the platform signs.
#pragma once
#include <array>
#include <cstdint>

#include "base/fields.h"

namespace hz::sandbox {

enum class Isolation : std::uint8_t { s0, s1, s2, s3 };

constexpr auto enum_names(Isolation) {
  return std::array<EnumName<Isolation>, 4>{{
      {Isolation::s0, "S0"},
      {Isolation::s1, "S1"},
      {Isolation::s2, "S2"},
      {Isolation::s3, "S3"},
  }};
}

// One sentence for people.
constexpr std::string_view describe(Isolation level) {
  switch (level) {
    case Isolation::s0:
      return "own process group, resource limits, cleared environment; same user, files and network";
    case Isolation::s1:
      return "namespaces and a system call filter, no memory accounting";
    case Isolation::s2:
      return "namespaces, a system call filter and a control group";
    case Isolation::s3:
      return "a virtual machine or a user-space kernel";
  }
  return "?";
}

}  // namespace hz::sandbox
